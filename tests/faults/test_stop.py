"""SIGTERM: everything is answered or refused, the process is gone within ten seconds, nothing acknowledged is lost."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.collector import BROWSER, ORIGIN
from tests.faults.clickhouse import clickhouse
from tests.served import Served, event_body, serving

CONNECTIONS = 16
WITHIN_S = 10


async def _post_and_stop(served: Served, token: str) -> tuple[set[str], float]:
    """Post until nothing answers, stop it meanwhile; return what was acknowledged and how long the stop took."""
    acknowledged = set[str]()
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as client:

        async def browse(number: int) -> None:
            headers = {"origin": ORIGIN, "user-agent": BROWSER, "content-type": "text/plain"}
            for count in range(20_000):
                path = f"/{number}/{count}"
                try:
                    content = event_body(served, token, path)
                    headers["x-forwarded-for"] = f"18.0.{number}.{count % 250 + 1}"
                    answer = await client.post("/f/e", content=content, headers=headers)
                except httpx.TransportError:
                    return
                if answer.status_code == 202:
                    acknowledged.add(path)
                else:
                    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")

        browsing = [asyncio.create_task(browse(number)) for number in range(CONNECTIONS)]
        await asyncio.sleep(1.5)
        started = time.monotonic()
        await asyncio.to_thread(served.stop)
        seconds = time.monotonic() - started
        await asyncio.gather(*browsing)
    return acknowledged, seconds


@contextmanager
def hung_clients(served: Served) -> Iterator[None]:
    """Keep connections open that have sent nothing, half a head, and a part of a body that never ends."""
    head = b"POST /f/e HTTP/1.1\r\nhost: firmly\r\ncontent-type: text/plain\r\ncontent-length: 5000\r\n"
    with ExitStack() as stack:
        for said in (b"", head, head + b"\r\n", head + b'\r\n{"site":'):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            connection.sendall(said)
        yield


def test_stop_under_load_with_hung_clients_is_quick_and_loses_nothing(tmp_path: Path) -> None:
    served = Served(tmp_path / "data", ORIGIN)
    with serving(served):
        token = served.token()
        with hung_clients(served):
            acknowledged, seconds = asyncio.run(_post_and_stop(served, token))
    stored = sorted(str(row["path"]) for row in served.rows("select path from events"))
    assert seconds < WITHIN_S
    assert len(acknowledged) > 20
    assert stored == sorted(acknowledged)  # What was stored was also answered.
    assert not list((served.data_dir / "spool/main").glob("*/*.open"))


def test_stop_with_hung_clients_and_a_hung_warehouse_is_quick(tmp_path: Path) -> None:
    with clickhouse(tmp_path / "clickhouse") as server:
        server.start()
        served = Served(tmp_path / "data", ORIGIN, environ={"FIRMLY_CLICKHOUSE_URL": server.url})
        with serving(served):
            token = served.token()
            server.break_with(delay_s=30)
            with hung_clients(served):
                acknowledged, seconds = asyncio.run(_post_and_stop(served, token))
    waiting = b"".join(file.read_bytes() for file in (served.data_dir / "spool/main/events").glob("*.sealed"))
    assert seconds < WITHIN_S
    assert all(b'"path":"%s"' % path.encode() in waiting for path in acknowledged)
