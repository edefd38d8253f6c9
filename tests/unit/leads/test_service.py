"""The answers of `Leads` over small histories in a real warehouse."""

from datetime import UTC, date, datetime, timedelta

import pytest

from firmly.leads.company import Deed
from firmly.leads.days import DayRange
from firmly.leads.filter import LeadFilter
from firmly.leads.lead import DayTotals, Moment, Totals
from firmly.leads.service import Leads, SiteActivity
from firmly.leads.visit import Origin, Step
from firmly.model import Alternative, DropReason, OrgId, SiteId
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, Org, event, store, store_coverage, visit
from tests.town import Firm, Town

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
TODAY = NOON.date()
MONTH = LeadFilter(DayRange.until(TODAY, 30))


def names(leads: Leads, firm: Firm, wanted: LeadFilter = MONTH) -> list[str]:
    return [lead.identity.name for lead in leads.list(firm.scope, wanted).leads]


def back(days: float) -> datetime:
    return NOON - timedelta(days=days)


def test_list_sums_a_companys_visits(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/", "/pricing"), seconds=30),
        visit(firm.id, NOKIA, back(2), ("/",), seconds=5),
    )

    (lead,) = leads.list(firm.scope, MONTH).leads

    assert (lead.identity.name, lead.identity.domain, lead.identity.country) == ("Nokia", "nokia.com", "FI")
    assert lead.last == Moment(NOON, is_exact=True)
    assert lead.totals == Totals(visits=2, pageviews=3, active_ms=65_000)
    assert lead.days == (
        DayTotals(date(2026, 3, 29), Totals(1, 1, 5_000)),
        DayTotals(date(2026, 3, 31), Totals(1, 2, 60_000)),
    )


def test_list_is_newest_first(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, back(1)), visit(firm.id, MIT, NOON))
    assert names(leads, firm) == [MIT.name, NOKIA.name]


@pytest.mark.parametrize(
    ("name", "found"),
    [("nok", ["Nokia"]), ("KIA", ["Nokia"]), ("mit.edu", [MIT.name]), ("zzz", []), ("", [NOKIA.name, MIT.name])],
)
def test_name_matches_part_of_name_or_domain_in_any_case(
    leads: Leads, firm: Firm, warehouse: Warehouse, name: str, found: list[str]
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, back(1)))
    assert names(leads, firm, LeadFilter(MONTH.days, name)) == found


def test_name_with_wildcards_and_quotes_is_only_text(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    for text in ("%", "_", "' or 1=1 --", "\\", "{name:String}"):
        assert names(leads, firm, LeadFilter(MONTH.days, text)) == []


def test_days_outside_of_the_range_do_not_count(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, back(10)), visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, back(7)))

    (lead,) = leads.list(firm.scope, LeadFilter(DayRange.until(TODAY, 7))).leads

    assert (lead.identity.name, lead.totals.visits) == ("Nokia", 1)


def test_site_limits_what_is_counted(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON, site_id=1), visit(firm.id, MIT, NOON, site_id=2))
    assert names(leads, firm, LeadFilter(MONTH.days, site=SiteId(2))) == [MIT.name]


def test_pages_follow_each_other_without_gap_or_repetition(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    # Seven organisations within the same minute: the id decides, so that no row is lost between pages.
    orgs = [Org(2**63 + number, f"Org {number}") for number in range(7)]
    store(warehouse, *(visit(firm.id, org, NOON) for org in orgs))
    seen: list[str] = []

    page = leads.list(firm.scope, MONTH, rows=3)
    while True:
        assert page.total == 7
        seen += [lead.identity.name for lead in page.leads]
        if page.next is None:
            break
        page = leads.list(firm.scope, MONTH, page.next, rows=3)

    assert seen == [f"Org {number}" for number in reversed(range(7))]


def test_another_workspaces_rows_never_show(leads: Leads, town: Town, firm: Firm, warehouse: Warehouse) -> None:
    other = town.firm()
    store(warehouse, visit(other.id, NOKIA, NOON))
    store_coverage(warehouse, other.id, TODAY, {"company": 5})

    assert leads.list(firm.scope, MONTH).total == 0
    assert leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days) is None
    assert leads.coverage(firm.scope, MONTH.days).measured == 0
    assert leads.activity(firm.scope) == {}
    assert names(leads, other) == ["Nokia"]


def test_the_same_company_in_two_workspaces_keeps_its_figures_apart(
    leads: Leads, town: Town, firm: Firm, warehouse: Warehouse
) -> None:
    other = town.firm()
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/ours",)), visit(other.id, NOKIA, NOON, ("/theirs", "/")))

    company = leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days)

    assert company is not None
    assert company.totals.pageviews == 1
    assert [step.path for found in company.visits for step in found.steps] == ["/ours"]


def test_what_is_no_longer_kept_does_not_show(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, back(3), retain_until=TODAY.isoformat()),
        visit(firm.id, MIT, back(3), retain_until=(TODAY + timedelta(days=1)).isoformat()),
    )
    assert names(leads, firm) == [MIT.name]
    assert leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days) is None


def test_figures_no_longer_kept_do_not_count(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    over = TODAY.isoformat()
    store(warehouse, visit(firm.id, NOKIA, back(3), ("/gone",), retain_until=over), visit(firm.id, NOKIA, NOON))
    store(warehouse, *(visit(firm.id, NOKIA, back(5), detail="counts", retain_until=over) for _ in range(2)))

    (lead,) = leads.list(firm.scope, MONTH).leads
    company = leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days)

    assert company is not None
    assert lead.totals == company.totals == Totals(1, 1, 10_000)
    assert [day.day for day in lead.days] == [day.day for day in company.days] == [TODAY]
    assert [found.steps[0].path for found in company.visits] == ["/"]
    assert company.counted == ()
    assert (company.history.days, company.history.first_day) == (1, TODAY)


def test_a_counted_company_shows_from_its_third_day_on(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    for days_ago in (1, 0):
        store(warehouse, *(visit(firm.id, SMALL, back(days_ago), detail="counts") for _ in range(3)))
        assert names(leads, firm) == []
        assert leads.company(firm.scope, OrgId(SMALL.id), MONTH.days) is None

    # The third day lies outside of the range: the whole kept history decides.
    store(warehouse, visit(firm.id, SMALL, back(60), detail="counts"))

    assert names(leads, firm) == [SMALL.name]
    assert leads.company(firm.scope, OrgId(SMALL.id), MONTH.days) is not None


def test_days_no_longer_kept_do_not_make_a_counted_company_visible(
    leads: Leads, firm: Firm, warehouse: Warehouse
) -> None:
    store(
        warehouse,
        visit(firm.id, SMALL, back(9), detail="counts", retain_until=TODAY.isoformat()),
        visit(firm.id, SMALL, back(1), detail="counts"),
        visit(firm.id, SMALL, back(0), detail="counts"),
    )
    assert names(leads, firm) == []
    assert leads.company(firm.scope, OrgId(SMALL.id), MONTH.days) is None


def test_a_counted_company_cannot_be_found_by_its_name(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, SMALL, NOON, detail="counts"))
    page = leads.list(firm.scope, LeadFilter(MONTH.days, "Pieni"))
    assert (page.leads, page.total) == ((), 0)


def test_a_counted_companys_page_has_days_but_no_route_and_no_minute(
    leads: Leads, firm: Firm, warehouse: Warehouse
) -> None:
    store(warehouse, *(visit(firm.id, SMALL, back(days), ("/secret",), detail="counts") for days in range(3)))

    company = leads.company(firm.scope, OrgId(SMALL.id), MONTH.days)
    (lead,) = leads.list(firm.scope, MONTH).leads

    assert company is not None
    assert company.visits == ()
    assert [day.day for day in company.counted] == [TODAY, TODAY - timedelta(days=1), TODAY - timedelta(days=2)]
    assert company.counted[0].totals == Totals(1, 1, 10_000)
    assert not company.history.last.is_exact
    assert lead.last == Moment(datetime(2026, 3, 31, tzinfo=UTC), is_exact=False)
    assert "/secret" not in repr(company)


def test_a_companys_counted_visits_show_no_route_beside_those_that_do(
    leads: Leads, firm: Firm, warehouse: Warehouse
) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, back(1), ("/open",)),
        visit(firm.id, NOKIA, NOON, ("/secret",), detail="counts"),
    )

    company = leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days)

    assert company is not None
    assert [step.path for found in company.visits for step in found.steps] == ["/open"]
    assert [day.day for day in company.counted] == [TODAY]
    assert "/secret" not in repr(company)


def test_company_shows_routes_sources_and_goals(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    came = {"source": "search", "referrer_host": "google.com", "utm_campaign": "spring", "visit_id": 7}
    rows = visit(firm.id, NOKIA, NOON, ("/", "/pricing"), seconds=20, **came)
    rows.append(event(firm.id, NOKIA, NOON, kind="goal", goal="demo", seq=9, **came))
    store(warehouse, rows)

    company = leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days)

    assert company is not None
    (found,) = company.visits
    assert found.started_at == NOON
    assert found.origin == Origin("search", "google.com", "", "", "spring")
    assert found.steps == (Step("www.firm.example", "/", "", 20_000), Step("www.firm.example", "/pricing", "", 20_000))
    assert found.goals == ("demo",)
    assert company.identity.registered_name == "Nokia as registered"
    assert company.history.first_day == TODAY


def test_visits_of_a_company_follow_each_other_over_pages(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, *(visit(firm.id, NOKIA, NOON - timedelta(minutes=n // 2), (f"/{n}",)) for n in range(35)))

    first = leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days)
    assert first is not None
    assert first.next is not None
    second = leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days, first.next)

    assert second is not None
    assert second.next is None
    assert {found.steps[0].path for found in first.visits + second.visits} == {f"/{n}" for n in range(35)}
    assert len(first.visits + second.visits) == 35


def test_a_renamed_organisation_has_its_newest_name(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, Org(NOKIA.id, "Nokia Networks"), back(2)))
    store(warehouse, visit(firm.id, NOKIA, NOON))
    assert names(leads, firm) == ["Nokia"]
    assert names(leads, firm, LeadFilter(MONTH.days, "Networks")) == []


def test_a_company_tells_what_else_the_data_named(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    said = [
        {"name": "Elisa", "source": "AS numbers", "reason": "carrier_network"},
        {"name": "Nokia Bell", "source": "companies", "reason": ""},
    ]
    store(warehouse, [event(firm.id, NOKIA, NOON, org_alternatives=said)])
    store(warehouse, [event(firm.id, MIT, NOON)])
    found = {org.id: leads.company(firm.scope, OrgId(org.id), MONTH.days) for org in (NOKIA, MIT)}
    assert {org_id: company.identity.alternatives for org_id, company in found.items() if company} == {
        NOKIA.id: (
            Alternative("Elisa", "AS numbers", DropReason.CARRIER_NETWORK),
            Alternative("Nokia Bell", "companies", None),
        ),
        MIT.id: (),
    }


def test_coverage_says_what_share_was_companies_and_why_the_rest_was_not(
    leads: Leads, firm: Firm, warehouse: Warehouse
) -> None:
    store_coverage(warehouse, firm.id, TODAY, {"company": 30, "home_network": 60, "bot": 50})
    store_coverage(warehouse, firm.id, TODAY - timedelta(days=1), {"home_network": 10, "later_release": 9})
    store_coverage(warehouse, firm.id, TODAY - timedelta(days=30), {"company": 1000})

    coverage = leads.coverage(firm.scope, MONTH.days)

    assert (coverage.measured, coverage.companies, coverage.company_share) == (100, 30, 0.3)
    assert [(each.reason, each.pageviews, each.share) for each in coverage.others] == [
        (DropReason.HOME_NETWORK, 70, 0.7)
    ]
    assert [(each.reason, each.pageviews) for each in coverage.refused] == [(DropReason.BOT, 50)]


def test_activity_names_the_sites_that_measured_something(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store_coverage(warehouse, firm.id, TODAY, {"company": 3, "home_network": 4}, site_id=8)
    assert leads.activity(firm.scope) == {SiteId(8): SiteActivity(7, datetime(2026, 3, 31, 9, tzinfo=UTC))}


def test_company_says_what_its_visits_did(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/", "/pricing", "/pricing"), source="search"),
        visit(firm.id, NOKIA, back(1), ("/pricing",), source="mail", utm_campaign="spring"),
        [event(firm.id, NOKIA, NOON, kind="goal", goal="demo", seq=9)],
        visit(firm.id, NOKIA, back(2), ("/secret",), detail="counts"),
        visit(firm.id, NOKIA, back(40), ("/old",)),
        visit(firm.id, MIT, NOON, ("/theirs",)),
    )
    company = leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days)
    assert company is not None
    assert company.facets == {
        "page": (Deed("/pricing", 3), Deed("/", 1)),
        "landing_page": (Deed("/", 1), Deed("/pricing", 1)),
        "source": (Deed("mail", 1), Deed("search", 1)),
        "campaign": (Deed("spring", 1),),
        "goal": (Deed("demo", 1),),
    }
