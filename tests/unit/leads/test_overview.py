"""The overview against an independent model of plain Python over the same visits, and the guards one by one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmly.leads.days import DayRange
from firmly.leads.filter import org_id_text
from firmly.leads.overview import FACETS, FacetCount, Overview, OverviewDay, Sums
from firmly.leads.record import RecordChange
from firmly.leads.service import Leads
from firmly.model import OrgId, SiteId
from firmly.organisations.overrides import Matcher, read_rule
from firmly.warehouse.store import Warehouse
from tests.examples import examples
from tests.history import MIT, NOKIA, SMALL, Org, event, store, visit
from tests.town import Firm, Town

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
TODAY = NOON.date()
ORGS = tuple(Org(0x100 + number, f"Org {number}") for number in range(5))
UNITED = "Uusi Oy"
LONG_AGO = 150


@dataclass(frozen=True)
class Seen:
    """One visit of the model; ``is_counted`` without a route, ``is_kept`` within its retention."""

    org: int
    days_ago: int
    pages: tuple[str, ...]
    source: str
    campaign: str
    goal: str
    site: int
    is_counted: bool
    is_kept: bool

    @property
    def day(self) -> date:
        return TODAY - timedelta(days=self.days_ago)

    def rows(self, workspace: int, number: int) -> list[dict[str, Any]]:
        at = NOON - timedelta(days=self.days_ago)
        more: dict[str, Any] = {"visit_id": number, "source": self.source, "utm_campaign": self.campaign}
        more |= {"site_id": self.site, "detail": "counts" if self.is_counted else "route"}
        more |= {"retain_until": (TODAY + timedelta(days=1 if self.is_kept else 0)).isoformat()}
        org = ORGS[self.org]
        rows = [
            event(workspace, org, at, path=path, seq=index, starts_visit=int(index == 0), **more)
            for index, path in enumerate(self.pages)
        ]
        if self.goal:
            rows.append(event(workspace, org, at, kind="goal", goal=self.goal, path=self.pages[-1], **more))
        return rows


@st.composite
def visits(draw: st.DrawFn) -> Seen:
    days_ago = st.one_of(
        st.integers(0, 75), st.integers(0, LONG_AGO), st.sampled_from((0, 6, 7, 29, 30, 36, 37, 59, 60))
    )
    return Seen(
        draw(st.integers(0, len(ORGS) - 1)),
        draw(days_ago),
        tuple(draw(st.lists(st.sampled_from(("/", "/pricing", "/blog")), min_size=1, max_size=2))),
        draw(st.sampled_from(("direct", "search"))),
        draw(st.sampled_from(("", "spring"))),
        draw(st.sampled_from(("", "demo"))),
        draw(st.integers(1, 2)),
        draw(st.sampled_from((False, False, True))),
        draw(st.sampled_from((True, True, True, False))),
    )


@dataclass(frozen=True)
class Model:
    """What the overview has to say, computed from the visits themselves; ``hidden`` and ``united`` by corrections."""

    history: list[Seen]
    site: int
    hidden: frozenset[int] = frozenset()
    united: frozenset[int] = frozenset()
    shown: list[Seen] = field(init=False)

    def __post_init__(self) -> None:
        kept = [one for one in self.history if one.is_kept]
        days = {org: {one.day for one in kept if one.org == org} for org in range(len(ORGS))}
        routed = {one.org for one in kept if not one.is_counted}
        may = {org for org in days if org in routed or len(days[org]) >= 3} - self.hidden
        object.__setattr__(self, "shown", [one for one in kept if one.org in may])

    def who(self, one: Seen) -> str:
        return UNITED if one.org in self.united else ORGS[one.org].name

    def here(self, days: DayRange) -> list[Seen]:
        return [one for one in self.shown if days.first <= one.day <= days.last and self.site in (0, one.site)]

    def days(self, days: DayRange) -> tuple[OverviewDay, ...]:
        return tuple(map(self._day, days))

    def _day(self, day: date) -> OverviewDay:
        today = self.here(DayRange(day, day))
        new = re_engaged = 0
        for name in {self.who(one) for one in today}:
            earlier = [one.day for one in self.shown if self.who(one) == name and one.day < day]
            new += not earlier
            re_engaged += bool(earlier) and (day - max(earlier)).days >= 30
        return OverviewDay(day, len({self.who(one) for one in today}), new, re_engaged, *self._did(today))

    def sums(self, days: DayRange) -> Sums:
        each, seen = self.days(days), self.here(days)
        companies = len({self.who(one) for one in seen})
        return Sums(companies, sum(one.new for one in each), sum(one.re_engaged for one in each), *self._did(seen))

    @staticmethod
    def _did(seen: Iterable[Seen]) -> tuple[int, int, int]:
        some = list(seen)
        return len(some), sum(len(one.pages) for one in some), sum(bool(one.goal) for one in some)

    def companies(self, days: DayRange) -> list[tuple[str, int]]:
        return sorted(Counter(self.who(one) for one in self.here(days)).items())

    def facet(self, name: str, days: DayRange) -> list[FacetCount]:
        values = [
            (value, self.who(one)) for one in self.here(days) if not one.is_counted for value in _values(one, name)
        ]
        times, who = Counter(value for value, _ in values), set(values)
        return sorted(
            (FacetCount(value, len([1 for said, _ in who if said == value]), times[value]) for value in times),
            key=lambda one: (-one.times, -one.companies, one.value),
        )


def _values(one: Seen, name: str) -> list[str]:
    found = {
        "source": one.source,
        "landing_page": one.pages[0],
        "referrer": "",
        "campaign": one.campaign,
        "goal": one.goal,
    }
    return [found[name]] if found[name] else []


def correct(leads: Leads, firm: Firm, org: Org, said: dict[str, Any] | None) -> None:
    """Say that an organisation is another one, or none."""
    org_id = org_id_text(OrgId(org.id))
    rule = read_rule(Matcher.ORGANISATION, org_id, {"is": "not_a_company"} if said is None else {"organisation": said})
    leads.rule_book.add(firm.scope, rule, org.name)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=st.lists(visits(), min_size=1, max_size=18),
    length=st.sampled_from((1, 7, 30, 45)),
    last=st.sampled_from((0, 0, 10)),
    site=st.integers(0, 2),
    hidden=st.sets(st.integers(0, len(ORGS) - 1), max_size=1),
    united=st.sets(st.integers(0, len(ORGS) - 1), max_size=3),
)
def test_warehouse_and_model_agree(
    leads: Leads,
    town: Town,
    warehouse: Warehouse,
    history: list[Seen],
    length: int,
    last: int,
    site: int,
    hidden: set[int],
    united: set[int],
) -> None:
    firm, united = town.firm(), united - hidden
    store(warehouse, *(one.rows(firm.id, number) for number, one in enumerate(history, 1)))
    for org in hidden:
        correct(leads, firm, ORGS[org], None)
    for org in united:
        correct(leads, firm, ORGS[org], {"name": UNITED, "country": "FI"})
    days = DayRange.until(TODAY - timedelta(days=last), length)
    model = Model(history, site, frozenset(hidden), frozenset(united))

    found = leads.overviews.of(firm.scope, days, SiteId(site) if site else None)

    assert found.days == model.days(days)
    assert found.days_before == model.days(found.before)
    assert (found.sums, found.sums_before) == (model.sums(days), model.sums(found.before))
    assert sorted((one.identity.name, one.totals.visits) for one in found.companies) == model.companies(days)
    assert {name: list(found.facets[name].rows) for name in FACETS} == {
        name: model.facet(name, days) for name in FACETS
    }


MONTH = DayRange.until(TODAY, 30)


def of(leads: Leads, firm: Firm, days: DayRange = MONTH) -> Overview:
    return leads.overviews.of(firm.scope, days)


def on(days_ago: int, hour: int = 11) -> datetime:
    return NOON.replace(hour=hour) - timedelta(days=days_ago)


def test_company_is_new_then_returning_then_re_engaged(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, *(visit(firm.id, NOKIA, on(ago)) for ago in (80, 79, 30, 1, 0)))
    days = {
        one.day: (one.new, one.returning, one.re_engaged) for one in of(leads, firm, DayRange.until(TODAY, 90)).days
    }
    assert {day: said for day, said in days.items() if any(said)} == {
        on(80).date(): (1, 0, 0),
        on(79).date(): (0, 1, 0),
        on(30).date(): (0, 0, 1),
        on(1).date(): (0, 1, 0),
        on(0).date(): (0, 1, 0),
    }


@pytest.mark.parametrize(("gap", "re_engaged"), [(29, 0), (30, 1), (31, 1), (200, 1)])
def test_gap_from_which_on_a_company_is_re_engaged(
    leads: Leads, firm: Firm, warehouse: Warehouse, gap: int, re_engaged: int
) -> None:
    store(warehouse, visit(firm.id, NOKIA, on(gap)), visit(firm.id, NOKIA, on(0)))
    sums = of(leads, firm, DayRange(TODAY, TODAY)).sums
    assert (sums.companies, sums.new, sums.re_engaged) == (1, 0, re_engaged)


@pytest.mark.parametrize(("gap", "re_engaged"), [(29, 0), (30, 1), (31, 1), (200, 1)])
def test_gap_counts_in_the_range_before_also_where_it_begins_outside(
    leads: Leads, firm: Firm, warehouse: Warehouse, gap: int, re_engaged: int
) -> None:
    store(warehouse, visit(firm.id, NOKIA, on(gap + 1)), visit(firm.id, NOKIA, on(1)))
    found = of(leads, firm, DayRange.until(TODAY + timedelta(days=30), 30))
    assert found.before == DayRange.until(TODAY, 30)
    sums = found.sums_before
    assert (sums.companies, sums.new, sums.re_engaged) == (1, 0, re_engaged)


def test_range_before_is_as_long_and_ends_where_the_range_begins(leads: Leads, firm: Firm) -> None:
    found = of(leads, firm, DayRange.until(TODAY, 7))
    assert found.before == DayRange(TODAY - timedelta(days=13), TODAY - timedelta(days=7))
    assert [one.day for one in found.days] == list(found.range)
    assert [one.day for one in found.days_before] == list(found.before)


def test_company_that_is_only_counted_counts_from_the_third_day_on(
    leads: Leads, firm: Firm, warehouse: Warehouse
) -> None:
    store(warehouse, *(visit(firm.id, SMALL, on(ago), detail="counts") for ago in (3, 0)))
    assert of(leads, firm).sums == Sums(0, 0, 0, 0, 0, 0)
    assert of(leads, firm).companies == ()

    store(warehouse, visit(firm.id, SMALL, on(2), detail="counts"))

    found = of(leads, firm)
    assert found.sums == Sums(1, 1, 0, 3, 3, 0)
    assert [one.identity.name for one in found.companies] == [SMALL.name]
    assert not any(table.rows for table in found.facets.values())


def test_what_the_team_hid_is_in_no_figure(leads: Leads, firm: Firm, town: Town, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, on(0)), visit(firm.id, MIT, on(1), source="search"))
    town.records.change(firm.scope, {OrgId(MIT.id): (OrgId(MIT.id),)}, RecordChange(hidden_for_all=True))
    found = of(leads, firm)
    assert found.sums == Sums(1, 1, 0, 1, 1, 0)
    assert [one.identity.name for one in found.companies] == [NOKIA.name]
    assert [one.value for one in found.facets["source"].rows] == ["direct"]


def test_tables_are_cut_and_say_how_much(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    pages = [visit(firm.id, NOKIA, on(0), (f"/{number}",) * (20 - number)) for number in range(11)]
    store(warehouse, *pages, *(visit(firm.id, NOKIA, on(1), ("/0",)) for _ in range(2)))
    table = of(leads, firm).facets["landing_page"]
    assert (table.rows[0], len(table.rows), table.others) == (FacetCount("/0", 1, 3), 8, 3)
    assert len(leads.overviews.facet(firm.scope, "landing_page", MONTH)) == 11


def test_overview_of_one_workspace_knows_nothing_of_another(leads: Leads, town: Town, warehouse: Warehouse) -> None:
    one, other = town.firm(), town.firm()
    store(warehouse, visit(other.id, NOKIA, on(0)), visit(other.id, NOKIA, on(60)), visit(one.id, NOKIA, on(1)))
    assert of(leads, one).sums == Sums(1, 1, 0, 1, 1, 0)
    assert of(leads, other).sums == Sums(1, 0, 1, 1, 1, 0)
    store(warehouse, visit(other.id, NOKIA, on(0), ("/theirs",), source="mail", goal="demo"))
    assert [row.value for table in of(leads, one).facets.values() for row in table.rows] == ["direct", "/"]


def test_day_that_is_no_longer_kept_makes_nobody_old(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    gone = visit(firm.id, NOKIA, on(200), retain_until=TODAY.isoformat())
    store(warehouse, gone, visit(firm.id, NOKIA, on(0)))
    assert of(leads, firm).sums.new == 1
