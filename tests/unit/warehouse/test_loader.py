"""Shipping: sent until confirmed, stored once, a bad line never in the way of a good one."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from firmly.warehouse.loader import Loader, Stream
from firmly.warehouse.store import Warehouse, WarehouseRefusedError, WarehouseUnavailableError
from tests.unit.warehouse.conftest import FileSegment, Folder, lines, select, sums


def loader_of(warehouse: Warehouse, folder: Folder, table: str = "events") -> Loader:
    return Loader(warehouse, [Stream(table, folder.sealed)], folder.path.parent / "quarantine", threading.Event())


def set_aside(folder: Folder) -> list[tuple[str, bytes]]:
    files = sorted((folder.path.parent / "quarantine").glob("*"))
    return [(reason.decode(), line) for reason, line in (file.read_bytes().split(b"\n", 1) for file in files)]


def numbers(warehouse: Warehouse) -> list[int]:
    return [row["seq"] for row in select(warehouse, "select seq from events order by seq")]


BAD: dict[str, bytes] = {
    "not JSON": b"<html>",
    "torn": lines(1)[0][:40],
    "zeros": b"\0\0\0",
    "text for a number": lines(1, org_asn="none")[0],
    "no such moment": lines(1, org_as_of="soon")[0],
    "object for a number": lines(1, visit_id={})[0],
    "not a moment": lines(1, minute="yesterday")[0],
    "an array": b"[1, 2]",
    "a bare word": b"null",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_bad_line_is_set_aside_with_its_reason_and_the_others_load(
    empty: Warehouse, folder: Folder, bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    good = lines(5)
    segment = folder.add(*good[:3], bad, *good[3:])
    loader = loader_of(empty, folder)
    loader.drain()
    assert numbers(empty) == [0, 1, 2, 3, 4]
    [(reason, line)] = set_aside(folder)
    assert "Code: " in reason
    assert line == bad + b"\n"
    assert (loader.quarantined_lines, folder.sealed()) == (1, [])
    assert f"a line was refused and set aside as events-{segment.id}-3.line" in caplog.text


@pytest.mark.parametrize("places", [(0, 5), (2, 3), (0, 1), (4, 5)], ids=str)
def test_two_bad_lines_are_both_set_aside(empty: Warehouse, folder: Folder, places: tuple[int, int]) -> None:
    mixed = lines(6)
    for place in places:
        mixed[place] = b"bad %d" % place
    folder.add(*mixed)
    loader_of(empty, folder).drain()
    assert numbers(empty) == [number for number in range(6) if number not in places]
    assert [line for _, line in set_aside(folder)] == [b"bad %d\n" % place for place in places]


def test_segment_of_bad_lines_only_goes_and_the_next_loads(empty: Warehouse, folder: Folder) -> None:
    folder.add(b"bad", b"worse")
    folder.add(*lines(1))
    loader_of(empty, folder).drain()
    assert (numbers(empty), len(set_aside(folder)), folder.sealed()) == ([0], 2, [])


def test_bad_line_at_the_end_of_a_large_segment_stores_no_part_twice(empty: Warehouse, folder: Folder) -> None:
    """A block is refused as a whole: else the rows before the bad line would be there twice."""
    many = [line for number in range(100) for line in lines(20, path=f"/{number}-" + "p" * 1200)]
    folder.add(*many, b"bad")
    loader_of(empty, folder).drain()
    assert sums(empty)["events"] == [{"n": 2000, "ms": 100 * (2**20 - 1)}]


def test_segment_shipped_again_after_a_crash_changes_nothing(empty: Warehouse, folder: Folder) -> None:
    """Killed between the insert and the mark; the lines reach into two monthly partitions."""
    segment = folder.add(*lines(4), *lines(4, month_day=1), *lines(3, day="2026-04-01"))
    loader = loader_of(empty, folder)
    loader.drain()
    before = sums(empty)
    for _ in range(2):
        segment.path.with_suffix(".shipped").rename(segment.path)
        loader_of(empty, folder).drain()
        assert sums(empty) == before
    assert before["events"][0]["n"] == 11
    assert sum(row["v"] for row in before["org_days"]) == 11


def test_segment_with_a_bad_line_shipped_again_changes_nothing(empty: Warehouse, folder: Folder) -> None:
    good = lines(7)
    segment = folder.add(*good[:5], b"bad", *good[5:])
    loader_of(empty, folder).drain()
    before = sums(empty)
    segment.path.with_suffix(".shipped").rename(segment.path)
    loader_of(empty, folder).drain()
    assert sums(empty) == before
    assert len(set_aside(folder)) == 1


def test_coverage_shipped_again_changes_nothing(empty: Warehouse, folder: Folder) -> None:
    record = {"workspace_id": 1, "site_id": 1, "hour": "2026-03-31 09:00:00", "outcome": "company", "pageviews": 7}
    segment = folder.add(orjson.dumps(record))
    loader_of(empty, folder, "coverage_hours").drain()
    segment.path.with_suffix(".shipped").rename(segment.path)
    loader_of(empty, folder, "coverage_hours").drain()
    assert sums(empty)["coverage_hours"] == [{"p": 7}]


def test_equal_segments_of_different_ids_both_count(empty: Warehouse, folder: Folder) -> None:
    folder.add(*lines(2))
    folder.add(*lines(2))
    loader_of(empty, folder).drain()
    assert numbers(empty) == [0, 0, 1, 1]


class Away(Warehouse):
    """A real warehouse that fails ``failures`` inserts first; a failure may come after the rows are stored."""

    def __init__(self, real: Warehouse, failures: int, error: Exception, *, stores_first: bool = False) -> None:
        self._real = real
        self.failures = failures
        self.error = error
        self.stores_first = stores_first

    def insert(self, table: str, lines: bytes, token: str) -> None:
        if self.failures:
            self.failures -= 1
            if self.stores_first:
                self._real.insert(table, lines, token)
            raise self.error
        self._real.insert(table, lines, token)


@contextmanager
def running(loader: Loader) -> Iterator[Loader]:
    loader.start()
    try:
        yield loader
    finally:
        loader.stop()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "this did not happen in ten seconds"
        time.sleep(0.01)


@pytest.mark.parametrize("stores_first", [False, True], ids=["nothing stored", "only the answer lost"])
def test_warehouse_that_comes_back_gets_everything_once(empty: Warehouse, folder: Folder, stores_first: bool) -> None:
    folder.add(*lines(3))
    folder.add(*lines(4))
    away = Away(empty, 1, WarehouseUnavailableError("Code: 210. Connection refused"), stores_first=stores_first)
    with running(loader_of(away, folder)) as loader:
        until(lambda: loader.trouble)
        assert loader.trouble == "the warehouse is unavailable (Code: 210)"
        assert len(folder.sealed()) == 2
        until(lambda: not folder.sealed() and loader.trouble is None)
    assert sums(empty)["events"] == [{"n": 7, "ms": 7 + 15}]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device", "/secret"), "in trouble (OSError: No space left on device)"),
        (ValueError("secret"), "the loader broke: ValueError"),
        (WarehouseUnavailableError("no route to https://secret:8443"), "the warehouse is unavailable"),
        (
            WarehouseUnavailableError("Code: 243. DB::Exception: Cannot reserve in /secret/store. (NOT_ENOUGH_SPACE)"),
            "the warehouse is unavailable (Code: 243 NOT_ENOUGH_SPACE)",
        ),
    ],
    ids=["disk", "defect", "server", "ClickHouse"],
)
def test_loader_outlives_whatever_goes_wrong(empty: Warehouse, folder: Folder, error: Exception, says: str) -> None:
    folder.add(*lines(2))
    with running(loader_of(Away(empty, 1, error), folder)) as loader:
        until(lambda: loader.trouble)
        assert says in str(loader.trouble)
        assert "secret" not in str(loader.trouble)
        until(lambda: not folder.sealed())
    assert numbers(empty) == [0, 1]


def test_same_trouble_again_is_logged_once(empty: Warehouse, folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "firmly.warehouse.loader")
    folder.add(*lines(2))
    with running(loader_of(Away(empty, 2, WarehouseUnavailableError("Code: 210. Away")), folder)):
        until(lambda: not folder.sealed())
    ours = [record.getMessage() for record in caplog.records if record.name == "firmly.warehouse.loader"]
    trouble = "the warehouse is unavailable (Code: 210)"
    assert ours == [
        f"no events are shipped to the warehouse until this ends: {trouble}: Code: 210. Away",
        "events are shipped to the warehouse again",
    ]


def test_stop_ships_what_is_sealed(empty: Warehouse, folder: Folder) -> None:
    wake = threading.Event()
    loader = Loader(empty, [Stream("events", folder.sealed)], folder.path.parent, wake)
    loader.start()
    until(lambda: not wake.is_set())
    folder.add(*lines(2))
    loader.stop()
    assert (numbers(empty), folder.sealed()) == ([0, 1], [])


def test_stop_does_not_wait_for_a_warehouse_that_is_away(empty: Warehouse, folder: Folder) -> None:
    folder.add(*lines(2))
    away = Away(empty, 10**9, WarehouseUnavailableError("away"))
    with running(loader_of(away, folder)) as loader:
        until(lambda: loader.trouble)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    assert len(folder.sealed()) == 1


def test_half_of_a_refused_segment_that_fails_is_sent_again(empty: Warehouse, folder: Folder) -> None:
    """The warehouse goes away in the middle of halving: the halves keep their tokens."""
    good = lines(6)
    folder.add(*good[:2], b"bad", *good[2:])

    class AwayInBetween(Away):
        calls = 0

        def insert(self, table: str, lines: bytes, token: str) -> None:
            self.calls += 1
            if self.calls == 6:
                raise self.error
            self._real.insert(table, lines, token)

    away = AwayInBetween(empty, 0, WarehouseUnavailableError("away"))
    with pytest.raises(WarehouseUnavailableError):
        loader_of(away, folder).drain()
    loader_of(away, folder).drain()
    assert sums(empty)["events"] == [{"n": 6, "ms": 63}]
    assert sum(row["v"] for row in sums(empty)["org_days"]) == 6


def test_refusal_of_a_single_segment_reaches_nobody_as_an_error(empty: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(WarehouseRefusedError):
        empty.insert("events", b"bad\n", "a token of its own")
    folder = Folder(tmp_path)
    segment: FileSegment = folder.add(b"bad")
    loader_of(empty, folder).drain()
    assert segment.path.with_suffix(".shipped").exists()
