"""Takes out of an event whatever could name a person, before anything is written.

Source of the rules: docs/PRIVACY.md, "What is reduced". Pure functions.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import unwrap
from itertools import groupby
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from firmly.measure.plain import MAX_FOREIGN, plain
from firmly.measure.telling import MASK, masked, tells

__all__ = [
    "MASK",
    "NO_CAMPAIGN",
    "Campaign",
    "Page",
    "authority_of",
    "host_of",
    "page_of",
    "path_of",
    "props_of",
    "title_of",
    "value_of",
]

MAX_PATH = 512
MAX_SEGMENT = 80
MAX_VALUE = 64
MAX_PROPS = 8
MAX_TITLE = 200
MAX_READ = 1024
"""Characters of a text that are looked at; a longer value is masked, a longer path or title cut."""
MAX_FOREIGN_LABELS = 3
"""Labels of a host in an international alphabet that are decoded; a name has two or three."""

_EASY_PATH = re.compile(r"(?!.*-at-|.*[a-f]{8})(?:/[a-z]{0,24}(?:-[a-z]{1,24}){0,2}){1,8}\Z")
_split: Callable[[str], SplitResult] = unwrap(urlsplit)
"""Without the library's cache, which would hold the latest addresses as they came."""
_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,31}:)?//([^/?#]{1,300})(?:[/?#]|\Z)")
_HOST = re.compile(r"[a-z0-9._-]{1,253}")
_ADDRESS_HOST = re.compile(r"(?:^|\.)(?:(?:nip|sslip|xip)\.io|arpa|ip6)\Z")
"""Zones whose names are network addresses."""
_NUMERIC = re.compile(r"[\d\W_]*\d[\d\W_]*\Z")
_DATED = re.compile(r"(?:19|20)\d\d(?:/(?:0?[1-9]|1[0-2])(?:/(?:0?[1-9]|[12]\d|3[01]))?)?\Z")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")


class Campaign(NamedTuple):
    """The five ``utm_`` values of a page's address, "" where absent."""

    source: str = ""
    medium: str = ""
    name: str = ""
    term: str = ""
    content: str = ""


NO_CAMPAIGN = Campaign()
_CAMPAIGN_KEYS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


@dataclass(frozen=True, slots=True)
class Page:
    """A reduced address of a page. ``origin`` is its scheme, host and port, for comparison only."""

    origin: str
    host: str
    path: str
    query: str
    campaign: Campaign
    has_click_id: bool


_CLICK_IDS = frozenset({"gclid", "gbraid", "wbraid", "dclid", "msclkid", "fbclid", "li_fat_id", "ttclid", "twclid"})
_AD_CLICK_IDS = _CLICK_IDS - {"fbclid"}  # Facebook puts its id on every outgoing link, paid or not.


def page_of(url: str, query_keys: frozenset[str]) -> Page | None:
    """Reduce a page's address; None when it is not an http(s) address."""
    if not url.isascii() and not authority_of(url):
        return None  # Before the library folds it, which takes long.
    try:
        parts = _split(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    pairs = parse_qsl(parts.query[:2048])[:50] if parts.query else []
    kept = [(key, value_of(value)) for key, value in pairs if key in query_keys]
    given = dict(reversed(pairs))  # Where a key is given twice, its first value counts.
    is_default = port is None or (parts.scheme, port) in (("http", 80), ("https", 443))
    return Page(
        origin=f"{parts.scheme}://{_bracketed(host)}" + ("" if is_default else f":{port}"),
        host=host,
        path=path_of(parts.path),
        query=urlencode([(key, value) for key, value in kept if value])[:MAX_PATH] if kept else "",
        campaign=Campaign(*(value_of(given.get(key, "")) for key in _CAMPAIGN_KEYS)) if pairs else NO_CAMPAIGN,
        has_click_id=any(key in _AD_CLICK_IDS for key, _ in pairs),
    )


def path_of(path: str) -> str:
    """Mask every segment that looks like an e-mail address, a number, an id or a token, alone or with its neighbours.

    What follows a ";" in a segment are parameters, usually of a session, and is dropped.
    """
    if _EASY_PATH.match(path):
        return path
    text = plain(path[:MAX_READ])
    if text is None:
        return "/" + MASK
    segments = [segment.partition(";")[0] for segment in text.split("/")[:32]]
    reduced = "/".join(MASK if _is_telling(segment) else segment for segment in _unspread(segments))
    return (reduced if reduced.startswith("/") else "/" + reduced)[:MAX_PATH]


def value_of(value: str) -> str:
    """Return a campaign or query value, or `MASK` where it looks like a person's or a thing's id."""
    if not value:
        return ""
    text = plain(value) if len(value) <= MAX_READ else None
    text = text if text is None else text.strip()
    return MASK if text is None or len(text) > MAX_VALUE or tells(text) else text


def title_of(title: str) -> str:
    """Mask what tells in a title, word by word and over several words. At most 200 characters."""
    read = title[: MAX_READ if title.isascii() else MAX_FOREIGN]
    text = plain(read)
    if text is None:
        return MASK
    text = " ".join(text.split())
    if len(text) > MAX_TITLE or len(title) > len(read):
        text = text[:MAX_TITLE].rpartition(" ")[0]  # Half a word may be half of what would be masked.
    return masked(text)


def host_of(url: str) -> str:
    """Return a referrer's host in lower case, or "" where there is none, or where it is or holds an address."""
    try:
        host = (_split(authority_of(url)).hostname or "").rstrip(".")
    except ValueError:
        return ""
    last = host.rpartition(".")[2]
    if not _HOST.fullmatch(host) or last.startswith("0x") or not any(map(str.isalpha, last)):
        return ""
    text = _read_host(host)
    return "" if text is None or tells(text) or _ADDRESS_HOST.search(host) else host


def authority_of(url: str) -> str:
    """Return "//" with an address's host and port, or "" where there is none, it is long or not in ASCII."""
    match = _AUTHORITY.match(url)
    return "//" + match[1].rpartition("@")[2] if match and match[1].isascii() else ""


def props_of(props: Mapping[str, object], allowed: frozenset[str]) -> dict[str, str]:
    """Keep allow-listed properties that are numbers or single words that tell nothing; the rest is not written."""
    kept = {key: text for key, value in props.items() if key in allowed and (text := _prop(value))}
    return dict(list(kept.items())[:MAX_PROPS])


def _read_host(host: str) -> str | None:
    """Return a host as a person reads it; None where that cannot be told, or takes long to."""
    foreign = host.count("xn--")
    if foreign > MAX_FOREIGN_LABELS:
        return None
    try:
        return plain(host.encode().decode("idna") if foreign else host)
    except ValueError:
        return None


def _prop(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    return value if isinstance(value, str) and _WORD.match(value) and not tells(value) else ""


def _number(value: float) -> str:
    """Six digits at most: with two decimals more, a number would hold a network address."""
    if not abs(value) < 999_999.5:
        return ""
    decimals = 2 if abs(value) < 9_999 else 0
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"


def _is_telling(segment: str) -> bool:
    return len(segment) > MAX_SEGMENT or tells(segment)


def _unspread(segments: list[str]) -> list[str]:
    """Mask a phone number or network address that is spread over adjacent segments; a date of an article stays."""
    kept: list[str] = []
    for is_numeric, group in groupby(segments, key=lambda segment: _NUMERIC.match(segment) is not None):
        run = list(group)
        kept += [MASK] * len(run) if is_numeric and len(run) > 1 and _spells_number(run) else run
    return kept


def _spells_number(run: list[str]) -> bool:
    if _DATED.match("/".join(run)):
        return False
    octets = [segment.isdigit() and int(segment[:4]) < 256 for segment in run]
    is_quad = any(all(octets[start : start + 4]) for start in range(len(run) - 3))
    return is_quad or sum(map(str.isdigit, "".join(run))) >= 7


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
