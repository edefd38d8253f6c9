"""Leads, as programs read them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, Org, event, store, store_coverage, visit
from tests.town import Firm, Town
from tests.unit.web.api.conftest import Program

NOKIA_PATH = f"/leads/{NOKIA.id:016x}"


def names(page: Any) -> list[str]:
    return [lead["company"]["name"] for lead in page["items"]]


def test_a_lead_has_its_company_and_its_figures(ours: Program, firm: Firm, warehouse: Warehouse, town: Town) -> None:
    store(warehouse, visit(firm.id, NOKIA, town.clock.now, ("/", "/pricing"), seconds=30))
    (lead,) = ours.json("/leads")["items"]
    assert lead == {
        "company": {
            "org_id": "000000000000000a",
            "name": "Nokia",
            "kind": "business",
            "country": "FI",
            "domain": "nokia.com",
            "confidence": "high",
        },
        "last": {"at": "2026-03-31T12:00:00Z", "is_exact": True},
        "visits": 1,
        "pageviews": 2,
        "goals": 0,
        "active_ms": 60_000,
        "days": 1,
        "score": 15,
        "tier": "low",
    }


def test_the_list_is_filtered_by_days_name_and_site(
    ours: Program, firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    store(warehouse, visit(firm.id, NOKIA, town.clock.now, site_id=firm.site.id))
    store(warehouse, visit(firm.id, MIT, town.clock.now - timedelta(days=40), site_id=firm.site.id + 1000))
    assert names(ours.json("/leads")) == ["Nokia"]
    assert names(ours.json("/leads?from=2026-02-01&to=2026-03-01")) == [MIT.name]
    assert names(ours.json("/leads?from=2026-02-01&q=nokia.COM")) == ["Nokia"]
    assert names(ours.json(f"/leads?from=2026-02-01&site={firm.site.key}")) == ["Nokia"]


def test_the_list_is_filtered_by_conditions(ours: Program, firm: Firm, warehouse: Warehouse, town: Town) -> None:
    now = town.clock.now
    store(warehouse, visit(firm.id, NOKIA, now, ("/pricing", "/pricing")), visit(firm.id, MIT, now, ("/pricing",)))
    wanted = {"and": [{"field": "page", "op": "eq", "value": "/pricing", "times": 2, "days": 7}]}
    assert names(ours.json("/leads", params={"filter": json.dumps(wanted)})) == ["Nokia"]


@pytest.mark.parametrize(
    ("given", "key", "expected"),
    [
        ("{", "filter", "JSON"),
        ('{"field": "page", "op": "gt", "value": 1}', "filter.op", "for page one of eq"),
        (
            '{"and": [{"field": "name", "op": "matches", "value": "("}]}',
            "filter",
            "a regular expression of RE2: missing )",
        ),
    ],
    ids=["cut", "operator", "pattern"],
)
def test_a_filter_that_cannot_be_is_refused_by_its_place(
    ours: Program, firm: Firm, warehouse: Warehouse, town: Town, given: str, key: str, expected: str
) -> None:
    store(warehouse, visit(firm.id, NOKIA, town.clock.now))
    answer = ours.get("/leads", params={"filter": given})
    [problem] = answer.json()["problems"]
    assert (answer.status_code, problem["key"]) == (422, key)
    assert problem["expected"].startswith(expected)


def test_pages_follow_each_other(ours: Program, firm: Firm, warehouse: Warehouse, town: Town) -> None:
    store(warehouse, *(visit(firm.id, Org(2**63 + n, f"Org {n}"), town.clock.now) for n in range(5)))
    first = ours.json("/leads?limit=3")
    second = ours.json("/leads", params={"limit": 3, "cursor": first["next"]})
    assert names(first) + names(second) == [f"Org {n}" for n in reversed(range(5))]
    assert second["next"] is None


@pytest.mark.parametrize(
    "days", ["from=2026-03-31&to=2026-03-01", "from=2020-01-01", "from=1999-12-31", "to=0001-01-01", "to=9999-12-31"]
)
@pytest.mark.parametrize("path", ["/leads", NOKIA_PATH, f"{NOKIA_PATH}/visits", "/coverage", "/consent/counts"])
def test_days_that_nothing_can_be_known_of_are_refused(ours: Program, path: str, days: str) -> None:
    answer = ours.get(f"{path}?{days}")
    assert answer.status_code == 422
    assert {problem["key"] for problem in answer.json()["problems"]} <= {"from", "to"}


def test_a_company_has_its_evidence_its_figures_and_its_visits(
    ours: Program, firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    came = {"source": "search", "referrer_host": "google.com", "visit_id": 7, "site_id": firm.site.id}
    rows = visit(firm.id, NOKIA, town.clock.now, ("/", "/pricing"), seconds=20, **came)
    store(warehouse, [*rows, event(firm.id, NOKIA, town.clock.now, kind="goal", goal="demo", seq=9, **came)])

    company = ours.json(NOKIA_PATH)
    (found,) = ours.json(f"{NOKIA_PATH}/visits")["items"]

    assert company["evidence"] == {
        "asn": 1248,
        "registered_name": "Nokia as registered",
        "source": "test data",
        "as_of": "2026-03-01",
    }
    assert company["days"] == [{"day": "2026-03-31", "visits": 1, "pageviews": 2, "active_ms": 40_000}]
    assert (found["site"], found["source"], found["goals"]) == (firm.site.key, "search", ["demo"])
    assert [page["path"] for page in found["pages"]] == ["/", "/pricing"]
    assert "id" not in found, "a visit's id tells a program nothing and joins what should not be joined"


def test_a_company_of_which_only_numbers_are_kept_shows_them_from_its_third_day_on(
    ours: Program, firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    path = f"/leads/{SMALL.id:016x}"
    for days in range(3):
        assert ours.get(path).status_code == 404
        store(warehouse, visit(firm.id, SMALL, town.clock.now - timedelta(days=days), ("/secret",), detail="counts"))
    company = ours.json(path)
    assert (len(company["days_without_route"]), company["last"]["is_exact"]) == (3, False)
    assert ours.json(f"{path}/visits")["items"] == []
    assert "/secret" not in ours.get(path).text


def test_a_corrected_company_comes_as_what_it_is(ours: Program, firm: Firm, warehouse: Warehouse, town: Town) -> None:
    store(warehouse, visit(firm.id, NOKIA, town.clock.now))
    made = {"name": "Nokia Shipyards", "country": "FI"}
    rule = {"about": "organisation", "value": f"{NOKIA.id:016x}", "organisation": made}
    assert ours.ask("POST", "/corrections", json=rule).status_code == 201
    found = ours.json(NOKIA_PATH)["company"]
    assert found["name"] == "Nokia Shipyards"
    assert ours.json(f"/leads/{found['org_id']}")["company"] == found


def test_coverage_adds_up(ours: Program, firm: Firm, warehouse: Warehouse, town: Town) -> None:
    store_coverage(warehouse, firm.id, town.clock.now.date(), {"company": 30, "home_network": 70, "bot": 5})
    found = ours.json("/coverage?from=2026-03-31")
    assert (found["from"], found["to"]) == ("2026-03-31", "2026-03-31")
    assert (found["measured"], found["companies"], found["company_share"]) == (100, 30, 0.3)
    assert found["others"] == [{"reason": "home_network", "pageviews": 70, "share": 0.7}]
    assert found["refused"] == [{"reason": "bot", "pageviews": 5, "share": 0.0}]
