"""A banner as JSON: read back equal, and refused with every problem at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.accounts.banner_json import MAX_LANGUAGES, MAX_SERVICES, MAX_STORES, banner_json, read_banner
from firmly.accounts.banner_settings import (
    BannerSettings,
    Position,
    Service,
    Signal,
    Storage,
    StoredItem,
    Theme,
)
from firmly.model import Category, InvalidInputError

SERVICE: dict[str, Any] = {
    "key": "maps",
    "category": "marketing",
    "name": "Maps",
    "provider": "Maps Ltd",
    "purposes": {"en": "Shows maps."},
}
FULL: dict[str, Any] = {
    "languages": ["fi", "nb"],
    "services": [
        {
            **SERVICE,
            "privacy_url": "https://maps.example/privacy",
            "stores": [{"name": "_map*", "kind": "cookie", "days": 30}, {"name": "f", "kind": "session", "days": None}],
            "reasons": {},
        }
    ],
    "texts": {"en": {"accept": "Yes"}},
    "position": "corner",
    "theme": "dark",
    "colours": {"dark": {"accent": "#ABCDEF"}},
    "signals": ["uet", "google"],
    "honours_dnt": True,
    "months": 12,
    "inform_in": ["us", "JP", "US"],
}


def refused(given: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInputError) as caught:
        read_banner(given)
    return [(problem.key, problem.value) for problem in caught.value.problems]


def test_full_banner_is_read() -> None:
    items = (StoredItem("_map*", Storage.COOKIE, 30), StoredItem("f", Storage.SESSION, None))
    assert read_banner(FULL) == BannerSettings(
        languages=("fi", "no"),
        services=(
            Service(
                "maps",
                Category.MARKETING,
                "Maps",
                "Maps Ltd",
                "https://maps.example/privacy",
                {"en": "Shows maps."},
                items,
            ),
        ),
        texts={"en": {"accept": "Yes"}},
        position=Position.CORNER,
        theme=Theme.DARK,
        colours={"dark": {"accent": "#abcdef"}},
        signals=frozenset({Signal.GOOGLE, Signal.UET}),
        honours_dnt=True,
        months=12,
        inform_in=("JP", "US"),
    )


def test_nothing_is_the_usual_banner() -> None:
    assert read_banner({}) == BannerSettings()
    assert banner_json(BannerSettings()) == {
        "languages": [],
        "services": [],
        "texts": {},
        "position": "bar",
        "theme": "auto",
        "colours": {},
        "signals": [],
        "honours_dnt": False,
        "months": 6,
        "inform_in": [],
    }


@pytest.mark.parametrize("given", [{}, FULL, {"services": [SERVICE]}], ids=["usual", "full", "short service"])
def test_what_is_written_is_read_as_equal(given: dict[str, Any]) -> None:
    settings = read_banner(given)
    assert read_banner(banner_json(settings)) == settings
    assert banner_json(read_banner(banner_json(settings))) == banner_json(settings)


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        ([], "banner", "[]"),
        (None, "banner", "None"),
        ({"colour": "red"}, "banner.colour", "red"),
        ({"languages": "en"}, "banner.languages", "en"),
        ({"languages": ["English!"]}, "banner.languages[0]", "English!"),
        ({"languages": ["en"] * (MAX_LANGUAGES + 1)}, "banner.languages", str(["en"] * 41)[:100]),
        ({"services": [{**SERVICE, "key": "Maps"}]}, "banner.services[0].key", "Maps"),
        ({"services": [{**SERVICE, "category": "sharing"}]}, "banner.services[0].category", "sharing"),
        ({"services": [{**SERVICE, "category": 3}]}, "banner.services[0].category", "3"),
        ({"services": [{**SERVICE, "name": ""}]}, "banner.services[0].name", ""),
        ({"services": [{**SERVICE, "name": "a\nb"}]}, "banner.services[0].name", "a\nb"),
        ({"services": [{**SERVICE, "provider": None}]}, "banner.services[0].provider", "None"),
        ({"services": [{**SERVICE, "privacy_url": "javascript:1"}]}, "banner.services[0].privacy_url", "javascript:1"),
        ({"services": [{**SERVICE, "purposes": {"en": 1}}]}, "banner.services[0].purposes.en", "1"),
        ({"services": [{**SERVICE, "purposes": {"E": "x"}}]}, "banner.services[0].purposes.E", "E"),
        ({"services": [{**SERVICE, "purposes": {"nb": "x", "no": "y"}}]}, "banner.services[0].purposes", "nb, no"),
        ({"services": [{**SERVICE, "sends": "all"}]}, "banner.services[0].sends", "all"),
        ({"services": [SERVICE, SERVICE]}, "banner.services", "maps"),
        ({"services": [{key: SERVICE[key] for key in SERVICE if key != "name"}]}, "banner.services[0].name", ""),
        ({"texts": {"en": {"accept": ["Yes"]}}}, "banner.texts.en.accept", "['Yes']"),
        ({"texts": {"en": "Yes"}}, "banner.texts.en", "Yes"),
        ({"position": "wall"}, "banner.position", "wall"),
        ({"theme": True}, "banner.theme", "True"),
        ({"colours": {"sepia": {}}}, "banner.colours.sepia", "sepia"),
        ({"colours": {"light": {"button": "#000000"}}}, "banner.colours.light.button", "button"),
        ({"colours": {"light": {"accent": "red;}body{display:none"}}}, "banner.colours.light.accent",
         "red;}body{display:none"),
        ({"signals": ["facebook"]}, "banner.signals[0]", "facebook"),
        ({"honours_dnt": "yes"}, "banner.honours_dnt", "yes"),
        ({"honours_dnt": 1}, "banner.honours_dnt", "1"),
        ({"months": "6"}, "banner.months", "6"),
        ({"inform_in": "US"}, "banner.inform_in", "US"),
        ({"inform_in": ["USA"]}, "banner.inform_in[0]", "USA"),
        ({"inform_in": ["US", 1]}, "banner.inform_in[1]", "1"),
        ({"months": True}, "banner.months", "True"),
        ({"months": 6.0}, "banner.months", "6.0"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_value_of_another_form_is_refused(given: object, key: str, value: str) -> None:
    assert (key, value) in refused(given)


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ({"name": "*", "kind": "cookie", "days": 1}, "name"),
        ({"name": "a*b", "kind": "cookie", "days": 1}, "name"),
        ({"name": "firmly_choice", "kind": "cookie", "days": 1}, "name"),
        ({"name": "firmly_receipt_*", "kind": "cookie", "days": 1}, "name"),
        ({"name": "f*", "kind": "cookie", "days": 1}, "name"),
        ({"name": "a b", "kind": "cookie", "days": 1}, "name"),
        ({"name": "a", "kind": "flash", "days": 1}, "kind"),
        ({"name": "a", "kind": "cookie", "days": 0}, "days"),
        ({"name": "a", "kind": "cookie", "days": 761}, "days"),
        ({"name": "a", "kind": "cookie"}, "days"),
        ({"name": "a", "kind": "local", "days": None}, "days"),
        ({"name": "a", "kind": "indexed_db", "days": None}, "days"),
    ],
    ids=str,
)
def test_stored_item_of_another_form_is_refused(item: dict[str, Any], key: str) -> None:
    assert refused({"services": [{**SERVICE, "stores": [item]}]})[0][0] == f"banner.services[0].stores[0].{key}"


def test_too_much_is_refused() -> None:
    many = [{**SERVICE, "key": f"maps{number}"} for number in range(MAX_SERVICES + 1)]
    assert refused({"services": many})[0][0] == "banner.services"
    stores = [{"name": f"c{number}", "kind": "cookie", "days": 1} for number in range(MAX_STORES + 1)]
    assert refused({"services": [{**SERVICE, "stores": stores}]})[0][0] == "banner.services[0].stores"


def test_every_problem_is_said_at_once() -> None:
    given = {
        "months": "six",
        "theme": "red",
        "services": [{**SERVICE, "stores": [{"name": "*", "kind": "x", "days": 0}]}],
    }
    assert [key for key, _value in refused(given)] == [
        "banner.services[0].stores[0].name",
        "banner.services[0].stores[0].kind",
        "banner.services[0].stores[0].days",
        "banner.theme",
        "banner.months",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*FULL, "other"]), JSON, max_size=4) | JSON)
def test_whatever_is_given_is_read_or_refused(given: object) -> None:
    try:
        settings = read_banner(given)
    except InvalidInputError:
        return
    assert read_banner(banner_json(settings)) == settings
