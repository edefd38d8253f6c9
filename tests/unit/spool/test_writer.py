"""Group commit: acknowledged lines are on disk, whatever ends the process; refused ones are not."""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmly.spool.segments import SegmentFolder
from firmly.spool.writer import Spool, SpoolFullError, SpoolLimits
from tests.unit.spool.conftest import lines_in, names_in, spooling, until

pytestmark = pytest.mark.anyio


async def test_acknowledged_line_is_in_a_file_before_the_answer(path: Path) -> None:
    async with spooling(path) as spool:
        await spool.append(b"one\n")
        assert lines_in(path) == [b"one"]
        await spool.append(b"two\nthree\n")
        assert lines_in(path) == [b"one", b"two", b"three"]


async def test_segments_grow_while_the_loader_is_behind_and_are_sealed_by_age_again_when_it_is_not(path: Path) -> None:
    async with spooling(path, SpoolLimits(segment_age_s=0.02, enough_waiting=2, min_free_bytes=0)) as spool:
        for number in range(12):
            await spool.append(b"%d\n" % number)
            await asyncio.sleep(0.04)
        assert names_in(path) == [".open", ".sealed", ".sealed"]
        [oldest, _] = spool._folder.sealed()
        oldest.mark_shipped()
        await until(lambda: names_in(path) == [".sealed", ".sealed", ".shipped"])
    assert lines_in(path) == [b"%d" % number for number in range(12)]


async def test_requests_of_one_turn_share_a_commit_and_keep_their_order(path: Path) -> None:
    commits: list[float] = []
    async with spooling(path) as spool:
        spool.observe_commit = commits.append
        await asyncio.gather(*(spool.append(b"%d\n" % number) for number in range(100)))
    assert lines_in(path) == [b"%d" % number for number in range(100)]
    assert len(commits) == 1


async def test_lines_that_come_during_a_commit_are_in_the_next(path: Path) -> None:
    commits: list[float] = []
    async with spooling(path) as spool:
        spool.observe_commit = commits.append
        first = asyncio.create_task(spool.append(b"first\n"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not first.done()
        await asyncio.gather(spool.append(b"second\n"), spool.append(b"third\n"))
    assert (lines_in(path), len(commits)) == ([b"first", b"second", b"third"], 2)


async def test_segment_is_sealed_by_size_and_the_loader_is_woken(path: Path) -> None:
    sealed = threading.Event()
    async with spooling(path, SpoolLimits(segment_bytes=10, segment_age_s=3600, min_free_bytes=0), sealed) as spool:
        await spool.append(b"four\n")
        assert (names_in(path), sealed.is_set()) == ([".open"], False)
        await spool.append(b"more\n")
        await until(lambda: names_in(path) == [".sealed"])
        assert sealed.is_set()
        await spool.append(b"next\n")
        assert names_in(path) == [".open", ".sealed"]


async def test_segment_is_sealed_by_age(path: Path) -> None:
    async with spooling(path, SpoolLimits(segment_age_s=0.05, min_free_bytes=0)) as spool:
        await spool.append(b"one\n")
        await until(lambda: names_in(path) == [".sealed"])


async def test_idle_spool_makes_no_files(path: Path) -> None:
    async with spooling(path, SpoolLimits(segment_age_s=0.02, min_free_bytes=0)) as spool:
        await asyncio.sleep(0.1)
        await spool.seal_now()
    assert names_in(path) == []


async def test_stop_seals_what_was_acknowledged_and_refuses_the_rest(path: Path) -> None:
    async with spooling(path) as spool:
        await spool.append(b"one\n")
    assert names_in(path) == [".sealed"]
    with pytest.raises(SpoolFullError, match="has stopped"):
        await spool.append(b"late\n")
    async with spooling(path):
        assert lines_in(path) == [b"one"]


async def test_cancelled_waiter_harms_nobody(path: Path) -> None:
    async with spooling(path) as spool:
        gone = asyncio.create_task(spool.append(b"gone\n"))
        stays = asyncio.create_task(spool.append(b"stays\n"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        with contextlib.suppress(asyncio.CancelledError):
            await gone
        assert gone.cancelled()
        await spool.append(b"after\n")
    assert lines_in(path) == [b"gone", b"stays", b"after"]


async def test_full_spool_refuses_and_takes_again_once_shipped(path: Path) -> None:
    folder = SegmentFolder(path)
    spool = Spool(folder, SpoolLimits(segment_age_s=0.02, max_bytes=10, min_free_bytes=0), threading.Event())
    await spool.start()
    await spool.append(b"0123456789\n")
    await until(lambda: spool.refusal)
    with pytest.raises(SpoolFullError, match="11 bytes wait for the warehouse; the limit is 10"):
        await spool.append(b"more\n")
    for segment in folder.sealed():
        segment.mark_shipped()
    await until(lambda: spool.refusal is None)
    await spool.append(b"again\n")
    await spool.stop()
    assert lines_in(path) == [b"0123456789", b"again"]


async def test_disk_with_too_little_space_is_refused_from_the_start(path: Path) -> None:
    async with spooling(path, SpoolLimits(min_free_bytes=2**60)) as spool:
        assert spool.refusal == f"less than {2**60} bytes are free on the disk"
        with pytest.raises(SpoolFullError):
            await spool.append(b"one\n")
    assert names_in(path) == []


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Let the system refuse to write beyond ``limit`` bytes of a file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


MB = 2**20
DELETED = "the spool's folder or its open segment was deleted; expected the folder, writable, at its place"


async def test_refused_write_loses_nothing_that_was_acknowledged(path: Path) -> None:
    """Of the write that failed half-way nothing stays behind, so that the client's retry counts once."""
    big = b"a" * (MB - 100) + b"\n"
    async with spooling(path, SpoolLimits(segment_age_s=0.05, min_free_bytes=0)) as spool:
        with file_size_limit(MB):
            await spool.append(big)
            answers = await asyncio.gather(
                spool.append(b"b" * 60 + b"\n"), spool.append(b"c" * 60 + b"\n"), return_exceptions=True
            )
        assert [type(answer) for answer in answers] == [SpoolFullError, SpoolFullError]
        assert lines_in(path) == [big.rstrip()]
        await until(lambda: spool.refusal is None)
        await spool.append(b"again\n")
    assert lines_in(path) == [big.rstrip(), b"again"]
    assert names_in(path) == [".sealed", ".sealed"]


async def test_first_write_that_is_refused_leaves_no_file(path: Path) -> None:
    async with spooling(path) as spool:
        with file_size_limit(MB), pytest.raises(SpoolFullError, match="the disk refused the write"):
            await spool.append(b"x" * (2 * MB) + b"\n")
        assert names_in(path) == []
        assert spool.refusal == "the disk refused a write (OSError: File too large)"


async def test_segment_that_cannot_be_made_is_a_refusal(path: Path) -> None:
    async with spooling(path) as spool:
        path.rename(path.with_name("moved"))
        with pytest.raises(SpoolFullError):
            await spool.append(b"one\n")
        assert spool.refusal == DELETED
        path.with_name("moved").rename(path)
        await until(lambda: spool.refusal is None)
        await spool.append(b"two\n")
    assert lines_in(path) == [b"two"]


async def test_acknowledgement_stands_where_only_sealing_fails(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The lines are on disk: an error would make the client send them again, and they would count twice."""
    async with spooling(path, SpoolLimits(segment_bytes=8, segment_age_s=0.05, min_free_bytes=0)) as spool:
        await spool.append(b"one\n")
        [file] = [file for file in path.iterdir() if file.suffix == ".open"]
        in_the_way = file.with_suffix(".sealed")
        in_the_way.mkdir()
        await spool.append(b"two and three\n")
        await until(lambda: spool.refusal)
        assert spool.refusal == "a segment could not be sealed (IsADirectoryError: Is a directory)"
        await asyncio.sleep(0.3)
        assert spool.refusal == "a segment could not be sealed (IsADirectoryError: Is a directory)"
        assert caplog.text.count("the spool takes no events") == 1
        in_the_way.rmdir()
        await until(lambda: spool.refusal is None)
        assert names_in(path) == [".sealed"]
        await spool.append(b"four\n")
    assert lines_in(path) == [b"one", b"two and three", b"four"]


async def test_failed_sync_is_never_tried_again_on_the_same_segment(path: Path) -> None:
    """A second fdatasync can succeed although the pages of the first are lost."""
    async with spooling(path) as spool:
        await spool.append(b"one\n")
        assert spool._open is not None
        spool._open.is_spent = True
        await spool.append(b"two\n")
        assert names_in(path) == [".open", ".sealed"]
    assert lines_in(path) == [b"one", b"two"]


async def test_line_in_a_deleted_file_is_not_acknowledged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The system takes writes and syncs of such a file; the lines are gone when it is closed."""
    async with spooling(path) as spool:
        await spool.append(b"one\n")
        shutil.rmtree(path)
        for _ in range(3):
            with pytest.raises(SpoolFullError):
                await spool.append(b"into nowhere\n")
        assert spool.refusal == DELETED
        assert "a segment was deleted from outside: 4 bytes of events are lost" in caplog.text
        await asyncio.sleep(0.5)
        assert (spool.refusal, path.exists()) == (DELETED, False)
        path.mkdir()
        await until(lambda: spool.refusal is None)
        await spool.append(b"two\n")
    assert lines_in(path) == [b"two"]
    assert caplog.text.count("the spool takes no events") == 1


async def test_only_the_open_segment_is_deleted(path: Path) -> None:
    async with spooling(path) as spool:
        await spool.append(b"one\n")
        next(path.glob("*.open")).unlink()
        with pytest.raises(SpoolFullError, match="the disk refused the write"):
            await spool.append(b"into nowhere\n")
        await until(lambda: spool.refusal is None)
        await spool.append(b"two\n")
    assert lines_in(path) == [b"two"]


async def test_idle_spool_notices_that_its_folder_is_gone(path: Path) -> None:
    async with spooling(path) as spool:
        shutil.rmtree(path)
        await until(lambda: spool.refusal)
        assert spool.refusal == DELETED
        assert str(path) not in str(spool.refusal)


async def test_refusal_stands_until_a_write_works_although_space_is_free(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with spooling(path) as spool:
        (path / "probe").mkdir()
        with file_size_limit(MB), pytest.raises(SpoolFullError):
            await spool.append(b"x" * (2 * MB) + b"\n")
        await asyncio.sleep(0.5)
        assert spool.refusal == "the disk refused a write (IsADirectoryError: Is a directory)"
        assert caplog.text.count("the spool takes no events") == 1
        (path / "probe").rmdir()
        await until(lambda: spool.refusal is None)
        await spool.append(b"one\n")
    assert sorted(file.suffix or file.name for file in path.iterdir()) == [".sealed", "lock"]


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    gc.collect()  # Else what other tests left open may be closed meanwhile, and leave one.
    """Let the system refuse to open one more file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_too_many_open_files_are_a_refusal_that_is_logged_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "firmly.spool")
    async with spooling(path) as spool:
        with no_descriptor_left():
            with pytest.raises(SpoolFullError):
                await spool.append(b"one\n")
            await asyncio.sleep(0.7)
            assert spool.refusal == "the disk refused a write (OSError: Too many open files)"
        await until(lambda: spool.refusal is None)
        await spool.append(b"two\n")
    assert lines_in(path) == [b"two"]

    def said(level: str) -> int:
        return [record.levelname for record in caplog.records if record.name.startswith("firmly.spool")].count(level)

    # The Firmly that tests of this process share has two spools, which run out of descriptors as well.
    await until(lambda: said("INFO") == said("ERROR"))
    assert 1 <= said("ERROR") <= 3


async def test_stop_with_a_segment_that_cannot_be_sealed_lets_go_of_the_folder(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with spooling(path) as spool:
        await spool.append(b"one\n")
        in_the_way = next(path.glob("*.open")).with_suffix(".sealed")
        in_the_way.mkdir()
    assert "the last segment stays open, for the next start to recover (IsADirectoryError" in caplog.text
    in_the_way.rmdir()
    async with spooling(path):
        assert lines_in(path) == [b"one"]


async def test_outcome_is_known_although_the_request_was_cancelled(path: Path) -> None:
    outcomes: list[BaseException | None] = []

    async def request(spool: Spool) -> None:
        written = spool.submit(b"gone\n")
        written.add_done_callback(lambda done: outcomes.append(done.exception()))
        await asyncio.shield(written)

    async with spooling(path) as spool:
        gone = asyncio.create_task(request(spool))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert (gone.cancelled(), outcomes) == (True, [])
        await until(lambda: outcomes)
    assert (outcomes, lines_in(path)) == ([None], [b"gone"])


async def test_refused_submission_ends_at_once(path: Path) -> None:
    async with spooling(path, SpoolLimits(min_free_bytes=2**60)) as spool:
        written = spool.submit(b"one\n")
        assert isinstance(written.exception(), SpoolFullError)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("in flight"), st.integers(1, 5)),
        st.tuples(st.just("seal"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("crash"), st.integers(0, 3)),
    ),
    max_size=10,
)
TORN = [b"", b"{", b'{"half":"a li', b"\0" * 4096]


class Life:
    """A spool that dies and comes back, with a note of every line that it was given and acknowledged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lives = 0
        self.given: list[bytes] = []
        self.acknowledged: list[bytes] = []
        self.tasks: list[asyncio.Task[None]] = []

    @property
    def path(self) -> Path:
        return self.root / str(self.lives)

    async def start(self) -> None:
        limits = SpoolLimits(segment_bytes=30, segment_age_s=3600, min_free_bytes=0)
        self.spool = Spool(SegmentFolder(self.path), limits, threading.Event())
        await self.spool.start()

    def begin(self, count: int) -> None:
        for _ in range(count):
            line = b"line %d" % len(self.given)
            self.given.append(line)
            self.tasks.append(asyncio.create_task(self._append(line)))

    async def _append(self, line: bytes) -> None:
        await self.spool.append(line + b"\n")
        self.acknowledged.append(line)

    async def settle(self) -> None:
        await asyncio.gather(*self.tasks)
        self.tasks.clear()

    def _copy(self, copy: Path) -> None:
        """Copy the folder as at one moment: anew where a segment was renamed meanwhile."""
        while True:
            try:
                shutil.copytree(self.path, copy)
                return
            except (shutil.Error, FileNotFoundError):
                shutil.rmtree(copy, ignore_errors=True)

    async def crash(self, torn: bytes) -> None:
        """Go on from a copy of the files as they are in this moment, as after kill -9."""
        acknowledged = list(self.acknowledged)
        self._copy(self.root / str(self.lives + 1))
        await self.settle()
        await self.spool.stop()
        self.acknowledged, self.lives = acknowledged, self.lives + 1
        for file in self.path.glob("*.open"):
            with file.open("ab") as left_open:
                left_open.write(torn)
        await self.start()

    async def take(self, step: str, number: int) -> None:
        match step:
            case "append":
                self.begin(number)
                await self.settle()
            case "in flight":
                self.begin(number)
                for _ in range(number):
                    await asyncio.sleep(0)
            case "seal":
                await self.spool.seal_now()
            case "restart":
                await self.settle()
                await self.spool.stop()
                await self.start()
            case "crash":
                await self.crash(TORN[number])


@settings(max_examples=60, deadline=None)
@given(STEPS)
async def test_every_acknowledged_line_is_there_once_and_none_is_invented(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        life = Life(Path(root))
        await life.start()
        for step, number in steps:
            await life.take(step, number)
        await life.settle()
        await life.spool.stop()
        found = lines_in(life.path)
        assert names_in(life.path) == [".sealed"] * len(names_in(life.path))
    assert len(found) == len(set(found))
    assert set(life.acknowledged) <= set(found) <= set(life.given)
    assert [line for line in life.given if line in set(found)] == found


async def test_shipped_segments_yield_where_the_disk_is_full(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.mkdir()
    for number in range(3):
        (path / f"{number:016d}-{number:016x}.shipped").write_bytes(b"{}\n")
    async with spooling(path, SpoolLimits(min_free_bytes=2**60)) as spool:
        assert spool.refusal == f"less than {2**60} bytes are free on the disk"
        assert names_in(path) == []
    assert caplog.text.count("3 shipped segments were removed before their time") == 1


async def test_disk_that_does_not_answer_fills_no_memory(path: Path) -> None:
    async with spooling(path, SpoolLimits(min_free_bytes=0, max_uncommitted_bytes=1000)) as spool:
        held = threading.Event()
        spool._thread.submit(held.wait)  # What a disk that hangs does to the spool's thread.
        waiting = [spool.submit(b"x" * 99 + b"\n") for _ in range(30)]
        await asyncio.sleep(0.05)
        waiting += [spool.submit(b"y" * 99 + b"\n") for _ in range(30)]
        refused = [one for one in waiting if one.done() and one.exception()]
        assert len(refused) >= 60 - 2 * 11
        held.set()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(outcome, SpoolFullError) for outcome in outcomes) == len(refused)
        assert len(lines_in(path)) == 60 - len(refused)
        await spool.append(b"z\n")
