"""A visit whose page route may be shown, put together from its events.

Only events with ``detail = 'route'`` come here; the query sees to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from firmly.model import SiteId


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a route; ``active_ms`` is 0 where no engagement was reported."""

    host: str
    path: str
    title: str
    active_ms: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a visit came from; every field but ``source`` may be ``""``."""

    source: str
    referrer_host: str
    utm_source: str
    utm_medium: str
    utm_campaign: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit: when it began (a whole minute), from where, its pages in order, its goals."""

    id: int
    started_at: datetime
    site_id: SiteId
    origin: Origin
    steps: tuple[Step, ...]
    goals: tuple[str, ...]

    @property
    def active_ms(self) -> int:
        return sum(step.active_ms for step in self.steps)


Event = tuple[int, str, str, str, str, str, int]
"""seq, kind, host, path, title, goal, active_ms: as ``company_visits.sql`` answers them, by seq."""


def visit_of(row: Mapping[str, Any]) -> Visit:
    """Make a `Visit` of a row of ``company_visits.sql``."""
    events: list[Event] = [tuple(event) for event in row["events"]]
    return Visit(
        id=row["visit_id"],
        started_at=datetime.fromtimestamp(row["started_at"], UTC),
        site_id=SiteId(row["site_id"]),
        origin=Origin(row["source"], row["referrer_host"], row["utm_source"], row["utm_medium"], row["utm_campaign"]),
        steps=route_of(events),
        goals=tuple(goal for _, kind, _, _, _, goal, _ in events if kind == "goal"),
    )


def route_of(events: Iterable[Event]) -> tuple[Step, ...]:
    """Return the pages in order, each with the time reported for it.

    Time goes to the latest earlier view of the same page, else to the latest view: a beat that
    arrives after the next page was opened still belongs to the page it names.
    """
    steps: list[Step] = []
    for _, kind, host, path, title, _, active_ms in events:
        if kind == "pageview":
            steps.append(Step(host, path, title, active_ms))
        elif steps and active_ms:
            index = _step_of(steps, host, path)
            steps[index] = replace(steps[index], active_ms=steps[index].active_ms + active_ms)
    return tuple(steps)


def _step_of(steps: list[Step], host: str, path: str) -> int:
    same = (index for index in reversed(range(len(steps))) if (steps[index].host, steps[index].path) == (host, path))
    return next(same, len(steps) - 1)
