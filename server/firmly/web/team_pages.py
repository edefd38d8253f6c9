"""The team of a workspace: members, roles, invitations."""

from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.roles import RESTRICTABLE, Right, Role
from firmly.accounts.scope import MemberScope
from firmly.accounts.team import InvitationId, Invited
from firmly.model import InvalidInputError, MemberId, Problem
from firmly.web.forms import Form, number_of, whole_number
from firmly.web.lead_pages import NOTHING_GIVEN
from firmly.web.parts import Parts
from firmly.web.sessions import HOME

TEAM = "/app/team"


def team(
    parts: Parts,
    request: Request,
    scope: MemberScope,
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
    given: Mapping[str, str] = NOTHING_GIVEN,
    link: str = "",
) -> Response:
    """Show members and invitations; ``link`` is that of a new invitation which cannot be mailed."""
    return parts.pages.page(
        request,
        "team.html",
        scope,
        status,
        members=parts.accounts.team.members(scope),
        invitations=parts.accounts.team.invitations(scope),
        can_send=parts.post.can_send,
        problems=problems,
        given=given,
        link=link,
        feeds=parts.leads.feeds.of(scope) if scope.may(Right.READ_LEADS) else (),
        restrictable=RESTRICTABLE,
        done=request.query_params.get("done", ""),
    )


def invite(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    try:
        invited = parts.accounts.team.invite(scope, given["email"], _role(given), _feeds(parts, scope, given))
    except InvalidInputError as error:
        return team(parts, request, scope, status=422, problems=error.problems, given=given)
    return _handed_over(parts, request, scope, invited)


def renew_invitation(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Send an invitation again: with a new link, the old one ends."""
    invited = parts.accounts.team.renew(scope, InvitationId(number_of(given, "invitation")))
    if invited is None:
        raise HTTPException(404)
    return _handed_over(parts, request, scope, invited)


def revoke_invitation(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    parts.accounts.team.revoke(scope, InvitationId(number_of(given, "invitation")))
    return RedirectResponse(f"{TEAM}?done=revoked", 303)


def change_role(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    parts.accounts.team.change_role(scope, MemberId(number_of(given, "member")), _role(given))
    return RedirectResponse(f"{TEAM}?done=role", 303)


def restrict_member(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Let a member see some feeds only, or all leads again."""
    try:
        parts.accounts.team.restrict(scope, MemberId(number_of(given, "member")), _feeds(parts, scope, given))
    except InvalidInputError as error:
        return team(parts, request, scope, status=422, problems=error.problems)
    return RedirectResponse(f"{TEAM}?done=feeds", 303)


def remove_member(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    parts.accounts.team.remove(scope, MemberId(number_of(given, "member")))
    return RedirectResponse(f"{TEAM}?done=removed", 303)


def leave(parts: Parts, _request: Request, scope: MemberScope, _given: Form) -> Response:
    """End one's own membership."""
    parts.accounts.team.leave(scope)
    return RedirectResponse(HOME, 303)


def _handed_over(parts: Parts, request: Request, scope: MemberScope, invited: Invited) -> Response:
    if not parts.post.can_send:
        return team(parts, request, scope, link=parts.post.invitation_link(invited))
    parts.post.invite(scope, invited, scope.member_name)
    return RedirectResponse(f"{TEAM}?done=invited", 303)


def _role(given: Form) -> Role:
    try:
        return Role(given["role"])
    except ValueError:
        problem = Problem("role", given["role"], "one of the roles that are listed")
        raise InvalidInputError("this role cannot be given", [problem]) from None


def _feeds(parts: Parts, scope: MemberScope, given: Form) -> list[int] | None:
    """Return the feeds that a form restricts somebody to; None for all leads."""
    if given["sees"] != "feeds":
        return None
    known = {int(feed.id) for feed in parts.leads.feeds.of(scope)}
    chosen = [whole_number(text) for text in given.all("feed")]
    if not chosen or not known.issuperset(chosen):
        problem = Problem("feeds", "", "one or more of the workspace's feeds, or all leads")
        raise InvalidInputError("this cannot be what a member sees", [problem])
    return [one for one in chosen if one is not None]
