"""Connections over real sockets: what is too large, too slow or too many ends; what is not goes on."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from firmly.collect.connection import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_QUEUED,
    MAX_REQUEST_BYTES,
    MAX_URL_BYTES,
    Connection,
    Watch,
)
from firmly.process import config_of

LOOK_S = 0.02
LATE_S = 20 * LOOK_S
"""Longer than an unfinished request may take where a look comes each `LOOK_S`."""
RESET = b"(reset)"
GET = b"GET /whole HTTP/1.1\r\nhost: a\r\n\r\n"


class Application:
    """Answers what it read, once told to where the path is `/held`; with ten megabytes where it is `/large`."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.left = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/early":
            return await _answer(send, b"early")
        if scope["path"] == "/unread":
            await self._released()
            return await _answer(send, b"unread")
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left += 1
                return None
            body += message["body"]
            if not message["more_body"]:
                break
        if scope["path"] == "/held":
            await self._released()
        headers = [name for name, _value in scope["headers"]]
        said = {
            "path": scope["path"],
            "body": len(body),
            "headers": len(headers),
            "names": [*map(bytes.decode, headers)],
        }
        return await _answer(send, b"x" * 10_000_000 if scope["path"] == "/large" else json.dumps(said).encode())

    async def _released(self) -> None:
        while not self.release.is_set():
            await asyncio.sleep(0.01)


async def _answer(send: Send, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Server:
    """A server in a thread of its own, on uvloop as in production."""

    def __init__(self, watch: Watch) -> None:
        self.application = Application()
        config = config_of(self.application, "127.0.0.1", 0, lifespan=False)
        config.http = partial(Connection, watch=watch)  # type: ignore[assignment]
        self.uvicorn = uvicorn.Server(config)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self._thread = threading.Thread(target=self.uvicorn.run, args=([self._listener],))

    @property
    def open(self) -> int:
        return len(self.uvicorn.server_state.connections)

    def start(self) -> None:
        self._thread.start()
        while not self.uvicorn.started:
            time.sleep(0.005)

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self._thread.join()
        self._listener.close()

    def client(self, says: bytes = b"") -> socket.socket:
        client = socket.create_connection(self._listener.getsockname(), timeout=10)
        client.sendall(says)
        return client


@contextmanager
def serving(most: int = 1000, look_s: float = LOOK_S, unfinished: int = 10**9) -> Iterator[Server]:
    server = Server(Watch(most, unfinished, look_s))
    server.start()
    try:
        yield server
    finally:
        server.application.release.set()
        server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


def rest_of(client: socket.socket) -> bytes:
    """Read until the other side closes."""
    received = b""
    try:
        while data := client.recv(65536):
            received += data
    except ConnectionResetError:
        received += RESET
    return received


def answer_of(client: socket.socket) -> dict[str, object]:
    """Read one answer, and return what the application said it read."""
    received = client.recv(65536)
    while not received.endswith(b"}"):
        more = client.recv(65536)
        assert more, received
        received += more
    answer: dict[str, object] = json.loads(received.rpartition(b"\r\n\r\n")[2])
    return answer


def head(*, url: bytes = b"/", headers: int = 0, value: bytes = b"v") -> bytes:
    lines = b"".join(b"x-%d: %s\r\n" % (number, value) for number in range(headers))
    return b"GET " + url + b" HTTP/1.1\r\n" + lines + b"\r\n"


def test_largest_head_is_read(server: Server) -> None:
    for url, headers, value in ((b"/" * MAX_URL_BYTES, 0, b""), (b"/", MAX_HEADERS, b"v" * 200)):
        with closing(server.client(head(url=url, headers=headers, value=value))) as client:
            assert answer_of(client)["headers"] == headers


@pytest.mark.parametrize(
    ("says", "status"),
    [
        (head(url=b"/" * (MAX_URL_BYTES + 1)), 414),
        (b"GET /" + b"x" * 1_000_000, 414),
        (head(headers=MAX_HEADERS + 1), 431),
        (head(headers=2, value=b"v" * (MAX_HEAD_BYTES // 2)), 431),
        (b"GET / HTTP/1.1\r\nx: " + b"x" * 1_000_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 100_000, 431),
        (GET * (MAX_QUEUED + 2), 0),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx", 400),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /b HTTP/1.1\r\ncontent-length: 9999999\r\n\r\n" + b"x" * (MAX_REQUEST_BYTES + 1), 413),
        (b"POST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 200_000, 413),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_too_large_or_no_http_is_refused_in_plain_words(server: Server, says: bytes, status: int) -> None:
    with closing(server.client()) as client:
        client.sendall(says)
        received = rest_of(client)
    if not status:
        assert received.count(b"HTTP/1.1 200") <= 1, "what waits is not answered"
        return
    first, _, rest = received.partition(b"\r\n")
    assert first.startswith(b"HTTP/1.1 %d " % status), received[:300]
    assert b"content-type: application/problem+json" in rest
    assert b"connection: close" in rest
    assert json.loads(rest.rpartition(b"\r\n\r\n")[2])["status"] == status


def keep_sending(client: socket.socket, drop: bytes) -> float:
    """Send again and again until that fails, and return for how many seconds it went."""
    began = time.monotonic()
    while time.monotonic() < began + 30 * LATE_S:
        try:
            client.sendall(drop)
        except OSError:
            break
        time.sleep(LOOK_S / 2)
    return time.monotonic() - began


def test_refused_client_that_goes_on_sending_is_cut_off(server: Server) -> None:
    with closing(server.client(b"GET /" + b"x" * MAX_HEAD_BYTES)) as client:
        assert keep_sending(client, b"x" * 1000) < 10 * LATE_S
    assert server.open == 0


@pytest.mark.parametrize(
    ("says", "status"),
    [
        (b"", 0),
        (b"\r\n", 0),
        (b"GET / HT", 408),
        (b"GET / HTTP/1.1\r\nhost: a\r\n", 408),
        (b"POST / HTTP/1.1\r\ncontent-length: 100\r\n\r\n{", 408),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n", 408),
    ],
)
def test_request_that_does_not_become_whole_ends(server: Server, says: bytes, status: int) -> None:
    with closing(server.client(says)) as client:
        assert rest_of(client).startswith(b"HTTP/1.1 %d " % status if status else b"")


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"GET / HTTP/1.1\r\n", b"x: y\r\n"),
        (b"GET /", b"x"),
        (b"POST / HTTP/1.1\r\ncontent-length: 60000\r\n\r\n", b"x"),
        (b"POST /early HTTP/1.1\r\ncontent-length: 60000\r\n\r\n", b"x"),
        (b"", b"\r\n"),
        (GET, b"\r\n"),
    ],
    ids=["head", "url", "body", "body that is not needed", "nothing", "nothing after an answer"],
)
def test_drip_does_not_keep_a_connection(server: Server, start: bytes, drop: bytes) -> None:
    with closing(server.client(start)) as client:
        assert keep_sending(client, drop) < 20 * LATE_S
    assert server.open == 0


def test_application_finds_a_client_gone_that_was_too_slow() -> None:
    with serving() as server, closing(server.client(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")) as client:
        assert rest_of(client).startswith(b"HTTP/1.1 408 ")
        while server.uvicorn.server_state.tasks:
            time.sleep(LOOK_S)
        assert server.application.left == 1


def test_application_that_answers_a_client_that_was_too_slow_is_not_heard(caplog: pytest.LogCaptureFixture) -> None:
    says = b"POST /unread HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"
    with serving(look_s=5 * LOOK_S) as server, closing(server.client(says)) as client:
        assert client.recv(65536).startswith(b"HTTP/1.1 408 ")
        server.application.release.set()
        while server.uvicorn.server_state.tasks:
            time.sleep(LOOK_S)
        assert rest_of(client) == b""
    assert errors(caplog) == []


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_answer_that_takes_its_time_is_waited_for() -> None:
    with serving() as server, closing(server.client(GET.replace(b"whole", b"held"))) as client:
        time.sleep(60 * LOOK_S)
        server.application.release.set()
        assert answer_of(client)["path"] == "/held"


def test_idle_connection_is_kept_for_a_while_and_then_closed(server: Server) -> None:
    with closing(server.client(GET)) as client:
        answer_of(client)
        time.sleep(15 * LOOK_S)
        client.sendall(GET)
        answer_of(client)
        began = time.monotonic()
        assert rest_of(client) == b""
        assert LATE_S < time.monotonic() - began < 20 * LATE_S


def test_requests_before_an_answer_are_answered_in_order(server: Server) -> None:
    paths = [b"/page-%d" % number for number in range(MAX_QUEUED)]
    with closing(server.client(b"".join(b"GET " + path + b" HTTP/1.1\r\n\r\n" for path in paths))) as client:
        received = b""
        while received.count(b"}") < len(paths):
            received += client.recv(65536)
        client.sendall(GET)
        assert answer_of(client)["path"] == "/whole", "and then it is read on"
    answered = [received.index(path) for path in paths]
    assert answered == sorted(answered)


def test_requests_that_waited_do_not_keep_the_next_from_being_read(server: Server) -> None:
    early = GET.replace(b"whole", b"early")
    with closing(server.client(early * 3)) as client:
        received = b""
        while received.count(b"early") < 3:
            received += client.recv(65536)
        client.sendall(early)
        assert client.recv(65536).endswith(b"early")


def test_bounds_are_each_requests_own(server: Server) -> None:
    post = b"POST /%s HTTP/1.1\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60_000
    with closing(server.client()) as client:
        for _ in range(2 + MAX_REQUEST_BYTES // 60_000):
            client.sendall(post % b"b")
            assert answer_of(client)["body"] == 60_000


def test_connection_goes_on_after_an_answer_that_came_before_the_body(server: Server) -> None:
    with closing(server.client(b"POST /early HTTP/1.1\r\ncontent-length: 60000\r\n\r\n" + b"x" * 50_000)) as client:
        assert client.recv(65536).endswith(b"early")
        client.sendall(b"x" * 10_000)
        time.sleep(15 * LOOK_S)  # Idle, and not asking any more.
        client.sendall(GET[:10])
        time.sleep(2 * LOOK_S)
        client.sendall(GET[10:])
        assert answer_of(client)["path"] == "/whole"


def test_what_follows_a_request_that_is_under_way_is_not_answered_in_its_place() -> None:
    with serving() as server, closing(server.client(GET.replace(b"whole", b"held"))) as client:
        time.sleep(2 * LOOK_S)
        client.sendall(b"no http\r\n\r\n")
        assert rest_of(client) in (b"", RESET)


def test_client_that_does_not_read_its_answer_is_cut_off() -> None:
    with serving() as server, closing(server.client(GET.replace(b"whole", b"large"))) as client:
        client.recv(1)
        time.sleep(45 * LOOK_S)
        assert server.open == 0
        assert len(rest_of(client)) < 10_000_000


def test_client_that_asks_much_and_reads_nothing_is_cut_off_without_a_word_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving() as server, closing(server.client(GET.replace(b"whole", b"large") * 3)) as client:
        client.recv(1)
        while server.open:
            time.sleep(LOOK_S)
        assert len(rest_of(client)) < 10_000_000
        while server.uvicorn.server_state.tasks:
            time.sleep(LOOK_S)
    assert errors(caplog) == []


def test_slow_reader_of_an_answer_gets_it_all(server: Server) -> None:
    with closing(server.client(GET.replace(b"whole", b"large"))) as client:
        received = 0
        while received < 10_000_000:
            received += len(client.recv(200_000))
            time.sleep(LOOK_S)


def test_trailer_is_no_header(server: Server) -> None:
    says = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nx-forwarded-for: 192.0.2.1\r\n\r\n"
    with closing(server.client(says)) as client:
        assert answer_of(client) == {"path": "/", "body": 1, "headers": 1, "names": ["transfer-encoding"]}


def test_newcomer_takes_the_place_of_who_has_asked_longest_then_of_who_is_idle() -> None:
    look_s = 10 * LOOK_S  # So that nothing becomes late here.
    with serving(most=4, look_s=look_s) as server, ExitStack() as stack:

        def client(says: bytes) -> socket.socket:
            return stack.enter_context(closing(server.client(says)))

        idle = client(GET)
        answer_of(idle)
        time.sleep(2 * look_s)
        asking = [client(b"GET"), client(b"GET")]
        held = GET.replace(b"whole", b"held")
        working = [client(held) for _ in range(3)]
        for one in asking:
            assert rest_of(one) in (b"", RESET)
        assert server.open == 4
        working.append(client(held))
        assert rest_of(idle) in (b"", RESET)
        assert rest_of(client(b"")) in (b"", RESET)
        server.application.release.set()
        assert [answer_of(one)["path"] for one in working] == ["/held"] * 4


def test_unfinished_requests_are_bounded_in_bytes_together() -> None:
    """The largest go first."""
    with serving(unfinished=100_000, look_s=10 * LOOK_S) as server, ExitStack() as stack:
        post = b"POST / HTTP/1.1\r\ncontent-length: 90000\r\n\r\n"
        large = [stack.enter_context(closing(server.client(post + b"x" * 49_000))) for _ in range(2)]
        while server.open != 2:
            time.sleep(LOOK_S)
        small = stack.enter_context(closing(server.client(post + b"x" * 10_000)))
        while server.open != 3:
            time.sleep(LOOK_S)
        while server.open == 3:
            time.sleep(LOOK_S)
        small.sendall(b"x" * 80_000)
        assert answer_of(small)["body"] == 90_000
        assert {rest_of(one)[:12] for one in large} - {RESET} == {b"", b"HTTP/1.1 408"}


def test_large_head_behind_a_whole_request_reaches_no_application(server: Server) -> None:
    with closing(server.client(GET + head(url=b"/large-head", headers=2, value=b"v" * 20_000))) as client:
        assert b"/large-head" not in rest_of(client)


def test_what_follows_a_whole_request_in_one_read_counts_as_unfinished() -> None:
    with serving(unfinished=100_000, look_s=10 * LOOK_S) as server, ExitStack() as stack:
        begun = GET + b"GET / HTTP/1.1\r\nx: " + b"x" * 40_000
        for _ in range(5):
            answer_of(stack.enter_context(closing(server.client(begun))))
        while server.open > 2:
            time.sleep(LOOK_S)
        assert server.open == 2


def test_large_body_is_not_taken_for_part_of_the_next_head(server: Server) -> None:
    post = b"POST /early HTTP/1.1\r\ncontent-length: 40000\r\n\r\n" + b"x" * 40_000
    with closing(server.client(post + GET[:10])) as client:
        assert client.recv(65536).endswith(b"early")
        client.sendall(GET[10:20])
        time.sleep(2 * LOOK_S)
        client.sendall(GET[20:])
        assert answer_of(client)["path"] == "/whole"


def test_stop_does_not_wait_for_who_takes_no_answer() -> None:
    """Looks come often here: uvicorn's own bound, and the one of thirty looks, would take longer."""
    with serving(look_s=0.1) as server, closing(server.client(GET.replace(b"whole", b"large") * 3)) as client:
        client.recv(1)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2


def test_stop_waits_for_nobody_who_has_not_asked() -> None:
    with serving(look_s=1) as server, ExitStack() as stack:
        for says in (b"", b"GET", b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"):
            stack.enter_context(closing(server.client(says)))
        answered = stack.enter_context(closing(server.client(GET)))
        answer_of(answered)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 4


PIECES = [GET, b"POST / HTTP/1.1\r\n", b"\r\n", b"content-length: 1\r\n", b"transfer-encoding: chunked\r\n"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=30) | st.sampled_from(PIECES)))
def test_any_bytes_are_survived(server: Server, chunks: list[bytes]) -> None:
    with closing(server.client()) as client:
        try:
            for chunk in chunks:
                client.sendall(chunk)
        except OSError:
            return
        with closing(server.client(GET)) as other:
            assert answer_of(other)["path"] == "/whole"
