"""The coverage ledger: page views measured per site, hour and outcome - and nothing else about them.

It answers "why do I see only 30 %". Counts are kept in memory and handed to the spool every few
seconds; a crash may lose the latest few. Events that name a company never depend on it.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime

import orjson

from firmly.accounts.site import Site
from firmly.model import DropReason

COMPANY = "company"
UNMEASURED = frozenset(
    {
        DropReason.UNKNOWN_SITE,
        DropReason.FOREIGN_ORIGIN,
        DropReason.NO_CONSENT,
        DropReason.OBJECTED,
        DropReason.DUPLICATE,
    }
)
"""Refusals of what was not ours to measure, or is measured already: in the totals, never in a site's hours."""


class CoverageLedger:
    """Counts outcomes. ``totals`` of events grow for as long as the process lives, for metrics."""

    def __init__(self) -> None:
        self._hours: dict[tuple[int, int, int, str], int] = {}
        self.totals: Counter[str] = Counter()

    def count(
        self,
        site: Site | None,
        now: datetime,
        dropped: Mapping[DropReason, int],
        kept: int,
        pageviews: Mapping[DropReason | None, int],
    ) -> None:
        """Count one request's events and, of these, the page views by outcome; None names a company."""
        self.totals[COMPANY] += kept
        for reason, events in dropped.items():
            self.totals[reason.value] += events
        if site is None:
            return
        hour = now.toordinal() * 24 + now.hour
        for outcome, views in pageviews.items():
            if outcome not in UNMEASURED:
                key = site.workspace_id, site.id, hour, COMPANY if outcome is None else outcome.value
                self._hours[key] = self._hours.get(key, 0) + views

    def take_lines(self) -> bytes:
        """Return what was counted since the last call as lines for `coverage_hours`, and start anew."""
        counted, self._hours = self._hours, {}
        return b"".join(
            orjson.dumps(
                {
                    "workspace_id": workspace,
                    "site_id": site,
                    "hour": f"{date.fromordinal(hour // 24)} {hour % 24:02}:00:00",
                    "outcome": outcome,
                    "pageviews": views,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for (workspace, site, hour, outcome), views in counted.items()
        )
