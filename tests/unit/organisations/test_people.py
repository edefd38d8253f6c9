"""People are never named: generated names of 40 locales, bare and with the forms of sole traders."""

from collections.abc import Iterator
from random import Random

import pytest
from faker import Faker

from firmly.organisations.classify import Withheld, classify
from firmly.organisations.data_file import Holder
from firmly.organisations.lists import Lists
from tests.unit.organisations.people import people

LOCALES = [
    "ar_AA", "bg_BG", "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "el_GR", "en_AU", "en_CA", "en_GB", "en_IE",
    "en_IN", "en_NZ", "en_US", "es_ES", "es_MX", "et_EE", "fa_IR", "fi_FI", "fr_BE", "fr_CA", "fr_FR", "he_IL",
    "hi_IN", "hr_HR", "hu_HU", "id_ID", "it_IT", "ja_JP", "ko_KR", "lt_LT", "lv_LV", "nl_NL", "no_NO", "pl_PL",
    "pt_BR", "pt_PT", "ro_RO", "sv_SE",
]  # fmt: skip
FORMS = (
    "{}", "Tmi {}", "{} e.K.", "Inh. {}", "{} t/a Example", "{} Consulting", "Example Inh. {}",
    "Einzelunternehmen {}", "{} Consulting Services", "{} trading as Example",
)  # fmt: skip
FIRMS_OF_ONE = ("{} Oy", "{} GmbH", "{} Ltd", "{} Consulting Oy", "{} AS", "{} s.r.o.", "{} LLC")


def generated(number: int) -> Iterator[tuple[str, str]]:
    for locale in LOCALES:
        faker = Faker(locale)
        faker.seed_instance(11)
        for _ in range(number // len(LOCALES)):
            yield f"{faker.first_name()} {faker.last_name()}", locale[-2:]


@pytest.fixture(scope="module", params=["Faker", "own"])
def names(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    return list(generated(5000)) if request.param == "Faker" else list(people(seed=5, number=1500))


def holder_of(name: str, country: str, choose: Random) -> Holder:
    networks, addresses = choose.choice([(0, 0), (1, 256), (1, 65536), (2, 1024)])
    return Holder(64500, name, country, networks, addresses, choose.choice([0, 1, 2]))


def test_no_person_is_named(names: list[tuple[str, str]], lists: Lists) -> None:
    choose = Random(3)
    named = []
    for place, (name, country) in enumerate(names):
        for form in (FORMS[0], FORMS[1 + place % (len(FORMS) - 1)]):
            holder = holder_of(form.format(name), country, choose)
            named += [] if isinstance(classify(holder, lists), Withheld) else [holder.registered_name]

    assert named == []


def test_no_firm_that_bears_only_a_persons_name_is_named_where_the_operator_is_strict(
    names: list[tuple[str, str]], lists: Lists
) -> None:
    choose, strict = Random(4), lists.strict()
    named = []
    for place, (name, country) in enumerate(names):
        holder = holder_of(FIRMS_OF_ONE[place % len(FIRMS_OF_ONE)].format(name), country, choose)
        named += [] if isinstance(classify(holder, strict), Withheld) else [holder.registered_name]

    assert named == []


def test_a_firm_with_a_persons_name_may_be_named_where_the_operator_is_not_strict(lists: Lists) -> None:
    holder = Holder(64500, "Robert Bosch GmbH", "DE", 2, 1024, 1)

    assert not isinstance(classify(holder, lists), Withheld)


def test_public_bodies_that_bear_a_persons_name_are_still_named(lists: Lists) -> None:
    for name, country in (
        ("Charles University", "CZ"),
        ("Thomas Jefferson High School", "US"),
        ("Martin County", "US"),
    ):
        assert not isinstance(classify(Holder(64500, name, country, 1, 1024, 0), lists), Withheld)
