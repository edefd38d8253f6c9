"""Files that are prepared in the background: whose they are, how many, how long, and what is left of them."""

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from firmly.accounts.roles import Right, Role
from firmly.accounts.scope import MemberScope, NotAllowedError
from firmly.model import FirmlyError
from firmly.warehouse.store import WarehouseUnavailableError
from firmly.web import export_jobs
from firmly.web.export_jobs import AT_ONCE, WAITING, ExportJobs, Job, Order, Stage
from tests.town import PASSWORD, Firm, Town


class Gate:
    """Rows that come when a test lets them."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.reached = threading.Event()

    def rows(self, count: int) -> Iterator[bytes]:
        for number in range(count):
            yield f"row {number}\n".encode()
            self.reached.set()
            assert self.opened.wait(20)


def order(rows: Callable[[], Iterator[bytes]], right: Right = Right.READ_LEADS, total: int | None = 3) -> Order:
    def write(job: Job) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            file.writelines(job.counted(rows()))
        except BaseException:
            file.close()
            raise
        return file

    return Order("Rows", "rows.txt", "text/plain", right, total, write)


def three() -> Iterator[bytes]:
    return iter((b"a\n", b"b\n", b"c\n"))


class Desk(NamedTuple):
    jobs: ExportJobs
    town: Town

    def finished(self, scope: MemberScope, what: Order) -> Job:
        job = self.jobs.begin(scope, what)
        self.wait()
        return job

    def wait(self) -> None:
        for thread in list(self.jobs._threads):
            thread.join(20)
            assert not thread.is_alive()

    def content(self, scope: MemberScope, job: Job) -> bytes | None:
        found = self.jobs.fetch(scope, job.id)
        return None if found is None else b"".join(found[1])


@pytest.fixture
def desk(town: Town) -> Iterator[Desk]:
    desk = Desk(ExportJobs(town.clock), town)
    yield desk
    desk.jobs.close(20)


def member(town: Town, firm: Firm, number: int, role: Role = Role.SALES) -> MemberScope:
    email = f"m{number}.{firm.id}@firm.example"
    town.accounts.add_member(firm.id, email, "Mia", role, PASSWORD)
    scope = town.accounts.sign_in.scope(town.accounts.sign_in.with_password(email, PASSWORD) or "")
    assert scope is not None
    return scope


def test_file_is_counted_while_it_is_written_and_fetched_when_it_is_ready(desk: Desk, firm: Firm) -> None:
    gate, scope = Gate(), firm.scope
    job = desk.jobs.begin(scope, order(lambda: gate.rows(3)))
    assert gate.reached.wait(20)
    seen = desk.jobs.of(scope)
    assert seen is job
    assert (job.stage, job.done, desk.content(scope, job)) == (Stage.WRITING, 1, None)
    gate.opened.set()
    desk.wait()
    assert (job.stage, job.done, job.bytes) == (Stage.READY, 3, 18)
    assert desk.content(scope, job) == b"row 0\nrow 1\nrow 2\n"


def test_file_is_there_for_two_downloads_and_then_gone(desk: Desk, firm: Firm) -> None:
    scope = firm.scope
    job = desk.finished(scope, order(three))
    assert [desk.content(scope, job) for _ in range(3)] == [b"a\nb\nc\n", b"a\nb\nc\n", None]
    assert desk.jobs.of(scope) is None


def test_two_downloads_at_once_do_not_disturb_each_other(desk: Desk, firm: Firm) -> None:
    scope = firm.scope
    job = desk.finished(scope, order(lambda: iter((os.urandom(700_000),))))
    first, second = desk.jobs.fetch(scope, job.id), desk.jobs.fetch(scope, job.id)
    assert first is not None
    assert second is not None
    pieces: tuple[list[bytes], list[bytes]] = ([], [])
    for one, other in zip(first[1], second[1], strict=True):
        pieces[0].append(one)
        pieces[1].append(other)
    assert b"".join(pieces[0]) == b"".join(pieces[1])
    assert len(b"".join(pieces[0])) == 700_000


def test_download_that_nobody_reads_lets_go_of_the_file(desk: Desk, firm: Firm) -> None:
    scope = firm.scope
    job = desk.finished(scope, order(three))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(2):
        desk.jobs.fetch(scope, job.id)
    assert len(list(Path("/proc/self/fd").iterdir())) == before - 1


def test_file_goes_after_an_hour_also_where_nobody_asks(desk: Desk, firm: Firm) -> None:
    scope = firm.scope
    job = desk.finished(scope, order(three))
    desk.town.clock.advance(minutes=59, seconds=59)
    desk.jobs.sweep()
    assert desk.jobs.of(scope) is job
    desk.town.clock.advance(seconds=1)
    desk.jobs.sweep()
    assert job._file is None
    assert desk.jobs.of(scope) is None
    assert desk.content(scope, job) is None


def test_file_is_its_members_alone(desk: Desk, firm: Firm) -> None:
    scope, colleague, stranger = firm.scope, member(desk.town, firm, 1), desk.town.firm().scope
    job = desk.finished(scope, order(three))
    for other in (colleague, stranger):
        assert desk.jobs.of(other) is None
        assert desk.jobs.fetch(other, job.id) is None
        desk.jobs.stop(other, job.id)
    assert desk.jobs.fetch(scope, "x" * 22) is None
    desk.jobs.stop(scope, "x" * 22)
    assert desk.content(scope, job) == b"a\nb\nc\n"


def test_file_goes_with_the_right_to_it(desk: Desk, firm: Firm) -> None:
    town = desk.town
    mia = member(town, firm, 1, Role.PRIVACY_OFFICER)
    job = desk.finished(mia, order(three, Right.READ_AUDIT))
    place = next(one for one in town.accounts.team.members(firm.scope) if one.id == mia.member_id)
    town.accounts.team.change_role(firm.scope, place.id, Role.SALES)
    email = f"m1.{firm.id}@firm.example"
    changed = town.accounts.sign_in.scope(town.accounts.sign_in.with_password(email, PASSWORD) or "")
    assert changed is not None
    assert desk.jobs.fetch(changed, job.id) is None
    assert job._file is None
    assert desk.jobs.fetch(mia, job.id) is None


def test_what_a_member_may_not_have_is_not_begun(desk: Desk, firm: Firm) -> None:
    viewer = member(desk.town, firm, 1, Role.VIEWER)
    with pytest.raises(NotAllowedError):
        desk.jobs.begin(viewer, order(three, Right.READ_AUDIT))
    assert desk.jobs.of(viewer) is None


def test_member_has_one_file_at_a_time(desk: Desk, firm: Firm) -> None:
    gate, scope = Gate(), firm.scope
    desk.jobs.begin(scope, order(lambda: gate.rows(2)))
    with pytest.raises(FirmlyError, match="still being prepared"):
        desk.jobs.begin(scope, order(three))
    gate.opened.set()
    desk.wait()
    first = desk.jobs.of(scope)
    assert first is not None
    second = desk.finished(scope, order(three))
    assert (first._file, desk.content(scope, second)) == (None, b"a\nb\nc\n")


def test_only_two_are_written_at_once_and_the_others_wait_for_their_turn(desk: Desk, firm: Firm) -> None:
    gates = [Gate() for _ in range(4)]
    jobs = [
        desk.jobs.begin(member(desk.town, firm, number), order(lambda gate=gate: gate.rows(1)))  # type: ignore[misc]
        for number, gate in enumerate(gates)
    ]
    for _ in range(200):
        if sum(gate.reached.wait(0.01) for gate in gates) == AT_ONCE:
            break
    assert sorted(job.stage for job in jobs) == [Stage.WAITING] * 2 + [Stage.WRITING] * 2
    for gate in gates:
        gate.opened.set()
    desk.wait()
    assert {job.stage for job in jobs} == {Stage.READY}


def test_too_many_in_line_are_refused(desk: Desk, firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_jobs, "WAITING", 1)
    assert WAITING == 20
    gate = Gate()
    for number in range(3):
        desk.jobs.begin(member(desk.town, firm, number), order(lambda: gate.rows(1)))
    with pytest.raises(FirmlyError, match="too many exports"):
        desk.jobs.begin(member(desk.town, firm, 9), order(three))
    gate.opened.set()
    desk.wait()


def test_file_that_is_stopped_is_not_written_on(desk: Desk, firm: Firm) -> None:
    gate, scope, read = Gate(), firm.scope, list[int]()

    def rows() -> Iterator[bytes]:
        yield from gate.rows(1)
        for number in range(5000):
            read.append(number)
            yield b"x"

    job = desk.jobs.begin(scope, order(rows))
    assert gate.reached.wait(20)
    desk.jobs.stop(scope, job.id)
    gate.opened.set()
    desk.wait()
    assert desk.jobs.of(scope) is None
    assert (job._file, len(read) < 2000) == (None, True)


def test_process_that_ends_stops_what_is_written_and_lets_go_of_what_is_ready(desk: Desk, firm: Firm) -> None:
    gate, ready = Gate(), desk.finished(firm.scope, order(three))
    running = desk.jobs.begin(member(desk.town, firm, 1), order(lambda: gate.rows(5000)))
    assert gate.reached.wait(20)
    threading.Timer(0.3, gate.opened.set).start()  # When it has been told to end.
    desk.jobs.close(20)
    assert (ready._file, running._file, desk.jobs._threads) == (None, None, set())
    assert running.done < 5000


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (WarehouseUnavailableError("Code: 241"), "the database of visits did not answer, or it is too much at once"),
        (FirmlyError("this list cannot be shown"), "this list cannot be shown"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk of this installation has no room for it"),
        (OSError(errno.EIO, "secret /path"), "something failed; the log of this installation names it"),
        (RuntimeError("visitor@example.com"), "something failed; the log of this installation names it"),
    ],
    ids=lambda one: str(one)[:20],
)
def test_failure_is_said_without_what_the_error_holds(desk: Desk, firm: Firm, error: Exception, said: str) -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise error

    job = desk.finished(firm.scope, order(broken))
    assert (job.stage, job.reason) == (Stage.FAILED, said)
    assert desk.content(firm.scope, job) is None
    again = desk.finished(firm.scope, order(three))
    assert again.stage is Stage.READY


def test_exports_leave_the_disk_room_for_events(desk: Desk, firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_jobs, "MIN_FREE_BYTES", shutil.disk_usage(tempfile.gettempdir()).total + 1)
    job = desk.finished(firm.scope, order(three))
    assert (job.stage, job.reason) == (Stage.FAILED, "the disk of this installation has no room for it")


def test_no_file_of_an_export_has_a_name(
    desk: Desk, firm: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the process, nothing is left behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    job = desk.finished(firm.scope, order(three))
    assert job.stage is Stage.READY
    assert list(tmp_path.iterdir()) == []
