"""Thousands of clients that say nothing, too little or too slowly: events go on being answered, and all comes back."""

import asyncio
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.collector import ORIGIN
from tests.faults.load import send
from tests.served import Served, serving

SILENT, SLOW_HEADS, SLOW_BODIES, DEAF = 2_000, 200, 200, 20
HEAD = b"POST /f/e HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n"
LONGEST_S = 10
GROWTH_MB = 48
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with serving(Served(tmp_path / "data", ORIGIN)) as started:
        yield started


class Siege:
    """Clients that only hold connections. ``ended`` counts those that were sent away."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.ended = 0

    async def silent(self) -> None:
        await self._until_ended(await self._open(b""))

    async def slow_head(self) -> None:
        await self._drip(await self._open(HEAD), b"x-a: b\r\n")

    async def slow_body(self) -> None:
        await self._drip(await self._open(HEAD + b"content-length: 60000\r\n\r\n{"), b" ")

    async def deaf(self, path: bytes) -> None:
        """Ask again and again, and never read an answer."""
        streams = await self._open(b"")
        streams[1].transport.pause_reading()  # type: ignore[attr-defined]
        await self._drip(streams, b"GET " + path + b" HTTP/1.1\r\nhost: a\r\n\r\n", pause_s=0.1)

    async def _open(self, says: bytes) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(says)
        return reader, writer

    async def _drip(self, streams: Streams, drop: bytes, pause_s: float = 0.5) -> None:
        reader, writer = streams
        while not reader.at_eof() and not writer.transport.is_closing():
            writer.write(drop)
            await asyncio.sleep(pause_s)
        await self._until_ended(streams)

    async def _until_ended(self, streams: Streams) -> None:
        reader, writer = streams
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        self.ended += 1
        writer.transport.abort()


def pid_of(served: Served) -> int:
    assert served._process is not None
    return served._process.pid


def memory_mb(served: Served) -> float:
    status = Path(f"/proc/{pid_of(served)}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def descriptors(served: Served) -> int:
    return len(list(Path(f"/proc/{pid_of(served)}/fd").iterdir()))


@dataclass
class Held:
    """What a siege was: its length, the events answered meanwhile, the most memory seen."""

    seconds: float = 0
    answered: int = 0
    most_mb: float = 0


async def besiege(served: Served, token: str) -> Held:
    """Hold the siege until the last client was sent away, posting events all the while."""
    siege, acknowledged = Siege(served.port), set[str]()
    script = f"/f/{served.site.key}.js".encode()
    began = time.monotonic()
    tasks = [
        *(asyncio.create_task(siege.silent()) for _ in range(SILENT)),
        *(asyncio.create_task(siege.slow_head()) for _ in range(SLOW_HEADS)),
        *(asyncio.create_task(siege.slow_body()) for _ in range(SLOW_BODIES)),
        *(asyncio.create_task(siege.deaf(script)) for _ in range(DEAF)),
    ]
    while descriptors(served) < SILENT:
        await asyncio.sleep(0.05)
    held = Held()
    while siege.ended < len(tasks) and held.seconds < 12 * LONGEST_S:
        paths = [f"/page/{held.answered + number}" for number in range(50)]
        await asyncio.wait_for(send(served, token, paths, acknowledged), LONGEST_S)
        held.answered += len(paths)
        held.most_mb = max(held.most_mb, memory_mb(served))
        held.seconds = time.monotonic() - began
        await asyncio.sleep(0.2)
    assert siege.ended == len(tasks)
    await asyncio.gather(*tasks)
    assert len(acknowledged) == held.answered
    return held


def test_clients_that_hold_connections_take_nothing_from_the_others(served: Served) -> None:
    token = served.token()
    acknowledged: set[str] = set()
    asyncio.run(send(served, token, [f"/before/{number}" for number in range(500)], acknowledged))
    time.sleep(3)
    before_mb, before = memory_mb(served), descriptors(served)
    held = asyncio.run(besiege(served, token))
    time.sleep(3)
    after_mb, after = memory_mb(served), descriptors(served)
    print(f"{held}, then {after_mb - before_mb:+.1f} MB of {before_mb:.0f} and {after - before:+} files")
    assert after - before < 50
    assert after_mb - before_mb < GROWTH_MB
    assert httpx.get(f"{served.url}/readyz").status_code == 200
    assert "ERROR" not in served.output.read_text()
