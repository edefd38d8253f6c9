"""The pages over a town of firms, seen through a browser-like client that keeps cookies."""

import asyncio
import re
from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from firmly.consent.counts import ConsentCounts
from firmly.leads.service import Leads
from firmly.mail.outbox import Outbox
from firmly.mail.templates import LetterTemplates
from firmly.packaged import dashboards
from firmly.web.application import build_web
from tests.town import KEYS, PASSWORD, Firm, Town

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Client:
    """A blocking httpx client straight to an ASGI application; it follows no redirect by itself."""

    def __init__(self, application: ASGIApp, base_url: str) -> None:
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=base_url)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return asyncio.run(self._client.get(path, headers=headers))

    def head(self, path: str) -> httpx.Response:
        return asyncio.run(self._client.head(path))

    def post(self, path: str, data: dict[str, str]) -> httpx.Response:
        return asyncio.run(self._client.post(path, data=data))


def mail_of(town: Town) -> Outbox:
    """Return an outbox without a mail server: what is put is noted as not sent."""
    return Outbox(None, LetterTemplates(dashboards() / "templates" / "mail"), town.accounts.letters, town.clock)


class Visitor:
    """A browser at the pages; ``base_url`` decides between plain and encrypted."""

    def __init__(
        self, town: Town, leads: Leads, base_url: str, keys: tuple[str, ...] = KEYS, outbox: Outbox | None = None
    ) -> None:
        self.outbox = outbox or mail_of(town)
        web = build_web(
            town.accounts,
            leads,
            town.records,
            town.company_data,
            ConsentCounts(town.control_plane),
            self.outbox,
            town.devices,
            clock=town.clock,
            secret_keys=keys,
            base_url=base_url,
            dashboards=dashboards(),
        )
        application = Starlette(routes=[Mount("/app", app=web)])
        self.client = Client(application, base_url)

    def csrf_token(self, path: str = "/app/sign-in") -> str:
        found = _TOKEN.search(self.client.get(path).text)
        assert found is not None
        return found[1]

    def sign_in(self, firm: Firm, password: str = PASSWORD, **more: str) -> None:
        form = {"csrf_token": self.csrf_token(), "email": firm.email, "password": password, **more}
        answer = self.client.post("/app/sign-in", data=form)
        assert answer.status_code == 303, answer.text

    def text(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def visitor_at(town: Town, leads: Leads) -> Callable[[str], Visitor]:
    return lambda base_url: Visitor(town, leads, base_url)


@pytest.fixture
def visitor(visitor_at: Callable[[str], Visitor]) -> Visitor:
    return visitor_at("http://127.0.0.1:8000")


@pytest.fixture
def member(visitor: Visitor, firm: Firm) -> Visitor:
    visitor.sign_in(firm)
    return visitor
