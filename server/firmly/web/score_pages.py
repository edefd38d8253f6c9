"""The score: what counts how much, who the ideal customer is, and how the weights would have ranked customers."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope
from firmly.leads.condition_json import parse_condition
from firmly.leads.scoring import HALF_LIFE_DAYS, SCORE_DAYS, Scoring, Term, Weight, Weights, checked
from firmly.model import InvalidInputError, Problem
from firmly.web.filter_form import field_options, with_addition
from firmly.web.forms import Form
from firmly.web.lead_pages import NOTHING_GIVEN, view_of
from firmly.web.parts import Parts

SCORE = "/app/score"
LONGEST_BACK = 760


def score(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Show the weights, and how they would have ranked the leads that are customers, as of a day."""
    query = request.query_params
    kept = parts.leads.scorings.of(scope)
    try:
        scoring = _tried(query, kept) if "try" in query else kept
        as_of = _day(query, parts.leads.today())
    except InvalidInputError as error:
        return _page(parts, request, scope, kept, parts.leads.today(), error.problems, query)
    return _page(parts, request, scope, scoring, as_of)


def change_score(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    kept = parts.leads.scorings.of(scope)
    try:
        parts.leads.scorings.change(scope, _tried(given, kept))
    except InvalidInputError as error:
        return _page(parts, request, scope, kept, parts.leads.today(), error.problems, given)
    return RedirectResponse(SCORE, 303)


def change_ideal(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Add a part to the definition of the ideal customer, or put another definition in its place."""
    kept = parts.leads.scorings.of(scope)
    try:
        ideal = parse_condition(given["ideal"])
        if "field" in given:
            ideal = with_addition(ideal, QueryParams(list(given.items())))
        parts.leads.scorings.change(scope, Scoring(kept.weights, ideal))
    except InvalidInputError as error:
        return _page(parts, request, scope, kept, parts.leads.today(), error.problems)
    return RedirectResponse(f"{SCORE}#ideal", 303)


def _tried(given: Mapping[str, str], kept: Scoring) -> Scoring:
    problems: list[Problem] = []
    of = {
        term: Weight(
            _number(given, f"{term}.points", kept.weights.of[term].points, problems),
            _number(given, f"{term}.most", kept.weights.of[term].most, problems),
        )
        for term in Term
    }
    if problems:
        raise InvalidInputError("this scoring cannot be used", problems)
    return checked(Scoring(Weights(of, _paths(given, "high"), _paths(given, "low")), kept.ideal))


def _number(given: Mapping[str, str], key: str, kept: float, problems: list[Problem]) -> float:
    text = given.get(key, "").strip()
    if not text:
        return kept
    try:
        if len(text) > 8 or not text.replace(".", "", 1).isdecimal():
            raise ValueError
        return float(text)
    except ValueError:
        problems.append(Problem(key, text[:20], "a number from 0 to 100"))
        return kept


def _paths(given: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(given.get(key, "").split())


def _day(query: QueryParams, today: date) -> date:
    text = query.get("as_of", "")
    if not text:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.max
    if today - timedelta(days=LONGEST_BACK) <= day <= today:
        return day
    raise InvalidInputError("this day cannot be looked at", [Problem("as_of", text[:20], "a day up to today")])


def _page(
    parts: Parts,
    request: Request,
    scope: MemberScope,
    scoring: Scoring,
    as_of: date,
    problems: Sequence[Problem] = (),
    given: Mapping[str, str] = NOTHING_GIVEN,
) -> Response:
    context: dict[str, Any] = {
        "scoring": scoring,
        "is_tried": scoring != parts.leads.scorings.of(scope),
        "ranking": parts.leads.back_test(scope, scoring.weights, as_of),
        "as_of": as_of,
        "today": parts.leads.today(),
        "half_life": HALF_LIFE_DAYS,
        "score_days": SCORE_DAYS,
        "terms": tuple(Term),
        "problems": problems,
        "given": given,
        "view": view_of(parts, scope),
        "field_options": [
            (group, [one for one in fields if one.name in ("industry", "size", "country", "kind", "tag")])
            for group, fields in field_options()
        ],
        "may_edit": scope.may(Right.EDIT_FEEDS),
    }
    return parts.pages.page(request, "score.html", scope, 422 if problems else 200, **context)
