"""Segments that are damaged while nobody runs: the start succeeds, whole lines are stored, the rest is set aside.

A flipped bit within a value gives another value, which nothing marks: lines carry no checksum.
"""

import asyncio
import hashlib
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from firmly.spool.collectors import EVENTS, CollectorSpools
from firmly.spool.segments import SegmentFolder
from firmly.warehouse.loader import Loader, Stream
from firmly.warehouse.store import Warehouse
from tests.collector import ORIGIN
from tests.faults.load import send
from tests.served import Served, serving

GOOD = [b'{"workspace_id":1,"site_id":1,"day":"2026-11-20","path":"/%d","kind":"pageview"}' % n for n in range(6)]
WHOLE = b"".join(line + b"\n" for line in GOOD)


class Stored:
    """A spool folder with some files, the warehouse and the quarantine that they are loaded into."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder = folder / "spool" / "main" / EVENTS
        self.folder.mkdir(parents=True)
        self.quarantine = folder / "quarantine"
        self.warehouse = warehouse
        self.spools = CollectorSpools(folder / "spool")

    def write(self, number: int, suffix: str, content: bytes) -> None:
        (self.folder / f"{number:016d}-{number:016x}{suffix}").write_bytes(content)

    def load(self) -> None:
        SegmentFolder(self.folder).close()
        streams = [Stream("events", lambda: self.spools.sealed(EVENTS))]
        Loader(self.warehouse, streams, self.quarantine, threading.Event()).drain()
        assert self.spools.sealed(EVENTS) == []

    def paths(self) -> list[str]:
        with self.warehouse._reader() as reader:
            rows = reader.query("select path from events order by path").result_rows
        return [str(row[0]) for row in rows]

    def set_aside(self) -> list[bytes]:
        return sorted(file.read_bytes().partition(b"\n")[2] for file in self.quarantine.glob("*.line"))


@pytest.fixture
def stored(tmp_path: Path, new_warehouse: Callable[[], Warehouse]) -> Stored:
    return Stored(tmp_path, new_warehouse())


def lines(*numbers: int) -> list[str]:
    return [f"/{number}" for number in numbers]


DAMAGES: dict[str, tuple[str, bytes, list[str], list[bytes]]] = {
    "cut within a line": (".sealed", WHOLE[:-20], lines(0, 1, 2, 3, 4), [GOOD[5][:-19]]),
    "cut to nothing": (".sealed", b"", [], []),
    "bytes at the end": (".sealed", WHOLE + b"\xff\xfe\x80garbage", lines(0, 1, 2, 3, 4, 5), [b"\xff\xfe\x80garbage"]),
    "text at the end": (".sealed", WHOLE + b"garbage\n", lines(0, 1, 2, 3, 4, 5), [b"garbage\n"]),
    "zeros at the end": (".sealed", WHOLE + bytes(600), lines(0, 1, 2, 3, 4, 5), [bytes(600)]),
    "a lost sector": (".sealed", WHOLE.replace(b"/2", b"\0\0"), lines(0, 1, 3, 4, 5), [b""]),
    "a byte that is no text": (".sealed", WHOLE.replace(b"/2", b"/\xb2"), lines(0, 1, 3, 4, 5), [b""]),
    "a lost bracket": (".sealed", WHOLE.replace(b'/2",', b'/2" '), lines(0, 1, 3, 4, 5), [b""]),
    "a lost end of line": (
        ".sealed",
        WHOLE.replace(GOOD[2] + b"\n", GOOD[2] + b"J"),
        lines(0, 1, 4, 5),
        [GOOD[2] + b"J" + GOOD[3] + b"\n"],
    ),
    "open, cut within a line": (".open", WHOLE[:-20], lines(0, 1, 2, 3, 4), []),
    "open, cut to nothing": (".open", b"", [], []),
    "open, bytes at the end": (".open", WHOLE + b"\xff\xfe\x80garbage", lines(0, 1, 2, 3, 4, 5), []),
    "open, a lost sector": (".open", WHOLE.replace(b"/2", b"\0\0"), lines(0, 1, 3, 4, 5), [b""]),
}
"""The damaged file, the paths that are stored, and what is set aside; b"" stands for the third line as it is now."""


@pytest.mark.parametrize(("suffix", "content", "paths", "aside"), DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_segment_loses_no_whole_line_and_blocks_nothing(
    stored: Stored, suffix: str, content: bytes, paths: list[str], aside: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    stored.write(1, suffix, content)
    stored.write(2, ".sealed", GOOD[0].replace(b"/0", b"/next") + b"\n")
    stored.load()
    third = content.split(b"\n")[2] + b"\n" if len(content) > 300 else b""
    assert stored.paths() == [*paths, "/next"]
    assert [line.rstrip(b"\n") for line in stored.set_aside()] == [(line or third).rstrip(b"\n") for line in aside]
    is_cut = suffix == ".open" and not (content or b"\n").endswith(b"\n")
    assert ("are no whole line and are cut off" in caplog.text) == is_cut


def _path(segment: int, number: int) -> str:
    """Return a path that no flipped bit makes another segment's."""
    return "/" + hashlib.sha256(b"%d-%d" % (segment, number)).hexdigest()[:12]


def test_any_flipped_bit_costs_at_most_its_own_line_and_never_silently(stored: Stored) -> None:
    choose = random.Random(5)
    spared, hit = set[str](), set[str]()
    for segment in range(100):
        content = bytearray(b"".join(GOOD[0].replace(b"/0", _path(segment, n).encode()) + b"\n" for n in range(3)))
        at = choose.randrange(len(content))
        touched = content[:at].count(b"\n")
        near = {touched, touched + 1} if content[at] == ord("\n") else {touched}
        content[at] ^= 1 << choose.randrange(8)
        for number in range(3):
            (hit if number in near else spared).add(_path(segment, number))
        stored.write(segment + 1, ".sealed", bytes(content))
    stored.load()
    paths = stored.paths()
    assert spared <= set(paths)
    assert len([path for path in paths if path in spared]) == len(spared)
    missing, altered = hit - set(paths), [path for path in paths if path not in spared | hit]
    aside = sum(max(1, line.count(b'"kind"')) for line in stored.set_aside())
    assert len(missing) <= len(altered) + aside
    assert aside > 20


def test_served_firmly_starts_on_damaged_segments_and_tells(tmp_path: Path) -> None:
    served, acknowledged = Served(tmp_path / "data", ORIGIN), set[str]()
    folder = served.data_dir / "spool/main/events"
    folder.mkdir(parents=True)
    (folder / f"{1:016d}-{1:016x}.sealed").write_bytes(b"\xff\x00 nothing that was ever a line")
    (folder / f"{2:016d}-{2:016x}.open").write_bytes(b'{"torn')
    with serving(served):
        asyncio.run(send(served, served.token(), [f"/{number}" for number in range(40)], acknowledged))
    assert sorted(str(row["path"]) for row in served.rows("select path from events")) == sorted(acknowledged)
    said = served.output.read_text()
    assert "a line was refused and set aside as events-0000000000000001-0000000000000001-0" in said
    assert "0000000000000002-0000000000000002.open: 6 bytes at its end are no whole line" in said
