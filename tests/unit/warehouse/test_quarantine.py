"""Lines set aside: never in two places, listed without their content, handed back to the loader by a renaming."""

import os
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmly.model import FirmlyError
from firmly.warehouse.quarantine import KEEP_PARTS_S, Quarantine, RefusedLine

AT = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
SEGMENT = "0000000000000007-00ff00ff00ff00ff"
NAME = f"events-{SEGMENT}-3"
LINE = b'{"path": "/a\r\x00\xff"}\n'


@pytest.fixture
def quarantine(tmp_path: Path) -> Quarantine:
    quarantine = Quarantine(tmp_path / "quarantine")
    assert quarantine.set_aside("events", SEGMENT, 3, LINE, "Code: 27. Why\nnot", AT) == NAME
    return quarantine


def names(quarantine: Quarantine) -> list[str]:
    return sorted(path.name for path in quarantine._folder.iterdir())


def test_line_is_listed_without_its_content(quarantine: Quarantine) -> None:
    assert quarantine.lines() == [RefusedLine(NAME, "events", AT, "Code: 27. Why\nnot", is_waiting=False)]
    assert quarantine.count() == 1
    assert quarantine.content(NAME) == LINE


def test_files_are_for_their_owner_only(quarantine: Quarantine) -> None:
    [file] = quarantine._folder.iterdir()
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)


def test_folder_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "none")
    assert (quarantine.lines(), quarantine.count(), quarantine.replays()) == ([], 0, [])
    assert not (tmp_path / "none").exists()


def test_line_that_is_set_aside_again_is_there_once(quarantine: Quarantine) -> None:
    quarantine.set_aside("events", SEGMENT, 3, LINE, "another reason", AT)
    assert [line.reason for line in quarantine.lines()] == ["Code: 27. Why\nnot"]


def test_line_on_its_way_back_is_not_set_aside_beside_itself(quarantine: Quarantine) -> None:
    """Else it could be stored, and be sent once more later."""
    quarantine.replay(NAME)
    quarantine.set_aside("events", SEGMENT, 3, LINE, "another reason", AT)
    assert names(quarantine) == [f"{NAME}.replay"]


def test_replay_has_the_line_as_it_was_and_the_token_it_had(quarantine: Quarantine) -> None:
    assert quarantine.replays() == []
    for _ in range(2):
        quarantine.replay(NAME)
    [replay] = quarantine.replays()
    assert (replay.table, replay.token, replay.read()) == ("events", f"{SEGMENT}:3+1", LINE)
    assert [line.is_waiting for line in quarantine.lines()] == [True]
    assert quarantine.count() == 0
    replay.mark_stored()
    assert names(quarantine) == []


def test_replay_that_is_refused_waits_for_the_operator_with_the_new_reason(quarantine: Quarantine) -> None:
    quarantine.replay(NAME)
    [replay] = quarantine.replays()
    replay.refuse_again("still", AT)
    assert quarantine.lines() == [RefusedLine(NAME, "events", AT, "still", is_waiting=False)]
    assert quarantine.content(NAME) == LINE
    assert names(quarantine) == [f"{NAME}.line"]


@pytest.mark.parametrize("name", ["", "events-00-1", f"../quarantine/{NAME}", "/etc/passwd"])
def test_name_of_no_line_is_refused_with_what_to_do(quarantine: Quarantine, name: str) -> None:
    for use in (quarantine.replay, quarantine.content):
        with pytest.raises(FirmlyError, match="expected the name of a line in quarantine"):
            use(name)


def test_damaged_and_foreign_files_are_listed_or_left_alone(quarantine: Quarantine) -> None:
    (quarantine._folder / "events-aa-1.line").write_bytes(b"torn")
    (quarantine._folder / "notes.txt").write_bytes(b"mine")
    (quarantine._folder / "what ever.replay").write_bytes(b"?")
    assert [(line.name, line.reason) for line in quarantine.lines()] == [
        (NAME, "Code: 27. Why\nnot"),
        ("events-aa-1", "the file is damaged"),
        ("what ever", "the file is damaged"),
    ]
    assert quarantine.replays() == []


def test_note_of_what_was_refused_outlives_the_process_until_its_segment_is_long_gone(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    assert not quarantine.is_refused("events", SEGMENT, 0, 8)
    for first, count in ((0, 8), (4, 4), (4, 4)):
        quarantine.note_refused("events", SEGMENT, first, count)
    [note] = tmp_path.iterdir()
    long_ago = time.time() - KEEP_PARTS_S - 1
    for restarted in (quarantine, Quarantine(tmp_path)):
        restarted.forget_parts(set())
        assert restarted.is_refused("events", SEGMENT, 0, 8)
        assert restarted.is_refused("events", SEGMENT, 4, 4)
        assert not restarted.is_refused("events", SEGMENT, 0, 4)
        assert not restarted.is_refused("coverage_hours", SEGMENT, 0, 8)
    os.utime(note, (long_ago, long_ago))
    quarantine.forget_parts({f"events-{SEGMENT}"})
    assert quarantine.is_refused("events", SEGMENT, 0, 8)
    quarantine.forget_parts(set())
    assert not quarantine.is_refused("events", SEGMENT, 0, 8)
    assert not note.exists()


def test_torn_note_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / f"events-{SEGMENT}.parts").write_text("0+8\n4+4")
    quarantine = Quarantine(tmp_path)
    assert quarantine.is_refused("events", SEGMENT, 0, 8)
    assert not quarantine.is_refused("events", SEGMENT, 4, 4)


def test_note_after_a_torn_one_is_read_by_the_next_process(tmp_path: Path) -> None:
    note = tmp_path / f"events-{SEGMENT}.parts"
    note.write_text("0+8\n4+")
    Quarantine(tmp_path).note_refused("events", SEGMENT, 4, 4)
    assert note.read_text() == "0+8\n4+4\n"
    assert Quarantine(tmp_path).is_refused("events", SEGMENT, 4, 4)


def test_stored_part_of_a_refused_run_is_noted(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    quarantine.note_stored("events", SEGMENT, 0, 8)
    assert list(tmp_path.iterdir()) == [], "a segment stored as a whole costs no note"
    quarantine.note_refused("events", SEGMENT, 0, 8)
    quarantine.note_stored("events", SEGMENT, 0, 4)
    for restarted in (quarantine, Quarantine(tmp_path)):
        assert restarted.is_stored("events", SEGMENT, 0, 4)
        assert not restarted.is_refused("events", SEGMENT, 0, 4)
        assert not restarted.is_stored("events", SEGMENT, 0, 8)
