"""The SMTP server, one connection per letter, and what went wrong in words that hold nothing of the letter.

Fails closed: no certificate, no encryption where it is needed, no letter.
"""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from ipaddress import ip_address
from typing import Self
from urllib.parse import unquote, urlsplit

from firmly.mail.letter import Letter, envelope_address
from firmly.mail.message import Mailbox, compose
from firmly.mail.templates import Rendered
from firmly.model import FirmlyError
from firmly.settings import Settings

TIMEOUT_S = 20.0
"""For each answer of the server, and for the connection."""
_STATUS = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
"""An enhanced status code. Source: RFC 2034, 4. Nothing else of an answer is kept: it may quote the address."""


class Encryption(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class MailError(FirmlyError):
    """A letter was not taken. Its text is one of ours, with at most the server's codes: no address, no name.

    ``is_passing``: the same letter may be taken later.
    """

    def __init__(self, reason: str, *, is_passing: bool, code: int | None = None) -> None:
        self.reason = reason
        self.code = code
        self.is_passing = is_passing
        super().__init__(reason if code is None else f"{code} {reason}")


class Smtp:
    """A mail server. Holds no connection; any thread may send, and waits for the network while it does.

    ``login`` is user and password, or None. ``trust`` decides which certificates count; the system's by default.
    """

    def __init__(
        self,
        host: str,
        port: int,
        encryption: Encryption,
        sender: Mailbox,
        *,
        login: tuple[str, str] | None = None,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.host = host
        self.port = port
        self.encryption = encryption
        self._sender = sender
        self.login = login
        self.trust = trust or ssl.create_default_context()
        self._timeout_s = timeout_s

    @classmethod
    def of(cls, url: str, sender: str, *, trust: ssl.SSLContext | None = None, timeout_s: float = TIMEOUT_S) -> Self:
        """Make one of what `settings` has checked: ``smtp://user:password@host:587`` or ``smtps://...:465``.

        ``smtp`` starts TLS and does without only where the server is on this machine.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        encryption = Encryption.TLS if parts.scheme == "smtps" else Encryption.STARTTLS
        if encryption is Encryption.STARTTLS and _is_loopback(host):
            encryption = Encryption.NONE
        port = parts.port or (465 if encryption is Encryption.TLS else 587)
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        return cls(host, port, encryption, Mailbox.of(sender), login=login, trust=trust, timeout_s=timeout_s)

    def compose(self, letter: Letter, rendered: Rendered, at: datetime) -> EmailMessage:
        """Make the message once; each try sends the same, so that two that arrive are seen to be one."""
        return compose(letter, rendered, self._sender, at)

    def send(self, message: EmailMessage, recipient: str) -> None:
        """Hand ``message`` to the server. Returning means that the server took it, not that it arrived.

        Raises:
            MailError: it was not taken.
        """
        to = [envelope_address(recipient)]
        self._converse(lambda server: server.send_message(message, self._sender.address, to))

    def check(self) -> None:
        """Connect, encrypt and sign in as for a letter, and send none.

        Raises:
            MailError: one of these did not work.
        """
        self._converse(_require_answer)

    def _converse(self, act: Callable[[smtplib.SMTP], object]) -> None:
        failure: MailError | None = None
        try:
            with contextlib.closing(self._connect()) as server:
                self._open(server)
                act(server)
                # Whatever becomes of the farewell: the letter was taken, and must not be sent again.
                with contextlib.suppress(OSError):
                    server.quit()
        except (OSError, ValueError) as error:
            failure = _told(error)
        # Outside the handler: else the other error, which may quote address and answer, would go along as its context.
        if failure:
            raise failure

    def _connect(self) -> smtplib.SMTP:
        # A name of its own: smtplib would ask for this machine's and tell it to the server.
        named = self._sender.domain
        if self.encryption is Encryption.TLS:
            return smtplib.SMTP_SSL(self.host, self.port, named, timeout=self._timeout_s, context=self.trust)
        return smtplib.SMTP(self.host, self.port, named, timeout=self._timeout_s)

    def _open(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if self.encryption is Encryption.STARTTLS:
            if not server.has_extn("starttls"):
                raise MailError("the server offers no encryption (STARTTLS)", is_passing=True)
            server.starttls(context=self.trust)
            server.ehlo_or_helo_if_needed()
        if self.login is not None:
            if not server.has_extn("auth"):
                raise MailError("the server offers no login", is_passing=False)
            server.login(*self.login)


def mail_server(settings: Settings, timeout_s: float = TIMEOUT_S) -> Smtp | None:
    """Return the mail server that is set, None where none is."""
    return Smtp.of(settings.smtp_url, settings.mail_from, timeout_s=timeout_s) if settings.smtp_url else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_answer(server: smtplib.SMTP) -> None:
    code, answer = server.noop()
    if code != 250:
        raise smtplib.SMTPResponseException(code, answer)


def _told(error: Exception) -> MailError:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return _refused("the recipient", *next(iter(error.recipients.values())))
        case smtplib.SMTPResponseException():
            what = next((word for kind, word in _REFUSALS if isinstance(error, kind)), "the connection")
            return _refused(what, error.smtp_code, error.smtp_error)
        case smtplib.SMTPServerDisconnected():
            return MailError("the server closed the connection or did not answer in time", is_passing=True)
        case smtplib.SMTPNotSupportedError():
            return MailError("the server takes only ASCII before the @ of an address", is_passing=False)
        case smtplib.SMTPException():
            return MailError("the server offers no kind of login that is known here", is_passing=False)
        case _:
            return MailError(_unreached(error), is_passing=True)


_REFUSALS = (
    (smtplib.SMTPSenderRefused, "the sender"),
    (smtplib.SMTPDataError, "the letter"),
    (smtplib.SMTPAuthenticationError, "the login"),
)


def _refused(what: str, code: int, answer: bytes | str) -> MailError:
    status = _STATUS.match(answer if isinstance(answer, bytes) else answer.encode(errors="replace"))
    detail = f" ({status[1].decode()})" if status else ""
    return MailError(f"the server refused {what}{detail}", is_passing=not 500 <= code < 600, code=code)


def _unreached(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the server's certificate {_CERTIFICATE.get(error.verify_code, 'is not trusted')}"
        case ssl.SSLError():
            return "no encrypted connection could be made"
        case TimeoutError():
            return "the server did not answer in time"
        case socket.gaierror():
            return "the server's name is not known"
        case OSError():
            return f"the server cannot be reached ({error.strerror or type(error).__name__})"
        case _:
            return f"the letter could not be sent ({type(error).__name__})"


_CERTIFICATE = {9: "is not valid yet", 10: "has expired", 62: "is for another name", 64: "is for another name"}
"""Source: OpenSSL, x509_vfy.h, X509_V_ERR_*. The words that come with the codes name the server."""
