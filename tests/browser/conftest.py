"""A real Chromium, a served Firmly, and a website that embeds the script by another origin."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Route, sync_playwright

from firmly.model import BeforeConsent
from tests.browser.installation import Installation, running_installation
from tests.chromium import find_chromium
from tests.collector import BROWSER, NOKIA
from tests.served import Served, event_body, free_port, serving

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script async src="{script}"></script>
<h1>{title}</h1><p>Some text to read.</p><a id="next" href="/pricing">Pricing</a></html>"""
NO_SERVICES = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


class Website:
    """A site with a strict policy for scripts and styles, on ``localhost`` while the collector is on 127.0.0.1.

    For a browser these are two sites, so that the collector's cookies would be a third party's.
    """

    def __init__(self, host: str) -> None:
        self.port = free_port()
        self.origin = f"http://{host}:{self.port}"
        self.script = ""

    def start(self) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", self.port), partial(_Handler, self))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, website: Website, *arguments: object) -> None:
        self._website = website
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        body = PAGE.format(title=f"Page {self.path}", script=self._website.script).encode()
        source = self._website.script.partition("/f/")[0]
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header(
            "content-security-policy",
            f"default-src 'none'; script-src {source}; connect-src {source}; style-src 'none'; "
            "require-trusted-types-for 'script'",
        )
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Stay silent."""


@contextmanager
def open_website() -> Iterator[Website]:
    """Serve a website of its own until the context ends."""
    website = Website("127.0.0.1")
    server = website.start()
    yield website
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def website() -> Iterator[Website]:
    with open_website() as website:
        yield website


@pytest.fixture(scope="session")
def served(website: Website, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("served") / "data", website.origin)
    website.script = f"{served.url}/f/{served.site.key}.js"
    served.start()
    yield served
    served.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium where it is installed, else Playwright's own. Without any the test fails."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(NO_SERVICES))
        yield browser
        browser.close()


ORIGIN = "https://www.firm.example"


def send_visit(served: Served, path: str, address: str = NOKIA, **more: object) -> None:
    """Look at a page as somebody behind ``address``, without a browser."""
    headers = {"x-forwarded-for": address, "user-agent": BROWSER, "origin": ORIGIN, "content-type": "text/plain"}
    body = event_body(served, "", path, **more)
    httpx.post(f"{served.url}/f/e", content=body, headers=headers).raise_for_status()


@pytest.fixture(scope="session")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own, with one company on the list that read the prices. Tests add visits, nothing else."""
    with serving(Served(tmp_path_factory.mktemp("firm") / "data", ORIGIN, BeforeConsent.COMPANY)) as served:
        send_visit(served, "/pricing")
        yield served


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh profile whose requests to the collector say, as a trusted proxy would, that they come from Nokia."""
    context = chromium.new_context(user_agent=BROWSER, locale="en-GB")

    def from_nokia(route: Route) -> None:
        route.continue_(headers={**route.request.headers, "x-forwarded-for": "131.228.1.1"})

    context.route("**/f/**", from_nokia)
    yield context
    context.close()


@pytest.fixture
def member(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(locale="en-GB")
    yield context
    context.close()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One served Firmly with mail; each test makes workspaces of its own in it."""
    with running_installation(tmp_path_factory.mktemp("installation")) as installation:
        yield installation


@pytest.fixture
def empty_website() -> Iterator[Website]:
    """A website without a script yet."""
    with open_website() as website:
        yield website
