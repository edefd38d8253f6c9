"""Ranges of days and of time that an operation is asked for."""

from datetime import date, datetime, timedelta
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from firmly.leads.days import DayRange
from firmly.model import InvalidInputError, Problem

USUAL_DAYS = 30
MOST_DAYS = 760
FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Beyond these nothing was measured, and databases cannot tell some days."""


class Days(Struct, frozen=True, kw_only=True):
    """From one day to another, both included, in UTC."""

    first: Annotated[date, Meta(description="The first day; 30 days up to `to` where absent.")] | UnsetType = field(
        default=UNSET, name="from"
    )
    last: Annotated[date, Meta(description="The last day; today where absent.")] | UnsetType = field(
        default=UNSET, name="to"
    )


def day_range(asked: Days, today: date) -> DayRange:
    """Return the days asked for. Raises InvalidInputError."""
    last = asked.last or today
    problems = [
        Problem(key, day.isoformat(), f"a day of the years {FIRST_YEAR} to {LAST_YEAR}")
        for key, day in (("from", asked.first), ("to", last))
        if day and not FIRST_YEAR <= day.year <= LAST_YEAR
    ]
    first = asked.first or (last if problems else last - timedelta(days=USUAL_DAYS - 1))
    if not problems and not 0 <= (last - first).days < MOST_DAYS:
        expected = f"a day from {first.isoformat()} on, fewer than {MOST_DAYS} days later"
        problems.append(Problem("to", last.isoformat(), expected))
    if problems:
        raise InvalidInputError("these days cannot be shown", problems)
    return DayRange(first, last)


def moment(key: str, asked: datetime | UnsetType) -> datetime | None:
    """Return a time asked for, None where it was not. Raises InvalidInputError."""
    if asked is UNSET:
        return None
    if not FIRST_YEAR <= asked.year <= LAST_YEAR:
        expected = f"a time of the years {FIRST_YEAR} to {LAST_YEAR}"
        raise InvalidInputError("this time cannot be used", [Problem(key, asked.isoformat(), expected)])
    return asked
