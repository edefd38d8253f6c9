"""Reads what an address asks for, and writes such addresses: the range of days, the filter, the place."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from firmly.accounts.site import Site
from firmly.leads.condition_json import parse_condition, text_of
from firmly.leads.condition_words import Say
from firmly.leads.days import DayRange
from firmly.leads.filter import MAX_NAME, Cursor, LeadFilter, sorting_of
from firmly.model import InvalidInputError, Problem, SiteId
from firmly.warehouse.conditions import EVERYTHING, Condition
from firmly.warehouse.ordering import NEWEST_FIRST, Sorting
from firmly.web.filter_form import Chip, chips

CHOICES = (7, 30, 90)
DEFAULT_DAYS = 30
MAX_SPAN = 760
YEARS = (2000, 2100)
"""What the warehouse can hold, and what somebody can mean."""


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
    """What a page of the list was asked for; ``site`` None for all of the workspace. ``feed`` is where it began."""

    span: Span
    name: str
    site: Site | None
    condition: Condition = EVERYTHING
    sorting: Sorting = NEWEST_FIRST
    with_hidden: bool = False
    after: Cursor | None = None
    feed: int | None = None

    @property
    def filter(self) -> LeadFilter:
        site = SiteId(self.site.id) if self.site else None
        return LeadFilter(self.span.days, self.name, site, self.condition, self.sorting, self.with_hidden)

    @property
    def is_first_page(self) -> bool:
        return self.after is None

    def address(self, path: str, after: Cursor | None = None) -> str:
        """Return the address of the same list, from its start or after a row."""
        parameters = self.parameters()
        if after:
            parameters["after"] = str(after)
        return f"{path}?{urlencode(parameters)}" if parameters else path

    def parameters(self) -> dict[str, str]:
        """Return what asks for the same list from its start."""
        parameters = self.span.address()
        if self.name:
            parameters["q"] = self.name
        if self.site:
            parameters["site"] = self.site.key
        if self.condition_text:
            parameters["filter"] = self.condition_text
        if self.sorting != NEWEST_FIRST:
            parameters["sort"] = str(self.sorting)
        if self.with_hidden:
            parameters["hidden"] = "1"
        if self.feed:
            parameters["feed"] = str(self.feed)
        return parameters

    @property
    def condition_text(self) -> str:
        return text_of(self.condition)

    def chips(self, say: Say) -> list[Chip]:
        return chips(self.condition, say)

    def without_name(self) -> "Asked":
        return replace(self, name="", after=None)

    def days_only(self) -> "Asked":
        """What other pages than the list can be asked for."""
        return Asked(self.span, "", self.site)

    def passing(self, condition: Condition) -> "Asked":
        return replace(self, condition=condition, after=None)

    def without_feed(self) -> "Asked":
        """The whole list in the same days."""
        return replace(self.days_only(), sorting=self.sorting)

    def ordered_by(self, sorting: Sorting) -> "Asked":
        return replace(self, sorting=sorting, after=None)

    def hiding(self, *, with_hidden: bool) -> "Asked":
        return replace(self, with_hidden=with_hidden, after=None)


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
    sorting = sorting_of(parameters.get("sort", "") or str(NEWEST_FIRST))
    return Asked(
        span,
        name,
        site,
        parse_condition(parameters.get("filter", "")),
        sorting,
        parameters.get("hidden", "") == "1",
        read_after(parameters, is_text=sorting.is_text),
        _feed(parameters.get("feed", "")),
    )


def read_span(parameters: QueryParams, today: date) -> Span:
    """Read ``days``, or ``from`` and ``to``. Raises InvalidInputError."""
    problems: list[Problem] = []
    span = _span(parameters, today, problems)
    if problems:
        raise InvalidInputError("these days cannot be shown", problems)
    return span


def read_after(parameters: QueryParams, *, is_text: bool = False) -> Cursor | None:
    text = parameters.get("after", "")
    return Cursor.parse(text, is_text=is_text) if text else None


def _feed(text: str) -> int | None:
    """What is no feed is none: it only says which one is marked."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


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
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if YEARS[0] <= day.year <= YEARS[1]:
        return day
    problems.append(Problem(key, text[:20], f"a day such as 2026-03-31, from {YEARS[0]} to {YEARS[1]}"))
    return None


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()
