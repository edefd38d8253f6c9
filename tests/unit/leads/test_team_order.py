"""Orders by what the team says, and what is said of companies that stand for others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firmly.leads.company_data.facts import Fact
from firmly.leads.condition_json import condition_of
from firmly.leads.days import DayRange
from firmly.leads.filter import Cursor, LeadFilter, org_id_text
from firmly.leads.record import LeadStatus, RecordChange
from firmly.leads.service import Leads
from firmly.leads.team_order import TeamTexts, ordered_by_team
from firmly.model import OrgId
from firmly.organisations.overrides import Matcher, read_rule
from firmly.warehouse.ordering import Order, Sorting
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, Org, store, visit
from tests.town import Firm, Town
from tests.unit.leads.test_rule_book import GROUP

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
MONTH = DayRange.until(NOON.date(), 30)


def names(leads: Leads, firm: Firm, **asked: Any) -> list[str]:
    if "condition" in asked:
        asked["condition"] = condition_of(asked["condition"])
    return [lead.identity.name for lead in leads.list(firm.scope, LeadFilter(MONTH, **asked)).leads]


def correct(leads: Leads, firm: Firm, org: Org, **organisation: str) -> None:
    rule = read_rule(Matcher.ORGANISATION, org_id_text(OrgId(org.id)), {"organisation": organisation})
    leads.rule_book.add(firm.scope, rule, org.name)


def bring(town: Town, firm: Firm, text: str) -> None:
    upload = town.company_data.upload(firm.scope, "facts.csv", text.encode())
    town.company_data.bring(firm.scope, upload, {Fact.DOMAIN: 0, Fact.INDUSTRY: 1})


def row(org_id: int, last_at: int) -> dict[str, Any]:
    return {"org_id": org_id, "last_at": last_at, "sorted_by": ""}


TEXTS = TeamTexts({OrgId(1): "b", OrgId(2): "a", OrgId(3): "b"})
ROWS = [row(1, 10), row(2, 20), row(3, 30), row(4, 40), row(5, 50)]


@pytest.mark.parametrize(("is_down", "order"), [(False, [2, 3, 1, 5, 4]), (True, [3, 1, 2, 5, 4])])
def test_same_text_comes_by_the_newest_visit_and_what_is_unknown_last(is_down: bool, order: list[int]) -> None:
    sorting, after, found = Sorting(Order.TAGS, is_down), None, list[int]()
    while page := ordered_by_team(ROWS, TEXTS, sorting, after, 2):
        found += [one["org_id"] for one in page]
        after = Cursor(page[-1]["sorted_by"], page[-1]["org_id"])
    assert found == order


@pytest.mark.parametrize(
    ("is_down", "after", "rest"),
    [
        (False, Cursor("b", 9), [3, 1, 5, 4]),
        (False, Cursor("aa", 9), [3, 1, 5, 4]),
        (False, Cursor("", 9), [5, 4]),
        (True, Cursor("b", 9), [3, 1, 2, 5, 4]),
        (True, Cursor("aa", 9), [2, 5, 4]),
        (True, Cursor("a", 1), [2, 5, 4]),
    ],
)
def test_row_that_is_gone_or_has_changed_leaves_no_gap(is_down: bool, after: Cursor, rest: list[int]) -> None:
    found = ordered_by_team(ROWS, TEXTS, Sorting(Order.TAGS, is_down), after, 10)
    assert [one["org_id"] for one in found] == rest


def test_company_that_may_not_be_shown_is_found_by_no_site(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    """Also not under the name of what it is corrected to be."""
    other = firm.add_site("Other site", "https://other.firm.example")
    store(
        warehouse,
        visit(firm.id, GROUP, NOON, site_id=firm.site.id),
        visit(firm.id, SMALL, NOON, site_id=other.id, detail="counts"),
    )
    correct(leads, firm, SMALL, name="Nokia Group", country="FI")
    assert names(leads, firm) == ["Nokia Group"]
    assert names(leads, firm, condition={"field": "site", "op": "eq", "value": str(other.key)}) == []


def test_words_about_a_company_count_once_it_may_be_shown(
    leads: Leads, town: Town, firm: Firm, warehouse: Warehouse
) -> None:
    """Else a filter would find by what no page shows."""
    store(
        warehouse, visit(firm.id, GROUP, NOON), visit(firm.id, MIT, NOON), visit(firm.id, SMALL, NOON, detail="counts")
    )
    small = OrgId(SMALL.id)
    town.records.change(firm.scope, {small: (small,)}, RecordChange(status=LeadStatus.CUSTOMER, add_tags=("aaa",)))
    correct(leads, firm, SMALL, name="Nokia Group", country="FI")
    customers = {"field": "status", "op": "eq", "value": "customer"}
    assert names(leads, firm, condition=customers) == []
    assert leads.list(firm.scope, LeadFilter(MONTH, "Nokia")).leads[0].record.tags == ()

    store(warehouse, *(visit(firm.id, SMALL, NOON - timedelta(days=day), detail="counts") for day in (1, 2)))
    assert names(leads, firm, condition=customers) == ["Nokia Group"]
    assert names(leads, firm, sorting=Sorting(Order.TAGS, is_down=False)) == ["Nokia Group", MIT.name]
    assert leads.list(firm.scope, LeadFilter(MONTH, "Nokia")).leads[0].record.tags == ("aaa",)


def test_own_data_is_found_by_a_corrected_domain_with_www(
    leads: Leads, town: Town, firm: Firm, warehouse: Warehouse
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON))
    correct(leads, firm, NOKIA, name="Alpha", country="FI", domain="www.alpha.example")
    bring(town, firm, "domain,industry\nalpha.example,Steel\n")
    steel = {"field": "industry", "op": "eq", "value": "steel"}
    assert names(leads, firm, condition=steel) == ["Alpha"]
    assert names(leads, firm, sorting=Sorting(Order.INDUSTRY, is_down=False))[0] == "Alpha"
    [lead] = leads.list(firm.scope, LeadFilter(MONTH, "Alpha")).leads
    assert (lead.identity.domain, lead.facts.industry) == ("alpha.example", "Steel")


def test_order_by_own_data_stays_quick_with_much_of_it(
    leads: Leads, town: Town, firm: Firm, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server takes 128 KiB of a parameter: what the team brought must not travel there."""
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON))
    bring(town, firm, "\n".join(("domain,industry", *(f"company-{n}.example,Air" for n in range(5000)), "mit.edu,Air")))
    asked, rows_that = list[object](), warehouse.rows_that

    def noting(*given: Any) -> list[dict[str, Any]]:
        asked.extend(given[2].values())
        return rows_that(*given)

    monkeypatch.setattr(warehouse, "rows_that", noting)
    assert names(leads, firm, sorting=Sorting(Order.INDUSTRY, is_down=False)) == [MIT.name, NOKIA.name]
    assert max(len(str(one)) for one in asked) < 10_000
