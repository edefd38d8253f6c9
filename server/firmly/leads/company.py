"""A company's page: who it is, what it did in a range of days, and its visits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from firmly.accounts.rules import KeptRule
from firmly.leads.days import DayRange
from firmly.leads.filter import Cursor
from firmly.leads.lead import DayTotals, Identity, Moment, Totals
from firmly.leads.scoring import NO_SCORE, Score
from firmly.leads.visit import Visit

MIN_COUNT_DAYS = 3
"""An organisation that is only ever counted is shown from this many distinct days on."""


@dataclass(frozen=True, slots=True)
class History:
    """Over all that is kept: how many distinct days, since when, whether any route is kept."""

    days: int
    has_route: bool
    first_day: date
    last: Moment

    @property
    def may_be_shown(self) -> bool:
        return self.has_route or self.days >= MIN_COUNT_DAYS


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that visits did, such as a page that they saw, and how often."""

    value: str
    times: int


@dataclass(frozen=True, slots=True)
class Company:
    """``days`` holds only days with a visit, oldest first; ``visits`` those with a route, newest
    first, ``next`` the place to go on; ``counted`` the days without a route, newest first.
    ``corrected_by`` has the workspace's rules that lead here, ``aliases`` what else data sets call it and what stands
    for it, from a to z."""

    identity: Identity
    history: History
    range: DayRange
    totals: Totals
    days: tuple[DayTotals, ...]
    visits: tuple[Visit, ...]
    next: Cursor | None
    counted: tuple[DayTotals, ...]
    corrected_by: tuple[KeptRule, ...] = ()
    aliases: tuple[str, ...] = ()
    score: Score = NO_SCORE
    facets: Mapping[str, tuple[Deed, ...]] = field(default_factory=dict)
    """What its visits did: pages, landing pages, sources, campaigns, goals, each the most frequent first."""
