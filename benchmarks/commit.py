"""Latency of a group commit - write, fdatasync, wake those who wait - while the collector is under load."""

import re
import tempfile
from pathlib import Path

import httpx

from benchmarks.load import COLLECT, SPOOL, press, script_for
from tests.collector import ORIGIN
from tests.served import Served

SECONDS = 20
TOKEN = "a-token-for-the-metrics"


def run() -> dict[str, object]:
    """Return quantiles in seconds, interpolated within the collector's own histogram, and commits per second."""
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data", ORIGIN, environ={**SPOOL, "FIRMLY_METRICS_TOKEN": TOKEN})
        served.start(COLLECT)
        try:
            script = script_for(served)
            press(served.url, script, 10)
            before = _buckets(served.url)
            load = press(served.url, script, SECONDS)
            after = _buckets(served.url)
        finally:
            served.stop()
    counts = [(bound, count - earlier) for (bound, count), (_, earlier) in zip(after, before, strict=True)]
    return {
        **{f"p{share}_s": round(_quantile(counts, share / 100), 5) for share in (50, 95, 99)},
        "commits_per_s": round(counts[-1][1] / SECONDS),
        "requests_per_s": round(load.requests_per_s),
    }


def _buckets(url: str) -> list[tuple[float, float]]:
    """Return (upper bound in seconds, commits up to it) of the histogram."""
    text = httpx.get(f"{url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}).raise_for_status().text
    found = re.findall(r'^firmly_commit_seconds_bucket\{le="([^"]+)"\} (\S+)$', text, re.MULTILINE)
    return [(float(bound), float(count)) for bound, count in found]


def _quantile(counts: list[tuple[float, float]], share: float) -> float:
    wanted = share * counts[-1][1]
    lower, below = 0.0, 0.0
    for bound, count in counts:
        if count >= wanted:
            return lower if bound == float("inf") else lower + (bound - lower) * (wanted - below) / (count - below or 1)
        lower, below = bound, count
    return lower
