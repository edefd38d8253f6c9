"""A banner version names the exact bytes; what was asked decides whether an earlier choice stands."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest

from firmly.accounts.banner_settings import (
    BannerSettings,
    Position,
    Service,
    Signal,
    Storage,
    StoredItem,
    Theme,
)
from firmly.accounts.site import Site
from firmly.consent.banner import SnippetFiles, asked_in, banner_of, preferences_of, read_snippet, script_of
from firmly.consent.choice import months_later
from firmly.consent.wording import ShippedTexts
from firmly.model import BeforeConsent, Category, Jurisdiction, SiteKey
from firmly.packaged import snippet
from tests.unit.consent.conftest import FILES, TEXTS

HEAD = b"//# allFunctionsCalledOnLoad"
"""Tells V8 to compile all of it at once."""
MAPS = Service(
    key="maps",
    category=Category.MARKETING,
    name="Maps",
    provider="Maps Ltd",
    privacy_url="https://maps.example/privacy",
    purposes={"en": "Shows maps.", "fi": "Näyttää karttoja."},
    stores=(StoredItem("_map*", Storage.COOKIE, 30), StoredItem("m", Storage.SESSION, None)),
)
SHOP = Service(
    "shop", Category.NECESSARY, "Shop", "Shop Ltd", "", {"en": "Keeps the basket."}, (), {"en": "Without it no sale."}
)


def with_banner(site: Site, **settings: Any) -> Site:
    return replace(site, banner=BannerSettings(**settings))


def config_of(site: Site, files: SnippetFiles = FILES) -> dict[str, Any]:
    config: dict[str, Any] = orjson.loads(banner_of(site, files).bundle)["config"]
    return config


def test_equal_settings_and_code_are_the_same_version(site: Site) -> None:
    again = SnippetFiles("core", "rules", "signals", "banner", "preferences", replace(TEXTS))
    assert banner_of(site, FILES) == banner_of(replace(site), again)
    assert banner_of(site, FILES).version == sha256(banner_of(site, FILES).bundle).hexdigest()


def test_bundle_holds_what_the_visitor_saw(site: Site) -> None:
    bundle = orjson.loads(banner_of(site, FILES).bundle)
    assert bundle["code"] == {"core.js": "core", "banner.js": "banner", "preferences.js": "preferences"}
    assert bundle["config"] == {
        "site": site.key,
        "collector": "",
        "before_consent": "wait",
        "categories": ["statistics"],
        "controller": "Example Ltd",
        "privacy_url": "",
        "titles": False,
        "months": 6,
        "texts": {"en": {"accept": "Accept", "label": "Privacy choices"}},
        "default_language": "en",
    }
    own = {"name": "Firmly", "provider": "Example Ltd", "privacy_url": ""}
    assert bundle["preferences"] == {
        "en": {
            "texts": {"own_purpose_necessary": "Remembers.", "own_purpose_statistics": "Measures."},
            "services": [
                {
                    **own,
                    "category": "necessary",
                    "purpose": "Remembers.",
                    "stores": [
                        ["firmly_choice", "cookie", 184],
                        [f"firmly_receipt_{site.key}", "cookie", 184],
                        ["firmly_unsent", "local", 184],
                    ],
                },
                {
                    **own,
                    "category": "statistics",
                    "purpose": "Measures.",
                    "stores": [["firmly_visit", "session", None], ["firmly_token", "session", None]],
                },
            ],
        }
    }


@pytest.mark.parametrize(
    "files",
    [
        replace(FILES, core="core "),
        replace(FILES, banner="Banner"),
        replace(FILES, preferences="Preferences"),
        replace(FILES, texts=replace(TEXTS, first={"en": {**TEXTS.first["en"], "accept": "accept"}})),
        replace(FILES, texts=replace(TEXTS, second={"en": {**TEXTS.second["en"], "own_purpose_necessary": "x"}})),
    ],
    ids=["core", "banner", "preferences", "one letter of a text", "a text of the preferences"],
)
def test_any_byte_of_code_or_text_is_another_version_that_asks_for_the_same(site: Site, files: SnippetFiles) -> None:
    before, after = banner_of(site, FILES), banner_of(site, files)
    assert (before.version != after.version, before.purposes == after.purposes) == (True, True)


@pytest.mark.parametrize(
    ("change", "asks_for_the_same"),
    [
        ({"privacy_url": "https://www.example.com/privacy"}, True),
        ({"titles": True}, True),
        ({"before_consent": BeforeConsent.COMPANY}, True),
        ({"controller": "Another Ltd"}, False),
        ({"key": SiteKey("anothersite")}, False),
        ({"banner": BannerSettings(months=12)}, False),
        ({"banner": BannerSettings(services=(MAPS,))}, False),
        ({"banner": BannerSettings(services=(SHOP,))}, True),
        ({"banner": BannerSettings(texts={"en": {"own_purpose_statistics": "Counts."}})}, True),
        ({"banner": BannerSettings(texts={"en": {"accept": "Yes"}})}, True),
        ({"banner": BannerSettings(position=Position.CENTRE)}, True),
        ({"banner": BannerSettings(theme=Theme.DARK)}, True),
        ({"banner": BannerSettings(colours={"light": {"accent": "#000000"}})}, True),
        ({"banner": BannerSettings(signals=frozenset({Signal.UET}))}, True),
        ({"banner": BannerSettings(honours_dnt=True)}, True),
    ],
    ids=str,
)
def test_setting_that_visitors_see_is_another_version(
    site: Site, change: dict[str, Any], asks_for_the_same: bool
) -> None:
    before, after = banner_of(site, FILES), banner_of(replace(site, **change), FILES)
    assert before.version != after.version
    assert (before.purposes == after.purposes) is asks_for_the_same


SAME = [
    {"name": "Other"},
    {"key": "other"},
    {"category": Category.STATISTICS},
    {"provider": "Other Ltd"},
    {"purposes": {"en": "Shows other maps."}},
    {"privacy_url": ""},
    {"stores": ()},
]


@pytest.mark.parametrize("change", SAME, ids=lambda change: next(iter(change)))
def test_service_that_is_for_something_else_or_somebody_else_is_asked_for_again(
    site: Site, change: dict[str, Any]
) -> None:
    before = banner_of(with_banner(site, services=(MAPS,)), FILES)
    after = banner_of(with_banner(site, services=(replace(MAPS, **change),)), FILES)
    assert before.version != after.version
    assert (before.purposes == after.purposes) is (next(iter(change)) in ("name", "privacy_url", "stores"))


def test_own_wording_of_a_purpose_is_asked_for_again(site: Site) -> None:
    worded = with_banner(site, services=(MAPS,), texts={"en": {"marketing_about": "adverts"}})
    other = with_banner(site, services=(MAPS,), texts={"en": {"marketing_about": "adverts and maps"}})
    assert banner_of(worded, FILES).purposes != banner_of(other, FILES).purposes


def test_purposes_of_a_site_without_services_are_those_of_earlier_releases(site: Site) -> None:
    asked = {"site": site.key, "controller": site.controller, "categories": ["statistics"], "months": 6}
    expected = sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()
    assert banner_of(site, FILES).purposes == expected


def test_configuration_says_only_what_differs(site: Site) -> None:
    usual = config_of(site)
    full = with_banner(
        site,
        services=(MAPS, replace(MAPS, key="more", provider="Ads Inc"), replace(MAPS, key="again"), SHOP),
        position=Position.CORNER,
        theme=Theme.LIGHT,
        colours={"light": {"accent": "#123456"}, "dark": {}},
        signals=frozenset({Signal.UET, Signal.GOOGLE}),
        honours_dnt=True,
        months=12,
    )
    assert {key: value for key, value in config_of(full).items() if usual.get(key) != value} == {
        "categories": ["statistics", "marketing"],
        "texts": {"en": {"accept": "Accept", "label": "Privacy choices", "marketing_about": "advertising"}},
        "months": 12,
        "position": "corner",
        "theme": "light",
        "colours": {"light": {"accent": "#123456"}},
        "signals": ["google", "uet"],
        "dnt": True,
        "providers": {"marketing": "Maps Ltd, Ads Inc"},
    }


def test_signals_are_in_the_script_of_sites_that_send_them(site: Site) -> None:
    sending = with_banner(site, signals=frozenset({Signal.CLARITY}))
    assert "signals.js" in orjson.loads(banner_of(sending, FILES).bundle)["code"]
    assert script_of(sending, FILES, "ab" * 32, []).startswith(HEAD + b"\n(function(F){\ncore\nsignals\nbanner\n})(")
    assert b"signals" not in script_of(site, FILES, "ab" * 32, [])


def test_asked_is_read_from_a_stored_version(site: Site) -> None:
    asked = asked_in(banner_of(with_banner(site, services=(MAPS,), months=3), FILES).bundle)
    assert asked.categories == (Category.STATISTICS, Category.MARKETING)
    assert (asked.languages, asked.months) == (frozenset({"en"}), 3)


def test_preferences_of_a_stored_version_are_a_module(site: Site) -> None:
    bundle = banner_of(with_banner(site, services=(SHOP, MAPS)), FILES).bundle
    module = (preferences_of(bundle, "en") or b"").decode()
    head, _, code = module.partition(";\n")
    assert code == "preferences"
    given = orjson.loads(head.removeprefix("const P="))
    assert given["texts"] == TEXTS.second["en"]
    assert given["services"][2:] == [
        {
            "category": "necessary",
            "name": "Shop",
            "provider": "Shop Ltd",
            "purpose": "Keeps the basket.",
            "privacy_url": "",
            "reason": "Without it no sale.",
            "stores": [],
        },
        {
            "category": "marketing",
            "name": "Maps",
            "provider": "Maps Ltd",
            "purpose": "Shows maps.",
            "privacy_url": "https://maps.example/privacy",
            "stores": [["_map*", "cookie", 30], ["m", "session", None]],
        },
    ]


def test_reason_is_said_in_the_language_that_is_shown(site: Site) -> None:
    shop = replace(SHOP, reasons={"en": "Without it no sale.", "fi": "Ilman sitä ei voi ostaa."})
    texts = ShippedTexts({**TEXTS.first, "fi": TEXTS.first["en"]}, {**TEXTS.second, "fi": TEXTS.second["en"]})
    bundle = banner_of(with_banner(site, services=(shop,), languages=("fi",)), replace(FILES, texts=texts)).bundle
    module = (preferences_of(bundle, "fi") or b"").decode()
    shown = orjson.loads(module.partition(";\n")[0].removeprefix("const P="))["services"][2]
    assert shown["reason"] == "Ilman sitä ei voi ostaa."


def test_rules_of_countries_are_in_the_script_of_sites_that_have_some(site: Site) -> None:
    informing = replace(
        with_banner(site, inform_in=("US",), signals=frozenset({Signal.UET})), jurisdiction=Jurisdiction.BY_COUNTRY
    )
    code = orjson.loads(banner_of(informing, FILES).bundle)["code"]
    assert code["rules.js"] == "rules"
    script = script_of(informing, FILES, "ab" * 32, [])
    assert script.startswith(HEAD + b"\n(function(F){\ncore\nrules\nsignals\nbanner\n})(")
    assert b"US" not in script
    for other in (
        replace(informing, jurisdiction=Jurisdiction.STRICTEST),
        replace(informing, banner=replace(informing.banner, inform_in=())),
    ):
        assert b"rules" not in script_of(other, FILES, "ab" * 32, [])


def test_preferences_are_none_in_another_language_and_before_there_were_any(site: Site) -> None:
    assert preferences_of(banner_of(site, FILES).bundle, "fi") is None
    assert preferences_of(b'{"config":{},"code":{"core.js":"","banner.js":""}}', "en") is None


@pytest.mark.parametrize("months", range(1, 14))
def test_declared_days_are_never_fewer_than_the_cookie_lives(site: Site, months: int) -> None:
    stored = orjson.loads(banner_of(with_banner(site, months=months), FILES).bundle)["preferences"]["en"]["services"]
    declared = stored[0]["stores"][0][2]
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(4 * 366))
    assert declared >= max((months_later(day, max(months, 6)) - day).days for day in days)


@pytest.mark.parametrize("change", [{"name": "Renamed"}, {"retention_days": 30}, {"query_keys": frozenset({"plan"})}])
def test_setting_that_visitors_do_not_see_is_the_same_version(site: Site, change: dict[str, Any]) -> None:
    assert banner_of(site, FILES) == banner_of(replace(site, **change), FILES)


def test_script_holds_its_configuration_and_cannot_be_broken_out_of(new_site: Callable[..., Site]) -> None:
    site = new_site(controller="</script><script>alert(1)//<!--")
    script = script_of(site, FILES, "ab" * 32, ["cd" * 32, "ef" * 32]).decode()
    assert "<" not in script
    head, _, rest = script.partition("})(")
    assert head == f"{HEAD.decode()}\n(function(F){{\ncore\nbanner\n"
    config = orjson.loads(rest.removesuffix(");\n"))
    assert config["controller"] == site.controller
    assert (config["banner"], config["unchanged"]) == ("ab" * 32, ["cd" * 8, "ef" * 8])


def test_line_separators_are_escaped(site: Site) -> None:
    files = replace(FILES, texts=ShippedTexts({"en": {"a": "one\u2028two\u2029three", "months": "{n}"}}, TEXTS.second))
    script = script_of(site, files, "ab" * 32, []).decode()
    assert "\u2028" not in script
    assert "one\\u2028two\\u2029three" in script


def test_packaged_snippet_is_there_in_all_languages() -> None:
    files = read_snippet(snippet())
    assert all((files.core, files.rules, files.signals, files.banner, files.preferences))
    languages = {"fi", "sv", "en", "da", "no", "de", "nl", "fr", "es", "it", "pl", "et"}
    assert set(files.texts.first) == set(files.texts.second) == languages
    assert not files.texts.first["en"].keys() & files.texts.second["en"].keys()
