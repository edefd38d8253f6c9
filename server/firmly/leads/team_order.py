"""Orders a list by what only the team knows: here, since a warehouse would have to be told of every company.

A status stands as far as it is on the way to a customer, a size by its first number, all else from a to z. Companies of
which nothing is said come last, also when the order is turned; of the same text, the newest visit comes first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from firmly.accounts.scope import Scope
from firmly.leads.corrections import Corrections
from firmly.leads.filter import Cursor
from firmly.leads.record import LeadStatus, folded
from firmly.leads.resolving import Resolver
from firmly.model import OrgId
from firmly.warehouse.ordering import NEWEST_FIRST, Order, Sorting

MAX_TEXT = 200
"""Characters of a text that count: a cursor holds the last one."""

_RANKS = {status.value: str(rank) for rank, status in enumerate(LeadStatus)}
_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True)
class TeamTexts:
    """What is said of organisations, and of those not among them by their domain in lower case."""

    of_orgs: Mapping[OrgId, str] = field(default_factory=dict)
    of_domains: Mapping[str, str] = field(default_factory=dict)

    @property
    def read_by(self) -> Sorting:
        """The order in which rows have to be read: by the domain where that is looked at, which they then hold."""
        return Sorting(Order.DOMAIN, is_down=True) if self.of_domains else NEWEST_FIRST

    def of(self, row: Mapping[str, Any]) -> str:
        said = self.of_orgs.get(row["org_id"], "")
        if not said and self.of_domains:
            said = self.of_domains.get(row["sorted_by"], "")
        return folded(said)[:MAX_TEXT]


def team_texts(resolver: Resolver, scope: Scope, order: Order, corrections: Corrections) -> TeamTexts:
    """Return what an order `OF_TEAM` looks at."""
    records, data = resolver.records, resolver.company_data
    match order:
        case Order.STATUS:
            said = records.texts(scope, "status", corrections.shown_as)
            return TeamTexts({org_id: _RANKS[text] for org_id, text in said.items()})
        case Order.TAGS:
            return TeamTexts(records.texts(scope, "tag", corrections.shown_as))
        case Order.OWNER:
            return TeamTexts(records.texts(scope, "owner", corrections.shown_as), data.texts(scope, "owner"))
        case Order.INDUSTRY:
            return TeamTexts({}, data.texts(scope, "industry"))
        case Order.SIZE:
            return TeamTexts({}, {domain: _by_number(size) for domain, size in data.texts(scope, "size").items()})
    raise ValueError(order)


def ordered_by_team(
    rows: Sequence[dict[str, Any]], texts: TeamTexts, sorting: Sorting, after: Cursor | None, count: int
) -> list[dict[str, Any]]:
    """Return up to ``count`` rows of a whole list that follow ``after``, with their text as ``sorted_by``.

    Where the row of ``after`` is gone, those of the same text come once more.
    """
    said = sorted(((texts.of(row), row) for row in rows), key=lambda one: (-one[1]["last_at"], one[1]["org_id"]))
    known = sorted((one for one in said if one[0]), key=lambda one: one[0], reverse=sorting.is_down)
    whole = [row | {"sorted_by": text} for text, row in (*known, *(one for one in said if not one[0]))]
    start = _start(whole, sorting, after) if after else 0
    return whole[start : start + count]


def _start(whole: Sequence[Mapping[str, Any]], sorting: Sorting, after: Cursor) -> int:
    for place, row in enumerate(whole):
        if row["org_id"] == after.id and row["sorted_by"] == after.value:
            return place + 1
    text = str(after.value)
    for place, row in enumerate(whole):
        comes = row["sorted_by"] <= text if sorting.is_down else row["sorted_by"] >= text
        if not row["sorted_by"] or (text and comes):
            return place
    return len(whole)


def _by_number(size: str) -> str:
    """Return a size such as "11-50" so that it follows "2-10"."""
    first = _NUMBER.search(size.replace(",", "").replace(".", ""))
    return f"{int(first[0]):020d} {size}" if first else size
