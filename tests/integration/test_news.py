"""News through a whole Firmly as a process of its own: told in time, bounded, ended at once; and through nginx."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from firmly.model import BeforeConsent
from firmly.web.news import BEGIN, CHANGED, HEADERS, MAX_OF_MEMBER
from tests.collector import BROWSER, NOKIA, ORIGIN
from tests.integration.test_deploy import APP, Visit, nginx
from tests.served import EMAIL, PASSWORD, Served, event_body, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(Served(tmp_path_factory.mktemp("news") / "data", ORIGIN, BeforeConsent.COMPANY)) as served:
        yield served


@contextmanager
def signed_in(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=10) as client:
        page = client.get("/app/sign-in").text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        form = {"csrf_token": token, "email": EMAIL, "password": PASSWORD}
        assert client.post("/app/sign-in", data=form).status_code == 303
        yield client


def visit(served: Served) -> None:
    headers = {"x-forwarded-for": NOKIA, "user-agent": BROWSER, "origin": ORIGIN, "content-type": "text/plain"}
    httpx.post(f"{served.url}/f/e", content=event_body(served, "", "/pricing"), headers=headers).raise_for_status()


def test_visit_is_told_within_two_seconds(served: Served) -> None:
    with signed_in(served) as client, client.stream("GET", "/app/news") as stream:
        assert stream.status_code == 200
        assert stream.headers["content-security-policy"]
        said = stream.iter_text()
        assert next(said) == BEGIN
        visit(served)
        sent = time.monotonic()
        assert next(said) == CHANGED
        assert time.monotonic() - sent < 2


def test_member_with_too_many_pages_open_is_refused_until_one_is_closed(served: Served) -> None:
    with signed_in(served) as client, ExitStack() as stack:
        streams = [stack.enter_context(client.stream("GET", "/app/news")) for _ in range(MAX_OF_MEMBER)]
        assert [stream.status_code for stream in streams] == [200] * MAX_OF_MEMBER
        refused = client.get("/app/news")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        streams[0].close()
        deadline = time.monotonic() + 5
        while True:
            with client.stream("GET", "/app/news") as again:
                if again.status_code == 200:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_server_with_open_streams_stops_at_once(tmp_path: Path) -> None:
    served = Served(tmp_path / "data", ORIGIN)
    with serving(served), signed_in(served) as client, client.stream("GET", "/app/news") as stream:
        said = stream.iter_text()
        next(said)
        started = time.monotonic()
        served.stop()
        assert time.monotonic() - started < 3
        assert CHANGED not in list(said)


class Telling(BaseHTTPRequestHandler):
    """Says something, and the rest only once that was read."""

    protocol_version = "HTTP/1.1"
    was_read = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        for name, value in (("content-type", "text/event-stream"), ("transfer-encoding", "chunked"), *HEADERS.items()):
            self.send_header(name, value)
        self.end_headers()
        for text in (BEGIN, CHANGED):
            self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
            self.wfile.flush()
            assert self.was_read.wait(10)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Stay silent."""


def test_nginx_passes_news_on_as_they_come(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Telling) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with nginx(tmp_path, port=server.server_port) as proxy:
            connection = Visit(APP, proxy.tls_port)
            connection.request("GET", "/app/news")
            answer = connection.getresponse()
            assert answer.read1() == BEGIN.encode()
            Telling.was_read.set()
            assert answer.read() == CHANGED.encode()
            connection.close()
        server.shutdown()
