"""What an operator's BI tool reads: whole values, and the guards that hold in every view.

These views follow the real day, so the histories here end today.
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, Org, event, store, store_coverage, visit
from tests.served import ROOT
from tests.unit.warehouse.conftest import select

NOON = datetime.now(UTC).replace(hour=0, minute=1, second=0, microsecond=0)
TODAY = NOON.date()
VIEWS = ("bi_leads_days", "bi_visits", "bi_coverage")
GUIDE = Path(ROOT / "docs" / "EXPORTS.md").read_text()


def back(days: int) -> datetime:
    return NOON - timedelta(days=days)


def identity(org: Org) -> dict[str, Any]:
    return {
        "workspace_id": 1,
        "site_id": 1,
        "company_id": f"{org.id:016x}",
        "company": org.name,
        "domain": org.domain,
        "country": org.country,
        "kind": org.kind,
    }


@pytest.mark.parametrize("view", VIEWS)
def test_columns_are_those_of_the_guide_with_the_workspace_first(empty: Warehouse, view: str) -> None:
    columns = select(
        empty,
        f"select name from system.columns where database = currentDatabase() and table = '{view}' order by position",
    )
    names = [row["name"] for row in columns]
    assert names[0] == "workspace_id"
    (row,) = (line for line in GUIDE.splitlines() if line.startswith(f"| `{view}`"))
    assert row.strip("| ").split(" | ")[2] == ", ".join(f"`{name}`" for name in names)
    assert not {"visit_id", "visitor", "org_id"} & set(names)


def test_days_are_sums_of_each_company_site_and_day(empty: Warehouse) -> None:
    store(
        empty,
        visit(1, NOKIA, NOON, ("/", "/a"), seconds=7),
        visit(1, NOKIA, NOON, ("/",), seconds=1),
        visit(1, NOKIA, back(1), ("/",), site_id=2),
        [event(1, NOKIA, NOON, kind="goal", goal="Buy")],
    )
    found = select(empty, "select * from bi_leads_days order by day desc")
    assert found == [
        {**identity(NOKIA), "day": TODAY, "visits": 2, "pageviews": 3, "goals": 1, "seconds": 15},
        {
            **identity(NOKIA),
            "site_id": 2,
            "day": back(1).date(),
            "visits": 1,
            "pageviews": 1,
            "goals": 0,
            "seconds": 10,
        },
    ]


def test_visits_are_whole_and_without_any_id_of_theirs(empty: Warehouse) -> None:
    given = {"source": "ad", "utm_medium": "cpc", "utm_campaign": "spring", "referrer_host": "x.example"}
    rows = visit(1, MIT, NOON, ("/a", "/b"), seconds=4, **given)
    goal = event(1, MIT, NOON, seq=9, kind="goal", goal="Buy", visit_id=rows[0]["visit_id"], **given)
    store(empty, [*rows, goal], visit(1, MIT, NOON, detail="counts"))
    assert select(empty, "select * from bi_visits") == [
        {
            **identity(MIT),
            "day": TODAY,
            "started_at": NOON.replace(tzinfo=None),
            "host": "www.firm.example",
            "source": "ad",
            "referrer": "x.example",
            "medium": "cpc",
            "campaign": "spring",
            "landing_page": "/a",
            "pages": ["/a", "/b"],
            "seconds": 8,
            "goals": ["Buy"],
        }
    ]


def test_counted_organisation_shows_from_its_third_day_on_and_its_visits_never(empty: Warehouse) -> None:
    for days in range(2):
        store(empty, visit(1, SMALL, back(days), detail="counts"), visit(2, SMALL, back(5 + days), detail="counts"))
    assert select(empty, "select * from bi_leads_days") == []
    store(empty, visit(1, SMALL, back(2), detail="counts"))
    assert select(empty, "select workspace_id, count() as n from bi_leads_days group by all") == [
        {"workspace_id": 1, "n": 3}
    ]
    assert select(empty, "select * from bi_visits") == []


def test_what_is_no_longer_kept_is_in_no_view_and_makes_nobody_visible(empty: Warehouse) -> None:
    over = TODAY.isoformat()
    store(
        empty,
        visit(1, NOKIA, back(1), ("/over",), retain_until=over),
        *(visit(1, SMALL, back(days), detail="counts", retain_until=over) for days in (2, 3)),
        visit(1, SMALL, back(1), detail="counts"),
    )
    assert select(empty, "select * from bi_leads_days") == []
    assert select(empty, "select * from bi_visits") == []


def test_the_same_organisation_keeps_its_name_of_each_workspace(empty: Warehouse) -> None:
    other = Org(NOKIA.id, "Nokia of the other", "other.example")
    store(empty, visit(1, NOKIA, NOON), visit(2, other, NOON), visit(2, other, back(1)))
    found = select(empty, "select workspace_id, company, count() as n from bi_leads_days group by all order by all")
    assert found == [
        {"workspace_id": 1, "company": "Nokia", "n": 1},
        {"workspace_id": 2, "company": "Nokia of the other", "n": 2},
    ]


def test_coverage_is_counts_per_day(empty: Warehouse) -> None:
    store_coverage(empty, 1, TODAY, {"company": 3, "home_network": 4})
    store_coverage(empty, 1, TODAY, {"company": 2})
    assert select(empty, "select * from bi_coverage order by outcome") == [
        {"workspace_id": 1, "day": TODAY, "site_id": 1, "outcome": "company", "pageviews": 5},
        {"workspace_id": 1, "day": TODAY, "site_id": 1, "outcome": "home_network", "pageviews": 4},
    ]


@pytest.fixture
def bi_database(empty: Warehouse) -> Iterator[str]:
    name = f"bi_{uuid.uuid4().hex}"
    yield name
    with empty._readers.one() as client:
        client.command(f"drop database if exists {name}")


def test_views_of_one_workspace_as_the_guide_makes_them_hold_nothing_of_another(
    empty: Warehouse, bi_database: str
) -> None:
    store(empty, visit(7, NOKIA, NOON), visit(8, MIT, NOON))
    store_coverage(empty, 7, TODAY, {"company": 1})
    store_coverage(empty, 8, TODAY, {"company": 1})
    block = GUIDE.partition("```sql\n")[2].partition("```")[0]
    with empty._readers.one() as client:
        (own,) = client.query("select currentDatabase()").result_rows[0]
        for statement in block.split(";\n"):
            if statement.strip():
                client.command(statement.replace("bi_acme", bi_database).replace("firmly.", f"{own}."))
        for view in ("leads_days", "visits", "coverage"):
            found = client.query(f"select distinct workspace_id from {bi_database}.{view}").result_rows
            assert list(found) == [(7,)]
