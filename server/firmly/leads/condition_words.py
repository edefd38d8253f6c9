"""A filter as a sentence: "visited /pricing at least 2 times in the last 30 days, and country is Germany"."""

from collections.abc import Callable, Mapping, Sequence
from typing import assert_never

from firmly.warehouse.conditions import FIELDS, Comparison, Condition, FieldKind, Group, Op, Standing

Say = Callable[[str, str], str]
"""Answers how a value of a field is said: a country's name for its code."""

_NOUNS: Mapping[str, str] = {
    "name": "name",
    "domain": "domain",
    "country": "country",
    "kind": "kind",
    "visits": "visits",
    "pages": "pages",
    "goals": "goals",
    "days": "days with a visit",
    "seconds": "seconds of reading",
    "first_visit": "first visit",
    "last_visit": "last visit",
    "score": "points of score",
    "status": "status",
    "owner": "owner",
    "tag": "tag",
    "note": "note",
    "industry": "industry",
    "size": "size",
    "crm": "CRM id",
    "standing": "standing",
}

_DEEDS: Mapping[str, tuple[str, str]] = {
    "page": ("visited", "visited a page"),
    "landing_page": ("arrived at", "arrived at a page"),
    "source": ("came from the source", "came from a source"),
    "referrer": ("came from the website", "came from a website"),
    "campaign": ("came through the campaign", "came through a campaign"),
    "goal": ("reached the goal", "reached a goal"),
}
"""How it is said before a value, and of any value."""

_SIGNS: Mapping[Op, str] = {
    Op.EQ: "is",
    Op.NE: "is not",
    Op.IN: "is",
    Op.NOT_IN: "is not",
    Op.CONTAINS: "contains",
    Op.STARTS: "starts with",
    Op.ENDS: "ends with",
    Op.MATCHES: "matches",
    Op.GT: "more than",
    Op.LT: "fewer than",
    Op.BETWEEN: "between",
    Op.SET: "is known",
    Op.NOT_SET: "is not known",
}


def _as_it_is(_field: str, value: str) -> str:
    return value


def sentence_of(condition: Condition, say: Say = _as_it_is) -> str:
    """Return the condition in plain words; ``""`` for the one that everything passes."""
    match condition:
        case Comparison():
            return _comparison(condition, say)
        case Group():
            return _group(condition, say)
        case _:
            raise TypeError("only what was asked has words, not what became of it")


def _group(group: Group, say: Say) -> str:
    said = [
        f"({sentence_of(part, say)})" if isinstance(part, Group) and len(part.parts) > 1 else sentence_of(part, say)
        for part in group.parts
    ]
    return (" or " if group.is_any else ", and ").join(said)


def _comparison(one: Comparison, say: Say) -> str:  # noqa: PLR0911  # One for each kind of field.
    kind = FIELDS[one.field]
    values = [say(one.field, str(value)) for value in one.values]
    match kind:
        case FieldKind.IDENTITY | FieldKind.CODE | FieldKind.FACTS:
            return f"{_NOUNS[one.field]} {_SIGNS[one.op]} {_listed(values, 'or')}".rstrip()
        case FieldKind.NUMBER:
            return _number(one, values)
        case FieldKind.DAY:
            return f"{_NOUNS[one.field]} in the last {_days(int(values[0]))}"
        case FieldKind.FACET:
            return _facet(one, values)
        case FieldKind.RECORD | FieldKind.NOTE:
            return _record(one, values)
        case FieldKind.STANDING:
            return _standing(one)
        case FieldKind.ICP:
            return "an ideal customer" if one.values == ("yes",) else "not an ideal customer"
        case FieldKind.FEED:
            return f"{'not ' if one.op in _NEVER else ''}in the feed {_listed(values, 'or')}"
        case FieldKind.SITE:
            return f"{'never ' if one.op in _NEVER else ''}visited the site {_listed(values, 'or')}"
        case _:
            assert_never(kind)


_NEVER = (Op.NE, Op.NOT_IN, Op.NOT_SET)

_HAD = {
    "tag": ("tagged", "not tagged"),
    "owner": ("with an owner", "without an owner"),
    "note": ("with a note", "without a note"),
    "status": ("status is not new", "status is new"),
}
"""That there is any, and that there is none."""

_STANDINGS = {
    Standing.NEW: "new in these days",
    Standing.RETURNING: "returning",
    Standing.RE_ENGAGED: "re-engaged after 30 days or more",
}


def _record(one: Comparison, values: Sequence[str]) -> str:
    """A tag is had, a status and an owner are."""
    no, listed = one.op in _NEVER, _listed(values, "or")
    if one.op in (Op.SET, Op.NOT_SET):
        return _HAD[one.field][no]
    if one.field == "tag":
        return f"{'not ' if no else ''}tagged {listed}"
    return f"{_NOUNS[one.field]} is {'not ' if no else ''}{listed}"


def _standing(one: Comparison) -> str:
    said = _listed([_STANDINGS[Standing(str(value))] for value in one.values], "or")
    return f"not {said}" if one.op in _NEVER else said


def _number(one: Comparison, values: Sequence[str]) -> str:
    noun = _NOUNS[one.field]
    match one.op:
        case Op.BETWEEN:
            return f"{values[0]} to {values[1]} {noun}"
        case Op.EQ:
            return f"exactly {values[0]} {noun}"
        case Op.NE:
            return f"not {values[0]} {noun}"
        case _:
            return f"{_SIGNS[one.op]} {values[0]} {noun}"


def _facet(one: Comparison, values: Sequence[str]) -> str:
    exact, general = _DEEDS[one.field]
    never = one.op in _NEVER
    if one.op in (Op.SET, Op.NOT_SET):
        deed = general
    elif one.op in (Op.EQ, Op.NE, Op.IN, Op.NOT_IN):
        deed = f"{exact} {_listed(values, 'or')}"
    else:
        deed = f"{general} that {_SIGNS[one.op]} {values[0]}"
    often = f" at least {one.times} times" if one.times > 1 else ""
    since = "" if one.within_days is None else f" in the last {_days(one.within_days)}"
    return f"{'never ' if never else ''}{deed}{often}{since}"


def _days(count: int) -> str:
    return "day" if count == 1 else f"{count} days"


def _listed(values: Sequence[str], word: str) -> str:
    if len(values) < 2:
        return "".join(values)
    return f"{', '.join(values[:-1])} {word} {values[-1]}"
