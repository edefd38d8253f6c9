"""What a banner offers follows from its services; languages are kept under one name each."""

import pytest

from firmly.accounts.banner_settings import BannerSettings, Service, language_key
from firmly.model import Category

P, S, M = Category.PREFERENCES, Category.STATISTICS, Category.MARKETING


def service(category: Category) -> Service:
    return Service(f"{category.value}-1", category, "Maps", "Maps Ltd", "", {"en": "Shows maps."})


@pytest.mark.parametrize(
    ("categories", "offered"),
    [
        ([], (S,)),
        ([Category.NECESSARY], (S,)),
        ([M, P], (P, S, M)),
        ([S, M, M], (S, M)),
    ],
    ids=str,
)
def test_offered_is_our_own_statistics_and_what_services_are_for(
    categories: list[Category], offered: tuple[Category, ...]
) -> None:
    assert BannerSettings(services=tuple(map(service, categories))).offered == offered


@pytest.mark.parametrize(
    ("tag", "key"), [("en", "en"), ("pt-BR", "pt-br"), ("nb", "no"), ("nn-NO", "no-no"), ("no", "no"), ("nbx", "nbx")]
)
def test_language_key(tag: str, key: str) -> None:
    assert language_key(tag) == key


def test_settings_cannot_be_changed_by_who_gave_them() -> None:
    texts = {"en": {"accept": "Yes"}}
    settings = BannerSettings(texts=texts)
    texts["en"]["accept"] = "No"
    assert settings == BannerSettings(texts={"en": {"accept": "Yes"}})
