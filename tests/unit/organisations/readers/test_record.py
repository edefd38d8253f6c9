"""Values of any shape are read as what they should be, or as nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.organisations.facts import NetworkFacts
from firmly.organisations.readers import geoip, ipinfo
from firmly.organisations.readers.record import country, domain, flag, number, text

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
KEYS = [
    "asn", "as_name", "as_type", "as_domain", "name", "type", "domain", "country", "vpn", "is_mobile", "isp",
    "organization", "autonomous_system_number", "autonomous_system_organization", "traits", "connection_type",
    "user_type", "is_anonymous", "carrier", "iso_code",
]  # fmt: skip
RECORDS = st.dictionaries(st.sampled_from(KEYS), ANYTHING | st.dictionaries(st.sampled_from(KEYS), ANYTHING))
READERS = [
    geoip.read_as_number, geoip.read_isp, geoip.read_enterprise, geoip.read_domain, geoip.read_connection,
    geoip.read_anonymous, ipinfo.read_lite, ipinfo.read_company, ipinfo.read_as_number, ipinfo.read_privacy,
    ipinfo.read_carrier,
]  # fmt: skip


@given(RECORDS, st.sampled_from(READERS))
def test_no_record_breaks_a_reader(record: dict[str, object], read: object) -> None:
    facts = read(record)  # type: ignore[operator]
    assert isinstance(facts, NetworkFacts)
    assert facts == NetworkFacts(*facts)
    hash(facts)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (64500, 64500),
        ("AS64500", 64500),
        ("64500", 64500),
        ("as1", 1),
        (True, 0),
        (-1, 0),
        (2**32, 0),
        ("x", 0),
        (1.5, 0),
    ],
)
def test_an_as_number_is_read_in_every_spelling(value: object, read: int) -> None:
    assert number({"n": value}, "n") == read


@pytest.mark.parametrize(
    ("value", "set_"),
    [(True, True), ("true", True), (1, True), ("", False), ("false", False), (0, False), (None, False)],
)
def test_a_flag_is_read_in_every_spelling(value: object, set_: bool) -> None:
    assert flag({"f": value}, "f") is set_


def test_text_is_one_line_of_a_names_length() -> None:
    record = {"a": " Muster \u00a0 GmbH ", "b": "x" * 201, "c": "two\nlines", "d": 7, "e": "a\0b"}
    assert [text(record, key) for key in "abcde"] == ["Muster GmbH", "", "two lines", "", ""]


def test_countries_and_domains_have_their_form() -> None:
    record = {"a": "de", "b": "Germany", "c": "Muster.Example.", "d": "a@b.example", "e": "localhost"}
    assert [country(record, key) for key in "abx"] == ["DE", "", ""]
    assert [domain(record, key) for key in "cdex"] == ["muster.example", "", "", ""]
