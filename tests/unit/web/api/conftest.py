"""The API over a town of firms, seen by programs with tokens."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from firmly.accounts.roles import TokenScope
from firmly.consent.counts import ConsentCounts
from firmly.consent.exports import ConsentExports
from firmly.consent.keys import LogKeys
from firmly.consent.log import ConsentLog
from firmly.leads.service import Leads
from firmly.mail.outbox import Outbox
from firmly.mail.templates import LetterTemplates
from firmly.mail.transport import Smtp
from firmly.packaged import dashboards
from firmly.web.api.application import build_api
from tests.town import KEYS, Firm, Town

BASE_URL = "https://firmly.example"


class Program:
    """A client of the API with a token, or none; it keeps no cookie."""

    def __init__(self, application: ASGIApp, token: str | None) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers)

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        return asyncio.run(self._client.request(method, f"/api/v1{path}", **given))

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.ask("GET", path, **given)

    def json(self, path: str, **given: Any) -> Any:
        answer = self.get(path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()


def token_of(firm: Firm, *scopes: TokenScope) -> str:
    return firm.accounts.tokens.make(firm.scope, "A program", scopes or TokenScope, 30)


@pytest.fixture
def new_outbox(town: Town) -> Callable[..., Outbox]:
    templates = LetterTemplates(dashboards() / "templates" / "mail")

    def make(transport: Smtp | None = None) -> Outbox:
        return Outbox(transport, templates, town.accounts.letters, town.clock)

    return make


@pytest.fixture
def new_api(town: Town, leads: Leads, new_outbox: Callable[..., Outbox]) -> Callable[..., ASGIApp]:
    """Make the API; ``given`` replaces arguments of `build_api`."""

    def make(**given: Any) -> ASGIApp:
        parts: dict[str, Any] = {
            "outbox": new_outbox(),
            "consent": ConsentCounts(town.control_plane),
            "consent_exports": ConsentExports(town.control_plane, ConsentLog(LogKeys(KEYS)), town.clock),
            "leads": leads,
            "records": town.records,
            "company_data": town.company_data,
        } | given
        api = build_api(town.accounts, clock=town.clock, base_url=BASE_URL, **parts)
        return Starlette(routes=[Mount("/api/v1", api)])

    return make


@pytest.fixture
def api(new_api: Callable[..., ASGIApp]) -> ASGIApp:
    return new_api()


@pytest.fixture
def program(api: ASGIApp) -> Callable[..., Program]:
    """Make a client of the API for a firm, with these scopes or all."""
    return lambda firm, *scopes: Program(api, token_of(firm, *scopes))


@pytest.fixture
def ours(program: Callable[..., Program], firm: Firm) -> Program:
    """A program of the firm with every scope."""
    return program(firm)
