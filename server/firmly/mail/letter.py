"""What may be mailed: a closed set of templates, the values each takes, and the record of one letter.

A letter is personal data and may hold a credential (a link that sets a password). Its text form, and
every error about it, name the template and keys only.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from firmly.model import WorkspaceId
from firmly.settings import ascii_domain

_RECIPIENT = re.compile(r"[^\s@\"(),:;<>\[\]\\]{1,64}@[^\s@\"(),:;<>\[\]\\_]{1,189}")
_HOST = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")
_LINK = re.compile(r"https?://[!#-;=?-[\]_a-z~]{1,2000}")


class Template(StrEnum):
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    ACCOUNT_ENDS = "account_ends"
    AUDIT_REPORT = "audit_report"
    TEST = "test"

    @property
    def is_transactional(self) -> bool:
        """Tell whether it answers something that was just done, so that nobody can unsubscribe from it."""
        return self in _TRANSACTIONAL


# Named one by one: a template that is added and forgotten here must be unsubscribable (PROMISES LP3).
_TRANSACTIONAL = frozenset(
    {
        Template.INVITATION,
        Template.PASSWORD_RESET,
        Template.PASSWORD_CHANGED,
        Template.SECOND_FACTOR_CHANGED,
        Template.ACCOUNT_ENDS,
        Template.TEST,
    }
)


class SecondFactorChange(StrEnum):
    ON = "on"
    OFF = "off"
    RECOVERY_CODE_USED = "recovery_code_used"


class Kind(StrEnum):
    """What a value of a letter is, which decides how it is checked and written."""

    NAME = "name"
    """What somebody else typed: one line, at most 100 characters, always in quotes, never part of a link."""
    WORDS = "words"
    """Our own words."""
    LINK = "link"
    """An http or https address of this installation."""
    MOMENT = "moment"
    """An aware datetime, written in UTC to the minute."""
    DAY = "day"
    NUMBER = "number"
    DIGEST = "digest"
    """Hexadecimal digits."""
    CHANGE = "change"
    """A `SecondFactorChange`."""
    ROWS = "rows"
    """Pairs of our own words and a number."""
    LINES = "lines"
    """Lines of ASCII that a program reads, each kept whole."""


Value = str | int | date | datetime | Sequence[tuple[str, int]] | Sequence[str]

VALUES: Mapping[Template, Mapping[str, tuple[Kind, str]]] = MappingProxyType(
    {
        Template.INVITATION: {
            "workspace": (Kind.NAME, "the workspace that invites"),
            "inviter": (Kind.NAME, "the member who invites"),
            "role": (Kind.WORDS, 'the role, such as "privacy officer"'),
            "link": (Kind.LINK, "where the invitation is accepted; a credential"),
            "expires_at": (Kind.MOMENT, "until when the link works"),
        },
        Template.PASSWORD_RESET: {
            "link": (Kind.LINK, "where the new password is set; a credential"),
            "hours": (Kind.NUMBER, "for how many hours the link works"),
        },
        Template.PASSWORD_CHANGED: {
            "changed_at": (Kind.MOMENT, "when it was changed"),
            "link": (Kind.LINK, "where a new password can be asked for"),
        },
        Template.SECOND_FACTOR_CHANGED: {
            "change": (Kind.CHANGE, "what happened"),
            "changed_at": (Kind.MOMENT, "when"),
            "link": (Kind.LINK, "the member's page of security settings"),
        },
        Template.ACCOUNT_ENDS: {
            "last_day": (Kind.DAY, "when the account was last used"),
            "ends_on": (Kind.DAY, "when it is erased if nobody signs in"),
            "link": (Kind.LINK, "the sign-in page"),
        },
        Template.AUDIT_REPORT: {
            "workspace": (Kind.NAME, "the workspace whose log it is"),
            "first_day": (Kind.DAY, "the first day that is reported"),
            "last_day": (Kind.DAY, "the last one"),
            "actions": (Kind.ROWS, "what was done and how often, in these days"),
            "entries": (Kind.NUMBER, "how many entries the whole log has"),
            "head_hash": (Kind.DIGEST, "the hash of its last entry, or of the last one that fits"),
            "broken_at": (Kind.NUMBER, "the first entry that does not fit the chain; 0 where all do"),
            "checkpoints": (Kind.LINES, "signed states of the sites' logs of choices, none where there are none"),
            "link": (Kind.LINK, "the log"),
        },
        Template.TEST: {"link": (Kind.LINK, "this installation")},
    }
)
"""The one table of what each template is given: key -> kind and meaning."""


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """One mail to one recipient. ``workspace_id`` is None where the mail is about no workspace.

    Raises:
        ValueError: the values are not those of the template, the recipient is none, or
            ``unsubscribe_url`` is missing where it is needed or given where it is not.
    """

    template: Template
    recipient: str
    context: Mapping[str, Value]
    workspace_id: WorkspaceId | None = None
    unsubscribe_url: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "context", MappingProxyType(dict(self.context)))
        if not is_recipient(self.recipient):
            raise ValueError(f"{self.template}: expected one e-mail address as the recipient")
        if self.template.is_transactional is not (self.unsubscribe_url is None):
            expected = "no unsubscribe_url" if self.template.is_transactional else "an unsubscribe_url"
            raise ValueError(f"{self.template}: expected {expected}")
        if self.unsubscribe_url is not None and not _is_link(self.unsubscribe_url):
            raise ValueError(f"{self.template}: unsubscribe_url: expected an http or https address")
        _require_values(self.template, self.context)

    def __repr__(self) -> str:
        return f"Letter({self.template})"


def is_recipient(text: str) -> bool:
    """Tell whether a mail can be addressed to ``text``: one plain address, with a domain that DNS could hold."""
    # Python's header classes decode encoded words wherever they stand, in which a line break may hide.
    if not _RECIPIENT.fullmatch(text) or not text.isprintable() or "=?" in text:
        return False
    try:
        return bool(_HOST.fullmatch(envelope_address(text).rpartition("@")[2]))
    except ValueError:
        return False


def envelope_address(recipient: str) -> str:
    """Return ``recipient`` with its domain as the DNS writes it; the part before it stays.

    Raises ValueError for a domain that the DNS cannot write.
    """
    local, _, domain = recipient.rpartition("@")
    return f"{local}@{domain if domain.isascii() else ascii_domain(domain)}"


def _require_values(template: Template, context: Mapping[str, object]) -> None:
    wanted = VALUES[template]
    if context.keys() != wanted.keys():
        raise ValueError(f"{template}: expected the values {', '.join(wanted)}")
    for key, (kind, _meaning) in wanted.items():
        if not _FITS[kind](context[key]):
            raise ValueError(f"{template}: {key}: expected a value of the kind {kind}")


def _is_link(value: object) -> bool:
    return isinstance(value, str) and _LINK.fullmatch(value) is not None and "=?" not in value


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_line(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[ -~]{1,1000}", value) is not None


def _is_row(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and _is_number(value[1])


_FITS: Mapping[Kind, Callable[[object], bool]] = MappingProxyType(
    {
        Kind.NAME: lambda value: isinstance(value, str),
        Kind.WORDS: lambda value: isinstance(value, str),
        Kind.LINK: _is_link,
        Kind.MOMENT: lambda value: isinstance(value, datetime) and value.tzinfo is not None,
        Kind.DAY: lambda value: isinstance(value, date) and not isinstance(value, datetime),
        Kind.NUMBER: _is_number,
        Kind.DIGEST: lambda value: isinstance(value, str) and re.fullmatch(r"[0-9a-f]{1,128}", value) is not None,
        Kind.CHANGE: lambda value: isinstance(value, SecondFactorChange),
        Kind.LINES: lambda value: isinstance(value, list | tuple) and all(map(_is_line, value)),
        Kind.ROWS: lambda value: isinstance(value, list | tuple) and all(map(_is_row, value)),
    }
)
