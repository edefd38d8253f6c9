"""A real Chromium, a served Firmly, and a website that embeds the script by another origin."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, sync_playwright

from tests.collector import BROWSER
from tests.served import Served, free_port

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
        threading.Thread(target=server.serve_forever, daemon=True).start()
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
    found = shutil.which("chromium") or os.environ.get("CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(NO_SERVICES))
        yield browser
        browser.close()


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
