"""Turns what a list is filtered by into SQL: names from an allow-list, values only as parameters.

A condition is about the row of a lead: the statement that takes it (``leads.sql``) has the columns ``stands_for``,
``visits``, ``pageviews``, ``goals``, ``active_ms``, ``days`` and ``last``, and the parameters named in `PARAMETERS`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from firmly.warehouse.conditions import (
    FIELDS,
    RE_ENGAGED_DAYS,
    Among,
    Comparison,
    Condition,
    FieldKind,
    Group,
    Not,
    OfDomains,
    Op,
    Standing,
    Visited,
    Within,
)
from firmly.warehouse.ordering import SHOWN
from firmly.warehouse.statements import STANDS_FOR, identities, scores_of

PARAMETERS = frozenset(
    {"workspace_id", "site_id", "first_day", "last_day", "today", "merged", "kept", "unshown", "said_ids"}
    | {f"said_{name}" for name, kind in FIELDS.items() if kind in (FieldKind.IDENTITY, FieldKind.CODE)}
)
"""What a statement with a condition is given besides: ``said_*`` are the organisations that corrections name, each
with its name, domain, country and kind."""

_NUMBERS = {
    "visits": "visits",
    "pages": "pageviews",
    "goals": "goals",
    "days": "days",
    "seconds": "intDiv(active_ms, 1000)",
}


_SIGNS = {Op.EQ: "=", Op.NE: "!=", Op.GT: ">", Op.LT: "<"}
_DOMAIN = re.compile("[a-z0-9._-]+")
"""What can be written out as it is, since servers bound the length of a parameter."""
_IN = {True: "in", False: "not in"}


@dataclass(frozen=True, slots=True)
class Frame:
    """The days and the site that a list is about, as SQL."""

    first_day: str = "{first_day:Date}"
    last_day: str = "{last_day:Date}"
    site_id: str = "{site_id:UInt32}"

    @property
    def days(self) -> str:
        return f"day between {self.first_day} and {self.last_day}"


@dataclass(slots=True)
class Compiled:
    """``sql`` is an expression; ``parameters`` are its own, by names that no statement uses."""

    sql: str = "1"
    parameters: dict[str, object] = field(default_factory=dict)
    frame: Frame = Frame()

    def bind(self, value: object, kind: str) -> str:
        """Add a parameter and return how a statement names it."""
        name = f"c{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"


def compile_condition(condition: Condition) -> Compiled:
    compiled = Compiled()
    compiled.sql = _sql(condition, compiled)
    return compiled


def _sql(condition: Condition, into: Compiled) -> str:  # noqa: PLR0911  # One for each kind of condition.
    match condition:
        case Comparison():
            return _comparison(condition, into)
        case Group():
            parts = [_sql(part, into) for part in condition.parts]
            return f"({(' or ' if condition.is_any else ' and ').join(parts)})" if parts else "1"
        case Among():
            # Written out: servers bound the length of a parameter, not so much that of a statement.
            ids = ",".join(str(int(org_id)) for org_id in condition.org_ids)
            return f"stands_for {_IN[condition.is_in]} cast([{ids}], 'Array(UInt64)')"
        case OfDomains():
            test = f"lower(value) in {_domains(condition.domains, into)}"
            return f"stands_for {_IN[condition.is_in]} ({_identities('domain', test)})"
        case Visited():
            return _visited(condition, into)
        case Within():
            return _within(condition, into)
        case Not():
            return f"not {_sql(condition.condition, into)}"
        case _:
            assert_never(condition)


def _domains(domains: Sequence[str], into: Compiled) -> str:
    if not all(map(_DOMAIN.fullmatch, domains)):
        return into.bind(list(domains), "Array(String)")
    written = ",".join(f"'{one}'" for one in domains)
    return f"cast([{written}], 'Array(String)')"


def _comparison(condition: Comparison, into: Compiled) -> str:
    kind = FIELDS[condition.field]
    match kind:
        case FieldKind.IDENTITY | FieldKind.CODE:
            return _identity(condition, into)
        case FieldKind.NUMBER:
            return _number(condition, into)
        case FieldKind.DAY:
            return _day(condition, into)
        case FieldKind.FACET:
            return _facet(condition, into)
        case FieldKind.STANDING:
            return _standing(condition, into)
        case FieldKind.RECORD | FieldKind.NOTE | FieldKind.FACTS | FieldKind.ICP | FieldKind.FEED | FieldKind.SITE:
            raise TypeError(f"{condition.field} is not known to the warehouse: it has to be replaced before")
        case _:
            assert_never(kind)


def _identity(one: Comparison, into: Compiled) -> str:
    return f"stands_for in ({_identities(one.field, _text(one, into))})"


def _identities(name: str, test: str) -> str:
    return f"select org_id from ({identities(name)}) where {test}"  # noqa: S608


def _number(one: Comparison, into: Compiled) -> str:
    if one.field == "score":
        # Who did nothing that counts has no row there, and so the score 0.
        is_of_zero = _holds(one, 0)
        opposite = f"not ({_compared('score', one, into)})" if is_of_zero else _compared("score", one, into)
        scored = f"select stands_for from ({scores_of(SHOWN)}) where {opposite}"  # noqa: S608
        return f"stands_for {_IN[not is_of_zero]} ({scored})"
    return f"({_compared(_NUMBERS[one.field], one, into)})"


def _compared(column: str, one: Comparison, into: Compiled) -> str:
    if one.op is Op.BETWEEN:
        low, high = (into.bind(value, "UInt64") for value in one.values)
        return f"{column} between {low} and {high}"
    return f"{column} {_SIGNS[one.op]} {into.bind(one.values[0], 'UInt64')}"


def _holds(one: Comparison, number: int) -> bool:
    """Tell whether a number passes."""
    first, last = int(one.values[0]), int(one.values[-1])
    return {
        Op.EQ: number == first,
        Op.NE: number != first,
        Op.GT: number > first,
        Op.LT: number < first,
        Op.BETWEEN: first <= number <= last,
    }[one.op]


def _day(one: Comparison, into: Compiled) -> str:
    after = f"{{today:Date}} - {into.bind(one.values[0], 'UInt16')}"
    if one.field == "last_visit":
        return f"(toDate(last) > {after})"
    # Of what may be shown only: else the day of one that may not be could be found by trying.
    return f"""stands_for in
(
    select {STANDS_FOR} as of_org
    from org_days
    where workspace_id = {{workspace_id:UInt32}}
        and retain_until > {{today:Date}}
        and {SHOWN}
    group by of_org
    having min(day) > {after}
)"""  # noqa: S608


def _visited(one: Visited, into: Compiled) -> str:
    return f"""stands_for {_IN[one.is_in]}
(
    select {STANDS_FOR} as of_org
    from org_days
    where workspace_id = {{workspace_id:UInt32}}
        and {into.frame.days}
        and site_id in {into.bind(list(one.site_ids), "Array(UInt32)")}
        and retain_until > {{today:Date}}
        and {SHOWN}
)"""  # noqa: S608


def _within(one: Within, into: Compiled) -> str:
    """The rows of a list of its own, of all sites."""
    around = into.frame
    into.frame = Frame(f"{{today:Date}} - {into.bind(one.days - 1, 'UInt16')}", "{today:Date}", "0")
    try:
        return f"""stands_for {_IN[one.is_in]}
(
    select stands_for
    from
    (
        select
            {STANDS_FOR} as stands_for,
            max(last_minute) as last,
            sum(org_days.visits) as visits,
            sum(org_days.pageviews) as pageviews,
            sum(org_days.goals) as goals,
            sum(org_days.active_ms) as active_ms,
            uniqExact(day) as days
        from org_days
        where workspace_id = {{workspace_id:UInt32}}
            and {into.frame.days}
            and retain_until > {{today:Date}}
            and {SHOWN}
        group by stands_for
    )
    where {_sql(one.condition, into)}
)"""  # noqa: S608
    finally:
        into.frame = around


def _standing(one: Comparison, into: Compiled) -> str:
    """Told by the first day with a visit in the list's days, and the last one before."""
    never = one.op in _OPPOSITES
    first = f"minIf(day, day >= {into.frame.first_day})"
    before = f"maxIf(day, day < {into.frame.first_day})"
    none = "toDate(0)"
    tests = {
        Standing.NEW: f"{before} = {none}",
        Standing.RETURNING: f"({before} != {none} and {first} - {before} < {RE_ENGAGED_DAYS})",
        Standing.RE_ENGAGED: f"({before} != {none} and {first} - {before} >= {RE_ENGAGED_DAYS})",
    }
    asked = " or ".join(tests[Standing(str(value))] for value in one.values)
    return f"""stands_for {_IN[not never]}
(
    select {STANDS_FOR} as of_org
    from org_days
    where workspace_id = {{workspace_id:UInt32}}
        and day <= {into.frame.last_day}
        and retain_until > {{today:Date}}
        and {SHOWN}
    group by of_org
    having {first} != {none} and ({asked})
)"""  # noqa: S608


_OPPOSITES = {Op.NE: Op.EQ, Op.NOT_IN: Op.IN, Op.NOT_SET: Op.SET}


def _facet(one: Comparison, into: Compiled) -> str:
    """What was never seen is what is not among those that were; values are looked for where each stands once."""
    never = one.op in _OPPOSITES
    asked = Comparison(one.field, _OPPOSITES.get(one.op, one.op), one.values)
    if one.within_days is None:
        days = into.frame.days
    else:
        days = f"day > {{today:Date}} - {into.bind(one.within_days, 'UInt16')} and day <= {{today:Date}}"
    return f"""stands_for {"not in" if never else "in"}
(
    select {STANDS_FOR} as of_org
    from facet_days
    where workspace_id = {{workspace_id:UInt32}}
        and facet = '{one.field}'
        and value in
        (
            select value
            from facets
            where workspace_id = {{workspace_id:UInt32}}
                and retain_until > {{today:Date}}
                and facet = '{one.field}'
                and {_text(asked, into)}
        )
        and {days}
        and ({into.frame.site_id} = 0 or site_id = {into.frame.site_id})
        and retain_until > {{today:Date}}
    group by of_org
    having sum(facet_days.times) >= {into.bind(one.times, "UInt32")}
)"""  # noqa: S608


def _folded(text: str) -> str:
    """Letters of either case alike, also the two small sigmas, and the dot that a small i of \u0130 keeps."""
    return f"replaceAll(replaceAll(lowerUTF8({text}), 'ς', 'σ'), '\u0307', '')"


_VALUE = _folded("value")
_PART = _folded("$")
_ANY = f"arrayMap(one -> {_folded('one')}, $)"

_TESTS: Mapping[Op, str] = {
    Op.SET: "value != ''",
    Op.NOT_SET: "value = ''",
    Op.EQ: f"{_VALUE} in {_ANY}",
    Op.IN: f"{_VALUE} in {_ANY}",
    Op.NE: f"{_VALUE} not in {_ANY}",
    Op.NOT_IN: f"{_VALUE} not in {_ANY}",
    Op.CONTAINS: f"position({_VALUE}, {_PART}) > 0",
    Op.STARTS: f"startsWith({_VALUE}, {_PART})",
    Op.ENDS: f"endsWith({_VALUE}, {_PART})",
    Op.MATCHES: "match(value, $)",
}


def _text(one: Comparison, into: Compiled) -> str:
    """Compare the column ``value``. Letters count alike in either case, but for a regular expression."""
    test = _TESTS[one.op]
    if one.op in (Op.SET, Op.NOT_SET):
        return test
    if one.op in (Op.EQ, Op.NE, Op.IN, Op.NOT_IN):
        return test.replace("$", into.bind(list(one.values), "Array(String)"))
    return test.replace("$", into.bind(one.values[0], "String"))
