"""Which companies are on a site now. The page asks anew when it is told that something changed."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.scope import MemberScope
from firmly.leads.lead import Moment
from firmly.leads.live import WITHIN, LiveVisit
from firmly.web.parts import Parts


def live(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Show the visits that go on, or only the changing part to htmx; 204 when that part is already shown."""
    visits = parts.leads.live.of(scope)
    seen = _fingerprint(visits, parts.clock())
    is_part = "hx-request" in request.headers
    if is_part and request.query_params.get("seen") == seen:
        return Response(status_code=204)
    sites = parts.accounts.sites.of(scope)
    context: dict[str, Any] = {
        "visits": visits,
        "companies": len({visit.identity.org_id for visit in visits}),
        "began": {visit.id: Moment(visit.started_at, is_exact=True) for visit in visits},
        "site_names": {site.id: site.name for site in sites},
        "seen": seen,
        "sites": sites,
        "within": WITHIN,
    }
    if is_part:
        return parts.pages.part("_live.html", **context)
    return parts.pages.page(request, "live.html", scope, **context)


def _fingerprint(visits: Sequence[LiveVisit], now: datetime) -> str:
    """Name what is shown; it changes every minute, so that "since 3 min" stays true."""
    return hashlib.sha256(repr((visits, f"{now:%j %H:%M}")).encode()).hexdigest()[:16]
