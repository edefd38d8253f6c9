"""Whether an address is in some countries: beyond doubt, or not at all."""

import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from firmly.model import FirmlyError
from firmly.organisations.address import Address
from firmly.organisations.countries import Countries, open_countries
from tests.vendor_files import write_vendor_file


def place(code: str, *, is_in_union: bool = False) -> dict[str, Any]:
    return {"iso_code": code, "names": {"en": code}, **({"is_in_european_union": True} if is_in_union else {})}


RECORDS: dict[str, Any] = {
    "8.0.0.0/8": {"country": place("US"), "registered_country": place("US")},
    "9.0.0.0/8": {"country": place("us")},
    "11.0.0.0/8": {"country": place("US"), "registered_country": place("DE", is_in_union=True)},
    "12.0.0.0/8": {"country": place("US"), "represented_country": place("FR")},
    "13.0.0.0/8": {"country": place("US", is_in_union=True)},
    "14.0.0.0/8": {"registered_country": place("US")},
    "15.0.0.0/8": {"country": "US"},
    "16.0.0.0/8": {"country": place("DE")},
    "2600::/16": {"country": place("US")},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_vendor_file(tmp_path / "country.mmdb", RECORDS, "DBIP-Country-Lite")


@pytest.mark.parametrize(
    ("address", "is_held"),
    [
        ("8.1.1.1", True),
        ("9.1.1.1", True),
        ("::ffff:8.1.1.1", True),
        ("2600::1", True),
        ("11.1.1.1", False),
        ("12.1.1.1", False),
        ("13.1.1.1", False),
        ("14.1.1.1", False),
        ("15.1.1.1", False),
        ("16.1.1.1", False),
        ("99.1.1.1", False),
        ("127.0.0.1", False),
        ("2a00::1", False),
        ("no address", False),
    ],
)
def test_an_address_is_in_a_country_only_beyond_doubt(file: Path, address: str, is_held: bool) -> None:
    countries = open_countries(file)
    assert countries.holds(Address.parse(address), frozenset({"US", "JP"})) is is_held
    assert not countries.holds(Address.parse(address), frozenset({"JP"}))


def test_the_file_may_be_changed_while_it_is_open(file: Path) -> None:
    countries = open_countries(file)
    assert countries.as_of == date(2026, 11, 1)
    file.write_bytes(b"")
    assert countries.holds(Address.parse("8.1.1.1"), frozenset({"US"}))


def test_a_file_of_one_version_of_addresses_knows_nobody_of_the_other(tmp_path: Path) -> None:
    file = write_vendor_file(tmp_path / "v4.mmdb", {"8.0.0.0/8": {"country": place("US")}}, ip_version=4)
    countries = open_countries(file)
    assert countries.holds(Address.parse("8.1.1.1"), frozenset({"US"}))
    assert not countries.holds(Address.parse("2600::1"), frozenset({"US"}))


class Damaged:
    def get(self, key: Any, /) -> object:
        raise ValueError(f"the record of {key.packed!r} is damaged")


def test_a_damaged_record_says_nothing_and_nobody_hears_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    countries = Countries(Damaged(), frozenset({4, 16}), date(2026, 11, 1))
    assert not countries.holds(Address.parse("8.1.1.1"), frozenset({"US"}))
    assert caplog.records == []


def test_a_file_that_cannot_be_used_is_refused_by_its_name(tmp_path: Path) -> None:
    other = write_vendor_file(tmp_path / "asn.mmdb", {"8.0.0.0/8": {"autonomous_system_number": 1}}, "GeoLite2-ASN")
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no such file")
    for path, why in ((other, "tell no countries"), (broken, "not a readable"), (tmp_path / "none.mmdb", "readable")):
        with pytest.raises(FirmlyError, match=rf"{path.name}: .*{why}"):
            open_countries(path)
