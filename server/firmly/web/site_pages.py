"""The sites of a workspace with the tag to paste, and the coverage ledger."""

from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.scope import Scope
from firmly.web.asking import CHOICES, read_asked
from firmly.web.parts import Parts


def sites(parts: Parts, request: Request, scope: Scope) -> Response:
    return parts.pages.page(
        request,
        "sites.html",
        scope,
        sites=parts.accounts.sites(scope),
        activity=parts.leads.activity(scope),
        base_url=parts.base_url,
    )


def coverage(parts: Parts, request: Request, scope: Scope) -> Response:
    known = parts.accounts.sites(scope)
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
