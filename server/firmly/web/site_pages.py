"""The sites of a workspace: the tag to paste, what each measures, and how that came to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.banner_settings import Signal
from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope
from firmly.accounts.site import Site
from firmly.accounts.sites import new_site
from firmly.model import BeforeConsent, Confidence, InvalidInputError, Problem
from firmly.web.asking import CHOICES, read_asked
from firmly.web.consent_mode import google_default, source_hash
from firmly.web.forms import Form
from firmly.web.parts import Parts
from firmly.web.site_form import changed_site, fields_of, given_fields

SITES = "/app/sites"


def sites(parts: Parts, request: Request, scope: MemberScope) -> Response:
    return parts.pages.page(
        request,
        "sites.html",
        scope,
        sites=parts.accounts.sites.of(scope),
        activity=parts.leads.activity(scope),
        may_instruct=scope.may(Right.INSTRUCT),
        base_url=parts.base_url,
    )


def site(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Show a site's settings and their history; 404 for every site of another workspace."""
    found = _own(parts, request, scope)
    return _form(parts, request, scope, found, fields_of(found))


def change_site(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    found = _own(parts, request, scope)
    fields = given_fields(given)
    try:
        parts.accounts.sites.change(scope, changed_site(found, fields))
    except InvalidInputError as error:
        return _form(parts, request, scope, found, fields, status=422, problems=error.problems)
    return RedirectResponse(f"{SITES}/{found.key}?done=changed", 303)


def new(parts: Parts, request: Request, scope: MemberScope) -> Response:
    return _form(parts, request, scope, None, _suggested(parts, scope))


def add_site(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    fields = given_fields(given)
    try:
        added = parts.accounts.sites.add(scope, site_from(scope, fields))
    except InvalidInputError as error:
        return _form(parts, request, scope, None, fields, status=422, problems=error.problems)
    return RedirectResponse(f"{SITES}/{added.key}?done=added", 303)


def site_from(scope: MemberScope, fields: Mapping[str, str]) -> Site:
    """Return a new site of the workspace, not written yet. Raises InvalidInputError with every problem."""
    blank = new_site(scope.workspace_id, name="-", origins=("https://example.com",), controller="-")
    return changed_site(blank, fields)


def coverage(parts: Parts, request: Request, scope: MemberScope) -> Response:
    known = parts.accounts.sites.of(scope)
    asked = read_asked(request.query_params, parts.leads.today(), known)
    return parts.pages.page(
        request,
        "coverage.html",
        scope,
        asked=asked,
        span=asked.span,
        choices=CHOICES,
        coverage=parts.leads.coverage(scope, asked.span.days, asked.filter.site),
        sites=known,
        base_url=parts.base_url,
    )


def _own(parts: Parts, request: Request, scope: MemberScope) -> Site:
    found = parts.accounts.sites.find(scope, request.path_params["key"])
    if found is None:
        raise HTTPException(404)
    return found


@dataclass(frozen=True, slots=True)
class Install:
    """What a site's pages need beside the tag. ``google`` is an inline script, ``""`` where none is needed.

    ``is_elsewhere``: no page of the site has the collector's own host.
    """

    google: str
    google_hash: str
    is_elsewhere: bool


def _install(site: Site, base_url: str) -> Install:
    google = google_default() if Signal.GOOGLE in site.banner.signals else ""
    hosts = {urlsplit(origin).hostname for origin in site.origins}
    return Install(google, source_hash(google) if google else "", urlsplit(base_url).hostname not in hosts)


def _suggested(parts: Parts, scope: MemberScope) -> dict[str, str]:
    """Return the fields of a new site: the safest mode, and the controller that the workspace names."""
    controller = parts.accounts.workspaces.of(scope).controller
    blank = new_site(scope.workspace_id, name="-", origins=("https://example.com",), controller=controller or "-")
    return fields_of(blank) | {"name": "", "origins": "", "controller": controller}


def _form(
    parts: Parts,
    request: Request,
    scope: MemberScope,
    site: Site | None,
    fields: Mapping[str, str],
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
) -> Response:
    return parts.pages.page(
        request,
        "site.html",
        scope,
        status,
        site=site,
        fields=fields,
        modes=tuple(BeforeConsent),
        confidences=tuple(Confidence),
        history=tuple(reversed(parts.accounts.sites.history(scope, site.id))) if site else (),
        may_instruct=scope.may(Right.INSTRUCT),
        base_url=parts.base_url,
        install=_install(site, parts.base_url) if site else None,
        problems=problems,
        done=request.query_params.get("done", ""),
    )
