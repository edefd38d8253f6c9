"""Which languages and texts a site's banner has, and with whose words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from firmly.accounts.banner_settings import BannerSettings, Service
from firmly.accounts.site import Site
from firmly.consent.banner import read_snippet
from firmly.consent.wording import ShippedTexts, first_layer_of, languages_of, providers_of, second_layer_of
from firmly.model import BeforeConsent, Category, Jurisdiction
from firmly.packaged import snippet

SHIPPED = read_snippet(snippet()).texts
COMPANY = {"company_notice"}
INFORM = {"inform_notice"}
UNASKED = {"preferences", "preferences_about", "marketing", "marketing_about"}
OTHERS = {"recipients"}


@pytest.fixture
def worded(new_site: Callable[..., Site]) -> Callable[..., Site]:
    def make(language: str = "en", before: BeforeConsent = BeforeConsent.WAIT, **banner: Any) -> Site:
        return new_site(language=language, before_consent=before, banner=BannerSettings(**banner))

    return make


def service(category: Category, provider: str = "Maps Ltd") -> Service:
    return Service(f"{provider}-{category}", category, "Maps", provider, "", {"en": "Shows maps."})


@pytest.mark.parametrize(
    ("language", "more", "languages"),
    [
        ("en", (), ("en",)),
        ("fi", ("en", "sv", "fi"), ("fi", "en", "sv")),
        ("de-AT", (), ("de",)),
        ("nb", ("nn-NO",), ("no",)),
        ("pt-BR", ("fi", "ar"), ("en", "fi")),
    ],
)
def test_languages_are_those_that_have_texts(
    worded: Callable[..., Site], language: str, more: tuple[str, ...], languages: tuple[str, ...]
) -> None:
    assert languages_of(worded(language, languages=more), SHIPPED) == languages


def test_own_wording_makes_a_language_and_goes_before_its_first_part(worded: Callable[..., Site]) -> None:
    site = worded("de-ch", languages=("ar",), texts={"ar": {"accept": "قبول الكل"}, "de-ch": {"accept": "Ja"}})
    assert languages_of(site, SHIPPED) == ("de-ch", "ar")
    assert first_layer_of(site, SHIPPED, "ar")["accept"] == "قبول الكل"


def test_own_wording_stands_for_its_key_alone(worded: Callable[..., Site]) -> None:
    site = worded("fi", texts={"fi": {"accept": "Kyllä", "save": "Talleta"}})
    first, second = first_layer_of(site, SHIPPED, "fi"), second_layer_of(site, SHIPPED, "fi")
    assert (first["accept"], first["reject"]) == ("Kyllä", SHIPPED.first["fi"]["reject"])
    assert (second["save"], second["close"]) == ("Talleta", SHIPPED.second["fi"]["close"])
    assert first_layer_of(site, SHIPPED, "en")["accept"] == SHIPPED.first["en"]["accept"]


@pytest.mark.parametrize(
    ("before", "categories", "unused"),
    [
        (BeforeConsent.WAIT, (), UNASKED | COMPANY | OTHERS),
        (BeforeConsent.COMPANY, (Category.MARKETING,), {"preferences", "preferences_about"}),
        (BeforeConsent.WAIT, (Category.PREFERENCES, Category.MARKETING), COMPANY),
        (BeforeConsent.COMPANY, (Category.PREFERENCES, Category.MARKETING), set()),
        (BeforeConsent.WAIT, (Category.STATISTICS,),
         UNASKED | COMPANY),
        (BeforeConsent.COMPANY, (Category.NECESSARY,),
         UNASKED | OTHERS),
    ],
    ids=["bare", "company, marketing", "all", "company, all", "statistics", "company, necessary"],
)  # fmt: skip
def test_first_layer_has_the_texts_that_the_site_can_use(
    worded: Callable[..., Site], before: BeforeConsent, categories: tuple[Category, ...], unused: set[str]
) -> None:
    site = worded(before=before, services=tuple(map(service, categories)))
    first = first_layer_of(site, SHIPPED, "en")
    assert SHIPPED.first["en"].keys() - first.keys() == {"months", *unused, *INFORM}
    assert all(SHIPPED.first["en"][key].replace("{months}", "6 months") == text for key, text in first.items())


@pytest.mark.parametrize(
    ("jurisdiction", "countries", "is_said"),
    [
        (Jurisdiction.STRICTEST, (), False),
        (Jurisdiction.BY_COUNTRY, (), False),
        (Jurisdiction.STRICTEST, ("US",), False),
        (Jurisdiction.BY_COUNTRY, ("US",), True),
    ],
)
def test_what_is_on_before_a_choice_is_worded_only_where_it_can_be(
    worded: Callable[..., Site], jurisdiction: Jurisdiction, countries: tuple[str, ...], is_said: bool
) -> None:
    site = replace(worded(inform_in=countries), jurisdiction=jurisdiction)
    assert ("inform_notice" in first_layer_of(site, SHIPPED, "fi")) is is_said


def test_providers_are_named_once_in_order_without_those_of_necessary_services(worded: Callable[..., Site]) -> None:
    services = [
        service(Category.MARKETING, "Zeta"),
        service(Category.STATISTICS, "Zeta"),
        service(Category.MARKETING, "Alpha"),
        service(Category.NECESSARY, "Shop"),
        service(Category.MARKETING, "Zeta"),
    ]
    found = providers_of(worded(services=tuple({(one.key, n): one for n, one in enumerate(services)}.values())))
    assert found == {"marketing": "Zeta, Alpha", "statistics": "Zeta"}


def test_language_without_texts_is_shown_in_english(worded: Callable[..., Site]) -> None:
    shipped = ShippedTexts({"en": {"accept": "Accept", "months": "{n}"}}, {"en": {}})
    assert first_layer_of(worded("pt"), shipped, "pt") == {"accept": "Accept"}


@pytest.mark.parametrize(
    ("language", "months", "said"),
    [
        ("en", 6, "6 months"),
        ("fi", 13, "13 kuukautta"),
        ("pl", 6, "6 miesięcy"),
        ("pl", 13, "13 miesięcy"),
    ],
)
def test_months_are_said_in_the_language(worded: Callable[..., Site], language: str, months: int, said: str) -> None:
    assert said in first_layer_of(worded(language, months=months), SHIPPED, language)["duration"]
