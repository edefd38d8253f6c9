"""Feeds: kept from the list, shown in folders with their counts, changed and removed."""

from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope
from firmly.leads.condition_json import parse_condition
from firmly.leads.days import DayRange
from firmly.leads.feeds import DAYS, Feed, FeedDraft
from firmly.leads.filter import LeadFilter, sorting_of
from firmly.model import InvalidInputError, Problem
from firmly.warehouse.ordering import NEWEST_FIRST
from firmly.web.asking import Asked, Span
from firmly.web.forms import Form, number_of, whole_number
from firmly.web.lead_pages import LIST, view_of
from firmly.web.parts import Parts

FEEDS = "/app/feeds"


def feeds(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Show every feed that may be seen."""
    return _page(parts, request, scope)


def feed(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Lead on to the list as the feed has it."""
    return RedirectResponse(_list_of(parts, _found(parts, scope, request.path_params["feed_id"])), 303)


def feed_count(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Answer how many companies are in a feed: asked for each feed by itself, since each is a question of its own."""
    found = _found(parts, scope, request.path_params["feed_id"])
    days = DayRange.until(parts.leads.today(), found.days)
    try:
        count = parts.leads.count(scope, LeadFilter(days, condition=found.condition))
    except InvalidInputError as error:
        return parts.pages.part("_feed_count.html", count=None, problems=error.problems)
    return parts.pages.part("_feed_count.html", count=count, problems=())


def keep_feed(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Keep the filter of the list as a new feed, or as what a feed holds from now on."""
    feed_id = whole_number(given["feed"]) if given["feed"] else None
    try:
        draft = _draft(given)
        parts.leads.require_usable(scope, draft.condition)
        if feed_id is None:
            feed_id = parts.leads.feeds.add(scope, draft)
        elif not parts.leads.feeds.change(scope, feed_id, draft):
            raise HTTPException(404)
    except InvalidInputError as error:
        return _page(parts, request, scope, error.problems)
    return RedirectResponse(_list_of(parts, _found(parts, scope, str(feed_id))), 303)


def change_feed(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Give a feed another name or folder."""
    found = _found(parts, scope, given["feed"])
    draft = FeedDraft(given["name"], found.condition, given["folder"], found.days, found.sorting)
    try:
        parts.leads.feeds.change(scope, found.id, draft)
    except InvalidInputError as error:
        return _page(parts, request, scope, error.problems)
    return RedirectResponse(FEEDS, 303)


def remove_feed(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    if not parts.leads.feeds.remove(scope, number_of(given, "feed")):
        raise HTTPException(404)
    return RedirectResponse(FEEDS, 303)


def _draft(given: Form) -> FeedDraft:
    days = whole_number(given["days"], 3) if given["days"] else 30
    if days not in DAYS:
        problem = Problem("days", given["days"][:20], "7, 30 or 90: a feed is about the last days, not about set ones")
        raise InvalidInputError("this feed cannot be kept", [problem])
    sorting = sorting_of(given["sort"]) if given["sort"] else NEWEST_FIRST
    return FeedDraft(given["name"], parse_condition(given["filter"]), given["folder"], days, sorting)


def _found(parts: Parts, scope: MemberScope, text: str) -> Feed:
    feed_id = whole_number(text)
    found = parts.leads.feeds.find(scope, feed_id) if feed_id is not None else None
    if found is None:
        raise HTTPException(404)
    return found


def _list_of(parts: Parts, found: Feed) -> str:
    span = Span(DayRange.until(parts.leads.today(), found.days), found.days)
    return Asked(span, "", None, found.condition, found.sorting, feed=found.id).address(LIST)


def _page(parts: Parts, request: Request, scope: MemberScope, problems: Sequence[Problem] = ()) -> Response:
    folders: dict[str, list[Feed]] = {}
    for one in parts.leads.feeds.of(scope):
        folders.setdefault(one.folder, []).append(one)
    context: dict[str, Any] = {"folders": folders, "problems": problems, "view": view_of(parts, scope)}
    context["may_edit"] = scope.may(Right.EDIT_FEEDS)
    return parts.pages.page(request, "feeds.html", scope, 422 if problems else 200, **context)
