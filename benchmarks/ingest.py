"""Requests per second of one collector process, against a bare ASGI application that answers 202.

Full pipeline, fsync on, one event per request; distinct addresses, 5,000 pages and a skewed pool of
2,000 user agents. Same server settings and load generator (wrk), runs alternating; the ratio counts.
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from benchmarks.load import COLLECT, SPOOL, cpu_s, press, script_for
from firmly.process import config_of
from tests.collector import ORIGIN
from tests.served import Served, free_port

ROUNDS = 7
SECONDS = 4
WARM_S = 15
"""Until every user agent of the pool was seen."""
CONNECTIONS = 64


async def bare(scope: Scope, _receive: Receive, send: Send) -> None:
    """The least an ASGI application can do."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def run() -> dict[str, object]:
    """Return the median ratio and rates, processor time a request, and answers in seconds at full and half rate."""
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data", ORIGIN, environ=SPOOL)
        served.start(COLLECT)
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.ingest", str(port)]
        other = subprocess.Popen(command, env=dict(os.environ))
        try:
            _wait_for(port)
            return _measure(served, f"http://127.0.0.1:{port}", other.pid)
        finally:
            other.terminate()
            other.wait()
            served.stop()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the bare application did not start within ten seconds")


def _measure(served: Served, bare_url: str, bare_pid: int) -> dict[str, object]:
    script = script_for(served)
    press(bare_url, script, 2)
    press(served.url, script, WARM_S)
    cost = [cpu_s(served.pid), cpu_s(bare_pid)]
    pairs = [(press(served.url, script, SECONDS), press(bare_url, script, SECONDS)) for _ in range(ROUNDS)]
    cost = [cpu_s(served.pid) - cost[0], cpu_s(bare_pid) - cost[1]]
    ratios = [ours.requests_per_s / theirs.requests_per_s for ours, theirs in pairs]
    rate = statistics.median(ours.requests_per_s for ours, _ in pairs)
    half = press(served.url, script, 2 * SECONDS, pause_ms=round(1000 * CONNECTIONS / (rate / 2)))
    return {
        "ratio": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "requests_per_s": round(rate),
        "bare_per_s": round(statistics.median(theirs.requests_per_s for _, theirs in pairs)),
        "cpu_us": round(1e6 * cost[0] / sum(ours.requests for ours, _ in pairs)),
        "bare_cpu_us": round(1e6 * cost[1] / sum(theirs.requests for _, theirs in pairs)),
        "p99_s": round(statistics.median(ours.p99_s for ours, _ in pairs), 4),
        "half_rate_per_s": round(half.requests_per_s),
        "half_rate_p99_s": round(half.p99_s, 4),
    }


if __name__ == "__main__":
    asyncio.run(uvicorn.Server(config_of(bare, "127.0.0.1", int(sys.argv[1]), lifespan=False)).serve())
