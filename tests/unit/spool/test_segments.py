"""The files of a spool folder: who owns it, what recovery makes of it, what is kept how long."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmly.model import FirmlyError
from firmly.spool.segments import KEEP_SHIPPED_S, SegmentFiles, SegmentFolder
from tests.unit.spool.conftest import lines_in, names_in

OTHER_PROCESS = """
import sys, time
from pathlib import Path
from firmly.spool.segments import SegmentFolder
folder = SegmentFolder(Path(sys.argv[1]))
print("owned", flush=True)
time.sleep(60)
"""


def write(path: Path, name: str, data: bytes) -> Path:
    path.mkdir(exist_ok=True)
    (path / name).write_bytes(data)
    return path / name


def name(number: int, suffix: str = ".open") -> str:
    return f"{number:016d}-{number:016x}{suffix}"


def test_second_owner_is_refused_and_says_what_to_do(path: Path) -> None:
    owner = SegmentFolder(path)
    with pytest.raises(FirmlyError, match=r"another process owns this spool; stop it, or give .* a FIRMLY_COLLECTOR"):
        SegmentFolder(path)
    owner.close()
    SegmentFolder(path).close()


def test_lock_of_another_process_ends_with_it(path: Path) -> None:
    command = [sys.executable, "-c", OTHER_PROCESS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "owned\n"
        with pytest.raises(FirmlyError):
            SegmentFolder(path)
        other.kill()
        other.wait()
    SegmentFolder(path).close()


def test_folder_and_segments_are_private(path: Path) -> None:
    folder = SegmentFolder(path)
    file, descriptor = folder.create()
    os.close(descriptor)
    folder.close()
    assert path.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777, (path / "lock").stat().st_mode & 0o777} == {0o600}


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        (b"", []),
        (b'{"torn', []),
        (b"one\n", [b"one"]),
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\ntw", [b"one"]),
        (b"one\n" + b"\0" * 4096, [b"one"]),
    ],
    ids=["empty", "only torn", "whole", "two", "torn tail", "zeros of a lost page"],
)
def test_recovery_seals_whole_lines_only(path: Path, left: bytes, kept: list[bytes]) -> None:
    write(path, name(1), left)
    folder = SegmentFolder(path)
    assert [line for segment in folder.sealed() for line in segment.read().splitlines()] == kept
    assert names_in(path) == [".sealed"] * bool(kept)
    folder.close()


@settings(deadline=None)
@given(st.lists(st.binary(max_size=8).filter(lambda line: b"\n" not in line)), st.binary(max_size=8))
def test_recovery_keeps_every_whole_line_and_only_these(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], tail: bytes
) -> None:
    path = tmp_path_factory.mktemp("spool")
    torn = tail.replace(b"\n", b"")
    whole = b"".join(line + b"\n" for line in lines)
    write(path, name(1), whole + torn)
    folder = SegmentFolder(path)
    assert b"".join(segment.read() for segment in folder.sealed()) == whole
    folder.close()


def test_recovered_segment_keeps_its_id_for_deduplication(path: Path) -> None:
    write(path, name(7), b"one\n")
    folder = SegmentFolder(path)
    assert [segment.id for segment in folder.sealed()] == [name(7, "")]
    folder.close()


def test_ids_differ_between_lives_and_sort_by_age(path: Path) -> None:
    ids = []
    for _ in range(3):
        folder = SegmentFolder(path)
        file, descriptor = folder.create()
        os.write(descriptor, b"x\n")
        os.close(descriptor)
        folder.seal(file)
        ids = [segment.id for segment in folder.sealed()]
        folder.close()
    assert len(set(ids)) == 3
    assert [int(name.split("-")[0]) for name in ids] == [1, 2, 3]


def test_shipped_segment_is_kept_ten_minutes(path: Path) -> None:
    now = time.time()
    ages = [(".shipped", KEEP_SHIPPED_S + 5), (".shipped", KEEP_SHIPPED_S - 5), (".sealed", 9999)]
    for number, (suffix, age) in enumerate(ages):
        os.utime(write(path, name(number, suffix), b"%d\n" % number), (now - age, now - age))
    folder = SegmentFolder(path)
    assert list(folder.recent_lines()) == [b"1"]
    folder.remove_old_shipped()
    assert lines_in(path) == [b"1", b"2"]
    folder.close()


def test_what_waits_is_measured_and_what_is_shipped_is_not(path: Path) -> None:
    folder = SegmentFolder(path)
    assert (folder.waiting_bytes(), folder.oldest_waiting_age_s()) == (0, 0.0)
    file = write(path, name(1, ".sealed"), b"12345\n")
    write(path, name(2), b"123\n")
    os.utime(file, (time.time() - 60, time.time() - 60))
    assert folder.waiting_bytes() == 10
    assert 60 <= folder.oldest_waiting_age_s() < 70
    for segment in folder.sealed():
        segment.mark_shipped()
    assert folder.waiting_bytes() == 4
    os.utime(path / name(2), (time.time() - 30, time.time() - 30))
    assert 30 <= folder.oldest_waiting_age_s() < 40
    assert names_in(path) == [".open", ".shipped"]
    folder.close()


FOREIGN = ["x.open", "notes.sealed", "1-a.shipped", name(10).upper(), name(1) + ".open", "readme"]


def test_foreign_files_are_named_and_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for foreign in FOREIGN:
        os.utime(write(path, foreign, b"a whole line\n"), (0, 0))
    (path / name(9, ".sealed")).mkdir()
    folder = SegmentFolder(path)
    folder.remove_old_shipped()
    assert (folder.sealed(), list(folder.recent_lines()), folder.waiting_bytes()) == ([], [], 0)
    assert {file.name for file in path.iterdir()} == {*FOREIGN, name(9, ".sealed"), "lock"}
    assert [f"{foreign!r} in the spool is no segment" in caplog.text for foreign in FOREIGN] == [True] * len(FOREIGN)
    assert "'lock'" not in caplog.text
    folder.close()


def test_folder_that_was_deleted_is_empty_and_takes_nothing(path: Path) -> None:
    folder = SegmentFolder(path)
    shutil.rmtree(path)
    assert (folder.sealed(), folder.waiting_bytes(), folder.oldest_waiting_age_s()) == ([], 0, 0.0)
    folder.remove_old_shipped()
    for attempt in (folder.probe, folder.create):
        with pytest.raises(FileNotFoundError):
            attempt()
    assert not path.exists()
    folder.close()


def test_folder_that_was_made_anew_is_locked_anew(path: Path) -> None:
    folder = SegmentFolder(path)
    shutil.rmtree(path)
    path.mkdir()
    folder.probe()
    assert [file.name for file in path.iterdir()] == ["lock"]
    with pytest.raises(FirmlyError, match="another process owns this spool"):
        SegmentFolder(path)
    folder.close()
    SegmentFolder(path).close()


def test_folder_that_another_process_took_is_not_written(path: Path) -> None:
    folder = SegmentFolder(path)
    shutil.rmtree(path)
    other = SegmentFolder(path)
    for attempt in (folder.probe, folder.create):
        with pytest.raises(BlockingIOError):
            attempt()
    assert names_in(path) == []
    folder.close()
    other.close()


def test_clock_that_was_set_back_does_not_keep_shipped_segments_for_hours(path: Path) -> None:
    file = write(path, name(1, ".shipped"), b"one\n")
    sealed = write(path, name(2, ".sealed"), b"two\n")
    for one in (file, sealed):
        os.utime(one, (time.time() + 7200, time.time() + 7200))
    folder = SegmentFolder(path)
    folder.remove_old_shipped()
    assert abs(file.stat().st_mtime - time.time()) < 5
    assert (list(folder.recent_lines()), folder.oldest_waiting_age_s()) == ([b"one", b"two"], 0.0)
    folder.close()


def test_clock_that_was_set_forward_removes_nothing_that_waits(path: Path) -> None:
    for number, suffix in enumerate((".sealed", ".shipped", ".open")):
        os.utime(write(path, name(number, suffix), b"%d\n" % number), (0, 0))
    folder = SegmentFolder(path)
    folder.remove_old_shipped()
    assert lines_in(path) == [b"0", b"2"]
    folder.close()


def test_what_recovery_cuts_off_is_named(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(path, name(1), b'{"whole":1}\n{"torn')
    SegmentFolder(path).close()
    assert f"{name(1)}: 6 bytes at its end are no whole line and are cut off" in caplog.text
    assert "torn" not in caplog.text


def test_shipped_segments_are_removed_before_their_time_where_room_is_needed(path: Path) -> None:
    for number, suffix in enumerate((".sealed", ".shipped", ".open")):
        write(path, name(number, suffix), b"%d\n" % number)
    assert SegmentFiles(path).remove_shipped() == 1
    assert lines_in(path) == [b"0", b"2"]
