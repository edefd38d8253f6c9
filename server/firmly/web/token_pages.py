"""API tokens of a workspace: made, shown once, revoked."""

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.api_tokens import TokenId
from firmly.accounts.roles import TokenScope
from firmly.accounts.scope import MemberScope
from firmly.model import InvalidInputError, Problem
from firmly.web.forms import Form, number_of, whole_number
from firmly.web.lead_pages import NOTHING_GIVEN
from firmly.web.parts import Parts

TOKENS = "/app/tokens"
CHOICES = (30, 90, 365)


def tokens(
    parts: Parts,
    request: Request,
    scope: MemberScope,
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
    given: Mapping[str, str] = NOTHING_GIVEN,
    wanted: Sequence[str] = (),
    made: str = "",
) -> Response:
    """Show the tokens; ``made`` is a new one, for the only time."""
    return parts.pages.page(
        request,
        "tokens.html",
        scope,
        status,
        tokens=parts.accounts.tokens.of(scope),
        now=parts.clock(),
        choices=CHOICES,
        problems=problems,
        given=given,
        wanted=wanted,
        made=made,
        base_url=parts.base_url,
    )


def make_token(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    wanted = given.all("scope")
    try:
        made = parts.accounts.tokens.make(
            scope,
            given["name"],
            [known for known in TokenScope if known.value in wanted],
            whole_number(given["days"], 4) or 0,
        )
    except InvalidInputError as error:
        return tokens(parts, request, scope, status=422, problems=error.problems, given=given, wanted=wanted)
    return tokens(parts, request, scope, made=made)


def revoke_token(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    parts.accounts.tokens.revoke(scope, TokenId(number_of(given, "token")))
    return RedirectResponse(TOKENS, 303)
