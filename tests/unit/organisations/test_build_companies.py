"""Files of companies: nesting, carriers and pools, names, and what is read back of them."""

import ipaddress
from pathlib import Path

import pytest

from firmly.model import Confidence, DropReason, Organisation
from firmly.organisations.address import Address
from firmly.organisations.build_companies import CompanyBuilder, CompanyReport, PoolWords
from firmly.organisations.classify import Lists
from firmly.organisations.data_file import OrganisationData
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from firmly.organisations.readers.registry import Assignment, Delegation, Entry, Holding, Standing, span_of
from firmly.organisations.sources import FirmlySource, open_source
from tests.unit.organisations.conftest import TODAY

CARRIER, CUSTOMER, OWN = Standing.CARRIER, Standing.CUSTOMER, Standing.OWN


def given(
    text: str, name: str, standing: Standing = CUSTOMER, org: str = "", country: str = "DE", netname: str = ""
) -> Assignment:
    ends = span_of(text)
    assert ends is not None
    return Assignment(*ends, org, name, netname, country, standing)


def build(tmp_path: Path, lists: Lists, *entries: Entry) -> tuple[CompanyReport, OrganisationData]:
    builder = CompanyBuilder(lists.pools)
    builder.add(entries)
    report = builder.write(tmp_path / "c.mmdb", as_of=TODAY, source="ripe", licence="ours")
    source = open_source(tmp_path / "c.mmdb", TODAY)
    assert isinstance(source, FirmlySource)
    return report, source.data


def owners(data: OrganisationData, *texts: str) -> list[str]:
    rows = [data.reader.get(ipaddress.ip_address(text)) for text in texts]
    return [data.holders[data.row_holders[row]].registered_name if isinstance(row, int) else "" for row in rows]


def test_the_most_specific_range_wins(tmp_path: Path, lists: Lists) -> None:
    report, data = build(
        tmp_path,
        lists,
        given("10.0.0.0/16", "Carrier", CARRIER, "ORG-C"),
        given("10.0.1.0/24", "Alpha GmbH"),
        given("10.0.1.64/26", "Beta GmbH"),
        given("10.0.1.80/28", "Beta DSL Pool"),
        given("2001:db8::/48", "Alpha GmbH"),
    )
    asked = ("10.0.0.1", "10.0.1.1", "10.0.1.65", "10.0.1.81", "10.0.1.97", "10.0.1.129", "10.0.2.1", "2001:db8::1")
    assert owners(data, *asked) == ["", "Alpha GmbH", "Beta GmbH", "", "Beta GmbH", "Alpha GmbH", "", "Alpha GmbH"]
    assert report.ranges == {"carrier": 1, "pool": 1, "customer": 3}
    alpha = next(holder for holder in data.holders if holder.registered_name == "Alpha GmbH")
    assert alpha == (0, "Alpha GmbH", "DE", 2, 192, 1)


def test_ranges_that_overlap_without_nesting_are_cut(tmp_path: Path, lists: Lists) -> None:
    _, data = build(
        tmp_path, lists, given("10.0.0.0 - 10.0.1.127", "Alpha GmbH"), given("10.0.1.0 - 10.0.1.255", "Beta GmbH")
    )
    assert owners(data, "10.0.0.9", "10.0.1.9", "10.0.1.200") == ["Alpha GmbH", "Beta GmbH", ""]


ORGS = (Holding("ORG-C", "Carrier AG", "DE"), Holding("ORG-A", "Alpha Gesellschaft mbH", "AT"))


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (given("10.0.1.0/24", "Office", org="ORG-A"), "Alpha Gesellschaft mbH"),
        (given("10.0.1.0/24", "Beta GmbH", org="ORG-C"), "Beta GmbH"),
        (given("10.0.1.0/24", "CARRIER AG", org=""), ""),
        (given("10.0.1.0/24", "Carrier AG", org="ORG-C"), ""),
        (given("10.0.1.0/24", "Beta GmbH", org="", netname="DSL-POOL-7"), ""),
        (given("10.0.1.0/24", "", org=""), ""),
    ],
    ids=["its handle", "the carrier's handle", "the carrier's name", "both", "a pool by its netname", "no name"],
)
def test_a_customers_name_is_its_own_and_never_the_carriers(
    item: Assignment, name: str, tmp_path: Path, lists: Lists
) -> None:
    _, data = build(tmp_path, lists, given("10.0.0.0/16", "x", CARRIER, "ORG-C"), item, *ORGS)
    assert owners(data, "10.0.1.9") == [name]


def test_countries_come_from_the_range_the_holder_or_the_delegation(tmp_path: Path, lists: Lists) -> None:
    delegated = span_of("10.0.3.0/24")
    assert delegated is not None
    _, data = build(
        tmp_path,
        lists,
        given("10.0.1.0/24", "A", country="FI"),
        given("10.0.2.0/24", "B", OWN, "ORG-A", country=""),
        given("10.0.3.0/24", "C", country=""),
        given("10.0.4.0/24", "D", country=""),
        *ORGS,
        Delegation(*delegated, "SE"),
    )
    assert [(holder.registered_name, holder.home) for holder in data.holders] == [
        ("A", "FI"), ("Alpha Gesellschaft mbH", "AT"), ("C", "SE"), ("D", ""),
    ]  # fmt: skip
    assert data.registered == [0, 1, 0, 0]


def test_a_file_of_companies_goes_before_the_bundled_data(tmp_path: Path, lists: Lists, shipped: Shipped) -> None:
    build(
        tmp_path,
        lists,
        given("91.152.0.0/24", "Sonnenschein GmbH"),
        given("91.152.1.0/24", "Mondschein GmbH", OWN, "ORG-M"),
        given("91.152.2.7/32", "Sternschein GmbH"),
        Holding("ORG-M", "Mondschein GmbH", "DE"),
    )
    chain = open_chain(OrgFiles((tmp_path / "c.mmdb",)), TODAY, shipped)
    texts = ("91.152.0.9", "91.152.1.9", "91.152.2.7", "91.152.3.1", "130.233.1.1")
    answers = [chain.resolve(Address.parse(text)) for text in texts]
    said = [answer.confidence if isinstance(answer, Organisation) else answer for answer in answers]
    assert said == [
        Confidence.HIGH, Confidence.VERY_HIGH, DropReason.TOO_SMALL, DropReason.CARRIER_NETWORK, Confidence.HIGH,
    ]  # fmt: skip
    assert [answer.source for answer in answers[:2] if isinstance(answer, Organisation)] == ["ripe", "ripe"]


@pytest.mark.parametrize(
    "name", ["DSL-POOL-7", "Muster Broadband", "Bredbåndskunder", "FTTH Kunden", "p2p", "private customer X"]
)
def test_quick_search_for_pools_finds_what_the_slow_one_finds(name: str, lists: Lists) -> None:
    assert PoolWords(lists.pools).are_in(name)


def test_quick_search_for_pools_leaves_others_alone(lists: Lists) -> None:
    quick = PoolWords(lists.pools)
    assert [name for name in ("Muster GmbH", "Poolbau Meier", "E. Natter & Co.", "ACME") if quick.are_in(name)] == []
