"""Makes of a rendered letter the message that travels, with every header it has."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import formataddr
from typing import Self

from firmly.mail.letter import Letter, envelope_address
from firmly.mail.templates import Rendered


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name that is shown for it, which may be empty."""

    name: str
    address: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what `settings` has checked: ``Firmly <firmly@example.com>`` or the address alone."""
        name, bracket, address = text.rpartition("<")
        return cls(name.strip(), address.rstrip(">")) if bracket else cls("", text)

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


class _OneLine(UnstructuredHeader):
    """A header that is never folded: an address longer than a line would be torn, or encoded out of use."""

    def fold(self, *, policy: Policy) -> str:
        name: str = self.name  # type: ignore[attr-defined]  # HeaderRegistry makes of this a class that has one.
        return f"{name}: {self}{policy.linesep}"


class _Subject(UnstructuredHeader):
    def fold(self, *, policy: Policy) -> str:
        return f"Subject: {_encoded(str(self), 'Subject')}{policy.linesep}"


class _From(UnstructuredHeader):
    def fold(self, *, policy: Policy) -> str:
        sender = Mailbox.of(str(self))
        # Encoded first: formataddr would make one word of it, however long.
        return f"From: {formataddr((_encoded(sender.name, 'From'), sender.address))}{policy.linesep}"


def _encoded(text: str, header: str) -> str:
    """Return ``text`` as it stands in a header, all of it encoded where any must be.

    TRICKY: the newer classes encode word by word, and lose or add blanks between ("invites youto", Python 3.11).
    """
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, header_name=header).encode(linesep="\r\n")


def _headers() -> HeaderRegistry:
    registry = HeaderRegistry()
    kinds = {"from": _From, "to": _OneLine, "subject": _Subject, "message-id": _OneLine, "list-unsubscribe": _OneLine}
    for name, kind in kinds.items():
        registry.map_to_type(name, kind)  # type: ignore[arg-type]  # It joins it to BaseHeader itself.
    return registry


def compose(letter: Letter, rendered: Rendered, sender: Mailbox, at: datetime) -> EmailMessage:
    """Make the message of ``letter``, written at ``at``. No header tells which machine it comes from.

    Source: RFC 3834, 5 (Auto-Submitted); RFC 2369 and RFC 8058 (List-Unsubscribe).
    """
    # cte_type 7bit: a server without 8BITMIME may refuse or damage the rest.
    message = EmailMessage(SMTP.clone(cte_type="7bit", header_factory=_headers()))
    message["From"] = f"{sender.name} <{sender.address}>"
    message["To"] = envelope_address(letter.recipient)
    message["Subject"] = rendered.subject
    message["Date"] = at
    message["Message-ID"] = f"<{secrets.token_hex(16)}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message
