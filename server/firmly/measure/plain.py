"""Brings a text into the one form that the masking rules read. Pure functions; nothing is masked here."""

import html
import unicodedata
from urllib.parse import unquote

MAX_DEPTH = 5
"""Encodings inside one another that are undone; links encode an address twice, nobody honest six times."""

MAX_FOREIGN = 256
"""Characters outside ASCII in one text: the rest of the work grows with them. A browser writes each as six
characters or more, so that of the 1,024 characters of a path that are read no more than 170 come."""

_STOPS = frozenset("\u3002\u06d4\u0964\ufe52\u00b7\u2219\u22c5")
"""Ideographic, Arabic and Indic full stops and middle dots: in an address they stand for a full stop."""
_LONGEST = "\ufdfa"
"""Becomes eighteen characters; others become eight at most."""
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164")
"""Letters and marks without a shape. Source: Unicode DerivedCoreProperties, Default_Ignorable_Code_Point."""


def plain(text: str) -> str | None:
    """Decode and fold a text: escapes and entities undone, NFKC, one kind of dash, blank, full stop and digit.

    The result holds no format or control character and decodes to itself. None where `MAX_DEPTH` does not reach
    that, a text swells in it or has more than `MAX_FOREIGN`: such a text hides something and is not kept.
    """
    limit = 2 * len(text) + 64  # One character may become eighteen.
    for _ in range(MAX_DEPTH + 1):
        decoded = html.unescape(unquote(text)) if "%" in text or "&" in text else text
        if not (decoded.isascii() and decoded.isprintable()):
            if _foreign(decoded) > MAX_FOREIGN or len(decoded) + 17 * decoded.count(_LONGEST) > limit:
                return None
            decoded = unicodedata.normalize("NFKC", decoded)
            if len(decoded) > limit:
                return None
            decoded = decoded.translate({ord(character): _fold(character) for character in set(decoded)})
        if decoded == text:
            return text
        text = decoded
    return None


def _foreign(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _fold(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if character in _STOPS:
        return "."
    digit = unicodedata.digit(character, None)
    return _fold_category(character) if digit is None else str(digit)


def _fold_category(character: str) -> str:
    if character in _INVISIBLE or "\ufe00" <= character <= "\ufe0f" or "\U000e0000" <= character <= "\U000e0fff":
        return ""
    match unicodedata.category(character):
        case "Pd":
            return "-"
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Cc":
            return " " if character.isspace() else ""
        case "Cf" | "Cs" | "Co":
            return ""
        case _:
            return "-" if character == "\u2212" else character
