"""What a site's banner asks for and how it looks: settings that a controller makes. Immutable; no lookup, no JSON.

Whether the settings keep the rules of consent is `firmly.consent.rules`' matter; whether they have the
right form, `firmly.accounts.banner_json`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from firmly.model import OPTIONAL, Category


class Position(StrEnum):
    """Where the banner stands. ``centre`` has no wall behind it: the page stays usable (RULES R8)."""

    BAR = "bar"
    CORNER = "corner"
    CENTRE = "centre"


class Theme(StrEnum):
    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


class Signal(StrEnum):
    """Whose tags are told what the visitor chose."""

    GOOGLE = "google"
    UET = "uet"
    CLARITY = "clarity"


class Storage(StrEnum):
    COOKIE = "cookie"
    LOCAL = "local"
    SESSION = "session"
    INDEXED_DB = "indexed_db"


@dataclass(frozen=True, slots=True)
class StoredItem:
    """Something a service keeps in the browser. ``name`` may end in ``*``; ``days`` is None until the tab is closed."""

    name: str
    kind: Storage
    days: int | None


@dataclass(frozen=True, slots=True)
class Service:
    """A service that the site uses, held back until its category is granted.

    ``privacy_url`` is ``""`` for none; ``purposes`` has a sentence per language, and so has ``reasons``: why a
    necessary service is necessary (RULES R6). They are empty for every other.
    """

    key: str
    category: Category
    name: str
    provider: str
    privacy_url: str
    purposes: Mapping[str, str] = field(hash=False)
    stores: tuple[StoredItem, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "purposes", MappingProxyType(dict(self.purposes)))
        object.__setattr__(self, "reasons", MappingProxyType(dict(self.reasons)))


@dataclass(frozen=True, slots=True)
class BannerSettings:
    """``languages`` besides the site's own; ``texts``: own wording by language and key; ``colours``: by theme
    ``light`` and ``dark`` and property, as ``#rrggbb``; ``months``: how long a choice, refusal too, is remembered,
    6 to 13; ``inform_in``: the countries (ISO 3166-1 alpha-2) where, as the controller says, visitors are informed
    and not asked first; none unless the site's rules go by country.

    Source for six months: CNIL 2020-092, recommendation; for at most thirteen: RULES R19.
    """

    languages: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    position: Position = Position.BAR
    theme: Theme = Theme.AUTO
    colours: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    signals: frozenset[Signal] = frozenset()
    honours_dnt: bool = False
    months: int = 6
    inform_in: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", _frozen(self.texts))
        object.__setattr__(self, "colours", _frozen(self.colours))

    @property
    def offered(self) -> tuple[Category, ...]:
        """What visitors are asked for: Firmly's own statistics and the categories of services, in one order."""
        asked = {Category.STATISTICS, *(service.category for service in self.services)}
        return tuple(category for category in OPTIONAL if category in asked)


def _frozen(values: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType({key: MappingProxyType(dict(inner)) for key, inner in values.items()})


def language_key(tag: str) -> str:
    """Return the name under which a language's texts are kept: lower case, and ``no`` for both written Norwegians."""
    first, *more = tag.lower().split("-")
    return "-".join(["no" if first in ("nb", "nn") else first, *more])
