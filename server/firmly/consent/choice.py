"""Categories, actions and the choice cookie: what a visitor may choose and how the script remembers it.

The choice cookie is readable by the script and holds no id: categories, banner version, expiry.
"""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from firmly.model import OPTIONAL, Category

CHOICE_COOKIE = "firmly_choice"


Granted = frozenset[Category]
"""The optional categories a visitor agreed to; empty means refused."""


class Action(StrEnum):
    """What ended in a record: the visitor's doing, a signal of their browser, or the end of the time."""

    ACCEPT_ALL = "accept_all"
    REJECT_ALL = "reject_all"
    CUSTOM = "custom"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    GPC = "gpc"
    DNT = "dnt"

    @property
    def is_signal(self) -> bool:
        return self in (Action.GPC, Action.DNT)

    @property
    def may_grant(self) -> bool:
        """Only a visitor's own yes grants (RULES R24): no signal, no sweep."""
        return self in (Action.ACCEPT_ALL, Action.CUSTOM)


class Source(StrEnum):
    """Where a record comes from."""

    BANNER = "banner"
    PREFERENCES = "preferences"
    API = "api"
    SIGNAL = "signal"
    SWEEP = "sweep"
    """Firmly itself, where a time is over or what was agreed to is asked for no longer."""


class State(StrEnum):
    """Source: ISO/IEC TS 27560:2023, event states. ``requested`` is none of ours: nothing is kept before a choice."""

    GIVEN = "given"
    RENEWED = "renewed"
    """Given again, with the same categories, while it stood."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    """The site asks for something else now."""

    @property
    def grants(self) -> bool:
        return self in (State.GIVEN, State.RENEWED)

    @property
    def refuses(self) -> bool:
        """Tell whether the visitor said no, after which they are not asked again until it expires."""
        return self in (State.REFUSED, State.WITHDRAWN)


REFUSAL_MONTHS = 6
"""A refusal is remembered at least this long. Source: CNIL 2020-092, recommendation of six months."""

_NOTHING: Granted = frozenset()


def state_of(action: Action, granted: Granted, standing: Granted = _NOTHING) -> State:
    """Return the state that an action leads to; ``standing`` is what consent stands for until then."""
    if action is Action.EXPIRE:
        return State.EXPIRED
    if action is Action.WITHDRAW:
        return State.WITHDRAWN
    if not granted or not action.may_grant:
        return State.REFUSED
    return State.RENEWED if granted == standing else State.GIVEN


def comes_from(action: Action, source: str) -> bool:
    """Tell whether a browser may send this action from there: signals as signals, and nothing of the sweep's."""
    if action is Action.EXPIRE or source == Source.SWEEP:
        return False
    return action.is_signal is (source == Source.SIGNAL)


def fits(action: Action, granted: Granted, offered: Iterable[Category]) -> bool:
    """Tell whether the choices are what the action says, so that a record cannot contradict itself.

    ``offered`` is what the banner asked for: accepting all accepts at least these.
    """
    match action:
        case Action.ACCEPT_ALL:
            return granted >= frozenset(offered)
        case Action.CUSTOM:
            return True
        case _:
            return not granted


def expiry_of(state: State, day: date, months: int) -> date:
    """Return until when a choice of ``day`` is remembered; a refusal never shorter than an acceptance."""
    return months_later(day, months if state.grants else max(months, REFUSAL_MONTHS))


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
