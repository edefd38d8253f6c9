"""Shipping: sent until confirmed, stored once, a bad line never in the way of a good one."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson
import pytest

from firmly.warehouse.backlog import GIVE_UP_AFTER
from firmly.warehouse.loader import STOP_S, Loader, Stream
from firmly.warehouse.quarantine import Quarantine
from firmly.warehouse.store import Warehouse, WarehouseRefusedError, WarehouseUnavailableError
from tests.unit.warehouse.conftest import FileSegment, Folder, lines, select, sums


def loader_of(warehouse: Warehouse, folder: Folder, table: str = "events") -> Loader:
    return Loader(warehouse, [Stream(table, folder.sealed)], folder.path.parent / "quarantine", threading.Event())


def quarantine_of(folder: Folder) -> Quarantine:
    return Quarantine(folder.path.parent / "quarantine")


def set_aside(folder: Folder) -> list[tuple[str, bytes]]:
    quarantine = quarantine_of(folder)
    return [(line.reason, quarantine.content(line.name)) for line in quarantine.lines()]


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
    "a carriage return": b"bad\rworse",
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
    assert ("Code: " if bad != BAD["zeros"] else "Damaged: ") in reason
    assert line == bad + b"\n"
    assert (loader.quarantined_lines, folder.sealed()) == (1, [])
    assert f"a line was refused and set aside as events-{segment.id}-3" in caplog.text


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
        self.writers = real.writers
        self.failures = failures
        self.error = error
        self.stores_first = stores_first

    def open(self) -> None:
        """It is open."""

    def is_reachable(self) -> bool:
        return True

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
    away = Away(empty, 2, WarehouseUnavailableError("Code: 210. Connection refused"), stores_first=stores_first)
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
            if self.calls == 5:
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


class Watched(Away):
    """A real warehouse that tells the tokens it got, and which of them fails."""

    def __init__(self, real: Warehouse, fails: Callable[[str], bool] = lambda _token: False) -> None:
        super().__init__(real, 0, WarehouseUnavailableError("away"))
        self.tokens: list[str] = []
        self.fails = fails

    def insert(self, table: str, lines: bytes, token: str) -> None:
        self.tokens.append(token)
        if self.fails(token):
            raise self.error
        self._real.insert(table, lines, token)


class Mended(Watched):
    """Refuses whatever holds ``bad`` until it is mended; the rest is up to the real one."""

    is_mended = False

    def insert(self, table: str, lines: bytes, token: str) -> None:
        if b"/bad" in lines and not self.is_mended:
            self.tokens.append(token)
            raise WarehouseRefusedError("Code: 27. Refused by the test")
        super().insert(table, lines, token)


def with_one_bad(count: int) -> list[bytes]:
    good = lines(count)
    good[count // 2] = good[count // 2].replace(b'"/"', b'"/bad"')
    return good


@pytest.mark.parametrize(("count", "fails_at"), [(1, 1), *((8, calls) for calls in range(1, 8))])
def test_segment_partly_stored_in_parts_is_never_sent_whole_again(
    empty: Warehouse, folder: Folder, count: int, fails_at: int
) -> None:
    """Killed among the parts; then the table is mended, and would take the whole segment beside its parts."""
    folder.add(*with_one_bad(count))
    mended = Mended(empty)
    mended.fails = lambda _token: len(mended.tokens) > fails_at
    with suppress(WarehouseUnavailableError):
        loader_of(mended, folder).drain()
    mended.is_mended, mended.fails = True, lambda _token: False
    loader = loader_of(mended, folder)  # A new one, as after a restart.
    loader.drain()
    for refused in quarantine_of(folder).lines():
        quarantine_of(folder).replay(refused.name)
    loader.drain()
    stored = sums(empty)
    assert (stored["events"], folder.sealed()) == ([{"n": count, "ms": 2**count - 1}], [])
    assert sum(row["v"] for row in stored["org_days"]) == count


def test_line_that_an_operator_sends_again_is_stored_once(empty: Warehouse, folder: Folder) -> None:
    folder.add(*with_one_bad(5))
    mended = Mended(empty)
    loader = loader_of(mended, folder)
    loader.drain()
    assert (numbers(empty), loader.lines_in_quarantine) == ([0, 1, 3, 4], 1)
    [refused] = quarantine_of(folder).lines()
    quarantine_of(folder).replay(refused.name)
    loader.drain()
    assert [line.is_waiting for line in quarantine_of(folder).lines()] == [False], "refused again, it waits again"
    mended.is_mended = True
    quarantine_of(folder).replay(refused.name)
    loader.drain()
    assert (numbers(empty), quarantine_of(folder).lines()) == ([0, 1, 2, 3, 4], [])
    assert sum(row["v"] for row in sums(empty)["org_days"]) == 5


def test_replay_whose_confirmation_was_lost_is_stored_once(empty: Warehouse, folder: Folder) -> None:
    """Killed between the insert and the removal of the file."""
    folder.add(*with_one_bad(5))
    mended = Mended(empty)
    loader_of(mended, folder).drain()
    mended.is_mended = True
    [refused] = quarantine_of(folder).lines()
    quarantine_of(folder).replay(refused.name)
    [replay] = quarantine_of(folder).replays()
    mended.insert(replay.table, replay.read(), replay.token)
    loader_of(mended, folder).drain()
    assert (numbers(empty), quarantine_of(folder).lines()) == ([0, 1, 2, 3, 4], [])


def test_running_loader_finds_what_an_operator_sends_again(empty: Warehouse, folder: Folder) -> None:
    folder.add(*with_one_bad(3))
    mended = Mended(empty)
    with running(loader_of(mended, folder)) as loader:
        until(loader.alarms)
        assert loader.alarms() == [
            "1 line that the warehouse refused waits in quarantine; `firmly spool quarantine` says why"
        ]
        assert loader.trouble is None
        mended.is_mended = True
        [refused] = quarantine_of(folder).lines()
        quarantine_of(folder).replay(refused.name)
        until(lambda: not loader.alarms())
    assert numbers(empty) == [0, 1, 2]


def test_segment_that_always_fails_holds_up_no_other(empty: Warehouse, folder: Folder) -> None:
    broken = folder.add(*lines(1))
    for _ in range(4):
        folder.add(*lines(2))
    watched = Watched(empty, lambda token: token.startswith(broken.id))
    with pytest.raises(WarehouseUnavailableError):
        loader_of(watched, folder).drain()
    assert (numbers(empty), [segment.id for segment in folder.sealed()]) == ([0, 0, 0, 0, 1, 1, 1, 1], [broken.id])


def test_warehouse_that_is_away_is_not_asked_for_every_segment(empty: Warehouse, folder: Folder) -> None:
    for _ in range(9):
        folder.add(*lines(1))
    watched = Watched(empty, lambda _token: True)
    with pytest.raises(WarehouseUnavailableError):
        loader_of(watched, folder).drain()
    assert len(watched.tokens) == GIVE_UP_AFTER


def test_many_waiting_segments_go_side_by_side_within_the_width(empty: Warehouse, folder: Folder) -> None:
    class Counted(Watched):
        running = most = 0
        lock = threading.Lock()

        def insert(self, table: str, lines: bytes, token: str) -> None:
            with self.lock:
                self.running += 1
                self.most = max(self.most, self.running)
            time.sleep(0.02)
            super().insert(table, lines, token)
            with self.lock:
                self.running -= 1

    for number in range(20):
        folder.add(*(line for line in lines(20)[number : number + 1]))
    counted = Counted(empty)
    Loader(counted, [Stream("events", folder.sealed)], folder.path.parent, threading.Event(), width=3).drain()
    assert numbers(empty) == list(range(20))
    assert counted.most == 3


def test_streams_take_turns(empty: Warehouse, folder: Folder, tmp_path: Path) -> None:
    """A backlog of events does not keep the coverage counts waiting."""
    (tmp_path / "other").mkdir()
    other = Folder(tmp_path / "other")
    for _ in range(3):
        folder.add(*lines(1))
    record = {"workspace_id": 1, "site_id": 1, "hour": "2026-03-31 09:00:00", "outcome": "company", "pageviews": 7}
    counts = other.add(orjson.dumps(record))
    watched = Watched(empty)
    streams = [Stream("events", folder.sealed), Stream("coverage_hours", other.sealed)]
    Loader(watched, streams, tmp_path / "quarantine", threading.Event(), width=1).drain()
    assert watched.tokens.index(f"{counts.id}:0+1") == 1


def test_idle_loader_notices_that_the_warehouse_went_away_and_came_back(empty: Warehouse, folder: Folder) -> None:
    class Silent(Watched):
        answers = False

        def is_reachable(self) -> bool:
            return self.answers

    silent = Silent(empty)
    with running(loader_of(silent, folder)) as loader:
        until(lambda: loader.trouble == "the warehouse is unavailable")
        silent.answers = True
        until(lambda: loader.trouble is None)


def test_stop_leaves_an_insert_that_hangs_behind(empty: Warehouse, folder: Folder) -> None:
    class Hanging(Watched):
        release = threading.Event()

        def insert(self, table: str, lines: bytes, token: str) -> None:
            self.tokens.append(token)
            self.release.wait(60)

    segment = folder.add(*lines(1))
    hanging = Hanging(empty)
    loader = loader_of(hanging, folder)
    loader.start()
    until(lambda: hanging.tokens)
    started = time.monotonic()
    loader.stop()
    assert time.monotonic() - started < STOP_S + 1
    assert segment.path.exists()
    hanging.release.set()


def test_stop_ends_a_long_backlog_in_time_and_leaves_the_rest_sealed(empty: Warehouse, folder: Folder) -> None:
    class Slow(Watched):
        def insert(self, table: str, lines: bytes, token: str) -> None:
            time.sleep(0.4)
            super().insert(table, lines, token)

    for _ in range(200):
        folder.add(*lines(1))
    loader = loader_of(Slow(empty), folder)
    loader.start()
    started = time.monotonic()
    loader.stop()
    assert time.monotonic() - started < STOP_S + 1
    until(lambda: not loader._thread.is_alive())
    assert len(numbers(empty)) + len(folder.sealed()) == 200


def test_line_alone_in_its_segment_that_was_set_aside_unnoted_is_stored_once(empty: Warehouse, folder: Folder) -> None:
    """Killed between quarantine and note; an operator sends the line again before the next start; then it fits."""
    segment = folder.add(*with_one_bad(1))
    mended = Mended(empty)
    loader_of(mended, folder).drain()
    segment.path.with_suffix(".shipped").rename(segment.path)
    [note] = (folder.path.parent / "quarantine").glob("*.parts")
    note.unlink()
    [refused] = quarantine_of(folder).lines()
    quarantine_of(folder).replay(refused.name)
    mended.is_mended = True
    loader_of(mended, folder).drain()
    assert (numbers(empty), quarantine_of(folder).lines()) == ([0], [])


@pytest.mark.parametrize(
    "message", ["Code: 441. Something about these lines", "Code: 241. Too little memory for these lines"]
)
def test_segments_that_the_warehouse_never_takes_hold_up_no_other(
    empty: Warehouse, folder: Folder, message: str
) -> None:
    bad = [folder.add(*lines(1)).id for _ in range(2 * GIVE_UP_AFTER)]
    for _ in range(4):
        folder.add(*lines(2))
    watched = Watched(empty, lambda token: token.partition(":")[0] in bad)
    watched.error = WarehouseUnavailableError(message)
    with running(loader_of(watched, folder)) as loader:
        until(lambda: [segment.id for segment in folder.sealed()] == bad)
        until(lambda: message[:9] in str(loader.trouble))  # Not while one of the good ones has just gone.
    assert numbers(empty) == [0, 0, 0, 0, 1, 1, 1, 1]


def test_segments_that_cannot_be_read_hold_up_no_other(empty: Warehouse, folder: Folder) -> None:
    for number in range(GIVE_UP_AFTER):
        (folder.path / f"0000-{number}.sealed").mkdir()
    folder.add(*lines(3))
    with pytest.raises(IsADirectoryError):
        loader_of(empty, folder).drain()
    assert (numbers(empty), len(folder.sealed())) == ([0, 1, 2], GIVE_UP_AFTER)


def test_segment_that_always_fails_holds_up_no_line_that_an_operator_sends_again(
    empty: Warehouse, folder: Folder
) -> None:
    folder.add(*with_one_bad(3))
    mended = Mended(empty)
    loader_of(mended, folder).drain()
    mended.is_mended = True
    (folder.path / "0000-0.sealed").mkdir()
    with running(loader_of(mended, folder)) as loader:
        until(lambda: loader.trouble)
        [refused] = quarantine_of(folder).lines()
        quarantine_of(folder).replay(refused.name)
        until(lambda: not quarantine_of(folder).lines())
        assert loader.trouble == "the loader's files are in trouble (IsADirectoryError: Is a directory)"
    assert numbers(empty) == [0, 1, 2]


def test_line_that_cannot_be_sent_again_holds_up_no_other(empty: Warehouse, folder: Folder) -> None:
    for _ in range(2):
        folder.add(*with_one_bad(1))
    mended = Mended(empty)
    loader_of(mended, folder).drain()
    first, second = quarantine_of(folder).lines()
    for refused in (first, second):
        quarantine_of(folder).replay(refused.name)
    mended.is_mended, mended.error = True, WarehouseUnavailableError("Code: 441. This line")
    mended.fails = lambda token: f"events-{token.partition(':')[0]}-0" == first.name
    with pytest.raises(WarehouseUnavailableError):
        loader_of(mended, folder).drain()
    assert (numbers(empty), [line.name for line in quarantine_of(folder).lines()]) == ([0], [first.name])


@pytest.mark.parametrize("dies_at", [2, 6, 7, 8])
def test_part_that_is_stored_is_not_sent_again_after_a_crash(empty: Warehouse, folder: Folder, dies_at: int) -> None:
    """Other segments may have pushed its token out of ClickHouse's window by then."""
    segment = folder.add(*with_one_bad(8))
    mended = Mended(empty)
    mended.fails = lambda _token: len(mended.tokens) == dies_at
    with suppress(WarehouseUnavailableError):
        loader_of(mended, folder).drain()
    with suppress(FileNotFoundError):  # Where nothing failed it dies before the mark.
        segment.path.with_suffix(".shipped").rename(segment.path)
    loader_of(mended, folder).drain()
    sent_twice = [token for token, times in Counter(mended.tokens).items() if times > 1]
    assert sent_twice == ([mended.tokens[dies_at - 1]] if dies_at <= 7 else [])
    assert numbers(empty) == [0, 1, 2, 3, 5, 6, 7]
