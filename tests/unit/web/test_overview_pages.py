"""The overview as a member sees it, and its tables as files."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from firmly.accounts.audit import Action, AuditFilter
from firmly.accounts.roles import Role
from firmly.consent.choice import Action as Chosen
from firmly.consent.choice import State
from firmly.consent.counts import ConsentCount
from firmly.leads.overview import Acceptance, acceptance_of
from firmly.warehouse.store import Warehouse
from firmly.web.overview_pages import TABLES, more
from tests.history import MIT, NOKIA, SMALL, event, store, store_coverage, visit
from tests.town import PASSWORD, Firm, Town
from tests.unit.web.conftest import Visitor

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
NBSP = "\N{NO-BREAK SPACE}"


def figures(text: str) -> dict[str, tuple[str, str]]:
    found = re.findall(r'<dt>([^<]+)</dt><dd>([^<]+)</dd><dd class="versus">([^<]+)<', text)
    return {title: (number, versus) for title, number, versus in found}


def test_figures_stand_beside_those_of_the_range_before(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/", "/pricing")),
        visit(firm.id, NOKIA, NOON - timedelta(days=8)),
        visit(firm.id, MIT, NOON - timedelta(days=1)),
        visit(firm.id, MIT, NOON - timedelta(days=9), ("/", "/a", "/b")),
        [event(firm.id, MIT, NOON - timedelta(days=9), kind="goal", goal="demo")],
    )
    text = member.text("/app/overview?days=7")
    assert figures(text) == {
        "Companies": ("2", "as many"),
        "New companies": ("0", "2 fewer"),
        "Visits": ("2", "as many"),
        "Pages": ("3", "1 fewer"),
        "Goals": ("0", "1 fewer"),
    }
    assert f"than in the 7{NBSP}days before" in text


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [(3, 3, "as many"), (1500, 3, "1,497 more"), (0, 2000, "2,000 fewer")],
)
def test_difference_is_said_in_words(now: int, before: int, said: str) -> None:
    assert more(now, before) == said


def test_table_beside_the_chart_has_every_day(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    text = member.text("/app/overview?days=7")
    table = text[text.index("data-plot-table") : text.index("</table>")]
    rows = re.findall(r'<th scope="row">([^<]+)</th><td class="number">(\d+)<', table)
    assert rows[:2] == [("31 March 2026", "1"), ("30 March 2026", "0")]
    assert len(rows) == 7


def test_values_lead_to_the_leads_of_whom_they_were_seen(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/a b&c",), source="search"), visit(firm.id, MIT, NOON))
    text = member.text("/app/overview?days=7")
    link = re.search(r'<a href="([^"]+)">/a b&amp;c</a>', text)
    assert link is not None
    answer = member.text(unescape(link[1]))
    assert NOKIA.name in answer
    assert MIT.name not in answer


def test_only_figures_of_the_site_asked_for_show(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    other = firm.add_site("Shop", "https://shop.firm.example")
    store(warehouse, visit(firm.id, NOKIA, NOON, site_id=firm.site.id), visit(firm.id, MIT, NOON, site_id=other.id))
    text = member.text(f"/app/overview?site={other.key}")
    assert figures(text)["Companies"][0] == "1"
    assert MIT.name in text
    assert NOKIA.name not in text
    assert f'value="{other.key}" selected' in text


def test_small_company_is_not_named_before_its_third_day(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    for days in range(2):
        store(warehouse, visit(firm.id, SMALL, NOON - timedelta(days=days), detail="counts"))
    store_coverage(warehouse, firm.id, NOON.date(), {"company": 2})
    assert SMALL.name not in member.text("/app/overview") + member.text("/app/overview/export?table=companies")
    store(warehouse, visit(firm.id, SMALL, NOON - timedelta(days=2), detail="counts"))
    assert SMALL.name in member.text("/app/overview")


def test_rate_of_acceptance_is_shown_to_who_may_see_it(
    visitor: Visitor, firm: Firm, town: Town, warehouse: Warehouse
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    visitor.sign_in(firm)
    assert "Nobody answered the banner" in visitor.text("/app/overview")
    email = f"sales.{firm.id}@firm.example"
    town.accounts.add_member(firm.id, email, "Sales", Role.SALES, PASSWORD)
    visitor.client.cookies.clear()
    form = {"csrf_token": visitor.csrf_token(), "email": email, "password": PASSWORD}
    assert visitor.client.post("/app/sign-in", form).status_code == 303
    text = visitor.text("/app/overview")
    assert NOKIA.name in text
    assert "banner" not in text


def test_answers_to_the_banner_are_what_acceptance_is_of() -> None:
    day = NOON.date()
    counts = [
        ConsentCount(day, Chosen.ACCEPT_ALL, State.GIVEN, 5),
        ConsentCount(day, Chosen.CUSTOM, State.GIVEN, 1),
        ConsentCount(day, Chosen.REJECT_ALL, State.REFUSED, 3),
        ConsentCount(day, Chosen.CUSTOM, State.REFUSED, 1),
        ConsentCount(day, Chosen.GPC, State.REFUSED, 50),
        ConsentCount(day, Chosen.ACCEPT_ALL, State.RENEWED, 50),
        ConsentCount(day, Chosen.WITHDRAW, State.WITHDRAWN, 50),
        ConsentCount(day, Chosen.EXPIRE, State.EXPIRED, 50),
    ]
    assert acceptance_of(counts) == Acceptance(answers=10, given=6)
    assert acceptance_of(counts).share == 0.6
    assert acceptance_of([]).share == 0


def test_tables_are_taken_whole_and_that_is_logged(
    member: Visitor, firm: Firm, town: Town, warehouse: Warehouse
) -> None:
    store(warehouse, *(visit(firm.id, NOKIA, NOON, (f"/{number}",)) for number in range(9)))
    store(warehouse, visit(firm.id, MIT, NOON, ("=cmd()",)), [event(firm.id, MIT, NOON, kind="goal", goal="demo")])
    path = "/app/overview/export?days=7&table="

    days = member.text(f"{path}days").splitlines()
    assert days[0] == "day,companies,new,returning,re_engaged,visits,pages,goals"
    assert (len(days), days[-1]) == (8, "2026-03-31,2,2,0,0,10,10,1")
    assert member.text(f"{path}companies").splitlines() == [
        "company,domain,country,visits,pages,goals,seconds,org_id",
        "Nokia,nokia.com,FI,9,9,0,90,000000000000000a",
        f"{MIT.name},mit.edu,US,1,1,1,10,000000000000000b",
    ]
    pages = member.text(f"{path}landing_pages").splitlines()
    assert (len(pages), pages[1], "'=cmd(),1,1" in pages) == (11, "/0,1,1", True)
    assert member.text(f"{path}goals").splitlines() == ["goal,companies,times", "demo,1,1"]

    log = town.accounts.audit.page(firm.scope, AuditFilter(Action.OVERVIEW_EXPORTED))
    week = {"from": "2026-03-25", "to": "2026-03-31"}
    tables = ("goals", "landing_pages", "companies", "days")
    assert [dict(entry.detail) for entry in log] == [week | {"table": table} for table in tables]


@pytest.mark.parametrize("table", ["", "everything", "pages' or 1=1"])
def test_table_that_is_none_is_a_clear_refusal(member: Visitor, table: str) -> None:
    answer = member.client.get(f"/app/overview/export?table={table}")
    assert answer.status_code == 400
    assert "expected: one of days, companies, sources" in answer.text


def test_every_table_can_be_taken(member: Visitor) -> None:
    for table in TABLES:
        assert member.text(f"/app/overview/export?table={table}").count("\r\n") == 1


def test_live_part_is_sent_once_until_it_changes(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    at = datetime(2026, 3, 31, 11, 59, tzinfo=UTC)
    store(warehouse, visit(firm.id, NOKIA, at, ("/pricing",)))
    part = {"hx-request": "true"}
    text = member.client.get("/app/live", headers=part).text
    assert ("<html" in text, NOKIA.name in text, "/pricing" in text) == (False, True, True)
    seen = re.search(r'id="seen" name="seen" value="([^"]+)"', text)
    assert seen is not None
    assert member.client.get(f"/app/live?seen={seen[1]}", headers=part).status_code == 204
    store(warehouse, visit(firm.id, MIT, at))
    assert MIT.name in member.client.get(f"/app/live?seen={seen[1]}", headers=part).text
