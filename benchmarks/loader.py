"""Rows per second of the loader into embedded chDB, fsync on, with all rollups and with fewer views."""

import random
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import orjson

from firmly.spool.writer import SpoolLimits
from firmly.warehouse.loader import Loader, Stream
from firmly.warehouse.store import Warehouse, open_embedded
from tests.history import Org, event

VIEWS = ("organisations_of_events", "org_days_of_events", "org_events_of_events", "facet_days_of_events")
SEGMENTS = 10
DIFFERENT = 4
ROUNDS = 3
START = datetime(2026, 11, 20, 8, tzinfo=UTC)


@dataclass
class Waiting:
    """A sealed segment in memory; the page cache would hold its file."""

    lines: bytes
    id: str = field(default_factory=lambda: token_hex(16))
    is_shipped: bool = False

    def read(self) -> bytes:
        return self.lines

    def mark_shipped(self) -> None:
        self.is_shipped = True


def run() -> dict[str, object]:
    """Return rows per second with all views and by their number, and the rows of one full segment."""
    choose = random.Random(7)
    orgs = [Org(choose.getrandbits(63), f"Company {number} Ltd", f"company{number}.example") for number in range(5000)]
    blocks = [_segment(choose, orgs) for _ in range(DIFFERENT)]
    rows = blocks[0].count(b"\n")
    with tempfile.TemporaryDirectory() as folder:
        rates = {str(views): _rate(Path(folder), views, blocks) for views in range(len(VIEWS) + 1)}
    return {"rows_per_s": rates[str(len(VIEWS))], "rows_per_s_by_views": rates, "segment_rows": rows}


def _rate(folder: Path, views: int, blocks: list[bytes]) -> int:
    """Return the median rate of a few backlogs, in a database of its own."""
    warehouse = open_embedded(folder / "warehouse", f"views_{views}")
    with warehouse._reader() as client:
        for view in VIEWS[views:]:
            client.command(f"drop view {view}")
    _drain(warehouse, folder, blocks)  # The first inserts open what later ones find open.
    rates = [_drain(warehouse, folder, blocks) for _ in range(ROUNDS)]
    warehouse.close()
    return round(statistics.median(rates))


def _drain(warehouse: Warehouse, folder: Path, blocks: list[bytes]) -> float:
    segments = [Waiting(blocks[number % DIFFERENT]) for number in range(SEGMENTS)]
    stream = Stream("events", lambda: [segment for segment in segments if not segment.is_shipped])
    loader = Loader(warehouse, [stream], folder / "quarantine", threading.Event())
    started = time.perf_counter()
    loader.drain()
    seconds = time.perf_counter() - started
    assert all(segment.is_shipped for segment in segments)
    return sum(segment.lines.count(b"\n") for segment in segments) / seconds


def _segment(choose: random.Random, orgs: list[Org]) -> bytes:
    """Return as many lines as a full segment holds, skewed as real traffic is: few companies come often."""
    lines: list[bytes] = []
    size = 0
    while size < SpoolLimits().segment_bytes:
        org = orgs[int(len(orgs) * choose.random() ** 3)]
        row = event(
            1 + choose.randrange(20),
            org,
            START + timedelta(minutes=choose.randrange(600)),
            visit_id=choose.getrandbits(63),
            seq=choose.randrange(12),
            starts_visit=int(choose.random() < 0.3),
            path=f"/section-{choose.randrange(50)}/page-{choose.randrange(5000)}",
            batch=f"{choose.getrandbits(128):032x}",
        )
        lines.append(orjson.dumps(row) + b"\n")
        size += len(lines[-1])
    return b"".join(lines)
