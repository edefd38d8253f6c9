"""The way in for a new workspace, in three steps: who you are, the site and its mode, the tag and the first visit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope
from firmly.accounts.site import Site
from firmly.accounts.workspaces import Workspace
from firmly.model import BeforeConsent, InvalidInputError, Problem
from firmly.web.forms import Form
from firmly.web.lead_pages import WELCOME
from firmly.web.parts import Parts
from firmly.web.site_form import fields_of
from firmly.web.site_pages import site_from

OF_SITE = ("name", "origins", "before_consent", "language")


def welcome(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Show the first step that is not done yet, or the one asked for among those that can be."""
    workspace, sites = parts.accounts.workspaces.of(scope), parts.accounts.sites.of(scope)
    step = 1 if not workspace.controller and scope.may(Right.MANAGE_WORKSPACE) else 2 if not sites else 3
    asked = request.query_params.get("step", "")
    step = int(asked) if asked in ("1", "2", "3") and int(asked) < step else step
    if step == 1 and not scope.may(Right.MANAGE_WORKSPACE):
        step = 2
    return _page(parts, request, scope, step, workspace, sites)


def welcome_workspace(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    now = parts.accounts.workspaces.of(scope)
    wanted = replace(
        now,
        name=given["name"],
        controller=given["controller"],
        contact=given["contact"],
        region=given["region"],
        time_zone=given["time_zone"],
    )
    problems = (
        [] if wanted.controller else [Problem("controller", "", "who answers for your sites, as visitors read it")]
    )
    try:
        if problems:
            raise InvalidInputError("these settings cannot be used", problems)
        parts.accounts.workspaces.change(scope, wanted)
    except InvalidInputError as error:
        sites = parts.accounts.sites.of(scope)
        return _page(parts, request, scope, 1, wanted, sites, status=422, problems=error.problems)
    return RedirectResponse(WELCOME, 303)


def welcome_site(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    workspace, given_here = parts.accounts.workspaces.of(scope), {key: given[key] for key in OF_SITE}
    controller = workspace.controller or workspace.name
    blank = fields_of(site_from(scope, _BLANK | {"controller": controller}))
    try:
        parts.accounts.sites.add(scope, site_from(scope, blank | given_here))
    except InvalidInputError as error:
        sites = parts.accounts.sites.of(scope)
        return _page(parts, request, scope, 2, workspace, sites, status=422, problems=error.problems, given=given_here)
    return RedirectResponse(WELCOME, 303)


def first_visit(parts: Parts, _request: Request, scope: MemberScope) -> Response:
    """Answer the part of the last step that waits for the first page view."""
    sites = parts.accounts.sites.of(scope)
    return parts.pages.part("_first_visit.html", sites=sites, activity=parts.leads.activity(scope))


_BLANK = {
    "name": "-",
    "origins": "https://example.com",
    "before_consent": BeforeConsent.WAIT.value,
    "privacy_url": "",
    "language": "en",
    "query_keys": "",
    "goals": "",
    "titles": "",
    "retention_days": "395",
    "min_confidence": "high",
    "staff_networks": "",
}
_NOTHING: Mapping[str, str] = {"name": "", "origins": "", "before_consent": BeforeConsent.WAIT.value, "language": "en"}


def _page(
    parts: Parts,
    request: Request,
    scope: MemberScope,
    step: int,
    workspace: Workspace,
    sites: tuple[Site, ...],
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
    given: Mapping[str, str] = _NOTHING,
) -> Response:
    return parts.pages.page(
        request,
        "welcome.html",
        scope,
        status,
        step=step,
        workspace=workspace,
        sites=sites,
        modes=tuple(BeforeConsent),
        activity=parts.leads.activity(scope) if step == 3 else {},
        may_manage=scope.may(Right.MANAGE_WORKSPACE),
        base_url=parts.base_url,
        problems=problems,
        given=given,
    )
