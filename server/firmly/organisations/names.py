"""What a registered name says: its own words, without registry handles and legal forms.

Owns folding, the display name and the organisation's id. Pure functions over text.
"""

import re
import unicodedata
from hashlib import blake2b

from firmly.model import OrgId
from firmly.organisations.legal_forms import LegalForms

_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_NUMBERED_HANDLE = re.compile(r"^AS\d+\s+-\s+")
_SHOUTED_HANDLE = re.compile(r"^[A-Z0-9]+(?:-[A-Z0-9]+)+$")
_JOINING_END = re.compile(r"(?:[\s,;&-]|\s(?:and|und|et|y|e|og|och|ja))+$")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.\s?){2,}")
_HANDLE_PARTS = frozenset(("as", "asn", "net", "nets", "network", "ip", "core", "backbone", "ap", "bgp", "mnt", "isp"))
_PLAIN_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)


def tidy(name: str) -> str:
    """Return ``name`` in NFKC with single spaces and none at its ends."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", name)).strip()


def fold(name: str) -> str:
    """Return ``name`` for comparison: lower case, marks taken off Latin and Greek letters."""
    lowered = unicodedata.normalize("NFKC", name).casefold().translate(_PLAIN_LETTERS)
    decomposed = unicodedata.normalize("NFD", lowered)
    return unicodedata.normalize("NFC", "".join(mark for mark in decomposed if not unicodedata.combining(mark)))


def words(name: str) -> tuple[str, ...]:
    """Return the folded words of ``name``; dotted initials (``S.p.A.``) are one word."""
    joined = _DOTTED.sub(lambda found: found[0].replace(".", "").replace(" ", "") + " ", tidy(name))
    return tuple(word.replace("'", "") for word in _WORD.findall(fold(joined.replace("’", "'").replace("/", ""))))


def holder_name(registered: str) -> str:
    """Return the holder's own name: ``registered`` without the registry's handle before it.

    Registries put a handle first: ``AS61656 - AGENCIA``, ``FOO-AS-AP - Foo Ltd``,
    ``TSF-IP-Core Telia Finland Oyj``, ``europapark-as Mack International GmbH``.
    """
    name = _NUMBERED_HANDLE.sub("", tidy(registered))
    first, dash, rest = name.partition(" - ")
    if dash and (fold(first) == fold(rest) or _SHOUTED_HANDLE.match(first) or _is_handle(first, rest)):
        name = rest
    first, _, rest = name.partition(" ")
    return rest if rest and _is_handle(first, rest) else name


def _is_handle(first: str, rest: str) -> bool:
    if " " in first or not any(mark.isalpha() for mark in rest):
        return False
    parts = [part for part in re.split(r"[-_]", fold(first)) if part]
    if "_" in first or (len(parts) > 1 and (first.islower() or _HANDLE_PARTS.intersection(parts))):
        return True
    return _repeats(_letters(first), _letters(rest))


def _repeats(handle: str, rest: str) -> bool:
    """Tell whether what follows says the same again, so that the first word adds nothing."""
    if len(handle) < 3:
        return False
    return rest.startswith(handle) or (len(handle) >= 6 and handle in rest)


def _letters(text: str) -> str:
    return "".join(word for word in _WORD.findall(fold(text)))


def display_name(registered: str, country: str, forms: LegalForms) -> str:
    """Return the name to show: the holder's own, without its legal form where more remains."""
    name = _without_form(holder_name(registered), country, forms).strip(" ,;-")
    name = _JOINING_END.sub("", name) or name
    inner = name.strip('"“”„«»')
    return inner if inner and not any(mark in inner for mark in '"“”„«»') else name


def name_key(registered: str, country: str, forms: LegalForms) -> str:
    """Return the normalised name by which one holder is recognised, across files and AS numbers."""
    key = " ".join(words(_without_form(holder_name(registered), country, forms)))
    return key or " ".join(words(registered))


def _without_form(name: str, country: str, forms: LegalForms) -> str:
    """Take the legal form off the end, else off the start, where at least three letters remain."""
    pieces = name.split(" ")
    for count in range(min(6, len(pieces) - 1), 0, -1):
        for form, rest in ((pieces[-count:], pieces[:-count]), (pieces[:count], pieces[count:])):
            is_form = forms.is_form(words(" ".join(form)), country, is_before=rest == pieces[count:])
            if is_form and len(_letters(" ".join(rest))) >= 3:
                return " ".join(rest)
    return name


def organisation_id(key: str, country: str) -> OrgId:
    """Return the stable id of the organisation with this name key in this country."""
    digest = blake2b(f"{country}\x1f{key}".encode(), digest_size=8, person=b"firmly organis.").digest()
    return OrgId(int.from_bytes(digest, "big"))
