"""The AS facts file: read in its makers' schema, and weighed against the rules on names."""

import json
from pathlib import Path
from typing import Any

import pytest

from firmly.model import DropReason, FirmlyError, Organisation, OrgKind
from firmly.organisations.address import Address
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from firmly.organisations.readers.as_facts import read_as_facts
from tests.unit.organisations.conftest import TODAY


def entry(asn: int, category: str | None, role: str | None = "stub", **more: Any) -> dict[str, Any]:
    metadata = {
        "handle": f"EXAMPLE-{asn}",
        "description": "Example",
        "countryCode": "DE",
        "category": category,
        "networkRole": role,
        "origin": "authoritative",
    }
    stats = {
        "ipv4": {"prefixes": 2, "prefixesAggregated": 1, "largestPrefix": 22},
        "ipv6": {"prefixes": 0, "prefixesAggregated": 0, "largestPrefix": None},
        "connectivity": {"providers": 1, "customers": 0, "peers": 3, "degree": 4, "reach": 0.1},
    }
    return {"asn": asn, "metadata": metadata, "stats": stats, "lastAnnounced": "2026-11-01", **more}


def facts_file(path: Path, *entries: dict[str, Any]) -> Path:
    path.write_text(json.dumps(entries))
    return path


SAID = [
    ("isp", "stub", DropReason.CARRIER_NETWORK),
    ("hosting", "content_network", DropReason.HOSTING_NETWORK),
    ("business", "stub", OrgKind.BUSINESS),
    ("business", "content_network", OrgKind.BUSINESS),
    ("business", None, OrgKind.BUSINESS),
    ("business", "access_provider", DropReason.CARRIER_NETWORK),
    ("education_research", "stub", OrgKind.EDUCATION),
    ("education_research", "midsize_transit", DropReason.CARRIER_NETWORK),
    ("government_admin", "stub", OrgKind.GOVERNMENT),
    ("government_admin", "tier1_transit", DropReason.CARRIER_NETWORK),
    (None, "stub", None),
    (None, "access_provider", None),
    ("something new", "stub", None),
]


@pytest.mark.parametrize(("category", "role", "claim"), SAID, ids=[f"{row[0]}-{row[1]}" for row in SAID])
def test_category_and_role_make_one_claim(
    category: str | None, role: str | None, claim: OrgKind | DropReason | None, tmp_path: Path
) -> None:
    facts = read_as_facts(facts_file(tmp_path / "as.json", entry(64500, category, role)))
    assert facts.claims.get(64500) is claim


def test_entries_without_statistics_are_read(tmp_path: Path) -> None:
    facts = read_as_facts(facts_file(tmp_path / "as.json", entry(1, "isp", stats=None, lastAnnounced=None)))
    assert dict(facts.claims) == {1: DropReason.CARRIER_NETWORK}


@pytest.mark.parametrize("content", ["", "{}", '[{"asn": "1"}]', '[{"metadata": {}}]'])
def test_another_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "as.json").write_text(content)
    with pytest.raises(FirmlyError, match=r"as\.json: not an AS facts file"):
        read_as_facts(tmp_path / "as.json")


WEIGHED = [
    # Elisa, a carrier by its name; Aalto University; the Finnish research network; a hosting firm.
    (719, "91.152.0.9", "business", OrgKind.BUSINESS),
    (15496, "130.233.1.1", "isp", DropReason.CARRIER_NETWORK),
    (15496, "130.233.1.1", "hosting", DropReason.HOSTING_NETWORK),
    (1741, "2001:708::1", "education_research", DropReason.CARRIER_NETWORK),
    (719, "91.152.0.9", None, DropReason.CARRIER_NETWORK),
]


@pytest.mark.parametrize(("asn", "text", "category", "said"), WEIGHED, ids=[f"{row[0]}-{row[2]}" for row in WEIGHED])
def test_the_facts_go_before_the_guess_from_the_name_but_not_before_research_networks(
    asn: int, text: str, category: str | None, said: object, tmp_path: Path, shipped: Shipped
) -> None:
    chain = open_chain(OrgFiles((facts_file(tmp_path / "as.json", entry(asn, category)),)), TODAY, shipped)
    answer = chain.resolve(Address.parse(text))
    assert (answer.kind if isinstance(answer, Organisation) else answer) is said
