"""The score: its terms, its weights per workspace, the ideal customer, and where customers would have stood."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmly.leads.company_data.facts import Fact
from firmly.leads.condition_json import condition_of
from firmly.leads.days import DayRange
from firmly.leads.filter import LeadFilter
from firmly.leads.ideal import fits
from firmly.leads.record import LeadStatus, RecordChange
from firmly.leads.scoring import SCORE_DAYS, USUAL, Scoring, Term, Tier, Weight, Weights
from firmly.leads.service import Leads
from firmly.model import InvalidInputError, OrgId
from firmly.warehouse.conditions import EVERYTHING
from firmly.warehouse.ordering import Order, Sorting
from firmly.warehouse.store import Warehouse
from tests.examples import examples
from tests.history import MIT, NOKIA, SMALL, Org, event, store, visit
from tests.town import Firm, Town

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
TODAY = NOON.date()
MONTH = DayRange.until(TODAY, 30)


def back(days: int) -> datetime:
    return NOON - timedelta(days=days)


def test_terms_say_what_each_gave(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/", "/pricing", "/blog/x"), seconds=60),
        [event(firm.id, NOKIA, NOON, kind="goal", goal="demo", seq=9)],
        visit(firm.id, NOKIA, back(14), ("/",), seconds=0),
    )
    score = leads.scores(firm.scope, [OrgId(NOKIA.id)])[OrgId(NOKIA.id)]
    assert {share.term: (share.amount, share.points) for share in score.shares} == {
        Term.GOALS: (1.0, 20.0),
        Term.HIGH_PAGES: (1.0, 6.0),
        Term.DAYS: (1.5, 7.5),
        Term.VISITS: (1.5, 3.0),
        Term.DEPTH: (2.0, 2.0),
        Term.MINUTES: (3.0, 3.0),
        Term.BOUNCES: (0.5, -1.0),
        Term.LOW_PAGES: (1.0, -3.0),
    }
    assert (score.value, score.tier) == (38, Tier.LOW)
    assert leads.scores(firm.scope, [OrgId(NOKIA.id)], TODAY - timedelta(days=1))[OrgId(NOKIA.id)].value == 3
    assert leads.scores(firm.scope, [OrgId(NOKIA.id)], TODAY - timedelta(days=15)) == {}


def test_what_is_older_than_the_score_looks_counts_nothing(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, back(SCORE_DAYS)), visit(firm.id, MIT, back(SCORE_DAYS - 1)))
    assert set(leads.scores(firm.scope, [OrgId(NOKIA.id), OrgId(MIT.id)])) == {OrgId(MIT.id)}


def test_weights_are_each_workspaces_own(leads: Leads, town: Town, firm: Firm, warehouse: Warehouse) -> None:
    other = town.firm()
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(other.id, NOKIA, NOON))
    of = {**dict.fromkeys(Term, Weight(0, 0)), Term.VISITS: Weight(100, 100)}
    leads.scorings.change(firm.scope, Scoring(Weights(of, (), ())))
    assert leads.scores(firm.scope, [OrgId(NOKIA.id)])[OrgId(NOKIA.id)].value == 100
    assert leads.scores(other.scope, [OrgId(NOKIA.id)])[OrgId(NOKIA.id)].value < 100


@pytest.mark.parametrize(
    ("scoring", "key"),
    [
        (Scoring(Weights({**USUAL, Term.GOALS: Weight(101, 40)})), "goals.points"),
        (Scoring(Weights({**USUAL, Term.DAYS: Weight(1, -1)})), "days.most"),
        (Scoring(Weights({**USUAL, Term.DAYS: Weight(float("nan"), 1)})), "days.points"),
        (Scoring(Weights(high=("pricing",))), "high"),
        (Scoring(Weights(low=tuple(f"/{number}" for number in range(51)))), "low"),
        (Scoring(ideal=condition_of({"field": "visits", "op": "gt", "value": 1})), "ideal"),
        (Scoring(ideal=condition_of({"field": "name", "op": "matches", "value": "a"})), "ideal"),
    ],
)
def test_scoring_that_cannot_be_is_refused_by_its_key(leads: Leads, firm: Firm, scoring: Scoring, key: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        leads.scorings.change(firm.scope, scoring)
    assert [problem.key for problem in caught.value.problems] == [key]
    assert leads.scorings.of(firm.scope) == Scoring()


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("is_down", [True, False], ids=["down", "up"])
def test_list_goes_on_in_every_order_without_gap_or_repetition(
    leads: Leads, town: Town, firm: Firm, warehouse: Warehouse, order: Order, is_down: bool
) -> None:
    orgs = [
        Org(0x100 + number, name, domain, "business", country)
        for number, (name, domain, country) in enumerate(
            [
                ("b", "", "FI"),
                ("A", "a.example", "DE"),
                ("c", "b.example", ""),
                ("Ä", "", "SE"),
                ("b", "z.example", "FI"),
            ]
        )
    ]
    store(
        warehouse,
        *(visit(firm.id, org, back(number % 3), ("/",) * (1 + number % 2)) for number, org in enumerate(orgs)),
        visit(firm.id, orgs[2], back(5), ("/pricing",)),
    )
    scope, ids = firm.scope, [OrgId(org.id) for org in orgs]
    for number, change in (
        (0, RecordChange(LeadStatus.CUSTOMER, add_tags=("b", "C"))),
        (2, RecordChange(LeadStatus.WATCHING, owner=scope.member_id, add_tags=("B",))),
        (3, RecordChange(add_tags=("a",))),
    ):
        town.records.change(scope, {ids[number]: [ids[number]]}, change)
    file = b"domain,industry,size,owner\na.example,Steel,1000+,Zoe\nb.example,,11-50,Zoe\nz.example,air,2-10,\n"
    columns = {fact: place for place, fact in enumerate((Fact.DOMAIN, Fact.INDUSTRY, Fact.SIZE, Fact.OWNER))}
    town.company_data.bring(scope, town.company_data.upload(scope, "facts.csv", file), columns)
    wanted = LeadFilter(MONTH, sorting=Sorting(order, is_down))
    whole = [lead.identity.org_id for lead in leads.list(firm.scope, wanted).leads]
    assert len(set(whole)) == len(orgs)
    paged, after = [], None
    while True:
        page = leads.list(firm.scope, wanted, after, rows=2)
        paged += [lead.identity.org_id for lead in page.leads]
        after = page.next
        if after is None:
            break
    assert paged == whole
    values = [_value(lead, order) for lead in leads.list(firm.scope, wanted).leads]
    if order is not Order.FIRST_VISIT:
        known = [value for value in values if value != ""]
        assert known == sorted(known, reverse=is_down)
        assert is_down or values[len(known) :] == [""] * (len(values) - len(known))


def _value(lead: Any, order: Order) -> Any:
    return {
        Order.LAST_VISIT: lead.last.at,
        Order.FIRST_VISIT: None,
        Order.SCORE: lead.score.value,
        Order.VISITS: lead.totals.visits,
        Order.PAGES: lead.totals.pageviews,
        Order.GOALS: lead.goals,
        Order.DAYS: lead.visit_days,
        Order.SECONDS: lead.totals.active_ms // 1000,
        Order.NAME: lead.identity.name.lower(),
        Order.DOMAIN: lead.identity.domain.lower(),
        Order.COUNTRY: lead.identity.country.lower(),
        Order.KIND: str(lead.identity.kind),
        Order.INDUSTRY: lead.facts.industry.lower(),
        Order.SIZE: ["", "2-10", "11-50", "1000+"].index(lead.facts.size) or "",
        Order.STATUS: list(LeadStatus).index(lead.record.status) or "",
        Order.OWNER: (lead.record.owner.name if lead.record.owner else lead.facts.owner).lower(),
        Order.TAGS: ", ".join(lead.record.tags).lower(),
    }[order]


def test_counted_company_brings_its_score_no_sooner_than_itself(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON),
        *(visit(firm.id, SMALL, back(ago), detail="counts") for ago in range(2)),
    )
    wanted = LeadFilter(MONTH, sorting=Sorting(Order.SCORE))
    assert [lead.identity.name for lead in leads.list(firm.scope, wanted).leads] == ["Nokia"]
    assert leads.back_test(firm.scope, Weights(), TODAY).customers == 0


def test_back_test_says_where_customers_would_have_stood(
    leads: Leads, town: Town, firm: Firm, warehouse: Warehouse
) -> None:
    busy, quiet, gone = NOKIA, MIT, SMALL
    store(
        warehouse,
        *(visit(firm.id, busy, back(ago), ("/", "/pricing")) for ago in range(10, 15)),
        visit(firm.id, quiet, back(12)),
        visit(firm.id, Org(0x77, "Other"), back(11), ("/", "/a")),
        visit(firm.id, gone, back(200)),
    )
    for org in (busy, quiet, gone):
        town.records.change(firm.scope, {OrgId(org.id): [OrgId(org.id)]}, RecordChange(status=LeadStatus.CUSTOMER))

    found = leads.back_test(firm.scope, Weights(), TODAY - timedelta(days=10))

    assert (found.customers, found.leads) == (3, 3)
    assert [(one.identity.name, one.rank) for one in found.ranked] == [(busy.name, 1), (quiet.name, 3)]
    assert found.ranked[0].score.value > found.ranked[1].score.value > 0
    earlier = leads.back_test(firm.scope, Weights(), TODAY - timedelta(days=13))
    assert [(one.identity.name, one.rank) for one in earlier.ranked] == [(busy.name, 1)]


TEXTS = st.sampled_from(("", "Software", "software", "ΟΔΟΣ", "1-10", "FI", "de", "nokia", "Nokia Oyj", "hot"))
FIELDS = ("industry", "size", "country", "kind", "name", "domain")


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(("country", "kind", "name", "domain")))
    parts = ("contains", "starts", "ends") if name in ("name", "domain") else ()
    op = draw(st.sampled_from(("eq", "ne", "in", "not_in", "set", "not_set", *parts)))
    said: dict[str, Any] = {"field": name, "op": op}
    texts = TEXTS.filter(bool)
    if op in ("in", "not_in"):
        said["value"] = draw(st.lists(texts, min_size=1, max_size=3))
    elif op not in ("set", "not_set"):
        said["value"] = draw(texts)
    return said


TREES = st.recursive(
    definitions(),
    lambda inner: st.builds(
        lambda word, parts: {word: parts}, st.sampled_from(("and", "or")), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=4,
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tree=TREES,
    names=st.lists(TEXTS.filter(bool), min_size=1, max_size=4),
    countries=st.lists(TEXTS, min_size=4, max_size=4),
)
def test_badge_and_filter_of_ideal_customers_agree(
    leads: Leads, town: Town, warehouse: Warehouse, tree: dict[str, Any], names: list[str], countries: list[str]
) -> None:
    firm = town.firm()
    orgs = [Org(0x200 + number, name, "", "business", countries[number]) for number, name in enumerate(names)]
    store(warehouse, *(visit(firm.id, org, NOON) for org in orgs))
    ideal = condition_of(tree)
    scope = firm.scope
    leads.scorings.change(scope, Scoring(ideal=ideal))
    shown = leads.list(scope, LeadFilter(MONTH)).leads
    for answer in ("yes", "no"):
        wanted = LeadFilter(MONTH, condition=condition_of({"field": "icp", "op": "eq", "value": answer}))
        filtered = {lead.identity.org_id for lead in leads.list(scope, wanted).leads}
        assert filtered == {lead.identity.org_id for lead in shown if lead.is_ideal == (answer == "yes")}


def test_nobody_is_ideal_where_nobody_said(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    assert leads.scorings.of(firm.scope).ideal == EVERYTHING
    (lead,) = leads.list(firm.scope, LeadFilter(MONTH)).leads
    assert not lead.is_ideal
    yes = replace(LeadFilter(MONTH), condition=condition_of({"field": "icp", "op": "eq", "value": "yes"}))
    assert leads.list(firm.scope, yes).total == 0


@pytest.mark.parametrize(
    ("tree", "is_fit"),
    [
        ({"field": "tag", "op": "eq", "value": "hot"}, True),
        ({"field": "tag", "op": "ne", "value": "hot"}, False),
        ({"field": "industry", "op": "eq", "value": "οδοσ"}, True),
        ({"field": "size", "op": "not_set"}, True),
        ({"and": [{"field": "tag", "op": "set"}, {"field": "size", "op": "set"}]}, False),
        ({"or": [{"field": "tag", "op": "set"}, {"field": "size", "op": "set"}]}, True),
    ],
)
def test_definition_is_compared_with_all_that_is_known(tree: dict[str, Any], is_fit: bool) -> None:
    known = {"tag": ("Hot", "later"), "industry": ("ΟΔΟΣ",), "size": ("",)}
    assert fits(condition_of(tree), known) is is_fit
