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
from secrets import token_hex

import uvicorn
from starlette.types import Receive, Scope, Send

from firmly.process import config_of
from tests.collector import ORIGIN
from tests.served import Served, free_port

ROUNDS = 5
SECONDS = 6
CONNECTIONS = 64


async def bare(scope: Scope, _receive: Receive, send: Send) -> None:
    """The least an ASGI application can do."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def run() -> dict[str, object]:
    """Return the median ratio and rates, and the p99 answer in milliseconds at full rate."""
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data", ORIGIN)
        served.start()
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.ingest", str(port)]
        other = subprocess.Popen(command, env=dict(os.environ))
        try:
            _wait_for(port)
            return _measure(served, f"http://127.0.0.1:{port}", served.token())
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


def _measure(served: Served, bare_url: str, token: str) -> dict[str, object]:
    script = served.data_dir.parent / "load.lua"
    script.write_text(_LOAD.replace("SITE", served.site.key).replace("TOKEN", token).replace("ORIGIN", ORIGIN))
    _wrk(bare_url, script, 2)
    _wrk(served.url, script, 2)
    pairs = [(_wrk(served.url, script, SECONDS), _wrk(bare_url, script, SECONDS)) for _ in range(ROUNDS)]
    ratios = [ours[0] / theirs[0] for ours, theirs in pairs]
    return {
        "ratio": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "requests_per_s": round(statistics.median(ours[0] for ours, _ in pairs)),
        "bare_per_s": round(statistics.median(theirs[0] for _, theirs in pairs)),
        "p99_ms": round(statistics.median(ours[1] for ours, _ in pairs), 1),
    }


def _wrk(url: str, script: Path, seconds: int) -> tuple[float, float]:
    """Return requests per second and the 99th percentile of answers in milliseconds."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"{url}/f/e", "--", token_hex(8)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures = dict(line.split("=") for line in out.splitlines() if line.startswith(("rate=", "p99=", "bad=")))
    assert float(figures["bad"]) == 0, out
    return float(figures["rate"]), float(figures["p99"])


_LOAD = """
math.randomseed(7)
local agents = {}
for n = 1, 2000 do
  agents[n] = string.format("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    .. "Chrome/%d.0.%d.%d Safari/537.36", 100 + n % 43, n, n % 200)
end
local count = 0
local run = ""
init = function(arguments)
  run = arguments[1]  -- A batch sent in an earlier run would be a duplicate.
end
request = function()
  count = count + 1
  -- Squaring skews the pool: a few agents are most of the traffic.
  local agent = agents[1 + math.floor(1999 * math.random() ^ 2)]
  local address = string.format("131.228.%d.%d", math.floor(count / 250) % 250, count % 250 + 1)
  if count % 2 == 0 then
    address = string.format("2a00:8a00:%x:%x::%x", 4096 + count % 4000, count % 60000, count % 65000)
  end
  local body = string.format('{"site":"SITE","token":"TOKEN","visit":"%s%016x","batch":"%s%016x",'
    .. '"events":[{"kind":"pageview","url":"ORIGIN/section-%d/page-%d","referrer":"https://www.google.com/"}]}',
    run, count, run, count, count % 50, count % 5000)
  return wrk.format("POST", nil, {["content-type"] = "text/plain", ["origin"] = "ORIGIN",
    ["user-agent"] = agent, ["x-forwarded-for"] = address}, body)
end
done = function(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  print(string.format("rate=%.1f", summary.requests / (summary.duration / 1e6)))
  print(string.format("p99=%.2f", latency:percentile(99) / 1000))
  print(string.format("bad=%d", bad))
end
"""


if __name__ == "__main__":
    asyncio.run(uvicorn.Server(config_of(bare, "127.0.0.1", int(sys.argv[1]), lifespan=False)).serve())
