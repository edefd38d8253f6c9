"""History read through a workspace's corrections, on a real warehouse: with a rule, and after it is gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firmly.accounts.rules import RuleId
from firmly.leads.corrections import MAX_REACHED
from firmly.leads.days import DayRange
from firmly.leads.filter import LeadFilter, org_id_text
from firmly.leads.lead import DayTotals, Identity, Lead, Totals
from firmly.leads.rule_book import Reach, RuleBook
from firmly.leads.service import Leads
from firmly.model import Confidence, InvalidInputError, OrgId, OrgKind
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.names import name_key, organisation_id
from firmly.organisations.overrides import OPERATOR, Matcher, Overrides, read_rule
from firmly.warehouse.statements import statement
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, Org, store, store_coverage, visit
from tests.town import Firm, Town

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
TODAY = NOON.date()
MONTH = LeadFilter(DayRange.until(TODAY, 30))
OURS = {"is": "own_staff"}
NO_COMPANY = {"is": "not_a_company"}


def named(name: str, country: str = "FI", **more: str) -> dict[str, Any]:
    return {"organisation": {"name": name, "country": country, **more}}


def id_of(name: str, country: str = "FI") -> OrgId:
    return organisation_id(name_key(name, country, LegalForms.bundled()), country)


GROUP = Org(id_of("Nokia Group"), "Nokia Group")


def back(days: int) -> datetime:
    return NOON - timedelta(days=days)


class Book:
    """Short ways to correct a firm's history and to look at it."""

    def __init__(self, leads: Leads, firm: Firm) -> None:
        self.leads = leads
        self.firm = firm

    def add(self, matcher: Matcher, value: object, said: dict[str, Any], subject: str = "") -> RuleId:
        return self.leads.rule_book.add(self.firm.scope, read_rule(matcher, value, said), subject)

    def correct(self, org: Org, said: dict[str, Any]) -> RuleId:
        return self.add(Matcher.ORGANISATION, org_id_text(OrgId(org.id)), said, org.name)

    def remove(self, rule: RuleId) -> None:
        self.leads.rule_book.remove(self.firm.scope, rule)

    def list(self, name: str = "") -> dict[str, int]:
        """Return the names on the list, newest first, with their visits."""
        page = self.leads.list(self.firm.scope, LeadFilter(MONTH.days, name))
        assert page.total == len(page.leads)
        return {lead.identity.name: lead.totals.visits for lead in page.leads}

    def lead(self, name: str) -> Lead:
        [found] = self.leads.list(self.firm.scope, LeadFilter(MONTH.days, name)).leads
        return found

    def everything(self, *orgs: Org) -> object:
        """Return all that the pages would show."""
        scope, days = self.firm.scope, MONTH.days
        companies = [self.leads.company(scope, OrgId(org.id), days) for org in orgs]
        return self.leads.list(scope, MONTH), companies, self.leads.coverage(scope, days)


@pytest.fixture
def book(leads: Leads, firm: Firm) -> Book:
    return Book(leads, firm)


def test_merged_company_brings_its_history_and_takes_it_back(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, back(2), ("/", "/pricing"), seconds=5),
        visit(firm.id, MIT, NOON, ("/about",), seconds=20),
    )
    store_coverage(warehouse, firm.id, TODAY, {"company": 3})
    before = book.everything(NOKIA, MIT)

    rule = book.correct(MIT, named("Nokia Group", domain="nokia.com", kind="government"))
    book.correct(NOKIA, named("Nokia Group"))

    [lead] = book.leads.list(firm.scope, MONTH).leads
    assert (lead.identity.org_id, lead.identity.name, lead.totals) == (GROUP.id, "Nokia Group", Totals(2, 3, 30_000))
    assert lead.days == (DayTotals(back(2).date(), Totals(1, 2, 10_000)), DayTotals(TODAY, Totals(1, 1, 20_000)))
    for org in (NOKIA, MIT, GROUP):
        company = book.leads.company(firm.scope, OrgId(org.id), MONTH.days)
        assert company is not None
        assert (company.identity, company.totals, company.days) == (lead.identity, lead.totals, lead.days)
        assert [[step.path for step in one.steps] for one in company.visits] == [["/about"], ["/", "/pricing"]]
        assert company.history.first_day == back(2).date()
        assert [kept.subject for kept in company.corrected_by] == [NOKIA.name, MIT.name]
        names = {name for one in (NOKIA, MIT) for name in (one.name, f"{one.name} as registered")}
        assert company.aliases == tuple(sorted(names))

    book.remove(rule)
    assert book.list() == {MIT.name: 1, "Nokia Group": 1}
    for kept in book.leads.rule_book.effects(firm.scope):
        book.remove(kept[0].id)
    assert book.everything(NOKIA, MIT) == before


def test_identity_of_a_rule_says_whose_word_it_is(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    book.correct(NOKIA, named("Nokia Group", "de", domain="Nokia.example", kind="nonprofit"))
    assert book.lead("group").identity == Identity(
        org_id=id_of("Nokia Group", "DE"),
        name="Nokia Group",
        kind=OrgKind.NONPROFIT,
        country="DE",
        domain="nokia.example",
        asn=1248,
        registered_name="Nokia as registered",
        source="your team's rule",
        as_of=TODAY,
        confidence=Confidence.VERY_HIGH,
    )


def test_company_that_the_history_knows_keeps_its_own_identity(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    known = Org(id_of("Nokia"), "Nokia of the data", "nokia.com")
    store(warehouse, visit(firm.id, known, NOON), visit(firm.id, MIT, NOON))
    book.correct(MIT, named("Nokia"))
    assert book.lead("").identity.name == "Nokia of the data"
    assert book.list("of the data") == {"Nokia of the data": 2}


def test_company_named_anew_is_found_by_its_new_name_only(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    known = Org(id_of("Acme"), "ACME-NET", "acme.example")
    store(warehouse, visit(firm.id, known, NOON))
    book.correct(known, named("Acme", domain="acme.test", kind="education"))
    identity = book.lead("").identity
    assert (identity.org_id, identity.name, identity.domain, identity.kind) == (
        known.id,
        "Acme",
        "acme.test",
        OrgKind.EDUCATION,
    )
    assert (book.list("acme.t"), book.list("ACME-NET"), book.list("example")) == ({"Acme": 1}, {}, {})


def test_merges_of_merges_end_at_the_last(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, back(1)), visit(firm.id, GROUP, back(2)))
    book.correct(GROUP, named("Holding"))
    middle = book.correct(NOKIA, named("Nokia Group"))
    assert book.list() == {"Holding": 2, MIT.name: 1}
    book.add(Matcher.NAME, "massachusetts institute of technology AS  REGISTERED", named("Nokia Group"))
    assert book.list() == {"Holding": 3}
    book.remove(middle)
    assert book.list() == {NOKIA.name: 1, "Holding": 2}


def test_hidden_company_is_nowhere_and_comes_back(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, back(1)))
    before = book.everything(NOKIA, MIT)
    rule = book.correct(NOKIA, OURS)
    assert (book.list(), book.list("nokia")) == ({MIT.name: 1}, {})
    assert book.leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days) is None
    assert book.leads.company(firm.scope, OrgId(0), MONTH.days) is None
    book.remove(rule)
    assert book.everything(NOKIA, MIT) == before


def test_whoever_is_merged_into_a_hidden_company_is_hidden(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON))
    book.correct(NOKIA, named("Nokia Group"))
    book.correct(GROUP, NO_COMPANY)
    assert book.list() == {MIT.name: 1}


OTHER_AS: dict[str, Any] = {"org_asn": 7, "org_registered_name": "Other  OY"}


def test_number_and_name_reach_all_of_theirs_and_the_closest_rule_decides(
    book: Book, firm: Firm, warehouse: Warehouse
) -> None:
    third, fourth = Org(3, "Third"), Org(4, "Fourth")
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON),
        visit(firm.id, MIT, back(1)),
        visit(firm.id, third, back(2), **OTHER_AS),
        visit(firm.id, fourth, back(3), **{**OTHER_AS, "org_country": "SE"}),
    )
    number = book.add(Matcher.ASN, 1248, OURS)
    assert book.list() == {"Third": 1, "Fourth": 1}
    book.correct(MIT, named("Institute", "US"))
    assert book.list() == {"Institute": 1, "Third": 1, "Fourth": 1}
    book.add(Matcher.NAME, "Nokia as registered", named("Nokia Group"))
    assert book.list() == {"Nokia Group": 1, "Institute": 1, "Third": 1, "Fourth": 1}
    book.add(Matcher.NAME, "other oy", {**NO_COMPANY, "country": "SE"})
    assert book.list() == {"Nokia Group": 1, "Institute": 1, "Third": 1}
    book.remove(number)
    assert book.list() == {"Nokia Group": 1, "Institute": 1, "Third": 1}


def test_organisation_is_what_the_data_says_last(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, back(3), org_asn=7))
    book.add(Matcher.ASN, 7, OURS)
    assert book.list() == {}
    store(warehouse, visit(firm.id, NOKIA, NOON))
    assert book.list() == {NOKIA.name: 2}


def test_a_correction_shows_a_small_company_no_sooner(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    """Else a guess at a small firm's name, as a correction of a large one, would show what is known of it."""
    paja = Org(id_of("Pieni Paja"), "Pieni Paja", "paja.example")
    other = Org(SMALL.id - 1, "Pieni Paja Tampere")
    store(
        warehouse,
        visit(firm.id, NOKIA, back(1)),
        *(visit(firm.id, one, back(day), detail="counts") for one in (paja, other) for day in (0, 1)),
    )
    book.correct(NOKIA, named("Pieni Paja"))
    rule = book.correct(other, named("Pieni Paja"))
    assert book.list() == {"Pieni Paja": 1}
    company = book.leads.company(firm.scope, OrgId(paja.id), MONTH.days)
    assert company is not None
    assert (company.totals.visits, company.counted, company.identity.domain) == (1, (), "")
    assert company.identity.registered_name == f"{NOKIA.name} as registered"
    assert company.aliases == (NOKIA.name,)
    assert {kept.id: reach.companies for kept, reach in book.leads.rule_book.effects(firm.scope)}[rule] == 0

    store(warehouse, visit(firm.id, other, back(2), detail="counts"))
    assert book.list() == {"Pieni Paja": 4}
    store(warehouse, visit(firm.id, paja, back(2), detail="counts"))
    assert book.list() == {"Pieni Paja": 7}
    book.remove(rule)
    assert book.list() == {"Pieni Paja": 4, other.name: 3}


def test_another_workspaces_rules_never_act_here(
    book: Book, leads: Leads, firm: Firm, town: Town, warehouse: Warehouse
) -> None:
    other = Book(leads, town.firm())
    store(warehouse, *(visit(one, NOKIA, NOON) for one in (firm.id, other.firm.id)))
    rule = other.add(Matcher.ASN, 1248, OURS)
    assert (book.list(), other.list()) == ({NOKIA.name: 1}, {})
    book.remove(rule)
    assert other.list() == {}
    assert [kept for kept, _ in leads.rule_book.effects(firm.scope)] == []


def test_circle_is_refused_when_its_rule_is_added(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    known = Org(id_of("Nokia"), "Nokia")
    store(warehouse, visit(firm.id, known, NOON))
    book.correct(known, named("Nokia Group"))
    with pytest.raises(InvalidInputError, match="not itself corrected to this one; remove that correction first"):
        book.correct(GROUP, named("Nokia"))
    assert book.list() == {"Nokia Group": 1}


def test_circle_that_history_brings_about_later_breaks_no_page(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    known = Org(id_of("Nokia"), "Nokia")
    store(warehouse, visit(firm.id, known, NOON))
    book.correct(known, named("Nokia Group"))
    book.add(Matcher.ASN, 7, named("Nokia"))
    store(warehouse, visit(firm.id, GROUP, NOON, org_asn=7))
    assert book.list() == {"Nokia Group": 2}


def test_reach_says_what_each_rule_would_change(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    alias = Org(5, "Nokia Bell")
    store(
        warehouse,
        *(visit(firm.id, NOKIA, back(days)) for days in (0, 1, 29, 30)),
        visit(firm.id, alias, NOON, org_registered_name="NOKIA, as registered"),
        visit(firm.id, MIT, NOON),
    )
    asked = org_id_text(OrgId(NOKIA.id))

    def reach() -> list[tuple[str, int, int]]:
        company = book.leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days)
        assert company is not None
        found = book.leads.rule_book.reach(firm.scope, company.identity)
        assert [one.value for one in found][1:] == ["Nokia as registered", "1248"]
        return [(one.matcher.value, one.companies, one.visits) for one in found]

    assert reach() == [("organisation", 1, 3), ("name", 2, 4), ("asn", 3, 5)]
    book.correct(alias, OURS)
    assert reach() == [("organisation", 1, 3), ("name", 1, 3), ("asn", 2, 4)]
    [(kept, effect)] = book.leads.rule_book.effects(firm.scope)
    assert (kept.subject, kept.author, effect) == (
        "Nokia Bell",
        "Anna Virtanen",
        Reach(Matcher.ORGANISATION, org_id_text(OrgId(5)), 1, 1),
    )
    assert asked == org_id_text(OrgId(NOKIA.id))


def test_reach_of_a_merged_company_is_all_that_it_stands_for(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON, **OTHER_AS))
    book.correct(NOKIA, named("Nokia Group"))
    book.correct(MIT, named("Nokia Group"))
    company = book.leads.company(firm.scope, OrgId(GROUP.id), MONTH.days)
    assert company is not None
    assert (company.identity.asn, company.identity.registered_name) == (0, "")
    [only] = book.leads.rule_book.reach(firm.scope, company.identity)
    assert (only.matcher, only.companies, only.visits) == (Matcher.ORGANISATION, 1, 2)


def test_rules_that_reach_too_many_are_refused(book: Book, firm: Firm, warehouse: Warehouse) -> None:
    rows = [visit(firm.id, Org(10_000 + number, f"Org {number}"), NOON)[0] for number in range(MAX_REACHED + 1)]
    store(warehouse, rows)
    with pytest.raises(InvalidInputError, match=f"at most {MAX_REACHED} companies"):
        book.add(Matcher.ASN, 1248, OURS)


@pytest.mark.parametrize("query", ["leads", "lead_days"])
def test_query_without_corrections_is_the_plain_one(warehouse: Warehouse, query: str) -> None:
    """ClickHouse folds the correction away: nothing is computed per row, and the plan has none of it."""
    parameters = {
        "workspace_id": 1, "site_id": 0, "first_day": TODAY, "last_day": TODAY, "today": TODAY, "name": "",
        "before_value": 0, "before_org": 1, "max_rows": 1, "renamed": [], "found": [], "org_ids": [1],
    }  # fmt: skip

    def plan(merged: list[int]) -> str:
        with warehouse._reader() as client:
            asked = parameters | {"merged": merged, "kept": merged}
            return str(client.query("explain actions = 1 " + statement(query), parameters=asked).result_rows)

    assert "transform" in plan([1])
    assert "transform" not in plan([])


def test_the_operators_file_holds_in_history_where_the_workspace_has_no_rule(
    warehouse: Warehouse, town: Town, firm: Firm
) -> None:
    forms = LegalForms.bundled()
    rules = [
        read_rule(Matcher.NAME, f"{NOKIA.name} as registered", named("Nokia Group")),
        read_rule(Matcher.NAME, f"{MIT.name} as registered", NO_COMPANY),
    ]
    operators = Overrides(rules, TODAY, forms)
    rule_book = RuleBook(warehouse, town.rules, town.clock, lambda: operators)
    leads = Leads(warehouse, town.clock, rule_book, town.resolver)
    book = Book(leads, firm)
    store(warehouse, visit(firm.id, NOKIA, back(2)), visit(firm.id, MIT, NOON))

    assert book.list() == {"Nokia Group": 1}
    company = leads.company(firm.scope, OrgId(NOKIA.id), MONTH.days)
    assert company is not None
    assert (company.identity.source, company.identity.as_of, company.corrected_by) == (OPERATOR, TODAY, ())
    assert leads.company(firm.scope, OrgId(MIT.id), MONTH.days) is None

    own = book.correct(MIT, named("Beaver Works", "US"))
    assert book.list() == {"Beaver Works": 1, "Nokia Group": 1}
    book.remove(own)
    assert book.list() == {"Nokia Group": 1}
