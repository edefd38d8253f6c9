"""The filter above the list: its chips, and the form that adds one more condition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from starlette.datastructures import QueryParams

from firmly.leads.condition_json import condition_of, parse_condition, text_of
from firmly.leads.condition_words import Say, sentence_of
from firmly.leads.record import LeadStatus
from firmly.model import OrgKind
from firmly.warehouse.conditions import FIELDS, OPS, Condition, FieldKind, Group, Op
from firmly.web import words
from firmly.web.countries import COUNTRIES
from firmly.web.record_words import lead_status

FIELD_WORDS: Mapping[str, Mapping[str, str]] = {
    "What visits did": {
        "page": "Visited a page",
        "landing_page": "Arrived at a page",
        "source": "Came from a source",
        "referrer": "Came from a website",
        "campaign": "Came through a campaign",
        "goal": "Reached a goal",
    },
    "The company": {"name": "Name", "domain": "Domain", "country": "Country", "kind": "Kind"},
    "Figures in these days": {
        "visits": "Visits",
        "pages": "Pages",
        "goals": "Goals",
        "days": "Days with a visit",
        "seconds": "Seconds of reading",
        "first_visit": "First visit",
        "last_visit": "Last visit",
        "score": "Score",
        "standing": "New or returning",
    },
    "What your team says": {
        "status": "Status",
        "tag": "Tag",
        "owner": "Owner",
        "note": "Note",
        "icp": "Ideal customer",
        "industry": "Industry",
        "size": "Size",
        "crm": "CRM id",
        "feed": "Feed",
        "site": "Site",
    },
}

OP_WORDS: Mapping[Op, str] = {
    Op.STARTS: "starts with",
    Op.EQ: "is",
    Op.NE: "is not",
    Op.CONTAINS: "contains",
    Op.ENDS: "ends with",
    Op.IN: "is one of",
    Op.NOT_IN: "is none of",
    Op.MATCHES: "matches the expression",
    Op.GT: "more than",
    Op.LT: "fewer than",
    Op.BETWEEN: "between",
    Op.IN_LAST: "in the last days",
    Op.SET: "is known",
    Op.NOT_SET: "is not known",
}

_CODES = MappingProxyType({name.lower(): code for code, name in COUNTRIES.items()})


@dataclass(frozen=True, slots=True)
class Chip:
    """A part of the filter in words, and the filter without it."""

    words: str
    rest: Condition


@dataclass(frozen=True, slots=True)
class FieldOption:
    """A field to choose; ``ops`` can be asked of it, ``is_deed`` tells whether how often and when can be, too."""

    name: str
    label: str
    ops: str
    is_deed: bool


def field_options() -> list[tuple[str, list[FieldOption]]]:
    """Return the fields in their groups."""
    return [(group, [_option(name, label) for name, label in fields.items()]) for group, fields in FIELD_WORDS.items()]


def _option(name: str, label: str) -> FieldOption:
    kind = FIELDS[name]
    return FieldOption(name, label, " ".join(op for op in OP_WORDS if op in OPS[kind]), kind is FieldKind.FACET)


@dataclass(frozen=True, slots=True)
class Sayer:
    """Says values of filters by their names: ``names`` has those of the feeds, sites and members of a workspace."""

    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __call__(self, name: str, value: str) -> str:
        if name == "country":
            return words.country(value.upper()) or value
        if name == "kind" and value in set(OrgKind):
            return words.kind(OrgKind(value)).lower()
        if name == "status" and value in set(LeadStatus):
            return lead_status(LeadStatus(value)).lower()
        if name == "owner" and value == "me":
            return "me"
        return self.names.get(name, {}).get(value, value)


def chips(condition: Condition, say: Say) -> list[Chip]:
    """Return what has to be true all at once, one by one."""
    parts = _all_of(condition)
    return [
        Chip(sentence_of(part, say), Group(is_any=False, parts=parts[:index] + parts[index + 1 :]))
        for index, part in enumerate(parts)
    ]


def _all_of(condition: Condition) -> tuple[Condition, ...]:
    """Return what has to be true all at once."""
    return condition.parts if isinstance(condition, Group) and not condition.is_any else (condition,)


def with_addition(condition: Condition, parameters: QueryParams) -> Condition:
    """Return ``condition`` and what the form adds to it.

    Raises:
        InvalidInputError: what the form holds is no condition, or is one too many.
    """
    added = condition_of(dict(_addition(parameters)))
    parts = _all_of(condition)
    if added in parts:
        return condition
    # Read as a whole, so that its bounds hold.
    return parse_condition(text_of(Group(is_any=False, parts=(*parts, added))))


def _addition(parameters: QueryParams) -> Iterator[tuple[str, object]]:
    name, op = parameters.get("field", ""), parameters.get("op", "")
    yield "field", name
    yield "op", op
    given = parameters.get("value", "").strip()
    kind = FIELDS.get(name)
    if op in (Op.IN, Op.NOT_IN, Op.BETWEEN):
        yield "value", [_value(name, kind, one.strip()) for one in given.split(",") if one.strip()]
    elif op not in (Op.SET, Op.NOT_SET):
        yield "value", _value(name, kind, given)
    if kind is FieldKind.FACET:
        times, days = (parameters.get(key, "").strip() for key in ("times", "within"))
        if times not in ("", "1"):  # Once is what is meant where nothing is said.
            yield "times", _number(times)
        if days:
            yield "days", _number(days)


def _number(text: str) -> int | str:
    """Return the number that ``text`` is; as it is where it is none, to be refused by what it says."""
    return int(text) if text.isdecimal() and len(text) < 16 else text


def _value(name: str, kind: FieldKind | None, text: str) -> object:
    if kind in (FieldKind.NUMBER, FieldKind.DAY):
        return _number(text)
    if name == "country":
        return _CODES.get(text.lower(), text)
    # What is chosen from a few is given as people write it: "Not relevant", "re-engaged".
    return text.lower().replace(" ", "_").replace("-", "_") if name in ("status", "standing", "icp") else text
