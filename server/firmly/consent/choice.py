"""Categories, actions and the choice cookie: what a visitor may choose and how the script remembers it.

The choice cookie is readable by the script and holds no id: categories, banner version, expiry.
"""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

CHOICE_COOKIE = "firmly_choice"


class Category(StrEnum):
    NECESSARY = "necessary"
    PREFERENCES = "preferences"
    STATISTICS = "statistics"
    MARKETING = "marketing"


OPTIONAL = (Category.PREFERENCES, Category.STATISTICS, Category.MARKETING)

Granted = frozenset[Category]
"""The optional categories a visitor agreed to; empty means refused."""


class Action(StrEnum):
    ACCEPT_ALL = "accept_all"
    REJECT_ALL = "reject_all"
    CUSTOM = "custom"
    WITHDRAW = "withdraw"


class State(StrEnum):
    """Source: ISO/IEC TS 27560:2023, event states (those used so far)."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


def state_of(action: Action, granted: Granted) -> State:
    if action is Action.WITHDRAW:
        return State.WITHDRAWN
    return State.GIVEN if granted else State.REFUSED


def fits(action: Action, granted: Granted, offered: Iterable[Category]) -> bool:
    """Tell whether the choices are what the action says, so that a record cannot contradict itself.

    ``offered`` is what the banner asked for: accepting all accepts at least these.
    """
    match action:
        case Action.ACCEPT_ALL:
            return granted >= frozenset(offered)
        case Action.REJECT_ALL | Action.WITHDRAW:
            return not granted
        case Action.CUSTOM:
            return True


def in_order(granted: Iterable[Category]) -> list[Category]:
    """Return categories in the one order that makes equal choices equal bytes."""
    return [category for category in OPTIONAL if category in set(granted)]


def choice_cookie_value(site: str, granted: Granted, banner: str, expires: date) -> str:
    """Return ``v1.<site>.<granted or none>.<16 digits of the banner version>.<unix day of expiry>``."""
    categories = "-".join(in_order(granted)) or "none"
    return f"v1.{site}.{categories}.{banner[:16]}.{(expires - date(1970, 1, 1)).days}"


def months_later(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
