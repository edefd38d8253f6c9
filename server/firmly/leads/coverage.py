"""The coverage ledger: of the page views that were measured, how many came from companies.

It holds counters only. Refusals that are no matter of who visited - a bot, a missing consent, a
foreign origin - are kept apart, so that the share of companies is a share of measured views.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from firmly.model import DropReason

COMPANY = "company"

MEASURED_REASONS: tuple[DropReason, ...] = (
    DropReason.HOME_NETWORK,
    DropReason.MOBILE_NETWORK,
    DropReason.CARRIER_NETWORK,
    DropReason.HOSTING_NETWORK,
    DropReason.VPN_NETWORK,
    DropReason.PRIVATE_NETWORK,
    DropReason.UNKNOWN_NETWORK,
    DropReason.NO_EVIDENCE,
    DropReason.TOO_SMALL,
    DropReason.PERSON,
    DropReason.ADDRESS_REFUSED,
    DropReason.EXCLUDED,
    DropReason.NOT_A_COMPANY,
    DropReason.OWN_STAFF,
    DropReason.LOW_CONFIDENCE,
)
"""The look-up's answers: the view was measured, and no company is named."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Page views that ended the same way, with their share (0-1) of the measured ones."""

    reason: DropReason
    pageviews: int
    share: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """``measured`` page views, of which ``companies`` were companies'; ``others`` says why the rest
    were not and ``refused`` what was never measured (share 0), both largest first."""

    measured: int
    companies: int
    others: tuple[Outcome, ...]
    refused: tuple[Outcome, ...]

    @property
    def company_share(self) -> float:
        return self.companies / self.measured if self.measured else 0.0


def coverage_of(rows: Iterable[Mapping[str, Any]]) -> Coverage:
    """Sort the rows of ``coverage.sql``; an outcome of a later release is left out."""
    counts = {row["outcome"]: int(row["pageviews"]) for row in rows}
    companies = counts.pop(COMPANY, 0)
    known = {reason: counts[reason] for reason in DropReason if counts.get(reason)}
    measured = companies + sum(count for reason, count in known.items() if reason in MEASURED_REASONS)
    ranked = sorted(known.items(), key=lambda item: -item[1])
    others = tuple(Outcome(reason, n, n / measured) for reason, n in ranked if reason in MEASURED_REASONS)
    refused = tuple(Outcome(reason, n, 0.0) for reason, n in ranked if reason not in MEASURED_REASONS)
    return Coverage(measured, companies, others, refused)
