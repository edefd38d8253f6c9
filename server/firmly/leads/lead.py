"""A lead: one organisation in the list, with what it did in the range of days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from firmly.leads.company_data.facts import CompanyFacts
from firmly.leads.filter import Cursor
from firmly.leads.record import NOTHING_SAID, LeadRecord
from firmly.leads.scoring import Score
from firmly.model import Alternative, Confidence, DropReason, OrgId, OrgKind


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an organisation is and the evidence for it.

    ``country`` is alpha-2 or ``""``, ``domain`` is ``""`` where unknown; the data set ``source``
    of day ``as_of`` lists AS number ``asn`` under ``registered_name``.
    """

    org_id: OrgId
    name: str
    kind: OrgKind
    country: str
    domain: str
    asn: int
    registered_name: str
    source: str
    as_of: date
    confidence: Confidence
    alternatives: tuple[Alternative, ...] = ()


NO_FACTS = CompanyFacts()


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was seen: a minute, or only its day where ``is_exact`` is false."""

    at: datetime
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over some days; ``active_ms`` is time in which a page was looked at."""

    visits: int
    pageviews: int
    active_ms: int


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One day's sums."""

    day: date
    totals: Totals


@dataclass(frozen=True, slots=True)
class Lead:
    """One row of the list. ``days`` holds only days with a visit, oldest first; ``visit_days`` counts them all.

    ``record`` and ``facts`` are what the team says of it; ``is_ideal`` tells whether it is their kind of customer.
    """

    identity: Identity
    last: Moment
    totals: Totals
    goals: int
    days: tuple[DayTotals, ...]
    visit_days: int
    score: Score
    record: LeadRecord = NOTHING_SAID
    facts: CompanyFacts = NO_FACTS
    is_ideal: bool = False


@dataclass(frozen=True, slots=True)
class LeadPage:
    """A page of the list; ``total`` counts the leads of all pages, ``next`` is None on the last."""

    leads: tuple[Lead, ...]
    total: int
    next: Cursor | None


def identity_of(row: Mapping[str, Any]) -> Identity:
    """Make an `Identity` of a row of ``organisations.sql``."""
    return Identity(
        org_id=OrgId(row["org_id"]),
        name=row["name"],
        kind=OrgKind(row["kind"]),
        country=row["country"],
        domain=row["domain"],
        asn=row["asn"],
        registered_name=row["registered_name"],
        source=row["source"],
        as_of=row["as_of"],
        confidence=Confidence(row["confidence"]),
        alternatives=tuple(_alternative_of(one) for one in row["alternatives"]),
    )


def _alternative_of(said: Mapping[str, str]) -> Alternative:
    return Alternative(said["name"], said["source"], DropReason(said["reason"]) if said["reason"] else None)


def moment_of(row: Mapping[str, Any]) -> Moment:
    return Moment(datetime.fromtimestamp(row["last_at"], UTC), bool(row["last_is_exact"]))


def totals_of(row: Mapping[str, Any]) -> Totals:
    return Totals(visits=row["visits"], pageviews=row["pageviews"], active_ms=row["active_ms"])


def day_totals_of(row: Mapping[str, Any]) -> DayTotals:
    return DayTotals(row["day"], totals_of(row))
