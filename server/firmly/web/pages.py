"""Renders the templates: one environment, the same words and addresses in each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from firmly.accounts.roles import Right, Role, TokenScope
from firmly.accounts.scope import MemberScope
from firmly.leads.condition_json import text_of
from firmly.leads.condition_words import sentence_of
from firmly.leads.filter import org_id_text
from firmly.leads.lead import Moment
from firmly.leads.record import LeadStatus
from firmly.model import Clock, OrgKind
from firmly.warehouse.ordering import NEWEST_FIRST
from firmly.web import member_words, record_words, words
from firmly.web.assets import Assets
from firmly.web.charts import segments, spark_path
from firmly.web.countries import COUNTRIES
from firmly.web.csrf import Csrf
from firmly.web.filter_form import OP_WORDS, chips
from firmly.web.lead_columns import NAME
from firmly.web.sessions import Sessions

_FILTERS: dict[str, Callable[..., Any]] = {
    "number": words.number,
    "counted": words.counted,
    "percent": words.percent,
    "file_size": words.file_size,
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
    "role": member_words.role,
    "role_meaning": member_words.role_meaning,
    "token_scope": member_words.token_scope,
    "action": member_words.action,
    "who": member_words.who,
    "field": member_words.field,
    "moment": member_words.moment,
    "mode_title": member_words.mode_title,
    "mode_name": member_words.mode_name,
    "mode_meaning": member_words.mode_meaning,
    "letter": member_words.letter,
    "letter_meaning": member_words.letter_meaning,
    "shown": member_words.shown,
    "banner_fields": member_words.banner_fields,
    "change": member_words.change,
    "lead_status": record_words.lead_status,
    "fact": record_words.fact,
    "changed_by": record_words.changed_by,
    "note_by": record_words.note_by,
    "record_change": record_words.record_change,
    "initial": words.initial,
    "inside": words.inside,
    "org_id_text": org_id_text,
    "segments": segments,
    "spark_path": spark_path,
    "sentence": sentence_of,
    "short_hash": words.short_hash,
    "chips": chips,
    "condition_text": text_of,
    "score_words": record_words.score_words,
    "score_share": record_words.score_share,
    "score_term": record_words.score_term,
    "score_unit": record_words.score_unit,
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
        self._environment.globals["roles"] = tuple(Role)
        self._environment.globals["token_scopes"] = tuple(TokenScope)
        self._environment.globals["Right"] = Right
        self._environment.globals["lead_statuses"] = tuple(LeadStatus)
        self._environment.globals["name_column"] = NAME
        self._environment.globals["newest_first"] = NEWEST_FIRST
        self._environment.globals["op_words"] = OP_WORDS

    def page(
        self,
        request: Request,
        template: str,
        scope: MemberScope | None = None,
        status: int = 200,
        session_token: str | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """Render a whole page; its forms get a token that fits the browser's cookie and session.

        ``session_token``: the session's new one, where this answer brings it.
        """
        nonce = self._csrf.nonce(request)
        token = self._csrf.token(nonce, session_token or self._sessions.token(request))
        signed_in = getattr(request.state, "signed_in", None)
        response = self.part(template, status, scope=scope, signed_in=signed_in, csrf_token=token, **context)
        self._csrf.remember(response, nonce)
        return response

    def part(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """Render a part of a page that has no form of its own."""
        body = self._environment.get_template(template).render(context)
        return HTMLResponse(body, status, headers={"vary": "cookie, hx-request"})

    def _ago(self, moment: Moment) -> str:
        return words.ago(moment, self._clock())
