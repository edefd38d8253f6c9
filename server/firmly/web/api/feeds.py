"""Feeds: the filters that a team keeps."""

from typing import Annotated

from msgspec import Meta, Struct

from firmly.accounts.roles import Right
from firmly.leads.condition_json import MAX_JSON, parse_condition, text_of
from firmly.leads.condition_words import sentence_of
from firmly.leads.days import DayRange
from firmly.leads.feeds import MAX_FOLDER, MAX_NAME, Feed, FeedDraft
from firmly.leads.filter import LeadFilter, sorting_of
from firmly.model import NotFoundError
from firmly.warehouse.ordering import NEWEST_FIRST, Order
from firmly.web.api.operation import Call, Nothing, Operation

Printable = "^[^\\x00-\\x1f\\x7f]*$"
FeedName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, pattern=Printable)]
FolderName = Annotated[str, Meta(max_length=MAX_FOLDER, pattern=Printable, description="Empty: in none.")]
FilterText = Annotated[
    str, Meta(max_length=MAX_JSON, pattern=Printable, description="As `filter` of the list; empty: all companies.")
]
Range = Annotated[int, Meta(ge=7, le=90, description="The last 7, 30 or 90 days.")]
SortText = Annotated[str, Meta(pattern=f"^-?({'|'.join(Order)})$")]


class FeedPath(Struct, frozen=True):
    id: Annotated[int, Meta(ge=1, le=2**31 - 1)]


class FeedGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """What a feed holds."""

    name: FeedName
    filter: FilterText = ""
    folder: FolderName = ""
    days: Range = 30
    sort: SortText = str(NEWEST_FIRST)


class FeedView(Struct, frozen=True):
    """A feed; `says` is its filter as a sentence."""

    id: int
    name: str
    folder: str
    filter: str
    says: str
    days: int
    sort: str


class FeedList(Struct, frozen=True):
    items: list[FeedView]


class FeedMade(Struct, frozen=True):
    id: int


class FeedCount(Struct, frozen=True):
    companies: int


def list_feeds(call: Call[Nothing, Nothing, Nothing]) -> FeedList:
    """List the feeds, by folder and name."""
    return FeedList(list(map(_feed, call.parts.leads.feeds.of(call.scope))))


def add_feed(call: Call[Nothing, Nothing, FeedGiven]) -> FeedMade:
    """Keep a filter as a feed."""
    return FeedMade(call.parts.leads.feeds.add(call.scope, _draft(call)))


def change_feed(call: Call[FeedPath, Nothing, FeedGiven]) -> FeedView:
    """Replace what a feed holds. One that limits what members see is changed in the dashboard only."""
    if not call.parts.leads.feeds.change(call.scope, call.path.id, _draft(call)):
        raise NotFoundError
    return _feed(_found(call))


def remove_feed(call: Call[FeedPath, Nothing, Nothing]) -> None:
    """Remove a feed."""
    if not call.parts.leads.feeds.remove(call.scope, call.path.id):
        raise NotFoundError


def count_feed(call: Call[FeedPath, Nothing, Nothing]) -> FeedCount:
    """Count the companies that are in a feed now."""
    feed, leads = _found(call), call.parts.leads
    days = DayRange.until(leads.today(), feed.days)
    return FeedCount(leads.count(call.scope, LeadFilter(days, condition=feed.condition)))


def _found(call: Call[FeedPath, Nothing, FeedGiven] | Call[FeedPath, Nothing, Nothing]) -> Feed:
    found = call.parts.leads.feeds.find(call.scope, call.path.id)
    if found is None:
        raise NotFoundError
    return found


def _draft(call: Call[Nothing, Nothing, FeedGiven] | Call[FeedPath, Nothing, FeedGiven]) -> FeedDraft:
    given, condition = call.body, parse_condition(call.body.filter)
    call.parts.leads.require_usable(call.scope, condition)
    return FeedDraft(given.name, condition, given.folder, given.days, sorting_of(given.sort))


def _feed(one: Feed) -> FeedView:
    says = sentence_of(one.condition)
    return FeedView(one.id, one.name, one.folder, text_of(one.condition), says, one.days, str(one.sorting))


_READ, _EDIT = frozenset({Right.READ_LEADS}), frozenset({Right.EDIT_FEEDS})

OPERATIONS = (
    Operation("GET", "/feeds", list_feeds, _READ),
    Operation("POST", "/feeds", add_feed, _EDIT, status=201, refuses=(422,)),
    Operation("PUT", "/feeds/{id}", change_feed, _EDIT, refuses=(422,)),
    Operation("DELETE", "/feeds/{id}", remove_feed, _EDIT, status=204),
    Operation("GET", "/feeds/{id}/count", count_feed, _READ, refuses=(422,)),
)
