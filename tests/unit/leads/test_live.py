"""Who is on a site now: only visits with a route, within five minutes, of whom the asker may see."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firmly.accounts.roles import Role
from firmly.leads.condition_json import condition_of
from firmly.leads.feeds import FeedDraft
from firmly.leads.filter import org_id_text
from firmly.leads.live import LiveVisit
from firmly.leads.record import RecordChange
from firmly.leads.service import Leads
from firmly.leads.visit import Origin, Step
from firmly.model import OrgId
from firmly.organisations.overrides import Matcher, read_rule
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, Org, event, store, visit
from tests.town import PASSWORD, Firm, Town

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def names(leads: Leads, firm: Firm) -> list[str]:
    return [one.identity.name for one in leads.live.of(firm.scope)]


def test_visit_tells_page_start_pages_and_origin(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    about = {"visit_id": 77, "source": "search", "referrer_host": "search.example", "utm_campaign": "spring"}
    later = {"visit_id": 77, "source": "direct", "site_id": 1}
    store(
        warehouse,
        [event(firm.id, NOKIA, ago(20), path="/", starts_visit=1, seq=0, **about)],
        [event(firm.id, NOKIA, ago(9), path="/pricing", title="Prices", seq=1, **later)],
        [event(firm.id, NOKIA, ago(2), path="/", kind="engagement", active_ms=5000, seq=2, **later)],
    )
    (found,) = leads.live.of(firm.scope)
    assert found == LiveVisit(
        found.identity,
        77,
        found.site_id,
        ago(20),
        ago(2),
        2,
        Step("www.firm.example", "/pricing", "Prices", 0),
        Origin("search", "search.example", "", "", "spring"),
    )
    assert (found.identity.name, found.site_id) == (NOKIA.name, 1)


@pytest.mark.parametrize(("minutes", "is_here"), [(0, True), (5, True), (6, False)])
def test_visit_goes_on_for_five_minutes(
    leads: Leads, firm: Firm, warehouse: Warehouse, minutes: int, is_here: bool
) -> None:
    store(warehouse, visit(firm.id, NOKIA, ago(minutes)))
    assert names(leads, firm) == [NOKIA.name] * is_here


def test_newest_visit_comes_first(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, ago(4)), visit(firm.id, MIT, ago(1)), visit(firm.id, NOKIA, ago(2)))
    assert names(leads, firm) == [MIT.name, NOKIA.name, NOKIA.name]


def test_visit_across_midnight_is_whole(leads: Leads, firm: Firm, town: Town, warehouse: Warehouse) -> None:
    town.clock.now = datetime(2026, 3, 31, 0, 3, tzinfo=UTC)
    before, after = (datetime(2026, 3, 30, 23, 50, tzinfo=UTC), datetime(2026, 3, 31, 0, 2, tzinfo=UTC))
    store(
        warehouse,
        [event(firm.id, NOKIA, before, starts_visit=1, seq=0), event(firm.id, NOKIA, after, path="/b", seq=1)],
    )
    (found,) = leads.live.of(firm.scope)
    assert (found.started_at, found.pageviews, found.page.path) == (before, 2, "/b")


def test_what_is_only_counted_is_never_live(leads: Leads, firm: Firm, town: Town, warehouse: Warehouse) -> None:
    """Its minute is midnight of the day: at three past, that is three minutes ago."""
    town.clock.now = datetime(2026, 3, 31, 0, 3, tzinfo=UTC)
    for days in range(4):
        store(warehouse, visit(firm.id, SMALL, town.clock.now - timedelta(days=days), detail="counts"))
    # One that also has a route on this day shows with that visit alone.
    store(warehouse, visit(firm.id, NOKIA, town.clock.now, ("/counted",), detail="counts"))
    store(warehouse, visit(firm.id, NOKIA, town.clock.now, ("/seen",)))
    assert [(one.identity.name, one.page.path) for one in leads.live.of(firm.scope)] == [(NOKIA.name, "/seen")]


def test_corrected_company_shows_as_what_it_stands_for_or_not_at_all(
    leads: Leads, firm: Firm, warehouse: Warehouse
) -> None:
    store(warehouse, visit(firm.id, NOKIA, ago(1)), visit(firm.id, MIT, ago(2)))
    said: dict[Org, dict[str, Any]] = {
        NOKIA: {"organisation": {"name": "Nokia Group", "country": "FI"}},
        MIT: {"is": "own_staff"},
    }
    for org, outcome in said.items():
        rule = read_rule(Matcher.ORGANISATION, org_id_text(OrgId(org.id)), outcome)
        leads.rule_book.add(firm.scope, rule, org.name)
    assert names(leads, firm) == ["Nokia Group"]


def test_what_the_team_hid_is_not_live(leads: Leads, firm: Firm, town: Town, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, ago(1)), visit(firm.id, MIT, ago(2)))
    town.records.change(firm.scope, {OrgId(MIT.id): (OrgId(MIT.id),)}, RecordChange(hidden_for_all=True))
    assert names(leads, firm) == [NOKIA.name]


def test_live_view_of_one_workspace_knows_nothing_of_another(leads: Leads, town: Town, warehouse: Warehouse) -> None:
    one, other = town.firm(), town.firm()
    store(warehouse, visit(other.id, NOKIA, ago(1)))
    assert (names(leads, one), names(leads, other)) == ([], [NOKIA.name])


def test_what_is_no_longer_kept_is_not_live(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, ago(1), retain_until=NOW.date().isoformat()))
    assert names(leads, firm) == []
    store(warehouse, visit(firm.id, NOKIA, ago(1), ("/kept",)))
    assert [one.page.path for one in leads.live.of(firm.scope)] == ["/kept"]


def test_mark_is_another_one_after_any_event_and_the_same_without(
    leads: Leads, town: Town, warehouse: Warehouse
) -> None:
    one, other = town.firm(), town.firm()
    marks = [leads.live.mark(one.id)]
    for rows in (
        visit(one.id, NOKIA, ago(1)),
        [event(one.id, NOKIA, ago(1), kind="engagement", active_ms=15_000)],
        [event(one.id, NOKIA, ago(1), kind="goal", goal="demo")],
        visit(one.id, Org(0x900, "New"), ago(1), detail="counts"),
    ):
        store(warehouse, rows)
        marks.append(leads.live.mark(one.id))
    assert len(set(marks)) == len(marks)
    store(warehouse, visit(other.id, NOKIA, ago(1)))
    assert leads.live.mark(one.id) == marks[-1]


def test_member_of_some_feeds_sees_only_their_companies(
    leads: Leads, firm: Firm, town: Town, warehouse: Warehouse
) -> None:
    store(warehouse, visit(firm.id, NOKIA, ago(1)), visit(firm.id, MIT, ago(1)))
    american = FeedDraft(
        name="American", folder="", condition=condition_of({"field": "country", "op": "eq", "value": "US"})
    )
    feed = leads.feeds.add(firm.scope, american)
    email = f"some.{firm.id}@firm.example"
    town.accounts.add_member(firm.id, email, "Some", Role.SALES, PASSWORD)
    member = next(one.id for one in town.accounts.team.members(firm.scope) if one.email == email)

    def seen() -> list[str]:
        token = town.accounts.sign_in.with_password(email, PASSWORD)
        scope = town.accounts.sign_in.scope(token or "")
        assert scope is not None
        return [one.identity.name for one in leads.live.of(scope)]

    assert len(seen()) == 2
    town.accounts.team.restrict(firm.scope, member, [feed])
    assert seen() == [MIT.name]
