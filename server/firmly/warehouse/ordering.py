"""What a list of leads can be ordered by, and the SQL of it: expressions from an allow-list, values as parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from firmly.warehouse.statements import STANDS_FOR, identities, scores_of


class Order(StrEnum):
    LAST_VISIT = "last_visit"
    FIRST_VISIT = "first_visit"
    SCORE = "score"
    VISITS = "visits"
    PAGES = "pages"
    GOALS = "goals"
    DAYS = "days"
    SECONDS = "seconds"
    NAME = "name"
    DOMAIN = "domain"
    COUNTRY = "country"
    KIND = "kind"
    INDUSTRY = "industry"
    SIZE = "size"
    STATUS = "status"
    OWNER = "owner"
    TAGS = "tags"


OF_TEAM = frozenset({Order.INDUSTRY, Order.SIZE, Order.STATUS, Order.OWNER, Order.TAGS})
"""Known to the team and not to the warehouse, which cannot order by them."""

OF_TEXT = OF_TEAM | {Order.NAME, Order.DOMAIN, Order.COUNTRY, Order.KIND}
"""Ordered from a to z, what is unknown at the end; all others are numbers or times."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """As text ``visits`` goes up and ``-visits`` down. Companies of the same value follow by their ids."""

    order: Order = Order.LAST_VISIT
    is_down: bool = True

    def __str__(self) -> str:
        return f"{'-' if self.is_down else ''}{self.order}"

    @property
    def is_text(self) -> bool:
        return self.order in OF_TEXT

    def turned(self) -> "Sorting":
        return Sorting(self.order, not self.is_down)

    @classmethod
    def usual(cls, order: Order) -> "Sorting":
        """Return the direction that is looked at first: the most and the newest, and texts from a to z."""
        return cls(order, order not in OF_TEXT)


NEWEST_FIRST = Sorting()

_COLUMNS: Mapping[Order, str] = {
    Order.LAST_VISIT: "toInt64(toUnixTimestamp(last))",
    Order.FIRST_VISIT: "toInt64(firsts.first_day)",
    Order.SCORE: "toInt64(scores.score)",
    Order.VISITS: "toInt64(visits)",
    Order.PAGES: "toInt64(pageviews)",
    Order.GOALS: "toInt64(goals)",
    Order.DAYS: "toInt64(days)",
    Order.SECONDS: "toInt64(intDiv(active_ms, 1000))",
}
_LAST_TEXT = "'\U0010ffff'"
_SORTED_BY = "/* sorted by */ toInt64(toUnixTimestamp(last))"
_JOINED = "/* joined */"
_AFTER = "/* after */ (sorted_by, org_id) < ({before_value:Int64}, {before_org:UInt64})"
_IN_ORDER = "/* in order */ sorted_by desc, org_id desc"


SHOWN = "org_id not in {unshown:Array(UInt64)}"
"""All that a list may gather: ``unshown`` are the organisations of corrections of which nothing may be shown yet.
Others that may not be are no row of a list."""


def ordered(text: str, sorting: Sorting) -> str:
    """Return ``leads.sql`` in this order; it goes on after ``before_value`` and ``before_org`` of the row before.

    ``before_value`` is Int64, or String for texts; with the parameter ``is_first`` 1 it starts at the beginning.
    """
    kind = "String" if sorting.is_text else "Int64"
    sign, way = ("<", "desc") if sorting.is_down else (">", "asc")
    after = f"{{is_first:UInt8}} or (sorted_by, org_id) {sign} ({{before_value:{kind}}}, {{before_org:UInt64}})"
    for mark, here in (
        (_SORTED_BY, _expression(sorting)),
        (_JOINED, _join(sorting.order)),
        (_AFTER, after),
        (_IN_ORDER, f"sorted_by {way}, org_id {way}"),
    ):
        assert mark in text
        text = text.replace(mark, here)
    return text


def _expression(sorting: Sorting) -> str:
    if not sorting.is_text:
        return _COLUMNS[sorting.order]
    unknown = "''" if sorting.is_down else _LAST_TEXT
    return f"if(identities.value = '', {unknown}, lowerUTF8(identities.value))"


def _join(order: Order) -> str:
    match order:
        case Order.SCORE:
            return f"left join ({scores_of(SHOWN)}) as scores on ranged.stands_for = scores.stands_for"
        case Order.FIRST_VISIT:
            return f"""left join
    (
        select {STANDS_FOR} as of_org, min(day) as first_day
        from org_days
        where workspace_id = {{workspace_id:UInt32}}
            and retain_until > {{today:Date}}
            and {SHOWN}
        group by of_org
    ) as firsts on ranged.stands_for = firsts.of_org"""  # noqa: S608
        case Order.NAME | Order.DOMAIN | Order.COUNTRY | Order.KIND:
            return f"left join ({identities(order)}) as identities on ranged.stands_for = identities.org_id"
        case _:
            return ""
