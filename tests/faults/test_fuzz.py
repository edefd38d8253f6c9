"""Whatever is posted: every answer has the right status and form, none is a 5xx, and memory does not grow.

Five hundred inputs of each of ten kinds by default, a thousand with TEST_LONG=1, four thousand with TEST_LONG=full. A
failure names the seed and the number of the input, with which it is made again.
"""

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from secrets import token_hex
from typing import Any

import orjson
import pytest

from firmly.collect.choices import ChoiceBody, TokenBody
from firmly.consent.banner import banner_of, read_snippet
from firmly.measure.wire import Batch, MalformedError, TooLargeError, decode
from firmly.packaged import snippet
from tests.collector import BROWSER, ORIGIN
from tests.faults.inputs import Shaped, bytes_from, headers_from, request_from
from tests.served import FIRMLY, Served, serving

INPUTS = {"": 500, "full": 4_000}.get(os.environ.get("TEST_LONG", ""), 1_000)
CONNECTIONS = 12
SEED = int(os.environ.get("TEST_SEED", "20261122"))
GROWTH_MB = 12
"""What the process may grow by over the second half: visits under way, and what is remembered up to a bound."""
STATUS = re.compile(rb"(?:^|\n)HTTP/1\.1 (\d{3}) ")

Answer = tuple[int, dict[bytes, bytes], bytes]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A collector without the warehouse in its process, whose memory would hide what the collector's does."""
    folder = tmp_path_factory.mktemp("fuzz")
    served = Served(folder / "data", ORIGIN, goals={"contact": frozenset({"plan"})}, titles=True)
    with serving(served, (*FIRMLY, "collect")):
        asyncio.run(warm_up(served))
        yield served


@cache
def token_of(served: Served) -> str:
    """One token for all, asked for before the inputs use up what the site may add to its log in a while."""
    return served.token()


async def warm_up(served: Served) -> None:
    """Let everything be used once before memory is looked at."""
    random = Random(SEED)
    inputs, client = Inputs(served, random), Client(served.port)
    for path in (b"/f/e", b"/f/c", b"/f/c/token"):
        for _ in range(200):
            await client.ask(request_of(random, path, inputs.shaped(path)))
    client.close()


class Inputs:
    """Bodies for one route, and what there is to know of them."""

    def __init__(self, served: Served, random: Random) -> None:
        known: dict[str, list[Any]] = {
            "site": [served.site.key],
            "token": [token_of(served)],
            "banner": [banner_of(served.site, read_snippet(snippet())).version],
            "language": ["en"],
            "source": ["banner", "api"],
            "url": [ORIGIN + "/", ORIGIN + "/pricing?utm_source=x", "https://elsewhere.example/"],
            "name": ["contact"],
            "choices": [{"statistics": True}, {"statistics": False}, {}],
            "receipt": [None, "ab" * 16],
        }
        self._random = random
        hexadecimal = {"batch": ["", *_hex(random, 50)], "visit": ["", *_hex(random, 50)]}
        self._shapes = {
            b"/f/e": Shaped(random, Batch, {**known, **hexadecimal}),
            b"/f/c": Shaped(random, ChoiceBody, known),
            b"/f/c/token": Shaped(random, TokenBody, known),
        }

    def shaped(self, path: bytes) -> bytes:
        return self._shapes[path].body()

    def raw(self, path: bytes) -> bytes:
        return bytes_from(self._random, self.shaped(path))


def _hex(random: Random, count: int) -> list[str]:
    return [random.randbytes(16).hex() for _ in range(count)]


def request_of(random: Random, path: bytes, body: bytes, more: list[tuple[bytes, bytes]] | None = None) -> bytes:
    source = b"131.%d.%d.%d" % (random.randrange(200, 250), random.randrange(256), random.randrange(1, 255))
    headers = [
        (b"host", b"a"),
        (b"origin", ORIGIN.encode()),
        (b"user-agent", BROWSER.encode()),
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(body)).encode()),
        (b"x-forwarded-for", source),
        *(more or []),
    ]
    lines = [b"POST " + path + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines)
    body = await reader.readexactly(int(headers.get(b"content-length", 0)))
    return int(first.split(b" ")[1]), headers, body


class Client:
    """One connection, opened again where the other side closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        answer = await read_answer(reader)
        if answer[1].get(b"connection") == b"close":
            self.close()
        return answer

    async def throw(self, request: bytes) -> bytes:
        """Send what may be no request, and return what comes back within a moment."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        received = b""
        try:
            writer.write(request)
            while data := await asyncio.wait_for(reader.read(65536), 0.15):
                received += data
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
        return received

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


def memory_mb(served: Served) -> float:
    assert served._process is not None
    status = Path(f"/proc/{served._process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


Make = Callable[[Inputs, Random], bytes]


async def fuzz(served: Served, path: bytes, make: Make, check: Callable[..., None]) -> Counter[int]:
    """Ask with many inputs and count the answers by status; ``check`` looks at each.

    Memory is taken when half is done, and at the end.
    """
    random = Random(f"{SEED} {path!r} {check.__name__}")
    inputs = Inputs(served, random)
    numbers = iter(range(INPUTS))
    halfway: list[float] = []
    statuses: Counter[int] = Counter()

    async def work() -> None:
        client = Client(served.port)
        for number in numbers:
            if number == INPUTS // 2:
                halfway.append(memory_mb(served))
            given = make(inputs, random)
            try:
                if check is check_stream:
                    received = await client.throw(given)
                    statuses.update(statuses_of(received))
                    check(received)
                else:
                    answer = await asyncio.wait_for(client.ask(request_of(random, path, given)), 30)
                    statuses[answer[0]] += 1
                    check(given, *answer)
            except Exception as error:
                raise AssertionError(f"TEST_SEED={SEED}, input {number} to {path!r}: {given[:500]!r}") from error
        client.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    growth_mb = memory_mb(served) - halfway[0]
    print(f"{path.decode()}: {dict(statuses)}, {growth_mb:+.1f} MB over the second half")
    assert growth_mb < GROWTH_MB
    return statuses


def check_events(body: bytes, status: int, headers: dict[bytes, bytes], answer: bytes) -> None:
    assert status in _expected_of_events(body), status
    check_form(status, headers, answer)
    if status != 202:
        assert (b"x-firmly-dropped" in headers) == (status in (403, 404, 429))


def _expected_of_events(body: bytes) -> set[int]:
    if len(body) > 65_536:
        return {413}
    try:
        decode(body)
    except TooLargeError:
        return {413}
    except MalformedError:
        return {400}
    return {202, 404, 429}


def check_choices(_body: bytes, status: int, headers: dict[bytes, bytes], answer: bytes) -> None:
    assert status in (200, 201, 400, 404, 413, 429), status
    check_form(status, headers, answer)


def check_form(status: int, headers: dict[bytes, bytes], answer: bytes) -> None:
    if status == 202:
        assert answer == b""
        return
    said = orjson.loads(answer)
    if status < 400:
        assert headers[b"content-type"] == b"application/json"
        assert {"token", "expires_at"} <= said.keys()
    else:
        assert headers[b"content-type"] == b"application/problem+json"
        assert (said["status"], said["type"]) == (status, "about:blank")


def statuses_of(received: bytes) -> list[int]:
    return [int(status) for status in STATUS.findall(received)]


def check_stream(received: bytes) -> None:
    """Whatever was no request, or several: each answer is one of ours, and none is a 5xx."""
    statuses = statuses_of(received)
    assert bool(statuses) == bool(received)
    assert all(status < 500 for status in statuses), received[:500]


TAKEN = {b"/f/e": 202, b"/f/c": 201, b"/f/c/token": 404}
CHECKS = {b"/f/e": check_events, b"/f/c": check_choices, b"/f/c/token": check_choices}


@pytest.mark.parametrize("path", CHECKS, ids=bytes.decode)
@pytest.mark.parametrize("kind", ["shaped", "raw"])
def test_body_of_any_kind_gets_the_right_answer(served: Served, kind: str, path: bytes) -> None:
    def make(inputs: Inputs, _random: Random) -> bytes:
        body: bytes = getattr(inputs, kind)(path)
        return body

    statuses = asyncio.run(fuzz(served, path, make, CHECKS[path]))
    assert {400, 413 if kind == "raw" else TAKEN[path]} <= statuses.keys(), "else the inputs reach too little"
    assert_still_well(served)


@pytest.mark.parametrize("path", [b"/f/e", b"/f/c"], ids=bytes.decode)
@pytest.mark.parametrize("kind", ["no http", "headers"])
def test_request_of_any_kind_is_survived(served: Served, kind: str, path: bytes) -> None:
    def make(inputs: Inputs, random: Random) -> bytes:
        if kind == "no http":
            return request_from(random, path, inputs.raw(path))
        return request_of(random, path, inputs.shaped(path), headers_from(random))

    statuses = asyncio.run(fuzz(served, path, make, check_stream))
    assert {400, 431} <= statuses.keys(), "else the inputs reach too little"
    assert_still_well(served)


def assert_still_well(served: Served) -> None:
    """A good request is stored, and nothing was logged as an error."""
    event = {"kind": "pageview", "url": ORIGIN + "/after"}
    body = orjson.dumps({"site": served.site.key, "token": token_of(served), "visit": token_hex(16), "events": [event]})

    async def ask() -> Answer:
        client = Client(served.port)
        answer = await client.ask(request_of(Random(token_hex(8)), b"/f/e", body))
        client.close()
        return answer

    assert asyncio.run(ask())[0] == 202
    assert "ERROR" not in served.output.read_text()


def test_what_was_stored_of_it_all_is_taken_by_the_warehouse(served: Served) -> None:
    """After the others: the process that has the warehouse finds nothing to set aside."""
    served.stop()
    stored = b"".join(file.read_bytes() for file in (served.data_dir / "spool/main/events").glob("*.sealed"))
    assert stored.count(b"\n") > INPUTS / 20
    served.start()
    while list((served.data_dir / "spool/main/events").glob("*.sealed")):
        time.sleep(0.1)
    served.stop()
    assert not list((served.data_dir / "quarantine").glob("*"))
    assert served.rows("select count() as n from events") == [{"n": stored.count(b"\n")}]
