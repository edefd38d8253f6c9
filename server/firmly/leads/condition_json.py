"""Filters as JSON: read with every problem named, and written back in one form.

``{"and": [{"field": "page", "op": "starts", "value": "/pricing", "times": 2, "days": 30}, {"or": [...]}]}``
docs/API.md has the fields and operators.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import quote

import msgspec

from firmly.model import InvalidInputError, Problem
from firmly.warehouse.conditions import (
    EVERYTHING,
    FIELDS,
    OPS,
    Comparison,
    Condition,
    FieldKind,
    Group,
    Op,
    Standing,
    Value,
    comparisons,
    is_hard,
)

MAX_COMPARISONS = 40
MAX_DEPTH = 5
MAX_VALUES = 100
MAX_TEXT = 200
MAX_NUMBER = 1_000_000_000
MAX_DAYS = 760
MAX_TIMES = 100_000
MAX_JSON = 6_000
"""Characters as an address has them (a letter beyond ASCII takes six to twelve): servers bound its length."""
MAX_HARD = 10
"""Comparisons that are hard work for the warehouse."""
MAX_PATTERNS = 3
MAX_PATTERN = 100

_HARD_PATTERN = re.compile(r"\{|\\[pP]")
"""Counted repetition and classes of Unicode make programs of thousands of steps for each letter, and ClickHouse does
not look at the clock before a whole granule of texts is through."""

_CLOSED = {FieldKind.STANDING: tuple(Standing), FieldKind.ICP: ("yes", "no")}
"""What has only these values."""

_NO_VALUE = frozenset({Op.SET, Op.NOT_SET})
_MANY = frozenset({Op.IN, Op.NOT_IN, Op.BETWEEN})
_KEYS = ("field", "op", "value", "times", "days")


def parse_condition(text: str) -> Condition:
    """Read a filter; ``""`` is the one that everything passes.

    Raises:
        InvalidInputError: with every problem found, named by its place, such as ``filter.and[1].op``.
    """
    if not text:
        return EVERYTHING
    if len(quote(text)) > MAX_JSON:
        raise _refusal([Problem("filter", f"{text[:40]}...", f"at most {MAX_JSON} characters of an address")])
    try:
        given = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise _refusal([Problem("filter", text[:80], "JSON")]) from None
    return condition_of(given)


def condition_of(given: object) -> Condition:
    """Read a filter that is JSON already. Raises InvalidInputError like `parse_condition`."""
    problems: list[Problem] = []
    condition = _condition(given, "filter", 1, problems)
    if not problems:
        problems += _too_many(list(comparisons(condition)))
    if problems:
        raise _refusal(problems)
    return condition


def json_of(condition: Condition) -> dict[str, Any]:
    """Return what `condition_of` reads as this very condition."""
    if isinstance(condition, Group):
        return {"or" if condition.is_any else "and": [json_of(part) for part in condition.parts]}
    if not isinstance(condition, Comparison):
        raise TypeError("only what was asked is written, not what became of it")
    said: dict[str, Any] = {"field": condition.field, "op": str(condition.op)}
    if condition.values:
        said["value"] = list(condition.values) if condition.op in _MANY else condition.values[0]
    if condition.times != 1:
        said["times"] = condition.times
    if condition.within_days is not None:
        said["days"] = condition.within_days
    return said


def text_of(condition: Condition) -> str:
    """Return the filter as JSON in one line; ``""`` for the one that everything passes."""
    if condition == EVERYTHING:
        return ""
    return json.dumps(json_of(condition), ensure_ascii=False, separators=(",", ":"))


def _too_many(all_: list[Comparison]) -> Iterator[Problem]:
    patterns = sum(one.op is Op.MATCHES for one in all_)
    hard = sum(map(is_hard, all_))
    for count, most, what in (
        (len(all_), MAX_COMPARISONS, "comparisons"),
        (hard, MAX_HARD, "comparisons of what visits did, of the first visit or by expressions"),
        (patterns, MAX_PATTERNS, "regular expressions"),
    ):
        if count > most:
            yield Problem("filter", str(count), f"at most {most} {what}")


def _refusal(problems: list[Problem]) -> InvalidInputError:
    return InvalidInputError("this filter cannot be used", problems[:20])


def _condition(given: object, place: str, depth: int, problems: list[Problem]) -> Condition:
    if not isinstance(given, dict):
        problems.append(Problem(place, _short(given), "an object with `and`, `or`, or `field`"))
        return EVERYTHING
    group = next((key for key in ("and", "or") if key in given), None)
    if group is None:
        return _comparison(given, place, problems)
    parts = given[group]
    if len(given) > 1:
        problems.append(Problem(place, ", ".join(map(_short, given))[:80], f"nothing beside `{group}`"))
    elif not isinstance(parts, list) or len(parts) > MAX_COMPARISONS or (group == "or" and not parts):
        problems.append(Problem(f"{place}.{group}", _short(parts), f"a list of 1 to {MAX_COMPARISONS} conditions"))
    elif depth > MAX_DEPTH:
        problems.append(Problem(place, group, f"groups in groups, at most {MAX_DEPTH} deep"))
    else:
        each = enumerate(parts)
        return Group(
            group == "or",
            tuple(_condition(one, f"{place}.{group}[{index}]", depth + 1, problems) for index, one in each),
        )
    return EVERYTHING


def _comparison(given: dict[object, object], place: str, problems: list[Problem]) -> Condition:
    before = len(problems)
    known = f"one of {', '.join(_KEYS)}, or a group"
    problems += [Problem(f"{place}.{_short(key)}", "", known) for key in given if key not in _KEYS]
    name = given.get("field")
    kind = FIELDS.get(name) if isinstance(name, str) else None
    if kind is None:
        problems.append(Problem(f"{place}.field", _short(name), f"one of {', '.join(FIELDS)}"))
        return EVERYTHING
    op = next((op for op in OPS[kind] if op == given.get("op")), None)
    if op is None:
        offered = ", ".join(op for op in Op if op in OPS[kind])
        problems.append(Problem(f"{place}.op", _short(given.get("op")), f"for {name} one of {offered}"))
        return EVERYTHING
    values = _values(given, kind, op, place, problems)
    times = _extra(given, "times", MAX_TIMES, kind, place, problems)
    days = _extra(given, "days", MAX_DAYS, kind, place, problems)
    if times is not None and op in (Op.NE, Op.NOT_IN, Op.NOT_SET):
        problems.append(Problem(f"{place}.times", str(times), f"none: {op} is about never"))
    if len(problems) > before:
        return EVERYTHING
    return Comparison(cast("str", name), op, values, times or 1, days)


def _values(
    given: dict[object, object], kind: FieldKind, op: Op, place: str, problems: list[Problem]
) -> tuple[Value, ...]:
    value, place = given.get("value"), f"{place}.value"
    if op in _NO_VALUE:
        if "value" in given:
            problems.append(Problem(place, _short(value), f"none: {op} takes no value"))
        return ()
    if op not in _MANY:
        return _each([value], kind, op, place, problems)
    if not isinstance(value, list) or not 0 < len(value) <= MAX_VALUES or (op is Op.BETWEEN and len(value) != 2):
        expected = "a list of two numbers" if op is Op.BETWEEN else f"a list of 1 to {MAX_VALUES} texts"
        problems.append(Problem(place, _short(value), expected))
        return ()
    found = _each(value, kind, op, place, problems)
    if op is Op.BETWEEN and found != tuple(sorted(found)):
        problems.append(Problem(place, _short(value), "the smaller number first"))
    return found


def _each(values: list[object], kind: FieldKind, op: Op, place: str, problems: list[Problem]) -> tuple[Value, ...]:
    found: list[Value] = []
    most = MAX_PATTERN if op is Op.MATCHES else MAX_TEXT
    for value in values:
        if kind in (FieldKind.NUMBER, FieldKind.DAY):
            low, high = (1, MAX_DAYS) if op is Op.IN_LAST else (0, MAX_NUMBER)
            if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
                found.append(value)
            else:
                problems.append(Problem(place, _short(value), f"a whole number from {low} to {high}"))
        elif kind in _CLOSED:
            if isinstance(value, str) and value in _CLOSED[kind]:
                found.append(value)
            else:
                problems.append(Problem(place, _short(value), f"one of {', '.join(_CLOSED[kind])}"))
        elif isinstance(value, str) and 0 < len(value) <= most and value.isprintable():
            if op is Op.MATCHES and _HARD_PATTERN.search(value):
                problems.append(
                    Problem(place, _short(value), "an expression without `{` and `\\p`, which may take long")
                )
            found.append(value)
        else:
            problems.append(Problem(place, _short(value), f"text of 1 to {most} printable characters"))
    return tuple(found)


def _extra(
    given: dict[object, object], key: str, most: int, kind: FieldKind, place: str, problems: list[Problem]
) -> int | None:
    if key not in given:
        return None
    value = given[key]
    if kind is not FieldKind.FACET:
        problems.append(Problem(f"{place}.{key}", _short(value), "none: only what visits did has it"))
    elif not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        problems.append(Problem(f"{place}.{key}", _short(value), f"a whole number from 1 to {most}"))
    else:
        return value
    return None


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
