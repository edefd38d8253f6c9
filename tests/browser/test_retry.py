"""What the script measured arrives once, whatever becomes of the network, the collector and the page (docs/WIRE.md).

Between browser and collector stands a relay that loses answers, refuses and goes away when a test says so.
"""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import Website, open_website
from tests.browser.test_first_light import layer
from tests.browser.test_withdrawal import withdraw
from tests.collector import BROWSER, NOKIA
from tests.served import Served, free_port, serving

pytestmark = pytest.mark.browser

CORS = {"access-control-allow-origin": "*", "access-control-expose-headers": "x-firmly-dropped, retry-after"}


@dataclass
class Try:
    """One request with events, as the relay saw it; ``status`` is None where the browser got no answer."""

    body: dict[str, Any]
    at: float = field(default_factory=time.monotonic)
    status: int | None = None
    dropped: str | None = None


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes = b""


PassOn = Callable[[], Answer | None]
Plan = Callable[[PassOn], Answer | None]


class Relay:
    """Passes requests on to the collector, and does to those with events what ``plan`` says, in order."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tries: list[Try] = []
        self.plan: list[Plan] = []
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), partial(_Relayed, self))
        threading.Thread(target=partial(self._server.serve_forever, 0.05), daemon=True).start()

    def stop(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def of(self, path: str) -> list[Try]:
        """Return the tries with the page view of ``path``."""
        return [one for one in self.tries if any(_is_view(event, path) for event in one.body["events"])]


def _is_view(event: dict[str, Any], path: str) -> bool:
    return event["kind"] == "pageview" and str(event["url"]).endswith(path)


class _Relayed(BaseHTTPRequestHandler):
    """Speaks HTTP/1.0: on connections that are used again Chromium would send a lost request again by itself."""

    def __init__(self, relay: Relay, *arguments: object) -> None:
        self._relay = relay
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.command == "POST" and self.path == "/f/e":
            one = Try(json.loads(body))
            self._relay.tries.append(one)
            plan = self._relay.plan.pop(0) if self._relay.plan else None
            answer = plan(partial(self._pass_on, body)) if plan else self._pass_on(body)
            if answer:
                one.dropped = answer.headers.get("x-firmly-dropped")
                self._answer(answer)
                one.status = answer.status
        elif answer := self._pass_on(body):
            self._answer(answer)

    do_POST = do_OPTIONS = do_GET

    def _pass_on(self, body: bytes) -> Answer | None:
        """Ask the collector; None where it is away, or nobody waits for the answer any more."""
        if self._is_client_gone():
            return None
        upstream = HTTPConnection("127.0.0.1", self._relay.served.port, timeout=30)
        # Chromium sends what outlives a page with its own user agent, not with the one that tests give to a context.
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers |= {"x-forwarded-for": NOKIA, "user-agent": BROWSER}
        try:
            upstream.request(self.command, self.path, body, headers)
            got = upstream.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        except (OSError, HTTPException):
            return None
        finally:
            upstream.close()

    def _is_client_gone(self) -> bool:
        self.connection.setblocking(False)
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        finally:
            self.connection.setblocking(True)

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name not in ("connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Stay silent."""


def lose(pass_on: PassOn) -> None:
    """Let the collector store it, and cut the connection before the answer."""
    stored = pass_on()
    assert stored is not None
    assert stored.status == 202


def refuse(retry_after: str | None = None) -> Plan:
    """Answer as the collector does when it cannot store."""
    headers = {**CORS, **({"retry-after": retry_after} if retry_after else {})}
    return lambda _pass_on: Answer(503, headers)


@pytest.fixture(scope="module")
def shop() -> Iterator[Website]:
    """A website of this module's own, whose script comes through the relay."""
    with open_website() as website:
        yield website


@pytest.fixture(scope="module")
def own_served(shop: Website, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("retry") / "data", shop.origin, titles=True)
    with serving(served):
        yield served


@pytest.fixture(scope="module")
def expected() -> Counter[str]:
    """Page views by path that the tests of this module have sent: the last test looks for exactly these."""
    return Counter()


@pytest.fixture
def relay(own_served: Served, shop: Website) -> Iterator[Relay]:
    relay = Relay(own_served)
    relay.start()
    shop.script = f"{relay.url}/f/{own_served.site.key}.js"
    yield relay
    relay.stop()


@pytest.fixture
def person(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def page(person: BrowserContext, shop: Website, relay: Relay, expected: Counter[str]) -> Page:
    """A page whose visitor has agreed and whose first page view has arrived."""
    page = person.new_page()
    page.goto(shop.origin + "/")
    layer(page)("Accept all")
    wait_for(page, lambda: any(one.status == 202 for one in relay.tries))
    expected["/"] += 1
    return page


def wait_for(page: Page, condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} seconds"
        page.wait_for_timeout(50)


def view(page: Page, path: str) -> None:
    page.evaluate("path => history.pushState({}, '', path)", path)


def arrived(relay: Relay, path: str) -> Callable[[], bool]:
    return lambda: any(one.status == 202 for one in relay.of(path))


def test_lost_answer_is_asked_for_again_with_the_same_batch_and_counted_once(
    page: Page, relay: Relay, expected: Counter[str]
) -> None:
    relay.plan = [lose]
    view(page, "/lost")
    wait_for(page, arrived(relay, "/lost"))
    first, second = relay.of("/lost")
    assert second.body == first.body
    assert second.dropped is not None
    assert second.dropped.startswith("duplicate=")
    assert second.at - first.at > 0.9
    expected["/lost"] += 1


def test_lost_answer_of_a_collector_that_died_is_counted_once_by_the_next(
    page: Page, relay: Relay, expected: Counter[str]
) -> None:
    died = threading.Event()

    def lose_and_die(pass_on: PassOn) -> None:
        lose(pass_on)
        relay.served.kill()
        died.set()

    relay.plan = [lose_and_die]
    view(page, "/died")
    wait_for(page, died.is_set)
    relay.served.start()
    wait_for(page, arrived(relay, "/died"))
    tries = relay.of("/died")
    assert {one.body["batch"] for one in tries} == {tries[0].body["batch"]}
    assert tries[-1].dropped is not None
    assert tries[-1].dropped.startswith("duplicate=")
    expected["/died"] += 1


def test_collector_that_cannot_store_is_given_the_time_it_asks_for(
    page: Page, relay: Relay, expected: Counter[str]
) -> None:
    relay.plan = [refuse("2"), refuse("1")]
    view(page, "/full")
    wait_for(page, arrived(relay, "/full"))
    first, second, third = relay.of("/full")
    assert second.at - first.at > 1.9
    assert third.at - second.at > 1.9
    assert {one.body["batch"] for one in (second, third)} == {first.body["batch"]}
    expected["/full"] += 1


def test_collector_that_was_away_gets_everything_when_it_is_back(
    page: Page, relay: Relay, expected: Counter[str]
) -> None:
    relay.stop()
    view(page, "/away-1")
    view(page, "/away-2")
    page.wait_for_timeout(2500)
    relay.start()
    wait_for(page, arrived(relay, "/away-1"))
    wait_for(page, arrived(relay, "/away-2"))
    expected.update(["/away-1", "/away-2"])


def test_request_outlives_its_page(page: Page, relay: Relay, expected: Counter[str]) -> None:
    reached, closed, done = threading.Event(), threading.Event(), threading.Event()
    answers: list[Answer | None] = []

    def hold(pass_on: PassOn) -> Answer | None:
        reached.set()
        closed.wait(10)
        answers.append(pass_on())
        done.set()
        return answers[0]

    relay.plan = [hold]
    view(page, "/closed")
    wait_for(page, reached.is_set)
    page.close()
    time.sleep(0.5)  # Chromium cancels what does not outlive the page in this time.
    closed.set()
    assert done.wait(20)
    assert [answer and answer.status for answer in answers] == [202]
    expected["/closed"] += 1


def test_page_that_goes_away_tries_once_more_at_once(page: Page, relay: Relay, expected: Counter[str]) -> None:
    relay.plan = [lambda _pass_on: None]
    view(page, "/gone")
    wait_for(page, lambda: len(relay.of("/gone")) == 1)
    page.goto("about:blank")
    wait_for(page, arrived(relay, "/gone"))
    assert relay.of("/gone")[1].body == relay.of("/gone")[0].body
    expected["/gone"] += 1


def test_withdrawal_while_a_batch_waits_ends_it(page: Page, relay: Relay) -> None:
    relay.plan = [refuse()]
    view(page, "/withdrawn")
    wait_for(page, lambda: any(one.status == 503 for one in relay.of("/withdrawn")))
    tries = len(relay.tries)
    withdraw(page)
    page.wait_for_timeout(3500)
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert len(relay.tries) == tries


def test_addresses_and_titles_of_any_length_do_not_cost_a_page_view(
    page: Page, relay: Relay, expected: Counter[str]
) -> None:
    page.evaluate("document.title = 'x'.repeat(511) + '\\u{1f600}'")
    view(page, "/long?q=" + "x" * 5000 + "&utm_source=news")
    wait_for(page, lambda: relay.tries[-1].body["events"][-1]["url"].endswith("/long?utm_source=news"))
    wait_for(page, lambda: relay.tries[-1].status == 202)
    assert relay.tries[-1].body["events"][-1]["title"] == "x" * 511
    page.evaluate("firmly.goal('signup', {note: 'x'.repeat(500), list: [1], '': 2, plan: 'pro'})")
    wait_for(page, lambda: relay.tries[-1].body["events"][-1]["kind"] == "goal")
    assert relay.tries[-1].body["events"][-1]["props"] == {"plan": "pro"}
    wait_for(page, lambda: relay.tries[-1].status == 202)
    expected["/long"] += 1


def test_each_page_view_of_the_tests_above_is_one_row(own_served: Served, expected: Counter[str]) -> None:
    deadline = time.monotonic() + 20
    while not_loaded(own_served):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    own_served.stop()
    rows = own_served.rows("select path, count() as views from events where kind = 'pageview' group by path")
    assert {row["path"]: row["views"] for row in rows} == dict(expected)


def not_loaded(served: Served) -> bool:
    """Tell whether lines of the spool wait for the warehouse."""
    spool = served.data_dir / "spool"  # Not the warehouse beside it, whose folders come and go.
    waiting = [*spool.rglob("*.open"), *spool.rglob("*.sealed")]
    return any(file.stat().st_size for file in waiting if file.exists())
