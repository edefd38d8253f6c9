"""Memory of a collector without the warehouse in its process, over a million events from 200,000 sources."""

import tempfile
from pathlib import Path

from benchmarks.load import COLLECT, SPOOL, press, rss_mb, script_for
from tests.collector import ORIGIN
from tests.served import Served

EVENTS = 1_000_000
SOURCES = 200_000
SLICE_S = 5
EVENTS_A_REQUEST = 2
"""All sources are known after two fifths of the requests; what grows later grows with requests."""


def run() -> dict[str, object]:
    """Return resident memory in MiB: at the start, after half of the events, at the end, and the peak."""
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data", ORIGIN, environ=SPOOL)
        served.start(COLLECT)
        try:
            samples = _samples(served)
        finally:
            served.stop()
    half = next(rss for events, rss in samples if events >= EVENTS / 2)
    return {
        "rss_mb": samples[-1][1],
        "rss_start_mb": samples[0][1],
        "rss_half_mb": half,
        "rss_max_mb": max(rss for _, rss in samples),
        "events": samples[-1][0],
        "sources": SOURCES,
    }


def _samples(served: Served) -> list[tuple[int, int]]:
    """Return (events so far, resident MiB) after each slice of the load."""
    script = script_for(served, events=EVENTS_A_REQUEST)
    sent = 0
    samples = [(0, rss_mb(served.pid))]
    while sent * EVENTS_A_REQUEST < EVENTS:
        sent += press(served.url, script, SLICE_S, first=sent, sources=SOURCES).requests
        samples.append((sent * EVENTS_A_REQUEST, rss_mb(served.pid)))
    return samples
