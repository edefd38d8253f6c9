"""The banner a site shows: its bundle of configuration, texts, style and code, named by its SHA-256.

A record names the version, so that it leads to the exact bytes the visitor saw (RULES R20). The
scripts that the collector serves are put together here from the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from firmly.accounts.banner_settings import Position, Service, Storage, Theme
from firmly.accounts.site import Site
from firmly.consent.choice import REFUSAL_MONTHS
from firmly.consent.wording import ShippedTexts, first_layer_of, languages_of, providers_of, second_layer_of
from firmly.model import Category

SHORT = 16
"""How many digits of a version name it where it only has to be told from others of its site."""


COMPILE_NOW = "//# allFunctionsCalledOnLoad"
"""Has V8 compile the whole script while it loads, off the main thread, instead of twice when it runs.

Source: V8, "Explicit JavaScript Compile Hints"; other engines read a comment.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one version of a banner asked its visitors: only this can be granted, and only for so long."""

    categories: tuple[Category, ...]
    languages: frozenset[str]
    months: int


@dataclass(frozen=True, slots=True)
class SnippetFiles:
    """The built snippet: the measuring core, what asks for a country's rule, what tells vendors of choices, the banner,
    the preferences, the texts."""

    core: str
    rules: str
    signals: str
    banner: str
    preferences: str
    texts: ShippedTexts

    def code_for(self, site: Site) -> dict[str, str]:
        """Return the script's parts for a site, in their order."""
        rules = {"rules.js": self.rules} if site.informs_in else {}
        signals = {"signals.js": self.signals} if site.banner.signals else {}
        return {"core.js": self.core, **rules, **signals, "banner.js": self.banner}


def read_snippet(folder: Path) -> SnippetFiles:
    """Read what the build wrote."""
    names = ("core", "rules", "signals", "banner", "preferences")
    parts = {name: (folder / f"{name}.js").read_text() for name in names}
    texts = orjson.loads((folder / "texts.json").read_bytes())
    return SnippetFiles(**parts, texts=ShippedTexts(first=texts["banner"], second=texts["preferences"]))


@dataclass(frozen=True, slots=True)
class BannerVersion:
    """``version``: 64 hexadecimal digits, the SHA-256 of ``bundle``.

    ``purposes`` is the same for versions that ask for the same: who asks, for what, for how long.
    A choice made under one of them stands under the others (RULES R19).
    """

    version: str
    purposes: str
    bundle: bytes


def banner_of(site: Site, files: SnippetFiles) -> BannerVersion:
    """Put together a site's banner from its settings; equal settings and code give equal bytes."""
    languages = languages_of(site, files.texts)
    second = {language: _preferences(site, files, language) for language in languages}
    code = {**files.code_for(site), "preferences.js": files.preferences}
    # With the purposes, so that two versions that ask for different things never have one name.
    purposes = purposes_of(site)
    parts = {"config": _config(site, files), "preferences": second, "code": code, "purposes": purposes}
    bundle = _canonical(parts)
    return BannerVersion(sha256(bundle).hexdigest(), purposes, bundle)


def asked_in(bundle: bytes) -> Asked:
    """Read what a stored version of a banner asked for."""
    config = orjson.loads(bundle)["config"]
    categories = tuple(Category(name) for name in config["categories"])
    return Asked(categories, frozenset(config["texts"]), config["months"])


def script_hash_of(bundle: bytes) -> str:
    """Return the SHA-256 of a banner version's code, apart from its texts and configuration."""
    return sha256(_canonical(orjson.loads(bundle)["code"])).hexdigest()


def purposes_of(site: Site) -> str:
    """Return a hash of what the site's banner asks for now; a choice made for another stands no longer.

    Wording, looks and code may change without asking again; who asks, for what, for whom and for how
    long may not, and neither may a purpose that the site words itself.
    """
    asked: dict[str, Any] = {
        "site": site.key,
        "controller": site.controller,
        "categories": site.banner.offered,
        "months": site.banner.months,
    }
    services = [_asked_for(service) for service in site.banner.services if service.category is not Category.NECESSARY]
    wording = {
        language: {key: text for key, text in texts.items() if key.endswith(("_about", "_more"))}
        for language, texts in site.banner.texts.items()
    }
    # Left out where there is nothing, so that sites from before there were any need not ask again.
    asked |= {"services": services} if services else {}
    asked |= {"wording": wording} if any(wording.values()) else {}
    return sha256(_canonical(asked)).hexdigest()


def script_of(
    site: Site, files: SnippetFiles, version: str, unchanged: Sequence[str], *, objects: bool = False
) -> bytes:
    """Return what a browser gets; ``unchanged`` are the earlier versions with the same purposes.

    ``objects``: the browser sent `Sec-GPC: 1`, which counts whatever it lets scripts see (RULES R28).
    """
    config = _config(site, files) | {"banner": version, "unchanged": [earlier[:SHORT] for earlier in unchanged]}
    code = "\n".join(files.code_for(site).values())
    names, values = ("F,navigator", ",{globalPrivacyControl:true}") if objects else ("F", "")
    return f"{COMPILE_NOW}\n(function({names}){{\n{code}\n}})({_in_script(config)}{values});\n".encode()


def preferences_of(bundle: bytes, language: str) -> bytes | None:
    """Return the module that opens the preferences of a stored version; None for a language it does not have."""
    stored = orjson.loads(bundle)
    texts = stored.get("preferences", {}).get(language)
    return f"const P={_in_script(texts)};\n{stored['code']['preferences.js']}".encode() if texts else None


def _config(site: Site, files: SnippetFiles) -> dict[str, Any]:
    languages = languages_of(site, files.texts)
    return {
        "site": site.key,
        "collector": "",
        "before_consent": site.before_consent.value,
        "categories": list(site.banner.offered),
        "controller": site.controller,
        "privacy_url": site.privacy_url,
        "titles": site.titles,
        "months": site.banner.months,
        "texts": {language: first_layer_of(site, files.texts, language) for language in languages},
        "default_language": languages[0],
        **_looks(site),
    }


def _looks(site: Site) -> dict[str, Any]:
    """Return what differs from the usual: every byte here is loaded before a choice."""
    banner = site.banner
    said = {
        "dnt": banner.honours_dnt,
        "signals": sorted(signal.value for signal in banner.signals),
        "position": banner.position.value if banner.position is not Position.BAR else "",
        "theme": banner.theme.value if banner.theme is not Theme.AUTO else "",
        "colours": {theme: dict(colours) for theme, colours in banner.colours.items() if colours},
        "providers": providers_of(site),
    }
    return {key: value for key, value in said.items() if value}


def _preferences(site: Site, files: SnippetFiles, language: str) -> dict[str, Any]:
    texts = second_layer_of(site, files.texts, language)
    services = [_service(service, language) for service in site.banner.services]
    return {"texts": texts, "services": [*_own_services(site, texts), *services]}


def _own_services(site: Site, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return Firmly itself as the visitor sees it: the controller's own tool, with what it keeps in the browser."""
    days = _most_days(max(site.banner.months, REFUSAL_MONTHS))
    lasting: list[list[Any]] = [
        ["firmly_choice", Storage.COOKIE, days],
        [f"firmly_receipt_{site.key}", Storage.COOKIE, days],
        ["firmly_unsent", Storage.LOCAL, days],
    ]
    passing: list[list[Any]] = [["firmly_visit", Storage.SESSION, None], ["firmly_token", Storage.SESSION, None]]
    own = {"name": "Firmly", "provider": site.controller, "privacy_url": ""}
    return [
        {"category": Category.NECESSARY, **own, "purpose": texts["own_purpose_necessary"], "stores": lasting},
        {"category": Category.STATISTICS, **own, "purpose": texts["own_purpose_statistics"], "stores": passing},
    ]


def _service(service: Service, language: str) -> dict[str, Any]:
    shown = {
        "category": service.category,
        "name": service.name,
        "provider": service.provider,
        "purpose": _in_language(service.purposes, language),
        "privacy_url": service.privacy_url,
        "stores": [[item.name, item.kind, item.days] for item in service.stores],
    }
    return shown | ({"reason": _in_language(service.reasons, language)} if service.reasons else {})


def _in_language(sentences: Mapping[str, str], language: str) -> str:
    return sentences.get(language) or next(iter(sentences.values()), "")


def _asked_for(service: Service) -> dict[str, Any]:
    return {
        "key": service.key,
        "category": service.category,
        "provider": service.provider,
        "purposes": dict(service.purposes),
    }


def _most_days(months: int) -> int:
    """Return for how many days at most something is kept for so many months. July and August have 62."""
    return -(-months * 367 // 12)


def _in_script(value: Any) -> str:
    # Inside a script element nothing may end it, and two line separators are no JSON in old browsers.
    text = _canonical(value).decode()
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
