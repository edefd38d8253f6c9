"""The columns of the list of leads: which there are, which are shown, and the cells of a file of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from firmly.leads.filter import org_id_text
from firmly.leads.lead import Lead
from firmly.model import InvalidInputError, Problem
from firmly.warehouse.ordering import Order, Sorting


@dataclass(frozen=True, slots=True)
class Column:
    """``order`` None: the list cannot be ordered by it, since it shows more than one thing."""

    key: str
    title: str
    order: Order | None = None
    is_number: bool = False

    def next_sorting(self, now: Sorting) -> Sorting | None:
        """Return what a click on its head orders by."""
        if self.order is None:
            return None
        return now.turned() if now.order is self.order else Sorting.usual(self.order)


COLUMNS: Mapping[str, Column] = {
    column.key: column
    for column in (
        Column("score", "Score", Order.SCORE),
        Column("country", "Country", Order.COUNTRY),
        Column("kind", "Kind", Order.KIND),
        Column("industry", "Industry", Order.INDUSTRY),
        Column("size", "Size", Order.SIZE),
        Column("last_visit", "Last visit", Order.LAST_VISIT),
        Column("activity", "Activity"),
        Column("visits", "Visits", Order.VISITS, is_number=True),
        Column("pages", "Pages", Order.PAGES, is_number=True),
        Column("days", "Days", Order.DAYS, is_number=True),
        Column("goals", "Goals", Order.GOALS, is_number=True),
        Column("time", "Time", Order.SECONDS, is_number=True),
        Column("status", "Status", Order.STATUS),
        Column("owner", "Owner", Order.OWNER),
        Column("tags", "Tags", Order.TAGS),
    )
}
"""In the order of the form that chooses them; the company itself always comes first."""

USUAL = ("score", "country", "last_visit", "activity", "visits", "pages", "time", "status")

NAME = Column("company", "Company", Order.NAME)


def shown_columns(chosen: Iterable[str] | None) -> tuple[Column, ...]:
    """Return the columns of what a member chose; None: the usual ones. What an older release knew is left out."""
    return tuple(COLUMNS[key] for key in (USUAL if chosen is None else chosen) if key in COLUMNS)


def read_columns(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of a form in their order.

    Raises:
        InvalidInputError: there is no such column.
    """
    wanted = tuple(dict.fromkeys(keys))
    wrong = [key for key in wanted if key not in COLUMNS]
    if wrong:
        problem = Problem("column", wrong[0][:40], f"one of {', '.join(COLUMNS)}")
        raise InvalidInputError("these columns cannot be shown", [problem])
    return wanted


EXPORTED = (
    "company",
    "domain",
    "country",
    "kind",
    "confidence",
    "last_visit",
    "visits",
    "pages",
    "goals",
    "seconds",
    "org_id",
    "days",
    "score",
    "tier",
    "status",
    "owner",
    "tags",
    "industry",
    "size",
    "ideal_customer",
    "crm_id",
)
"""Of a file. New ones come at the end: programs read files by their columns."""


def exported(lead: Lead) -> tuple[object, ...]:
    """Return a lead's cells under `EXPORTED`."""
    identity, last, record, facts = lead.identity, lead.last, lead.record, lead.facts
    return (
        identity.name,
        identity.domain,
        identity.country,
        identity.kind,
        identity.confidence,
        last.at if last.is_exact else last.at.date(),
        lead.totals.visits,
        lead.totals.pageviews,
        lead.goals,
        lead.totals.active_ms // 1000,
        org_id_text(identity.org_id),
        lead.visit_days,
        lead.score.value,
        lead.score.tier,
        record.status,
        record.owner.name if record.owner else facts.owner,
        ", ".join(record.tags),
        facts.industry,
        facts.size,
        "yes" if lead.is_ideal else "no",
        facts.crm_id,
    )
