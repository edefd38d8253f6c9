"""Corrections, as programs make them."""

from typing import Any

import pytest

from firmly.warehouse.store import Warehouse
from tests.history import NOKIA, store, visit
from tests.town import Firm, Town
from tests.unit.web.api.conftest import Program

NOKIA_ID = f"{NOKIA.id:016x}"


@pytest.fixture(autouse=True)
def _visited(firm: Firm, warehouse: Warehouse, town: Town) -> None:
    store(warehouse, visit(firm.id, NOKIA, town.clock.now))


def add(program: Program, **rule: Any) -> dict[str, Any]:
    answer = program.ask("POST", "/corrections", json=rule)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_company_is_hidden_and_comes_back(ours: Program) -> None:
    made = add(ours, about="organisation", value=NOKIA_ID, **{"is": "not_a_company"}, note="A reseller's line")
    assert (made["subject"], made["companies"], made["visits"], made["author"]) == ("Nokia", 1, 1, None)
    assert ours.json("/corrections")["items"] == [made]
    assert ours.json("/leads")["items"] == []

    assert ours.ask("DELETE", f"/corrections/{made['id']}").status_code == 204
    assert ours.ask("DELETE", f"/corrections/{made['id']}").status_code == 404
    assert len(ours.json("/leads")["items"]) == 1
    logged = [entry["action"] for entry in ours.json("/audit")["items"]]
    assert [action for action in logged if action.startswith("correction")] == [
        "correction_removed",
        "correction_added",
    ]


@pytest.mark.parametrize(
    ("about", "value"), [("asn", "1248"), ("name", "Nokia as registered"), ("network", "192.0.2.0/24")]
)
def test_rules_may_be_about_holders_and_networks(ours: Program, about: str, value: str) -> None:
    made = add(ours, about=about, value=value, organisation={"name": "Nokia Shipyards"})
    assert (made["about"], made["value"], made["is"]) == (about, value, None)
    assert made["organisation"] == {"name": "Nokia Shipyards", "kind": "business", "country": "", "domain": ""}


def test_list_is_newest_first_in_pages(ours: Program) -> None:
    ids = [add(ours, about="asn", value=str(64500 + n), **{"is": "own_staff"})["id"] for n in range(3)]
    first = ours.json("/corrections?limit=2")
    second = ours.json(f"/corrections?cursor={first['next']}")
    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]


@pytest.mark.parametrize(
    "rule",
    [
        {"about": "asn", "value": "64500"},
        {"about": "asn", "value": "64500", "is": "own_staff", "organisation": {"name": "X"}},
        {"about": "asn", "value": "0", "is": "own_staff"},
        {"about": "asn", "value": "AS64500", "is": "own_staff"},
        {"about": "network", "value": "192.0.2.1", "organisation": {"name": "X"}},
        {"about": "organisation", "value": "x", "is": "own_staff"},
        {"about": "organisation", "value": "f" * 16, "is": "own_staff"},
        {"about": "organisation", "value": "0" * 16, "is": "own_staff"},
        {
            "about": "organisation",
            "value": NOKIA_ID,
            "organisation": {"name": "Nokia", "country": "FI", "domain": "nokia.com"},
        },
    ],
)
def test_what_is_of_no_use_is_refused(ours: Program, rule: dict[str, Any]) -> None:
    answer = ours.ask("POST", "/corrections", json=rule)
    assert (answer.status_code, len(answer.json()["problems"]) > 0) == (422, True)
    assert "192.0.2.1" not in answer.text
    assert ours.json("/corrections")["items"] == []
