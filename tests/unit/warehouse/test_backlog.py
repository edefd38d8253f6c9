"""The order in which segments are tried, and when a turn ends."""

from dataclasses import dataclass

import pytest

from firmly.warehouse.backlog import GIVE_UP_AFTER, TRY_AGAIN_WITHIN, Backlog, Job, means_away
from firmly.warehouse.store import WarehouseUnavailableError

AWAY = WarehouseUnavailableError("away")
OWN = OSError(5, "Input/output error")


@dataclass
class Segment:
    id: str

    def read(self) -> bytes:
        return b""

    def mark_shipped(self) -> None:
        """Nothing here looks at it."""


def turn(backlog: Backlog, waiting: str, failing: str = "", error: Exception = AWAY) -> str:
    """Return the names of the segments tried, in order; each is one letter."""
    backlog.begin([Job("events", Segment(letter)) for letter in waiting])
    tried = ""
    while job := backlog.take():
        tried += job.segment.id
        backlog.note(job, error if job.segment.id in failing else None)
    return tried


def test_turn_ends_when_failures_in_a_row_mean_that_the_warehouse_is_away() -> None:
    assert turn(Backlog(), "abcde", "abcde") == "abcde"[:GIVE_UP_AFTER]
    assert turn(Backlog(), "abcde", "ac") == "abcde"


def test_segments_with_trouble_of_their_own_end_no_turn() -> None:
    assert turn(Backlog(), "abcde", "abcd", OWN) == "abcde"


def test_failing_segments_take_turns_with_fresh_ones() -> None:
    backlog = Backlog()
    assert turn(backlog, "abcdefg", "ab") == "ab"
    assert turn(backlog, "abcdefg", "ab") == "cadbefg"


def test_segments_that_failed_while_it_was_away_come_right_after_the_first_success() -> None:
    """They may be stored, and their tokens are remembered for so many inserts only."""
    backlog = Backlog()
    turn(backlog, "abcdefg", "abcdefg")
    turn(backlog, "abcdefg", "abcdefg")
    assert turn(backlog, "abcdefg") == "eabcdfg"


def test_failing_segments_rotate_so_that_each_is_tried() -> None:
    backlog = Backlog()
    turn(backlog, "abc", "abc")
    assert turn(backlog, "abc", "abc") == "ca"
    assert turn(backlog, "abc", "abc") == "bc"


def test_segment_that_is_gone_is_forgotten() -> None:
    backlog = Backlog()
    turn(backlog, "ab", "ab")
    turn(backlog, "c")
    assert turn(backlog, "ab") == "ab"
    assert turn(backlog, "bca") == "bca"


def test_failed_segment_is_tried_again_before_a_long_backlog_is_through() -> None:
    backlog = Backlog()
    many = "".join(chr(0x4E00 + number) for number in range(TRY_AGAIN_WITHIN + 5))
    tried = turn(backlog, "a" + many, "a")
    assert len(tried) == TRY_AGAIN_WITHIN + 1
    left = "a" + many[TRY_AGAIN_WITHIN:]
    assert turn(backlog, left) == left[1] + "a" + left[2:]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OWN, False),
        (ValueError("a defect"), False),
        (WarehouseUnavailableError("ConnectionRefusedError: refused"), True),
        (WarehouseUnavailableError("Code: 241. DB::Exception: memory"), True),
        (WarehouseUnavailableError("Code: 243. DB::Exception: no space"), True),
        (WarehouseUnavailableError("Code: 441. DB::Exception: anything else"), False),
    ],
    ids=str,
)
def test_only_trouble_of_the_warehouse_means_that_it_is_away(error: Exception, expected: bool) -> None:
    assert means_away(error) is expected
