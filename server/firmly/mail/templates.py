"""Renders letters: a subject, a text and an HTML part, from `dashboards/templates/mail/`.

Names were typed by other customers' members. They stay on one line, short and in quotes, and no
address is made of them: a mail in Firmly's name must not be written by somebody else.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from firmly.mail.letter import VALUES, Kind, Letter, SecondFactorChange

MAX_NAME_CHARS = 100
MAX_SUBJECT_CHARS = 120
_MAX_WORDS_CHARS = 300
_SUBJECT = "Subject: "
_QUOTES = str.maketrans(dict.fromkeys('"“”„‟«»‹›＂', "'"))
_BREAKS = frozenset(("Cc", "Zl", "Zp", "Zs"))
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They could show what follows a name backwards."""

_CHANGES: Mapping[SecondFactorChange, str] = MappingProxyType(
    {
        SecondFactorChange.ON: "the second factor was switched on",
        SecondFactorChange.OFF: "the second factor was switched off",
        SecondFactorChange.RECOVERY_CODE_USED: "a recovery code was used to sign in",
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class Rendered:
    """A letter's words. ``subject`` is one line that can stand in a header as it is."""

    subject: str
    text: str
    html: str


class LetterTemplates:
    """The templates below ``folder``: ``<name>.txt``, whose first line is the subject, and ``<name>.html``.

    Raises:
        jinja2.TemplateError: a template is missing or names a value that it is not given.
    """

    def __init__(self, folder: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )

    def render(self, letter: Letter) -> Rendered:
        values: dict[str, Any] = {
            key: _WRITTEN[kind](letter.context[key]) for key, (kind, _meaning) in VALUES[letter.template].items()
        }
        values["unsubscribe_url"] = letter.unsubscribe_url
        written = self._environment.get_template(f"{letter.template}.txt").render(values)
        head, _, text = written.partition("\n")
        if not head.startswith(_SUBJECT):
            raise ValueError(f"{letter.template}.txt: expected {_SUBJECT!r} in the first line")
        subject = _subject(head.removeprefix(_SUBJECT))
        html = self._environment.get_template(f"{letter.template}.html").render(values, subject=subject)
        return Rendered(subject, text.strip("\n") + "\n", html)


def one_line(text: str, most: int) -> str:
    """Return ``text`` in one line of at most ``most`` characters, without what cannot be seen or turns others round."""
    seen = (
        " " if unicodedata.category(character) in _BREAKS else character
        for character in text[: 10 * most]
        if character not in _DIRECTIONS and unicodedata.category(character) != "Cs"
    )
    line = " ".join("".join(seen).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _name(value: str) -> str:
    # A quotation mark inside would end the quotes early, and what follows would read as our own words.
    return one_line(value, MAX_NAME_CHARS).translate(_QUOTES)


def _subject(text: str) -> str:
    # TRICKY: email.headerregistry decodes encoded words in a value that it is given, and up to Python 3.11.9
    # writes a line break out of one as it is: "=?utf-8?q?x=0D=0ABcc:_y?=" makes a header. Source: CVE-2024-6923.
    return one_line(text, MAX_SUBJECT_CHARS).replace("=?", "= ?")


def _day(value: date) -> str:
    return f"{value.day} {value:%B %Y}"


def _moment(value: datetime) -> str:
    at = value.astimezone(UTC)
    return f"{_day(at)}, {at:%H:%M} UTC"


def _as_is(value: object) -> object:
    return value


_WRITTEN: Mapping[Kind, Callable[[Any], Any]] = MappingProxyType(
    {
        Kind.NAME: _name,
        Kind.WORDS: lambda value: one_line(value, _MAX_WORDS_CHARS),
        Kind.LINK: _as_is,
        Kind.MOMENT: _moment,
        Kind.DAY: _day,
        Kind.NUMBER: _as_is,
        Kind.DIGEST: _as_is,
        Kind.CHANGE: lambda value: _CHANGES[value],
        Kind.LINES: _as_is,
        Kind.ROWS: lambda rows: [(one_line(words, _MAX_WORDS_CHARS), count) for words, count in rows],
    }
)
