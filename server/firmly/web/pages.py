"""Renders the templates: one environment, the same words and addresses in each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from firmly.accounts.scope import Scope
from firmly.leads.filter import org_id_text
from firmly.leads.lead import Moment
from firmly.model import Clock, OrgKind
from firmly.web import words
from firmly.web.assets import Assets
from firmly.web.charts import segments, spark_path
from firmly.web.countries import COUNTRIES
from firmly.web.csrf import Csrf
from firmly.web.sessions import Sessions

_FILTERS: dict[str, Callable[..., Any]] = {
    "number": words.number,
    "counted": words.counted,
    "percent": words.percent,
    "duration": words.duration,
    "minutes": words.minutes,
    "long_day": words.long_day,
    "short_day": words.short_day,
    "exact": words.exact,
    "country": words.country,
    "corrected": words.corrected,
    "kind": words.kind,
    "confidence": words.confidence,
    "lost": words.lost,
    "outcome": words.outcome,
    "outcome_meaning": words.outcome_meaning,
    "origin": words.origin,
    "before_consent": words.before_consent,
    "initial": words.initial,
    "inside": words.inside,
    "org_id_text": org_id_text,
    "segments": segments,
    "spark_path": spark_path,
}


class Pages:
    """Everything is escaped; a name that a template uses and a handler does not give is an error."""

    def __init__(self, folder: Path, assets: Assets, sessions: Sessions, csrf: Csrf, clock: Clock) -> None:
        self._sessions = sessions
        self._csrf = csrf
        self._clock = clock
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= _FILTERS
        self._environment.filters["ago"] = self._ago
        self._environment.globals["asset"] = assets.url
        self._environment.globals["countries"] = COUNTRIES
        self._environment.globals["kinds"] = tuple(OrgKind)

    def page(
        self, request: Request, template: str, scope: Scope | None = None, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """Render a whole page; its forms get a token that fits the browser's cookie and session."""
        nonce = self._csrf.nonce(request)
        token = self._csrf.token(nonce, self._sessions.token(request))
        response = self.part(template, status, scope=scope, csrf_token=token, **context)
        self._csrf.remember(response, nonce)
        return response

    def part(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """Render a part of a page that has no form of its own."""
        body = self._environment.get_template(template).render(context)
        return HTMLResponse(body, status, headers={"vary": "cookie, hx-request"})

    def _ago(self, moment: Moment) -> str:
        return words.ago(moment, self._clock())
