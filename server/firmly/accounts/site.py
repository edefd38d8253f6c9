"""A site: what its controller instructs Firmly to measure there. Checked when made, immutable after."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from firmly.accounts.banner_settings import BannerSettings
from firmly.model import (
    BeforeConsent,
    Confidence,
    InvalidInputError,
    Jurisdiction,
    Problem,
    SiteId,
    SiteKey,
    WorkspaceId,
)

MAX_RETENTION_DAYS = 760
"""Data lives at most 25 months. Source: CNIL deliberation 2020-091, on audience measurement."""
DEFAULT_RETENTION_DAYS = 395
MAX_ORIGINS = 50
MAX_QUERY_KEYS = 50
MAX_GOALS = 100
MAX_GOAL_PROPS = 20
MAX_STAFF_NETWORKS = 200

_KEY = re.compile(r"[a-z0-9]{8,32}")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_QUERY_KEY = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,64}")
_GOAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:-]{0,63}")
_PROP = re.compile(r"[A-Za-z0-9_]{1,32}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Site:
    """One site of a workspace with its instructions.

    ``origins`` are what a browser sends in ``Origin``: lower case, no default port, each once.
    ``privacy_url`` is the controller's policy, ``""`` for Firmly's own page about the site.
    ``query_keys`` are the query parameters that are kept, ``goals`` the names of goals with the
    keys of properties that each may carry. ``retention_days`` is 1 to 760.
    ``min_confidence`` is the least with which an organisation is named on this site.
    ``staff_networks`` are networks of the controller's own people, whose visits are not measured.
    ``banner`` is what visitors are asked for, and how that looks.

    Raises:
        InvalidInputError: with every problem of the values given.
    """

    id: SiteId
    workspace_id: WorkspaceId
    key: SiteKey
    name: str
    origins: tuple[str, ...]
    before_consent: BeforeConsent
    controller: str
    privacy_url: str
    language: str
    query_keys: frozenset[str]
    goals: Mapping[str, frozenset[str]] = field(hash=False)
    titles: bool
    retention_days: int
    min_confidence: Confidence = Confidence.HIGH
    jurisdiction: Jurisdiction = Jurisdiction.STRICTEST
    staff_networks: tuple[str, ...] = ()
    banner: BannerSettings = field(default=BannerSettings(), hash=False)

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise InvalidInputError("this site cannot be used", problems)
        goals = {name: frozenset(props) for name, props in self.goals.items()}
        object.__setattr__(self, "origins", tuple(dict.fromkeys(map(canonical_origin, self.origins))))
        object.__setattr__(self, "staff_networks", tuple(dict.fromkeys(map(canonical_network, self.staff_networks))))
        object.__setattr__(self, "query_keys", frozenset(self.query_keys))
        object.__setattr__(self, "goals", MappingProxyType(goals))

    @property
    def informs_in(self) -> frozenset[str]:
        """The countries whose visitors are informed and not asked first; none unless rules go by country."""
        return frozenset(self.banner.inform_in if self.jurisdiction is Jurisdiction.BY_COUNTRY else ())


def canonical_origin(text: str) -> str:
    """Return ``text`` as browsers write an origin: ``https://www.example.com``, no default port.

    Source: RFC 6454, 6.2. Raises ValueError for anything but scheme, host and port; an
    international name has to come in its ASCII form, ``xn--...``.
    """
    parts = urlsplit(text)
    scheme, host, port = parts.scheme, _host(parts), parts.port
    shown = host if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{host}:{port}"
    origin = f"{scheme}://{shown}"
    written = f"{scheme}://{parts.netloc}".lower()
    if scheme not in _DEFAULT_PORTS or port == 0 or text.lower() != written:
        raise ValueError
    if written not in (origin, f"{scheme}://{host}:{port}"):
        raise ValueError
    return origin


def canonical_network(text: str) -> str:
    """Return a network as it is usually written, such as ``192.0.2.0/24``. Raises ValueError for anything else."""
    return str(ipaddress.ip_network(text.strip(), strict=False))


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if ":" in host and "%" not in host:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    if not _HOST.fullmatch(host):
        raise ValueError
    return host


def is_key(text: str) -> bool:
    """Say whether ``text`` has the form of a site's key."""
    return bool(_KEY.fullmatch(text))


def _problems(site: Site) -> Iterator[Problem]:
    yield from _naming_problems(site)
    yield from _origin_problems(site.origins)
    yield from _counted("query_keys", site.query_keys, MAX_QUERY_KEYS, _QUERY_KEY)
    yield from _counted("goals", site.goals, MAX_GOALS, _GOAL)
    for name, props in site.goals.items():
        yield from _counted(f"goals.{name}", props, MAX_GOAL_PROPS, _PROP)
    yield from _network_problems(site.staff_networks)
    if not 1 <= site.retention_days <= MAX_RETENTION_DAYS:
        yield Problem("retention_days", str(site.retention_days), f"1 to {MAX_RETENTION_DAYS} days")


def _naming_problems(site: Site) -> Iterator[Problem]:
    if not is_key(site.key):
        yield Problem("key", site.key, "8 to 32 of a-z and 0-9")
    if not is_line(site.name, 100):
        yield Problem("name", site.name, "one line of 1 to 100 characters")
    if not is_line(site.controller, 200):
        yield Problem("controller", site.controller, "the controller's name, one line of 1 to 200 characters")
    if not is_language(site.language):
        yield Problem("language", site.language, "a language tag such as en or pt-BR (BCP 47)")
    if site.privacy_url and not is_web_address(site.privacy_url):
        yield Problem("privacy_url", site.privacy_url, "an http or https address of at most 500 characters, or nothing")


def _origin_problems(origins: tuple[str, ...]) -> Iterator[Problem]:
    if not 1 <= len(origins) <= MAX_ORIGINS:
        yield Problem("origins", str(len(origins)), f"1 to {MAX_ORIGINS} origins")
    for origin in origins:
        try:
            canonical_origin(origin)
        except ValueError:
            yield Problem("origins", origin, "an exact origin such as https://www.example.com, without a path")


def _network_problems(networks: tuple[str, ...]) -> Iterator[Problem]:
    if len(networks) > MAX_STAFF_NETWORKS:
        yield Problem("staff_networks", str(len(networks)), f"at most {MAX_STAFF_NETWORKS} networks")
    for network in networks:
        try:
            canonical_network(network)
        except ValueError:
            yield Problem("staff_networks", network, "a network such as 192.0.2.0/24 or 2001:db8::/48")


def _counted(
    key: str, values: frozenset[str] | Mapping[str, object], most: int, form: re.Pattern[str]
) -> Iterator[Problem]:
    if len(values) > most:
        yield Problem(key, str(len(values)), f"at most {most} entries")
    for value in sorted(values):
        if not form.fullmatch(value):
            yield Problem(key, value, f"entries of the form {form.pattern}")


def is_line(text: str, most: int) -> bool:
    """Say whether ``text`` is one visible line of at most ``most`` characters."""
    return bool(text.strip()) and len(text) <= most and text.isprintable()


def is_language(text: str) -> bool:
    """Say whether ``text`` has the form of a language tag, such as ``en`` or ``pt-BR`` (BCP 47)."""
    return bool(_LANGUAGE.fullmatch(text))


def is_web_address(text: str) -> bool:
    """Say whether ``text`` is an http or https address of at most 500 characters."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in _DEFAULT_PORTS and bool(host) and len(text) <= 500 and text.isprintable() and " " not in text
