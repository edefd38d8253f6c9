"""`firmly orgs lookup` as JSON: the shape that others rely on, and what is never in it."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from firmly.model import Confidence
from firmly.organisations.lookup import in_words, look_up
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from firmly.organisations.resolve import Resolver
from tests.unit.organisations.conftest import TODAY
from tests.vendor_files import write_vendor_file


def found(text: str, resolver: Resolver, minimum: Confidence = Confidence.HIGH) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(orjson.dumps(look_up(text, resolver, minimum)))
    return answer


@pytest.fixture
def with_companies(tmp_path: Path, shipped: Shipped) -> Resolver:
    records = {
        "91.152.0.0/25": {"name": "Muster GmbH", "type": "business", "country": "DE", "domain": "muster.example"},
        "91.152.0.128/25": {"name": "Sonnenschein", "type": "business", "domain": "sonnenschein.example"},
    }
    path = write_vendor_file(tmp_path / "c.mmdb", records, "ipinfo standard_company.mmdb", TODAY)
    return Resolver(lambda: open_chain(OrgFiles((path,)), TODAY, shipped))


def test_a_named_organisation_has_these_keys(with_companies: Resolver) -> None:
    answer = found("91.152.0.9", with_companies)

    assert list(answer) == ["address", "organisation", "reason", "confidence", "evidence"]
    assert answer["organisation"] == {
        "id": answer["organisation"]["id"],
        "name": "Muster",
        "kind": "business",
        "domain": "muster.example",
        "country": "DE",
        "asn": None,
        "registered_name": "Muster GmbH",
        "source": "IPinfo Company",
        "as_of": "2026-11-22",
        "detail": "route",
    }
    assert (answer["reason"], answer["confidence"]) == (answer["evidence"]["considered"][0]["basis"], "very_high")


def test_the_evidence_has_those_that_lost(with_companies: Resolver) -> None:
    evidence = found("91.152.0.9", with_companies)["evidence"]

    assert evidence["step"] == "O9"
    assert [(one["level"], one["registered_name"], one["verdict"]) for one in evidence["considered"]] == [
        ("company", "Muster GmbH", "business"),
        ("as_number", "Elisa Oyj", "carrier_network"),
    ]
    lines = list(in_words(found("91.152.0.9", with_companies)))
    assert lines[0] == "91.152.0.9: Muster - business, DE (very_high)"
    assert lines[3].startswith("  lost    as_number  Elisa Oyj (AS719, ")


@pytest.mark.parametrize("text", ["010.8.8.8", "134744072", "fe80::1%eth0", "8.8.8.8:53", "", "example.com"])
def test_a_form_that_is_refused_says_so(text: str, resolver: Resolver) -> None:
    answer = found(text, resolver)
    assert (answer["address"], answer["organisation"], answer["reason"], answer["confidence"]) == (
        text, None, "refused", None,
    )  # fmt: skip


def test_nobody_named_has_the_reason(resolver: Resolver) -> None:
    answer = found("192.168.1.1", resolver)
    assert (answer["organisation"], answer["reason"], answer["confidence"]) == (None, "private_network", None)
    assert next(in_words(answer)) == "192.168.1.1: none (private_network)"


def test_below_the_limit_nobody_is_named(with_companies: Resolver) -> None:
    low = found("91.152.0.200", with_companies)
    assert (low["organisation"], low["reason"], low["confidence"]) == (None, "low_confidence", None)
    named = found("91.152.0.200", with_companies, Confidence.MEDIUM)
    assert (named["organisation"]["name"], named["confidence"]) == ("Sonnenschein", "medium")


def test_no_network_and_no_place_in_a_data_set_is_told(with_companies: Resolver) -> None:
    said = orjson.dumps({**found("91.152.0.9", with_companies), "address": None}).decode()
    assert "91.152" not in said
    assert "/25" not in said
    assert "prefix" not in said
