"""The register of disclosures: a list that only grows, and its form."""

from collections.abc import Mapping, Sequence
from datetime import date

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.scope import MemberScope
from firmly.model import InvalidInputError, Problem
from firmly.web.forms import Form
from firmly.web.lead_pages import NOTHING_GIVEN
from firmly.web.parts import Parts

DISCLOSURES = "/app/disclosures"


def disclosures(
    parts: Parts,
    request: Request,
    scope: MemberScope,
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
    given: Mapping[str, str] = NOTHING_GIVEN,
) -> Response:
    return parts.pages.page(
        request,
        "disclosures.html",
        scope,
        status,
        disclosures=parts.accounts.disclosures.of(scope),
        today=parts.clock().date(),
        problems=problems,
        given=given,
    )


def add_disclosure(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    try:
        parts.accounts.disclosures.add(
            scope, _day(given["day"]), given["asked_by"], given["basis"], given["given"].replace("\r\n", "\n")
        )
    except InvalidInputError as error:
        return disclosures(parts, request, scope, status=422, problems=error.problems, given=given)
    return RedirectResponse(DISCLOSURES, 303)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = Problem("day", text[:20], "a day that has come, such as 2026-11-22")
        raise InvalidInputError("this disclosure cannot be entered", [problem]) from None
