"""What breaks a rule of consent is refused with the rule's id, and nothing else is."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmly.accounts.banner_settings import BannerSettings, Service, Theme
from firmly.accounts.site import Site
from firmly.consent.banner import read_snippet
from firmly.consent.rules import PALETTES, ConsentRules, contrast
from firmly.model import Category, Jurisdiction
from firmly.packaged import snippet

SHIPPED = read_snippet(snippet()).texts
PALETTE_TS = Path(__file__).parents[3] / "snippet" / "src" / "banner" / "palette.ts"
ARABIC = {key: f"نص {text}" for key, text in {**SHIPPED.first["en"], **SHIPPED.second["en"]}.items()}
PURPOSES = {"en": "Shows maps."}
BOTH = {"en": "Keeps the basket.", "fi": "Säilyttää korin."}
EEA = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"


def service(category: Category = Category.MARKETING, **given: Any) -> Service:
    values = {"key": "maps", "name": "Maps", "provider": "Maps Ltd", "privacy_url": "", "purposes": PURPOSES}
    return Service(category=category, **{**values, **given})


@pytest.fixture
def breaches(new_site: Callable[..., Site]) -> Callable[..., list[tuple[str, str]]]:
    """Return what is refused of a banner: keys and rules."""

    def judge(
        language: str = "en", jurisdiction: Jurisdiction = Jurisdiction.STRICTEST, **banner: Any
    ) -> list[tuple[str, str]]:
        site = new_site(language=language, jurisdiction=jurisdiction, banner=BannerSettings(**banner))
        found = ConsentRules(SHIPPED).breaches(site)
        return [(problem.key, problem.expected.split(":")[0]) for problem in found]

    return judge


@pytest.mark.parametrize(
    "banner",
    [
        {},
        {"language": "de-AT"},
        {"languages": tuple(SHIPPED.first)},
        {"services": (service(), service(Category.NECESSARY, key="shop", reasons={"en": "Without it no sale."}))},
        {"languages": ("fi",), "services": (service(purposes={"en": "Maps.", "fi": "Kartat."}),)},
        {"language": "ar", "texts": {"ar": ARABIC}},
        {"texts": {"en": {"accept": "Yes", "reject": "No", "intro": "We, {controller}, ask:"}}},
        {"colours": {"light": {"accent": "#005a9c"}, "dark": {"accent": "#7fd1ff"}}},
        {"months": 6},
        {"months": 13},
        {"jurisdiction": Jurisdiction.BY_COUNTRY},
        {"jurisdiction": Jurisdiction.BY_COUNTRY, "inform_in": ("JP", "US")},
    ],
    ids=lambda banner: ", ".join(banner) or "usual",
)
def test_lawful_banner_is_let_pass(breaches: Callable[..., Any], banner: dict[str, Any]) -> None:
    assert breaches(**banner) == []


@pytest.mark.parametrize(
    ("banner", "key", "rule"),
    [
        ({"texts": {"en": {"reject": "Accept all"}}}, "banner.texts.en.reject", "R1"),
        ({"texts": {"fi": {"choose": "Hylkää kaikki"}}}, "banner.texts.fi.reject", "R1"),
        ({"texts": {"en": {"reject": "ACCEPT\u00a0  all"}}}, "banner.texts.en.reject", "R1"),
        ({"texts": {"en": {"reject": "Accept all\u115f"}}}, "banner.texts.en.reject", "R1"),
        ({"texts": {"en": {"reject": "\uff21ccept all"}}}, "banner.texts.en.reject", "R1"),
        ({"texts": {"en": {"accept": "Reject all", "reject": "Yes"}}}, "banner.texts.en.accept", "R1"),
        ({"texts": {"en": {"choose": "Reject all", "reject": "Not all"}}}, "banner.texts.en.choose", "R1"),
        ({"texts": {"en": {"accept": "Yes", "reject": "Accept all"}}}, "banner.texts.en.reject", "R1"),
        ({"texts": {"en": {"choose": "Settings", "reject": "Choose by purpose"}}}, "banner.texts.en.reject", "R1"),
        ({"texts": {"en": {"reject": "x"}}}, "banner.texts.en.reject", "R3"),
        ({"texts": {"en": {"reject": "\u3164\u3164\uffa0\u1160"}}}, "banner.texts.en.reject", "R3"),
        ({"texts": {"en": {"reject": "No" * 21}}}, "banner.texts.en.reject", "R3"),
        ({"texts": {"en": {"accept": "Yes" * 14}}}, "banner.texts.en.accept", "R3"),
        ({"texts": {"en": {"choose": "…"}}}, "banner.texts.en.choose", "R3"),
        ({"colours": {"light": {"accent": "#bbbbbb"}}}, "banner.colours.light.accent", "R4"),
        ({"colours": {"dark": {"surface": "#eeeeee"}}}, "banner.colours.dark.surface", "R4"),
        ({"colours": {"light": {"muted": "#999999"}}}, "banner.colours.light.muted", "R4"),
        ({"colours": {"light": {"on-accent": "#0b6b5b"}}}, "banner.colours.light.on-accent", "R4"),
        ({"colours": {"light": {"accent": "#f4f4f4", "on-accent": "#000000"}}},
         "banner.colours.light.accent", "R4"),
        ({"services": (service(Category.NECESSARY),)}, "banner.services[0].reasons", "R6"),
        ({"services": (service(reasons={"en": "We like it."}),)}, "banner.services[0].reasons", "R6"),
        ({"services": (service(provider=" "),)}, "banner.services[0].provider", "R10"),
        ({"services": (service(purposes={}),)}, "banner.services[0].purposes", "R10"),
        ({"texts": {"en": {"intro": "We ask for your consent to:"}}}, "banner.texts.en.intro", "R10"),
        ({"texts": {"en": {"duration": "Kept for {months}."}}}, "banner.texts.en.duration", "R10"),
        ({"texts": {"en": {"accept": "Accept {all}"}}}, "banner.texts.en.accept", "R10"),
        ({"texts": {"en": {"accept": "Accept {toString}"}}}, "banner.texts.en.accept", "R10"),
        ({"texts": {"en": {"verified": "{sequence.__class__} {sequence} {size} {date}"}}},
         "banner.texts.en.verified", "R10"),
        ({"texts": {"en": {"verified": "{sequence} {size} {date} {"}}}, "banner.texts.en.verified", "R10"),
        ({"texts": {"en": {"verified": "{sequence} {size} {date}}"}}}, "banner.texts.en.verified", "R10"),
        ({"language": "pt-BR"}, "language", "R11"),
        ({"languages": ("fi", "ar")}, "banner.languages", "R11"),
        ({"language": "ar", "texts": {"ar": {"accept": "قبول الكل"}}}, "banner.texts.ar", "R11"),
        ({"texts": {"en": {"acept": "Yes"}}}, "banner.texts.en.acept", "R11"),
        ({"languages": ("fi",), "services": (service(),)}, "banner.services[0].purposes.fi", "R11"),
        ({"languages": ("fi",),
          "services": (service(Category.NECESSARY, purposes=BOTH, reasons={"en": "Without it no sale."}),)},
         "banner.services[0].reasons.fi", "R11"),
        ({"inform_in": ("US",)}, "banner.inform_in", "R14"),
        ({"jurisdiction": Jurisdiction.BY_COUNTRY, "inform_in": ("CH", "US")}, "banner.inform_in", "R14"),
        ({"months": 5}, "banner.months", "R19"),
        ({"months": 14}, "banner.months", "R19"),
    ],
    ids=str,
)  # fmt: skip
def test_banner_that_breaks_a_rule_is_refused(
    breaches: Callable[..., Any], banner: dict[str, Any], key: str, rule: str
) -> None:
    assert (key, rule) in breaches(**banner)
    assert {found for _key, found in breaches(**banner)} <= {rule, "R11" if rule == "R10" else rule}


@pytest.mark.parametrize("code", [*EEA.split(), "GB", "UK", "CH", "RE", "AX"])
def test_no_controller_can_leave_asking_out_in_europe(breaches: Callable[..., Any], code: str) -> None:
    found = breaches(jurisdiction=Jurisdiction.BY_COUNTRY, inform_in=("JP", code, "US"))
    assert found == [("banner.inform_in", "R14")]


@pytest.mark.parametrize(("theme", "count"), [(Theme.AUTO, 1), (Theme.LIGHT, 1), (Theme.DARK, 0)])
def test_colours_of_a_theme_that_is_never_shown_are_not_judged(
    breaches: Callable[..., Any], theme: Theme, count: int
) -> None:
    assert len(breaches(theme=theme, colours={"light": {"muted": "#aaaaaa"}})) == count


def test_every_breach_is_said_at_once(breaches: Callable[..., Any]) -> None:
    found = breaches("xx", months=20, services=(service(Category.NECESSARY, provider=""),))
    assert [rule for _key, rule in found] == ["R6", "R10", "R11", "R19"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_that_of_the_guidelines(one: str, other: str, expected: float) -> None:
    assert round(contrast(one, other), 2) == round(contrast(other, one), 2) == expected


def test_palettes_are_those_of_the_script() -> None:
    for theme, palette in PALETTES.items():
        block = PALETTE_TS.read_text().partition(f"const {theme.upper()}: Texts = {{")[2].partition("};")[0]
        written = dict(re.findall(r'"?([a-z-]+)"?: "(#[0-9a-f]{3,6})"', block))
        whole = {
            name: value if len(value) == 7 else "#" + "".join(c * 2 for c in value[1:])
            for name, value in written.items()
        }
        whole.pop("border")
        assert palette == whole


@pytest.mark.parametrize("language", sorted(SHIPPED.first))
def test_shipped_texts_keep_the_rules_as_own_wording(breaches: Callable[..., Any], language: str) -> None:
    assert breaches(texts={language: {**SHIPPED.first[language], **SHIPPED.second[language]}}) == []


def test_own_wording_of_a_part_of_a_language_is_judged_by_the_whole(breaches: Callable[..., Any]) -> None:
    own = {**SHIPPED.first["de"], **SHIPPED.second["de"], "accept": "Alle ablehnen", "reject": "Nein"}
    assert breaches(texts={"de-ch": own}) == [("banner.texts.de-ch.accept", "R1")]


def test_own_colours_of_the_script_keep_the_rule(breaches: Callable[..., Any]) -> None:
    assert breaches(colours={theme: dict(palette) for theme, palette in PALETTES.items()}) == []
