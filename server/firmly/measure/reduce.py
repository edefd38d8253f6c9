"""Takes out of an event whatever could name a person, before anything is written.

Source of the rules: docs/PRIVACY.md, "What is reduced". Pure functions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

MASK = "*"
MAX_PATH = 512
MAX_SEGMENT = 80
MAX_VALUE = 64
MAX_PROPS = 8

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EMAIL = re.compile(r"@|%40", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\d[\d ().+-]{5,}\d")
"""Seven digits or more, also with the separators of a phone number: an id of somebody or something."""
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?(?!\d)")
"""A year and month, with or without a day: common in addresses of articles and nobody's id."""
_GROUPED_NUMBER = re.compile(r"[+(]*\d[\d().+-]*(?: [\d().+-]+)+")
"""Groups of digits with blanks between them, as phone numbers stand in titles."""
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(?<![0-9a-z])(?=[0-9a-f]*\d)[0-9a-f]{8,}(?![0-9a-z])", re.IGNORECASE)
_IPV4 = re.compile(r"(?<!\d)\d{1,3}(?:[.\-_]\d{1,3}){3}(?!\d)")
_IPV6 = re.compile(r"(?:[0-9a-f]{0,4}:){2,}", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9_\-+/=.~]{20,}")
_ENUMERATION = re.compile(r"[A-Za-z][A-Za-z _-]{0,31}\Z")
_GOAL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")


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
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    pairs = parse_qsl(parts.query[:2048], max_num_fields=None)[:50]
    kept = [(key, value_of(value)) for key, value in pairs if key in query_keys]
    given = dict(reversed(pairs))  # Where a key is given twice, its first value counts.
    is_default = port is None or (parts.scheme, port) in (("http", 80), ("https", 443))
    return Page(
        origin=f"{parts.scheme}://{_bracketed(host)}" + ("" if is_default else f":{port}"),
        host=host,
        path=path_of(parts.path),
        query=urlencode([(key, value) for key, value in kept if value])[:MAX_PATH],
        campaign=Campaign(*(value_of(given.get(key, "")) for key in _CAMPAIGN_KEYS)),
        has_click_id=any(key in _AD_CLICK_IDS for key, _ in pairs),
    )


def path_of(path: str) -> str:
    """Mask every segment that looks like an e-mail address, a long number, an id or a token."""
    masked = "/".join(_segment(segment) for segment in path.split("/")[:32])
    return (masked if masked.startswith("/") else "/" + masked)[:MAX_PATH]


def value_of(value: str) -> str:
    """Return a campaign or query value, or `MASK` where it looks like a person's or a thing's id."""
    value = _CONTROL.sub("", value)[: MAX_VALUE + 1].strip()
    return MASK if len(value) > MAX_VALUE or _is_telling(value) else value


def title_of(title: str) -> str:
    words = _CONTROL.sub(" ", title)[:200].split()
    masked = " ".join(MASK if _is_telling(word) else word for word in words)
    return _GROUPED_NUMBER.sub(_without_long_number, masked)


def host_of(url: str) -> str:
    """Return a referrer's host in lower case, or "" where there is none or it is a bare address."""
    try:
        host = urlsplit(url[:2048]).hostname or ""
    except ValueError:
        return ""
    if ":" in host or _IPV4.search(host) or not re.fullmatch(r"[a-z0-9._-]{1,253}", host):
        return ""
    return host


def props_of(props: Mapping[str, object], allowed: frozenset[str]) -> dict[str, str]:
    """Keep allow-listed properties that are numbers or short words; the rest is not written."""
    kept = {key: text for key, value in props.items() if key in allowed and (text := _prop(value))}
    return dict(list(kept.items())[:MAX_PROPS])


def is_goal_name(name: str) -> bool:
    return _GOAL_NAME.match(name) is not None and not _is_telling(name)


def _prop(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < 1e6 else ""
    return value if isinstance(value, str) and _ENUMERATION.match(value) else ""


def _segment(segment: str) -> str:
    plain = _CONTROL.sub("", unquote(segment))
    if len(plain) > MAX_SEGMENT or _is_telling(plain):
        return MASK
    return plain


def _without_long_number(match: re.Match[str]) -> str:
    return MASK if sum(character.isdigit() for character in match[0]) >= 7 else match[0]


def _is_telling(text: str) -> bool:
    # Some links encode an address twice; who reads the result may decode it again.
    text = _DATE.sub("", unquote(unquote(text)))
    return bool(
        _EMAIL.search(text)
        or _LONG_NUMBER.search(text)
        or _UUID.search(text)
        or _HEX.search(text)
        or _IPV4.search(text)
        or _IPV6.search(text)
        or any(_looks_random(match) for match in _TOKEN.findall(text))
    )


def _looks_random(text: str) -> bool:
    """Tell a token from a long slug: it mixes digits or capitals into one long unbroken run."""
    longest = max(re.split(r"[-_.+/=~]", text), key=len)
    if len(longest) < 16:
        return False
    has_digit = any(character.isdigit() for character in longest)
    changes_case = any(a.islower() and b.isupper() for a, b in pairwise(longest))
    return has_digit or changes_case or len(longest) > 40


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
