"""What ClickHouse answers to filters, against an independent model of plain Python over the same visits."""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from firmly.leads.condition_json import condition_of
from firmly.leads.days import DayRange
from firmly.leads.filter import LeadFilter, org_id_text
from firmly.leads.scoring import USUAL, Term, Weights, score_parameters
from firmly.leads.service import Leads
from firmly.model import InvalidInputError, OrgId, SiteId, WorkspaceId
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.names import name_key, organisation_id
from firmly.organisations.overrides import Matcher, read_rule
from firmly.warehouse.condition_sql import PARAMETERS, compile_condition
from firmly.warehouse.conditions import (
    FIELDS,
    OPS,
    Among,
    Comparison,
    Condition,
    FieldKind,
    Not,
    OfDomains,
    Op,
    Visited,
    Within,
)
from firmly.warehouse.ordering import NEWEST_FIRST, SHOWN
from firmly.warehouse.store import ConditionError, Warehouse, WarehouseUnavailableError, open_embedded
from tests.examples import examples
from tests.history import MIT, NOKIA, Org, event, store
from tests.town import Firm, Town

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
TODAY = NOON.date()
RANGE = 30

ORGS = (
    Org(0x11, "Ärzte Praxis", "aerzte.example", "business", "DE"),
    Org(0x12, "Nokia", "nokia.com", "business", "FI"),
    Org(0x13, "nokia bell", "", "education", "US"),
    Org(0x14, "50% Off_Ltd", "off.example", "government", "FI"),
)
PATHS = ("/", "/pricing", "/Pricing/plans", "/blog/a%b")
SOURCES = ("direct", "search", "social")
GOALS = ("", "demo", "contact")


@dataclass(frozen=True)
class Seen:
    """One visit of the model. ``goal`` is reached on the last page where it is not empty."""

    org: Org
    days_ago: int
    pages: tuple[str, ...]
    seconds: int
    source: str
    campaign: str
    goal: str
    site: int

    def rows(self, workspace: int, number: int) -> list[dict[str, Any]]:
        at = NOON - timedelta(days=self.days_ago)
        more = {"visit_id": number, "source": self.source, "utm_campaign": self.campaign, "site_id": self.site}
        rows = [
            event(workspace, self.org, at, path=path, seq=index, starts_visit=int(index == 0), **more)
            for index, path in enumerate(self.pages)
        ]
        last = {"path": self.pages[-1], "seq": len(self.pages), **more}
        rows.append(event(workspace, self.org, at, kind="engagement", active_ms=self.seconds * 1000, **last))
        if self.goal:
            rows.append(event(workspace, self.org, at, kind="goal", goal=self.goal, **last))
        return rows


@st.composite
def visits(draw: st.DrawFn) -> Seen:
    return Seen(
        draw(st.sampled_from(ORGS)),
        draw(st.integers(0, 45)),
        tuple(draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=3))),
        draw(st.integers(0, 90)),
        draw(st.sampled_from(SOURCES)),
        draw(st.sampled_from(("", "spring"))),
        draw(st.sampled_from(GOALS)),
        draw(st.integers(1, 2)),
    )


TEXTS = st.sampled_from(
    ("nokia", "NOK", "/pricing", "/", "%", "_", "a", "demo", "search", "spring", "FI", "ärz", "zzz")
)
PATTERNS = st.sampled_from(("^/p", "a+", "(x|o)k", "[0-9]%", "^$", "Nokia$"))


OF_THE_TEAM = {FieldKind.RECORD, FieldKind.NOTE, FieldKind.FACTS, FieldKind.ICP, FieldKind.FEED, FieldKind.SITE}
OF_THE_WAREHOUSE = sorted(name for name, kind in FIELDS.items() if kind not in OF_THE_TEAM)
CLOSED = {"standing": ("new", "returning", "re_engaged"), "icp": ("yes", "no")}


@st.composite
def comparisons(draw: st.DrawFn, fields: Sequence[str]) -> dict[str, Any]:
    name = draw(st.sampled_from(fields))
    if name in CLOSED or FIELDS[name] in OF_THE_TEAM:
        return draw(choices(name))
    if name in ("first_visit", "last_visit"):
        return {"field": name, "op": "in_last", "value": draw(st.integers(1, 50))}
    if FIELDS[name] is FieldKind.NUMBER:
        op = draw(st.sampled_from(("eq", "ne", "gt", "lt", "between")))
        number = st.integers(0, 80 if name == "score" else 6)
        return {
            "field": name,
            "op": op,
            "value": sorted([draw(number), draw(number)]) if op == "between" else draw(number),
        }
    parts = () if name in ("country", "kind") else ("contains", "starts", "ends", "matches")
    op = draw(st.sampled_from(("eq", "ne", "in", "not_in", "set", "not_set", *parts)))
    said: dict[str, Any] = {"field": name, "op": op}
    if op in ("in", "not_in"):
        said["value"] = draw(st.lists(TEXTS, min_size=1, max_size=3))
    elif op not in ("set", "not_set"):
        said["value"] = draw(PATTERNS if op == "matches" else TEXTS)
    if name in ("page", "landing_page", "source", "campaign", "goal"):
        if op not in ("ne", "not_in", "not_set") and draw(st.booleans()):
            said["times"] = draw(st.integers(1, 3))
        if draw(st.booleans()):
            said["days"] = draw(st.integers(1, 45))
    return said


@st.composite
def choices(draw: st.DrawFn, name: str) -> dict[str, Any]:
    op = draw(st.sampled_from(sorted(OPS[FIELDS[name]])))
    said: dict[str, Any] = {"field": name, "op": op}
    values = st.sampled_from(CLOSED[name]) if name in CLOSED else TEXTS
    if op in ("in", "not_in"):
        said["value"] = draw(st.lists(values, min_size=1, max_size=3))
    elif op not in ("set", "not_set"):
        said["value"] = draw(values)
    return said


def trees(fields: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        comparisons(fields),
        lambda inner: st.builds(
            lambda word, parts: {word: parts}, st.sampled_from(("and", "or")), st.lists(inner, min_size=1, max_size=3)
        ),
        max_leaves=5,
    )


TREES = trees(OF_THE_WAREHOUSE)
ALL_TREES = trees(sorted(FIELDS))


def folded(text: str) -> str:
    return text.lower().replace("ς", "σ").replace("\u0307", "")


class Model:
    """Who passes a filter, computed from the visits themselves."""

    def __init__(self, history: list[Seen], site: int) -> None:
        self._all = history
        self._site = site
        self._in_range = [one for one in history if one.days_ago < RANGE and site in (0, one.site)]

    def found(self, tree: dict[str, Any]) -> set[str]:
        return {org.name for org in {one.org for one in self._in_range} if self._passes(org, tree)}

    def _passes(self, org: Org, tree: dict[str, Any]) -> bool:
        for word, joined in (("and", all), ("or", any)):
            if word in tree:
                return bool(joined([self._passes(org, part) for part in tree[word]]))
        name, op, value = tree["field"], tree["op"], cast("Any", tree.get("value"))
        mine = [one for one in self._in_range if one.org == org]
        numbers: dict[str, Callable[[], int]] = {
            "visits": lambda: len(mine),
            "pages": lambda: sum(len(one.pages) for one in mine),
            "goals": lambda: sum(bool(one.goal) for one in mine),
            "days": lambda: len({one.days_ago for one in mine}),
            "seconds": lambda: sum(one.seconds for one in mine),
            "score": lambda: self._score(org),
        }
        if name in numbers:
            return self._number(numbers[name](), op, value)
        if name == "last_visit":
            return bool(min(one.days_ago for one in mine) < value)
        if name == "first_visit":
            return bool(max(one.days_ago for one in self._all if one.org == org) < value)
        if name == "standing":
            values = value if isinstance(value, list) else [value]
            return (self._standing(org) in values) == (op in ("eq", "in"))
        if name in ("name", "domain", "country", "kind"):
            return self._text(getattr(org, name), op, value)
        return self._facet(org, tree)

    def _standing(self, org: Org) -> str:
        """Of all sites: by the first day in the range, and the last before."""
        ages = [one.days_ago for one in self._all if one.org == org]
        first = max((age for age in ages if age < RANGE), default=0)
        before = [age for age in ages if age >= RANGE]
        if not before:
            return "new"
        return "re_engaged" if min(before) - first >= 30 else "returning"

    def _score(self, org: Org) -> int:
        amounts = dict.fromkeys(Term, 0.0)
        per_row: defaultdict[tuple[int, int], list[Seen]] = defaultdict(list)
        for one in self._all:
            if one.org == org:
                per_row[one.days_ago, one.site].append(one)
        for (age, _site), seen_then in per_row.items():
            weight = 0.5 ** (age / 14)
            visited, pages = len(seen_then), sum(len(one.pages) for one in seen_then)
            amounts[Term.GOALS] += weight * sum(bool(one.goal) for one in seen_then)
            amounts[Term.VISITS] += weight * visited
            amounts[Term.DEPTH] += weight * (pages - visited)
            amounts[Term.MINUTES] += weight * sum(one.seconds for one in seen_then) / 60
            amounts[Term.BOUNCES] += weight * max(0, 2 * visited - pages)
            paths = [path for one in seen_then for path in one.pages]
            amounts[Term.HIGH_PAGES] += weight * sum(path.startswith("/pricing") for path in paths)
            amounts[Term.LOW_PAGES] += weight * sum(path.startswith("/blog") for path in paths)
        amounts[Term.DAYS] = sum(0.5 ** (age / 14) for age in {age for age, _site in per_row})
        points = 0.0
        for term, amount in amounts.items():
            sign = -1 if term in (Term.BOUNCES, Term.LOW_PAGES) else 1
            points += sign * min(amount * USUAL[term].points, USUAL[term].most)
        return round(min(100.0, max(0.0, points)))

    def _facet(self, org: Org, tree: dict[str, Any]) -> bool:
        name, op = tree["field"], tree["op"]
        since = tree.get("days", RANGE)
        values = Counter[str]()
        for one in self._all:
            if one.org == org and one.days_ago < since and self._site in (0, one.site):
                values.update(self._values(one, name))
        never = {"ne": "eq", "not_in": "in", "not_set": "set"}
        times = sum(many for value, many in values.items() if self._text(value, never.get(op, op), tree.get("value")))
        return times == 0 if op in never else times >= tree.get("times", 1)

    @staticmethod
    def _values(one: Seen, name: str) -> list[str]:
        found = {
            "page": list(one.pages),
            "landing_page": [one.pages[0]],
            "source": [one.source],
            "referrer": [],
            "campaign": [one.campaign],
            "goal": [one.goal],
        }[name]
        return [value for value in found if value]

    @staticmethod
    def _number(number: int, op: str, value: Any) -> bool:
        if op == "between":
            return bool(value[0] <= number <= value[1])
        return bool({"eq": number == value, "ne": number != value, "gt": number > value, "lt": number < value}[op])

    @staticmethod
    def _text(text: str, op: str, value: Any) -> bool:
        if op in ("set", "not_set"):
            return bool(text) == (op == "set")
        if op == "matches":
            return re.search(value, text) is not None
        lower = folded(text)
        if op in ("in", "not_in"):
            return (lower in [folded(one) for one in value]) == (op == "in")
        part = folded(value)
        answers: dict[str, bool] = {
            "eq": lower == part,
            "ne": lower != part,
            "contains": part in lower,
            "starts": lower.startswith(part),
            "ends": lower.endswith(part),
        }
        return answers[op]


WORKSPACES = count(900_000)
"""Each example has a workspace of its own, in which nobody signs in."""


class Reader:
    """The list's statement with a filter, without corrections."""

    def __init__(self, warehouse: Warehouse, workspace: int) -> None:
        self._warehouse = warehouse
        self._workspace = workspace

    def found(self, tree: dict[str, Any], site: int) -> set[str]:
        names = {org.id: org.name for org in ORGS}
        rows = self.rows(condition_of(tree), site)
        assert {row["total"] for row in rows} <= {len(rows)}
        return {names[row["org_id"]] for row in rows}

    def rows(self, condition: Condition, site: int) -> list[dict[str, Any]]:
        parameters: dict[str, Any] = {key: [] for key in ("merged", "kept", *(n for n in PARAMETERS if "said" in n))}
        parameters |= {"workspace_id": self._workspace, "site_id": site, "today": TODAY, "last_day": TODAY}
        parameters |= {"first_day": TODAY - timedelta(days=RANGE - 1), "max_rows": 100}
        parameters |= {"before_value": 0, "before_org": 0, "is_first": 1, "unshown": []}
        parameters |= score_parameters(Weights(), TODAY)
        return self._warehouse.rows_that(condition, "leads", parameters, NEWEST_FIRST)


@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # Each step of shrinking would store a history.
)
@given(
    history=st.lists(visits(), min_size=1, max_size=12),
    trees=st.lists(TREES, min_size=4, max_size=8),
    site=st.integers(0, 2),
)
def test_warehouse_and_model_agree(
    warehouse: Warehouse, history: list[Seen], trees: list[dict[str, Any]], site: int
) -> None:
    workspace = next(WORKSPACES)
    store(warehouse, *(one.rows(workspace, number) for number, one in enumerate(history, 1)))
    model, reader = Model(history, site), Reader(warehouse, workspace)
    for tree in trees:
        assert reader.found(tree, site) == model.found(tree), tree


MONTH = DayRange.until(TODAY, RANGE)


def names(leads: Leads, firm: Firm, tree: dict[str, Any], site: int | None = None) -> list[str]:
    wanted = LeadFilter(MONTH, site=SiteId(site) if site else None, condition=condition_of(tree))
    return [lead.identity.name for lead in leads.list(firm.scope, wanted).leads]


def seen(org: Org, days_ago: int = 0, pages: tuple[str, ...] = ("/",)) -> Seen:
    return Seen(org, days_ago, pages, 10, "direct", "", "", 1)


def put(warehouse: Warehouse, workspace: WorkspaceId, *history: Seen) -> None:
    store(warehouse, *(one.rows(workspace, number) for number, one in enumerate(history, 1)))


def test_filter_with_several_parts_finds_whom_all_of_them_fit(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    put(warehouse, firm.id, seen(NOKIA, 0, ("/pricing", "/pricing/plans")), seen(MIT, 1, ("/pricing",)))
    twice = {"field": "page", "op": "starts", "value": "/pricing", "times": 2, "days": 30}
    assert names(leads, firm, {"and": [twice, {"field": "country", "op": "eq", "value": "FI"}]}) == ["Nokia"]
    assert names(leads, firm, {"and": [twice, {"field": "country", "op": "eq", "value": "US"}]}) == []


def test_name_in_a_correction_is_what_filters_compare(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    put(warehouse, firm.id, seen(NOKIA), seen(MIT, 1))
    said = {"organisation": {"name": "Tähti Oy", "country": "SE"}}
    rule = read_rule(Matcher.ORGANISATION, org_id_text(OrgId(NOKIA.id)), said)
    leads.rule_book.add(firm.scope, rule, "Nokia")

    assert names(leads, firm, {"field": "name", "op": "contains", "value": "nokia"}) == []
    assert names(leads, firm, {"field": "name", "op": "starts", "value": "TÄHTI"}) == ["Tähti Oy"]
    assert names(leads, firm, {"field": "country", "op": "ne", "value": "FI"}) == ["Tähti Oy", MIT.name]
    # What it did is still found under what it stands for now.
    assert names(leads, firm, {"field": "page", "op": "eq", "value": "/"}) == ["Tähti Oy", MIT.name]


def test_organisation_that_a_correction_names_anew_is_no_longer_found_by_its_old_name(
    leads: Leads, firm: Firm, warehouse: Warehouse
) -> None:
    """The new name leads to the very same id, under which the history has the old name."""
    old = Org(organisation_id(name_key("Tähti Oy", "SE", LegalForms.bundled()), "SE"), "Old name")
    put(warehouse, firm.id, seen(old))
    rule = read_rule(
        Matcher.ORGANISATION, org_id_text(OrgId(old.id)), {"organisation": {"name": "Tähti Oy", "country": "SE"}}
    )
    leads.rule_book.add(firm.scope, rule, "Old name")

    assert names(leads, firm, {"field": "name", "op": "contains", "value": "old"}) == []
    assert names(leads, firm, {"field": "name", "op": "contains", "value": "tähti"}) == ["Tähti Oy"]


def test_day_of_a_company_that_may_not_be_shown_is_not_found_by_trying(
    leads: Leads, firm: Firm, warehouse: Warehouse
) -> None:
    """It is corrected to be the same as one that may: what is shown of the two starts with the other's first day."""
    hidden = Org(0x66, "Pieni Paja")
    store(warehouse, [event(firm.id, hidden, NOON - timedelta(days=20), starts_visit=1, detail="counts")])
    put(warehouse, firm.id, seen(NOKIA, 1))
    for org in (hidden, NOKIA):
        rule = read_rule(
            Matcher.ORGANISATION, org_id_text(OrgId(org.id)), {"organisation": {"name": "Uusi Oy", "country": "FI"}}
        )
        leads.rule_book.add(firm.scope, rule, org.name)
    found = [
        days for days in range(1, 40) if names(leads, firm, {"field": "first_visit", "op": "in_last", "value": days})
    ]
    assert found == list(range(2, 40))


@pytest.mark.parametrize(
    ("name", "op", "part"),
    [
        ("ΟΔΟΣΑ", "starts", "ΟΔΟΣ"),
        ("Οδός", "contains", "ΔΌΣ"),
        ("İstanbul Su", "starts", "istanbul"),
        ("Straße", "contains", "STRAß"),
        ("ÅSA Ltd", "eq", "åsa ltd"),
    ],
)
def test_letters_of_either_case_are_alike(
    leads: Leads, firm: Firm, warehouse: Warehouse, name: str, op: str, part: str
) -> None:
    put(warehouse, firm.id, seen(Org(0x88, name)))
    assert names(leads, firm, {"field": "name", "op": op, "value": part}) == [name]


def test_filter_that_is_too_much_work_is_refused_and_leaves_others_their_answers(
    warehouse_folder: Path,
) -> None:
    warehouse = open_embedded(warehouse_folder, "hard_work", condition_time_s=0.4)
    store(
        warehouse,
        [event(7, NOKIA, NOON, path=f"/{number}-" + "ab" * 400, visit_id=number) for number in range(1, 101)],
    )
    # Longer than what people may write: the bound has to hold whatever the reason.
    hard = Comparison("page", Op.MATCHES, (r"[^x]{0,300}[^y]{0,300}[^z]{0,300}q\pL{0,50}$",))
    reader, answers = Reader(warehouse, 7), list[str]()

    def ask() -> None:
        try:
            answers.append(str(reader.rows(hard, 0)))
        except (ConditionError, WarehouseUnavailableError) as error:
            answers.append(str(error))

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    assert len(reader.rows(Comparison("visits", Op.LT, (9,)), 0)) == 1
    assert len(answers) < 6  # It did not have to wait for all of them.
    for thread in threads:
        thread.join(200)
    assert len(answers) == 6
    assert all("takes too long" in one or "filters of others" in one for one in answers), answers
    warehouse.close()


def test_company_that_is_only_counted_is_found_by_no_page(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    rows = [
        event(firm.id, NOKIA, NOON - timedelta(days=ago), path="/secret", starts_visit=1, detail="counts")
        for ago in range(3)
    ]
    store(warehouse, rows)
    assert names(leads, firm, {"field": "visits", "op": "gt", "value": 2}) == ["Nokia"]
    for name in ("page", "landing_page", "source"):
        assert names(leads, firm, {"field": name, "op": "set"}) == []


def test_filter_of_one_workspace_finds_nothing_of_another(leads: Leads, town: Town, warehouse: Warehouse) -> None:
    one, other = town.firm(), town.firm()
    put(warehouse, other.id, seen(NOKIA, 0, ("/only-there",)))
    put(warehouse, one.id, seen(MIT))
    assert names(leads, one, {"field": "page", "op": "eq", "value": "/only-there"}) == []
    assert names(leads, one, {"field": "page", "op": "ne", "value": "/only-there"}) == [MIT.name]


def test_what_is_no_longer_kept_is_found_by_no_filter(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    gone = event(firm.id, NOKIA, NOON, path="/old", starts_visit=1, visit_id=9, retain_until=TODAY.isoformat())
    store(warehouse, [gone, event(firm.id, NOKIA, NOON, path="/new", starts_visit=1, visit_id=10)])
    put(warehouse, firm.id, seen(MIT, 1))
    store(warehouse, [event(firm.id, Org(0x77, "Gone"), NOON, path="/old", retain_until=TODAY.isoformat())])
    assert "Gone" not in names(leads, firm, {"field": "page", "op": "eq", "value": "/old"})
    assert names(leads, firm, {"field": "page", "op": "eq", "value": "/new"}) == ["Nokia"]


@pytest.mark.parametrize("pattern", ["(", "a(?=b)", r"(a)\1", "[z-a]", "a**"])
def test_pattern_that_is_none_is_a_clear_refusal(leads: Leads, firm: Firm, warehouse: Warehouse, pattern: str) -> None:
    put(warehouse, firm.id, seen(NOKIA))
    with pytest.raises(InvalidInputError, match="this filter cannot be used") as refused:
        names(leads, firm, {"field": "name", "op": "matches", "value": pattern})
    assert "RE2" in str(refused.value)


def test_pattern_that_would_never_end_elsewhere_ends(leads: Leads, firm: Firm, warehouse: Warehouse) -> None:
    put(warehouse, firm.id, seen(Org(0x99, "a" * 200)))
    assert names(leads, firm, {"field": "name", "op": "matches", "value": "(a+)+$b"}) == []


def test_values_are_only_ever_parameters() -> None:
    compiled = compile_condition(
        condition_of(
            {
                "or": [
                    {"field": "page", "op": "contains", "value": "' or 1=1 --"},
                    {"field": "visits", "op": "gt", "value": 7},
                ]
            }
        )
    )
    assert "1=1" not in compiled.sql
    assert "7" not in compiled.sql
    assert sorted(map(repr, compiled.parameters.values())) == sorted(['"\' or 1=1 --"', "1", "7"])


def test_every_table_of_a_filter_is_read_within_workspace_and_retention() -> None:
    values: dict[str, tuple[Any, ...]] = defaultdict(lambda: ("x",))
    values |= {"first_visit": (3,), "last_visit": (3,), "standing": ("new",)}
    values |= dict.fromkeys(("visits", "pages", "goals", "days", "seconds", "score"), (1,))
    ops = defaultdict(lambda: Op.EQ, {"first_visit": Op.IN_LAST, "last_visit": Op.IN_LAST})
    asked = [Comparison(name, ops[name], values[name]) for name in OF_THE_WAREHOUSE]
    others: tuple[Condition, ...] = (
        Among((1,)),
        OfDomains(("a.example",)),
        Visited((1,)),
        Within(asked[0], 30),
        Not(asked[0]),
    )
    for name in (*asked, *others):
        sql = compile_condition(name).sql
        tables = re.findall(r"\bfrom\s+[a-z]\w*", sql)
        scoped = re.findall(r"\bfrom\s+[a-z]\w*\s+where\s+workspace_id = \{workspace_id:UInt32\}", sql)
        assert len(tables) == len(scoped) == sql.count("retain_until > {today:Date}"), name
        assert not re.search(r"\bfrom\s+events\b", sql)
        assert sql.count(SHOWN) >= len(re.findall(r"\bfrom org_days\b", sql)), name
        score = {name for name in re.findall(r"\{(\w+):", sql) if name.startswith("score_")}
        assert score <= score_parameters(Weights(), TODAY).keys()
        assert set(re.findall(r"\{(?!c\d)(\w+):", sql)) - score <= PARAMETERS
