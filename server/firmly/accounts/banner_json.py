"""A banner's settings as JSON: read with every problem at once, and written in one form.

What is absent takes the usual value. What the rules of consent say to the values is `firmly.consent.rules`' matter.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from firmly.accounts.banner_settings import (
    BannerSettings,
    Position,
    Service,
    Signal,
    Storage,
    StoredItem,
    Theme,
    language_key,
)
from firmly.accounts.site import MAX_RETENTION_DAYS, is_language, is_line, is_web_address
from firmly.model import Category, InvalidInputError, Problem

MAX_LANGUAGES = 40
MAX_SERVICES = 200
MAX_STORES = 100
MAX_TEXTS = 200
MAX_COUNTRIES = 250
THEMES = ("light", "dark")
COLOURS = ("surface", "text", "muted", "border", "accent", "on-accent")
"""The custom properties that a site may set, without ``--firmly-``."""

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_STORED = re.compile(r"[!-)+-~]{1,127}\*?")
"""Visible ASCII; a star only at the end, and never alone: that would name everything."""
_OURS = "firmly_"
_OUTLIVES_TAB = (Storage.LOCAL, Storage.INDEXED_DB)
_COUNTRY = re.compile(r"[A-Z]{2}")
_COLOUR = re.compile(r"#[0-9a-f]{6}")

_Read = Callable[[str, object], Any]
"""Reads the value under a path; None where it cannot be used, and then the reader has noted a problem."""


def read_banner(given: object) -> BannerSettings:
    """Turn JSON into settings.

    Raises:
        InvalidInputError: with every problem; keys are paths such as ``banner.services[0].stores[1].days``.
    """
    reader = _Reader()
    values = reader.banner("banner", given)
    if reader.problems:
        raise InvalidInputError("this banner cannot be used", reader.problems)
    return BannerSettings(**values)


def banner_json(settings: BannerSettings) -> dict[str, Any]:
    """Return settings as JSON, with every field: what `read_banner` reads as equal settings."""
    return {
        "languages": list(settings.languages),
        "services": [_service_json(service) for service in settings.services],
        "texts": {language: dict(texts) for language, texts in settings.texts.items()},
        "position": settings.position.value,
        "theme": settings.theme.value,
        "colours": {theme: dict(colours) for theme, colours in settings.colours.items()},
        "signals": sorted(signal.value for signal in settings.signals),
        "honours_dnt": settings.honours_dnt,
        "months": settings.months,
        "inform_in": list(settings.inform_in),
    }


def _service_json(service: Service) -> dict[str, Any]:
    return {
        "key": service.key,
        "category": service.category.value,
        "name": service.name,
        "provider": service.provider,
        "privacy_url": service.privacy_url,
        "purposes": dict(service.purposes),
        "stores": [{"name": item.name, "kind": item.kind.value, "days": item.days} for item in service.stores],
        "reasons": dict(service.reasons),
    }


def _names_ours(name: str) -> bool:
    """Say whether a name fits what Firmly keeps: clearing it would clear the visitor's choice."""
    start = name.removesuffix("*")
    return start.startswith(_OURS) or (name != start and _OURS.startswith(start))


class _Reader:
    """Notes what is wrong and goes on, so that all of it is said together."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        line = self._text
        self._banner_fields: Mapping[str, _Read] = {
            "languages": self._list(self._language, MAX_LANGUAGES),
            "services": self._list(self._service, MAX_SERVICES),
            "texts": self._map(self._language, self._map(self._key, line(1000), MAX_TEXTS), MAX_LANGUAGES),
            "position": self._one_of(Position),
            "theme": self._one_of(Theme),
            "colours": self._map(self._among(THEMES), self._map(self._among(COLOURS), self._colour, 20), 2),
            "signals": self._list(self._one_of(Signal), 10),
            "honours_dnt": self._yes_or_no,
            "months": self._whole_number(1000),
            "inform_in": self._list(self._country, MAX_COUNTRIES),
        }
        self._service_fields: Mapping[str, _Read] = {
            "key": self._key,
            "category": self._one_of(Category),
            "name": line(100),
            "provider": line(200, or_nothing=True),
            "privacy_url": self._address,
            "purposes": self._map(self._language, line(500), MAX_LANGUAGES),
            "stores": self._list(self._stored, MAX_STORES),
            "reasons": self._map(self._language, line(500), MAX_LANGUAGES),
        }
        self._stored_fields: Mapping[str, _Read] = {
            "name": self._stored_name,
            "kind": self._one_of(Storage),
            "days": self._days,
        }

    def banner(self, key: str, given: object) -> dict[str, Any]:
        values = self._record(key, given, self._banner_fields)
        if not self.problems:
            values["languages"] = tuple(dict.fromkeys(values.get("languages", ())))
            values["signals"] = frozenset(values.get("signals", ()))
            values["inform_in"] = tuple(sorted(set(values.get("inform_in", ()))))
            self._each_once(f"{key}.services", [service.key for service in values.get("services", ())])
        return values

    def _service(self, key: str, given: object) -> Service | None:
        known = len(self.problems)
        usual = {"privacy_url": "", "stores": [], "reasons": {}}
        values = self._record(key, usual | given if isinstance(given, dict) else given, self._service_fields, "all")
        return Service(**values) if len(self.problems) == known else None

    def _stored(self, key: str, given: object) -> StoredItem | None:
        known = len(self.problems)
        values = self._record(key, given, self._stored_fields, "all")
        if len(self.problems) == known and values["days"] is None and values["kind"] in _OUTLIVES_TAB:
            expected = f"R10: 1 to {MAX_RETENTION_DAYS} days; {values['kind']} storage outlives the tab"
            self._refuse(f"{key}.days", None, expected)
        return StoredItem(**values) if len(self.problems) == known else None

    def _record(self, key: str, given: object, fields: Mapping[str, _Read], needs: str = "") -> dict[str, Any]:
        if not isinstance(given, dict):
            return self._refuse(key, given, "an object") or {}
        for name in given.keys() - fields.keys():
            self._refuse(f"{key}.{name}", given[name], f"no such field, but {', '.join(fields)}")
        for name in (fields.keys() - given.keys()) if needs else ():
            self._refuse(f"{key}.{name}", "", "a value; it is missing")
        return {name: read(f"{key}.{name}", given[name]) for name, read in fields.items() if name in given}

    def _list(self, read: _Read, most: int) -> _Read:
        def read_list(key: str, given: object) -> Any:
            if not isinstance(given, list) or len(given) > most:
                return self._refuse(key, given, f"a list of at most {most}")
            return tuple(read(f"{key}[{number}]", one) for number, one in enumerate(given))

        return read_list

    def _map(self, read_name: _Read, read: _Read, most: int) -> _Read:
        def read_map(key: str, given: object) -> Any:
            if not isinstance(given, dict) or len(given) > most:
                return self._refuse(key, given, f"an object with at most {most} fields")
            found = {read_name(f"{key}.{name}", name): read(f"{key}.{name}", one) for name, one in given.items()}
            if len(found) < len(given) and None not in found:
                self._refuse(key, ", ".join(given), "each name once")
            return found

        return read_map

    def _one_of(self, kind: type[StrEnum]) -> _Read:
        values = [value.value for value in kind]
        return lambda key, given: kind(str(given)) if self._is_among(key, given, values) else None

    def _among(self, values: tuple[str, ...]) -> _Read:
        return lambda key, given: given if self._is_among(key, given, values) else None

    def _is_among(self, key: str, given: object, values: list[str] | tuple[str, ...]) -> bool:
        is_among = isinstance(given, str) and given in values
        if not is_among:
            self._refuse(key, given, f"one of {', '.join(values)}")
        return is_among

    def _text(self, most: int, *, or_nothing: bool = False) -> _Read:
        def read_text(key: str, given: object) -> Any:
            if isinstance(given, str) and ((or_nothing and not given) or is_line(given, most)):
                return given
            return self._refuse(key, given, f"one line of at most {most} characters")

        return read_text

    def _language(self, key: str, given: object) -> Any:
        if isinstance(given, str) and is_language(given):
            return language_key(given)
        return self._refuse(key, given, "a language tag such as en or pt-BR (BCP 47)")

    def _country(self, key: str, given: object) -> Any:
        if isinstance(given, str) and _COUNTRY.fullmatch(given.upper()):
            return given.upper()
        return self._refuse(key, given, "a country's two letters, such as US (ISO 3166-1)")

    def _key(self, key: str, given: object) -> Any:
        if isinstance(given, str) and _KEY.fullmatch(given):
            return given
        return self._refuse(key, given, "1 to 40 of a-z, 0-9, - and _")

    def _address(self, key: str, given: object) -> Any:
        if isinstance(given, str) and (not given or is_web_address(given)):
            return given
        return self._refuse(key, given, "an http or https address of at most 500 characters, or nothing")

    def _stored_name(self, key: str, given: object) -> Any:
        if not isinstance(given, str) or not _STORED.fullmatch(given):
            return self._refuse(key, given, "a name of visible ASCII characters; a * only after others, at the end")
        if _names_ours(given):
            return self._refuse(key, given, f"a name that none of Firmly's own begins with: those are {_OURS}...")
        return given

    def _colour(self, key: str, given: object) -> Any:
        if isinstance(given, str) and _COLOUR.fullmatch(given.lower()):
            return given.lower()
        return self._refuse(key, given, "a colour of the form #rrggbb")

    def _days(self, key: str, given: object) -> Any:
        if given is None or (type(given) is int and 1 <= given <= MAX_RETENTION_DAYS):
            return given
        return self._refuse(key, given, f"1 to {MAX_RETENTION_DAYS} days, or null until the tab is closed")

    def _whole_number(self, most: int) -> _Read:
        def read_number(key: str, given: object) -> Any:
            if type(given) is int and 0 <= given <= most:
                return given
            return self._refuse(key, given, "a whole number")

        return read_number

    def _yes_or_no(self, key: str, given: object) -> Any:
        return given if isinstance(given, bool) else self._refuse(key, given, "true or false")

    def _each_once(self, key: str, names: list[str]) -> None:
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self._refuse(key, name, "each key once")

    def _refuse(self, key: str, given: object, expected: str) -> Any:
        """Note a problem, and return the None that stands for the value."""
        self.problems.append(Problem(key, str(given)[:100], expected))
        return None
