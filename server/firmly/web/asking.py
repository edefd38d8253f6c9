"""Reads what an address asks for, and writes such addresses: the range of days, the filter, the place."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from firmly.accounts.site import Site
from firmly.leads.days import DayRange
from firmly.leads.filter import MAX_NAME, NEWEST, Cursor, LeadFilter
from firmly.model import InvalidInputError, Problem, SiteId

CHOICES = (7, 30, 90)
DEFAULT_DAYS = 30
MAX_SPAN = 760


@dataclass(frozen=True, slots=True)
class Span:
    """The days asked for; ``choice`` is one of `CHOICES`, or None for days given one by one."""

    days: DayRange
    choice: int | None

    def address(self) -> dict[str, str]:
        """Return the parameters that ask for the same again; none for the default."""
        if self.choice is None:
            return {"from": self.days.first.isoformat(), "to": self.days.last.isoformat()}
        return {} if self.choice == DEFAULT_DAYS else {"days": str(self.choice)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page of the list was asked for; ``site`` None for all of the workspace."""

    span: Span
    name: str
    site: Site | None
    after: Cursor

    @property
    def filter(self) -> LeadFilter:
        return LeadFilter(self.span.days, self.name, SiteId(self.site.id) if self.site else None)

    @property
    def is_first_page(self) -> bool:
        return self.after == NEWEST

    def address(self, path: str, after: Cursor | None = None) -> str:
        """Return the address of the same list, from its start or after a row."""
        parameters = self.span.address()
        if self.name:
            parameters["q"] = self.name
        if self.site:
            parameters["site"] = self.site.key
        if after:
            parameters["after"] = str(after)
        return f"{path}?{urlencode(parameters)}" if parameters else path

    def without_name(self) -> "Asked":
        return replace(self, name="", after=NEWEST)


def read_asked(parameters: QueryParams, today: date, sites: Iterable[Site]) -> Asked:
    """Read the parameters of the list.

    Raises:
        InvalidInputError: with every problem found.
    """
    problems: list[Problem] = []
    span = _span(parameters, today, problems)
    name = _printable(parameters.get("q", ""))
    if len(name) > MAX_NAME:
        problems.append(Problem("q", name[:MAX_NAME] + "...", f"at most {MAX_NAME} characters"))
    key = parameters.get("site", "")
    site = next((site for site in sites if site.key == key), None)
    if key and site is None:
        problems.append(Problem("site", key[:40], "the key of a site of this workspace"))
    if problems:
        raise InvalidInputError("this list cannot be shown", problems)
    return Asked(span, name, site, read_after(parameters))


def read_span(parameters: QueryParams, today: date) -> Span:
    """Read ``days``, or ``from`` and ``to``. Raises InvalidInputError."""
    problems: list[Problem] = []
    span = _span(parameters, today, problems)
    if problems:
        raise InvalidInputError("these days cannot be shown", problems)
    return span


def read_after(parameters: QueryParams) -> Cursor:
    text = parameters.get("after", "")
    return Cursor.parse(text) if text else NEWEST


def _span(parameters: QueryParams, today: date, problems: list[Problem]) -> Span:
    if parameters.get("from") or parameters.get("to"):
        return _given_days(parameters, today, problems)
    text = parameters.get("days", "") or str(DEFAULT_DAYS)
    if text not in map(str, CHOICES):
        problems.append(Problem("days", text[:20], "7, 30 or 90"))
        return Span(DayRange.until(today, DEFAULT_DAYS), DEFAULT_DAYS)
    return Span(DayRange.until(today, int(text)), int(text))


def _given_days(parameters: QueryParams, today: date, problems: list[Problem]) -> Span:
    first = _day(parameters, "from", problems) or today
    last = _day(parameters, "to", problems) or today
    if not problems and not 0 <= (last - first).days < MAX_SPAN:
        expected = f"a day from {first.isoformat()} on, at most {MAX_SPAN} days later"
        problems.append(Problem("to", last.isoformat(), expected))
    return Span(DayRange(first, first if problems else last), None)


def _day(parameters: QueryParams, key: str, problems: list[Problem]) -> date | None:
    text = parameters.get(key, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        problems.append(Problem(key, text[:20], "a day such as 2026-03-31"))
        return None


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()
