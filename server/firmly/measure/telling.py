"""Tells by form whether a text could name a person, a device or a network address. Pure functions.

Reads what `firmly.measure.plain` returns. Source of the rules: docs/PRIVACY.md, "What is reduced". A doubtful short
token is taken for telling: a mask costs a word of a report, a miss costs somebody's privacy.
"""

import base64
import binascii
import re
from itertools import pairwise

MASK = "*"

_EASY = re.compile(r"(?!.*-at-|.*[a-f]{8})(?:[a-z]{1,40}(?:-[a-z]{1,40})*(?:-20\d\d)?|\d{0,6})\Z")
"""What most segments look like; it spares them the other rules."""
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_TLD = (
    "com|net|org|info|biz|edu|gov|mil|int|io|ai|co|eu|app|dev|de|fi|se|no|dk|nl|fr|es|pl|uk|ie|ch|be|cz|sk|hu|ro|bg"
    "|pt|gr|ee|lv|lt|lu|ru|ua|us|ca|au|nz|br|mx|jp|cn|kr"
)
_FILE = r"(?!(?:html?|xhtml|php|aspx?|jsp|pdf|xml|json|txt|md|jpe?g|png|gif|svg|webp|mp4)\b)"
_GAP = r"[\s+_.-]{1,3}"
_DOT = r"(?:\.|\s\.\s?|[\s+_(\[{-]{1,2}dot[\s+_)\]}-]{1,2})"
_MAILBOX = (
    r"(?:\s?@[\s@]{0,3}[^\s@]{0,100}(?:\s\.\s?[^\s@]{1,60}){0,4}"
    rf"|\s?[(\[{{<]\s?at\s?[)\]}}>]\s?[^\s.]{{0,60}}(?:{_DOT}\w{{1,60}}){{0,4}}"
    rf"|(?<=[a-z0-9]){_GAP}at{_GAP}[a-z0-9-]{{1,60}}?{_DOT}{_FILE}[a-z]{{2,}}"
    rf"|(?<=[a-z0-9])[-_+ ]at[-_+ ][a-z0-9-]{{1,60}}[-_+ ](?:{_TLD})(?![-_+ a-z0-9]))"
)
_MAIL = re.compile(_MAILBOX, re.IGNORECASE)
_WHOLE_MAIL = re.compile(r"[^\s@]{0,64}" + _MAILBOX + r"[^\s@]{0,64}", re.IGNORECASE)
"""A mailbox, with its sign or with "at" and "dot" spelt out; blanks around the sign belong to it. TRICKY: every
repetition is bounded, or a text of many "-at-" takes minutes."""
_NUMBER = re.compile(r"[+(]*\d(?:[\W_]*\d){6,}")
"""Seven digits or more, whatever stands between them: a phone, a card, an account, an id."""
_DATE = re.compile(r"(?:19|20)\d\d(?:([-_.])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])|-20\d\d)\Z")
"""A day or a range of years."""
_APART = r"(?:[\W_]{1,3}|[\W_]?(?:x|dot|d|p|point|punkt)[\W_]?)"
_QUAD = re.compile(rf"(?<!\d)\d{{1,3}}(?:{_APART}\d{{1,3}}){{3}}(?!\d)", re.IGNORECASE)
_HEX_QUAD = re.compile(
    r"(?<![0-9a-z])(?=[0-9a-fx\W_]*\d)(?:0x)?[0-9a-f]{1,2}(?:[\W_](?:0x)?[0-9a-f]{1,2}){3}(?![0-9a-z])", re.IGNORECASE
)
_HEX = re.compile(r"0x[0-9a-f]{4,}|(?<![0-9a-z])[a-z]{0,2}[0-9a-f]{8,}(?![0-9a-z])", re.IGNORECASE)
_IPV6 = re.compile(
    r"(?:[0-9a-f]{0,4}:){2,}|[0-9a-f]{4}:(?=[0-9]*[a-f])[0-9a-f]{1,4}"
    r"|(?<![0-9a-z])[0-9a-f]{1,4}(?:[\W_][0-9a-f]{0,4}){7}(?![0-9a-z])"
    r"|(?<![0-9a-z])(?:[23][0-9a-f]{3}|f[c-f][0-9a-f]{2})(?:[-_.][0-9a-f]{1,4}){0,6}(?:--|__|\.\.)[0-9a-f]{1,4}",
    re.IGNORECASE,
)
_NATIONAL = re.compile(
    r"(?<![0-9a-z])(?:"
    r"[a-z]{2}([ -]?)\d{2}\1\d{2}\1\d{2}\1[a-d]"  # British insurance numbers
    r"|[a-z]{1,2}\d{6}[a-z]?"  # passports
    r"|\d{6}[-+a-fu-y]\d{3}[0-9a-z]"  # Finnish and Nordic personal codes
    r"|[a-z]{6}\d{2}[a-z]\d{2}[a-z]\d{3}[a-z]"  # Italian fiscal codes
    r"|[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{4}){2,8}[ -]?[a-z0-9]{0,4}"  # IBAN
    r")(?![0-9a-z])",
    re.IGNORECASE,
)
_RUN = re.compile(r"[A-Za-z0-9]+")
_CODED = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_PACKED = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{5}[AQgw](==|(?![A-Za-z0-9+/_=-]))")
"""Four bytes in base64: with its padding always, without it where the letters do not look like a word."""


def tells(text: str) -> bool:
    """Say whether anything in one word, segment or value looks like somebody's or something's mark."""
    if _EASY.match(text):
        return False
    if _has_mail(text) or _HEX.search(text) or (":" in text and _IPV6.search(text)):
        return True
    if _DIGIT.search(text) and _tells_number(text):
        return True
    return _has_token(text) or (not text.islower() and _hides_address(text))


def masked(text: str) -> str:
    """Mask a text of several words: words with letters first, then the numbers that blanks spread over words."""
    text = _WHOLE_MAIL.sub(MASK, text) if _has_mail(text) else text
    text = _NATIONAL.sub(lambda match: MASK if _has_six_digits(match) else match[0], text)
    text = " ".join(MASK if _LETTER.search(word) and tells(word) else word for word in text.split())
    text = _NUMBER.sub(lambda match: match[0] if _is_date(match) else MASK, text)
    return " ".join(MASK if tells(word) else word for word in _QUAD.sub(MASK, text).split())


def _has_mail(text: str) -> bool:
    return "@" in text or ("at" in text.lower() and _MAIL.search(text) is not None)


def _has_six_digits(match: re.Match[str]) -> bool:
    return sum(map(str.isdigit, match[0])) >= 6


def _tells_number(text: str) -> bool:
    return (
        any(not _is_date(match) for match in _NUMBER.finditer(text))
        or _QUAD.search(text) is not None
        or _HEX_QUAD.search(text) is not None
        or _IPV6.search(text) is not None
        or any(map(_has_six_digits, _NATIONAL.finditer(text)))
    )


def _is_date(match: re.Match[str]) -> bool:
    """Excuse a date that stands alone; next to letters or more digits it is the first half of an id."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    return _DATE.match(match[0].lstrip("+(")) is not None and not before.isalnum() and not after.isalnum()


def _has_token(text: str) -> bool:
    runs = _RUN.findall(text)
    grouped = sum(_changes(run) for run in runs if len(run) >= 4 and not run.isalpha() and not run.isdigit())
    return grouped >= 4 or any(_looks_random(run) for run in runs if len(run) >= 8)


def _looks_random(run: str) -> bool:
    """Tell a token from a word: digits and capitals change places often in it, or it is too long for one."""
    if run.islower() and run.isalpha():
        return len(run) > 40
    between = sum(a.isdigit() != b.isdigit() for a, b in pairwise(run))
    changes = _changes(run)
    if len(run) >= 16:
        return between > 0 or changes > 0 or len(run) > 40
    if between:
        return changes >= 4 or (between >= 3 and len(run) <= 12)
    return changes >= 3 and len(run) < 3.5 * (changes + 1)


def _changes(run: str) -> int:
    """Count where a run goes from digit to letter or back, or from a small letter to a capital."""
    return sum(a.isdigit() != b.isdigit() or (a.islower() and b.isupper()) for a, b in pairwise(run))


def _hides_address(text: str) -> bool:
    if any(match[1] or _changes(match[0]) >= 2 for match in _PACKED.finditer(text)):
        return True
    runs = _CODED.findall(text)
    parts = [part for run in runs if "-" in run or "_" in run for part in re.split("[-_]", run)]
    return any(_decodes_to_address(part) for part in runs + parts if len(part) >= 8)


def _decodes_to_address(run: str) -> bool:
    try:
        raw = base64.b64decode(run + "=" * (-len(run) % 4), altchars=b"-_" if "-" in run or "_" in run else None)
        text = raw.decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return text.isprintable() and ("@" in text or _QUAD.search(text) is not None)
