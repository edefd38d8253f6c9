"""What programs take away: the whole list and the visits of a month, with the guards of every list, and logged."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest

from firmly.accounts.audit import Action, AuditFilter
from firmly.accounts.roles import TokenScope
from firmly.accounts.scope import ActorKind
from firmly.warehouse.store import Warehouse
from firmly.web.lead_columns import EXPORTED
from tests.history import MIT, NOKIA, SMALL, Org, event, store, visit
from tests.town import Firm, Town
from tests.unit.web.api.conftest import Program

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)


def log(town: Town, firm: Firm, action: Action) -> list[tuple[ActorKind, dict[str, Any]]]:
    return [(entry.actor, dict(entry.detail)) for entry in town.accounts.audit.page(firm.scope, AuditFilter(action))]


def test_list_is_downloaded_whole_as_it_is_filtered(
    ours: Program, firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/", "/pricing"), seconds=30),
        visit(firm.id, MIT, NOON),
        visit(firm.id, SMALL, NOON, detail="counts"),
        visit(town.firm().id, Org(77, "Theirs"), NOON),
    )
    text = '{"field":"country","op":"eq","value":"FI"}'
    answer = ours.get("/exports/leads.csv", params={"filter": text, "from": "2026-03-25", "to": "2026-03-31"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="leads-2026-03-31.csv"'
    assert answer.headers["ratelimit-remaining"] == "540"
    head, *rows = answer.text.splitlines()
    nokia = "Nokia,nokia.com,FI,business,high,2026-03-31T11:30Z,1,2,0,60,000000000000000a,1,15,low,new,,,,,no,"
    assert (head, rows) == (",".join(EXPORTED), [nokia])
    assert len(ours.get("/exports/leads.csv").text.splitlines()) == 3
    assert log(town, firm, Action.LEADS_EXPORTED) == [
        (ActorKind.TOKEN, {"from": "2026-03-02", "to": "2026-03-31"}),
        (ActorKind.TOKEN, {"from": "2026-03-25", "to": "2026-03-31", "filter": text}),
    ]


def test_list_has_no_limit_and_no_formula(ours: Program, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, [event(firm.id, Org(900 + n, f"=Org {n}"), NOON, starts_visit=1) for n in range(1500)])
    lines = ours.get("/exports/leads.csv").text.splitlines()
    assert len(lines) == 1501
    assert all(line.startswith("'=Org ") for line in lines[1:])


def test_visits_of_a_month_come_as_parquet(ours: Program, firm: Firm, warehouse: Warehouse, town: Town) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/a",), site_id=firm.site.id),
        visit(firm.id, MIT, NOON - timedelta(days=40)),
        visit(town.firm().id, NOKIA, NOON, ("/theirs",)),
    )
    answer = ours.get("/exports/visits/2026-03")
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["content-disposition"] == 'attachment; filename="visits-2026-03.parquet"'
    (row,) = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    assert (row["company"], row["site"], row["pages"]) == ("Nokia", firm.site.key, ["/a"])
    assert pq.read_table(io.BytesIO(ours.get("/exports/visits/2031-01").content)).num_rows == 0
    assert [detail for _, detail in log(town, firm, Action.VISITS_EXPORTED)] == [
        {"month": "2031-01"},
        {"month": "2026-03"},
    ]


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "1999-12", "2101-01", "x", "2026-03-01"])
def test_what_is_no_month_is_not_there(ours: Program, firm: Firm, town: Town, month: str) -> None:
    assert ours.get(f"/exports/visits/{month}").status_code == 404
    assert log(town, firm, Action.VISITS_EXPORTED) == []


@pytest.mark.parametrize("path", ["/exports/leads.csv", "/exports/visits/2026-03"])
def test_token_without_the_right_takes_nothing_away(
    program: Callable[..., Program], firm: Firm, town: Town, path: str
) -> None:
    assert program(firm, TokenScope.ADMINISTER, TokenScope.READ_CONSENT).get(path).status_code == 403
    assert log(town, firm, Action.LEADS_EXPORTED) == log(town, firm, Action.VISITS_EXPORTED) == []


def test_filter_that_cannot_be_used_is_refused_before_anything_is_logged(
    ours: Program, firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    pattern = '{"field":"name","op":"matches","value":"("}'
    assert ours.get("/exports/leads.csv", params={"filter": pattern}).status_code == 422
    assert ours.get("/exports/leads.csv", params={"cursor": "abcd"}).status_code == 400
    assert log(town, firm, Action.LEADS_EXPORTED) == []
