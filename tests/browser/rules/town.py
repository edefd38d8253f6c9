"""The sites that the rules are tested on: one served Firmly, one workspace, settings that differ."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import create_engine, text

from firmly.accounts.banner_json import read_banner
from firmly.accounts.database import open_control_plane
from firmly.accounts.service import Accounts
from firmly.accounts.site import Site
from firmly.accounts.sites import new_site
from firmly.app import control_plane_url
from firmly.app.data_dir import secret_keys
from firmly.consent.banner import banner_of, read_snippet
from firmly.consent.rules import ConsentRules
from firmly.model import BeforeConsent, system_clock
from firmly.packaged import snippet
from firmly.settings import read_settings
from tests.served import Served, serving

CONTROLLER = "Herons Oy"
POLICY = "https://herons.example/privacy"
REASON = "Without it the basket is empty on every page."
LANGUAGES = ("en", "fi", "sv", "da", "no", "de", "nl", "fr", "es", "it", "pl", "et")
WORDS = {
    "label": "خيارات الخصوصية",
    "intro": "تطلب {controller} موافقتك على:",
    "accept": "قبول الكل",
    "reject": "رفض الكل",
    "choose": "اختر حسب الغرض",
    "policy": "سياسة الخصوصية",
    "statistics": "الإحصاءات",
    "preferences": "التفضيلات",
    "marketing": "التسويق",
}
"""A language from right to left that Firmly does not ship; its other texts are made up in `arabic`."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What ``dist/texts.json`` holds, by language and key."""

    first: Mapping[str, Mapping[str, str]]
    second: Mapping[str, Mapping[str, str]]


def shipped_texts() -> Texts:
    files = read_snippet(snippet())
    return Texts(files.texts.first, files.texts.second)


def arabic() -> dict[str, str]:
    texts = shipped_texts()
    english = {**texts.first["en"], **texts.second["en"]}
    return {key: WORDS.get(key) or _made_up(number, said) for number, (key, said) in enumerate(english.items())}


def _made_up(number: int, english: str) -> str:
    return " ".join([f"نص رقم {number} يقول ما يلزم", *re.findall(r"\{\w+\}", english)])


def service(key: str, category: str, name: str, provider: str, *stores: tuple[str, str, int | None]) -> dict[str, Any]:
    return {
        "key": key,
        "category": category,
        "name": name,
        "provider": provider,
        "privacy_url": f"https://{key}.example/privacy",
        "purposes": {language: f"{name} ({language})" for language in (*LANGUAGES, "ar")},
        "stores": [{"name": item, "kind": kind, "days": days} for item, kind, days in stores],
        "reasons": dict.fromkeys((*LANGUAGES, "ar"), REASON) if category == "necessary" else {},
    }


SERVICES = [
    service("basket", "necessary", "Basket", CONTROLLER, ("basket", "cookie", 7)),
    service("font", "preferences", "Reading size", CONTROLLER, ("reading_size", "local", 365)),
    service(
        "counter",
        "statistics",
        "Counter",
        "Counter GmbH",
        ("_cnt*", "cookie", 400),
        ("_cnt*", "local", 90),
        ("_cnt_tab", "session", None),
        ("_cnt_base", "indexed_db", 30),
    ),
    service("ads", "marketing", "Advertising", "Adverts Inc.", ("_ad", "cookie", 90)),
]
ALL: dict[str, Any] = {
    "languages": [*LANGUAGES, "ar"],
    "services": SERVICES,
    "signals": ["google", "uet", "clarity"],
    "texts": {"ar": arabic()},
}
BANNERS: Mapping[str, dict[str, Any]] = {
    "plain": {"languages": list(LANGUAGES)},
    "shop": ALL,
    "corner": {**ALL, "position": "corner"},
    "centre": {**ALL, "position": "centre"},
    "dark": {**ALL, "theme": "dark", "signals": []},
    "light": {**ALL, "theme": "light", "signals": [], "colours": {"light": {"accent": "#7a2048"}}},
    "dnt": {"honours_dnt": True},
    "year": {"months": 12},
    "company": {},
}


class Town:
    """The served process, its sites by name, and a look into what it wrote about consent."""

    def __init__(self, served: Served, sites: Mapping[str, Site]) -> None:
        self.served = served
        self.sites = sites
        self._files = read_snippet(snippet())

    def version(self, name: str) -> str:
        """Return the 64 digits of the banner that a site shows now."""
        return banner_of(self.sites[name], self._files).version

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Read what is on record, as the process wrote it."""
        engine = create_engine(control_plane_url(read_settings(self.served.environ)))
        with engine.connect() as connection:
            rows = [dict(row._mapping) for row in connection.execute(text(f"select * from {table}"))]
        engine.dispose()
        return rows

    def consent_tables(self) -> str:
        """Return everything that the tables of consent hold of choices, as text."""
        tables = ("consent_records", "consent_entries", "consent_nodes", "consent_logs", "consent_checkpoints")
        return orjson.dumps({table: self.rows(table) for table in tables}, default=str).decode()

    def records(self, name: str) -> list[dict[str, Any]]:
        """Return a site's records, the oldest first."""
        site = self.sites[name].id
        return sorted(
            (row for row in self.rows("consent_records") if row["site_id"] == site), key=lambda row: row["id"]
        )


@contextmanager
def running_town(folder: Path, origins: tuple[str, ...]) -> Iterator[Town]:
    """Serve until the block ends."""
    served = Served(folder / "data", origins[0])
    sites = _make_sites(served, origins)
    with serving(served):
        yield Town(served, sites)


def _make_sites(served: Served, origins: tuple[str, ...]) -> dict[str, Site]:
    settings = read_settings(served.environ)
    control_plane = open_control_plane(control_plane_url(settings))
    accounts = Accounts(control_plane, system_clock, secret_keys(settings))
    rules = ConsentRules(read_snippet(snippet()).texts)
    made = {}
    for name, banner in BANNERS.items():
        site = new_site(
            served.site.workspace_id,
            name=name.title(),
            origins=origins,
            controller=CONTROLLER,
            privacy_url=POLICY,
            before_consent=BeforeConsent.COMPANY if name == "company" else BeforeConsent.WAIT,
            banner=read_banner(banner),
        )
        assert rules.breaches(site) == [], name
        made[name] = accounts.sites.create(site)
    control_plane.close()
    return made
