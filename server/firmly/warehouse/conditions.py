"""What a list is filtered by, as data: fields and operators from an allow-list (condition_sql.py makes SQL of it)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = str | int


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"
    MATCHES = "matches"
    GT = "gt"
    LT = "lt"
    BETWEEN = "between"
    SET = "set"
    NOT_SET = "not_set"
    IN_LAST = "in_last"


class FieldKind(StrEnum):
    """What a field holds, and so what can be asked of it.

    What the team itself says - `RECORD`, `NOTE`, `FACTS`, `ICP`, `FEED` - and `SITE` are not of the warehouse: they
    have to be replaced by `Among`, `OfDomains`, `Within` and `Visited` before (leads/resolving.py).
    """

    IDENTITY = "identity"
    CODE = "code"
    NUMBER = "number"
    DAY = "day"
    FACET = "facet"
    STANDING = "standing"
    RECORD = "record"
    NOTE = "note"
    FACTS = "facts"
    ICP = "icp"
    FEED = "feed"
    SITE = "site"


class Standing(StrEnum):
    """Of a company at its first visit in a range of days: never seen before, not for 30 days, or neither."""

    NEW = "new"
    RETURNING = "returning"
    RE_ENGAGED = "re_engaged"


RE_ENGAGED_DAYS = 30
"""Between two days with a visit, from which on the second is a return after a long time (FIELD, Fields of a lead)."""


_PARTS = frozenset({Op.CONTAINS, Op.STARTS, Op.ENDS, Op.MATCHES})
_CODES = frozenset({Op.EQ, Op.NE, Op.IN, Op.NOT_IN, Op.SET, Op.NOT_SET})
_CHOICE = frozenset({Op.EQ, Op.NE, Op.IN, Op.NOT_IN})

OPS: Mapping[FieldKind, frozenset[Op]] = {
    FieldKind.IDENTITY: _CODES | _PARTS,
    FieldKind.CODE: _CODES,
    FieldKind.NUMBER: frozenset({Op.EQ, Op.NE, Op.GT, Op.LT, Op.BETWEEN}),
    FieldKind.DAY: frozenset({Op.IN_LAST}),
    FieldKind.FACET: _CODES | _PARTS,
    FieldKind.STANDING: _CHOICE,
    FieldKind.RECORD: _CODES,
    FieldKind.NOTE: frozenset({Op.SET, Op.NOT_SET}),
    FieldKind.FACTS: _CODES,
    FieldKind.ICP: frozenset({Op.EQ}),
    FieldKind.FEED: _CHOICE,
    FieldKind.SITE: _CHOICE,
}

FIELDS: Mapping[str, FieldKind] = {
    "name": FieldKind.IDENTITY,
    "domain": FieldKind.IDENTITY,
    "country": FieldKind.CODE,
    "kind": FieldKind.CODE,
    "visits": FieldKind.NUMBER,
    "pages": FieldKind.NUMBER,
    "goals": FieldKind.NUMBER,
    "days": FieldKind.NUMBER,
    "seconds": FieldKind.NUMBER,
    "first_visit": FieldKind.DAY,
    "last_visit": FieldKind.DAY,
    "page": FieldKind.FACET,
    "landing_page": FieldKind.FACET,
    "source": FieldKind.FACET,
    "referrer": FieldKind.FACET,
    "campaign": FieldKind.FACET,
    "goal": FieldKind.FACET,
    "score": FieldKind.NUMBER,
    "standing": FieldKind.STANDING,
    "site": FieldKind.SITE,
    "status": FieldKind.RECORD,
    "owner": FieldKind.RECORD,
    "tag": FieldKind.RECORD,
    "note": FieldKind.NOTE,
    "industry": FieldKind.FACTS,
    "size": FieldKind.FACTS,
    "crm": FieldKind.FACTS,
    "icp": FieldKind.ICP,
    "feed": FieldKind.FEED,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field compared. ``values`` are as many as ``op`` takes: none to be set, two to be between, any for `IN`.

    Of a facet, ``times`` is how often it was seen at least, within ``within_days`` up to today, or the list's own
    range of days where that is None.
    """

    field: str
    op: Op
    values: tuple[Value, ...] = ()
    times: int = 1
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """All of ``parts``, or any of them. Without parts it is true."""

    is_any: bool
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Among:
    """One of these organisations, by what each stands for; or none of them."""

    org_ids: tuple[int, ...]
    is_in: bool = True


@dataclass(frozen=True, slots=True)
class OfDomains:
    """Its domain is one of these, in lower case; or none of them."""

    domains: tuple[str, ...]
    is_in: bool = True


@dataclass(frozen=True, slots=True)
class Visited:
    """It visited one of these sites in the list's days; or none of them."""

    site_ids: tuple[int, ...]
    is_in: bool = True


@dataclass(frozen=True, slots=True)
class Within:
    """It passes ``condition`` in a list of all sites and of the last ``days`` days: what a feed holds."""

    condition: "Condition"
    days: int
    is_in: bool = True


@dataclass(frozen=True, slots=True)
class Not:
    """It does not pass ``condition``."""

    condition: "Condition"


Condition = Comparison | Group | Among | OfDomains | Visited | Within | Not

EVERYTHING = Group(is_any=False, parts=())


def both(*conditions: Condition) -> Condition:
    """Return the condition that all of these hold; those that everything passes are left out."""
    parts = tuple(one for one in conditions if one != EVERYTHING)
    return parts[0] if len(parts) == 1 else Group(is_any=False, parts=parts)


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Yield what the groups of a condition join."""
    match condition:
        case Comparison():
            yield condition
        case Group():
            for part in condition.parts:
                yield from comparisons(part)
        case Within() | Not():
            yield from comparisons(condition.condition)
        case _:
            pass


_HARD_FIELDS = frozenset({"first_visit", "score", "standing"})


def is_hard(one: Comparison) -> bool:
    """Tell whether it looks through what visits did or the whole history, or may take long for each text."""
    return FIELDS[one.field] is FieldKind.FACET or one.field in _HARD_FIELDS or one.op is Op.MATCHES
