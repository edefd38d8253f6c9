"""How hard the loader tries: it grows, shrinks, waits and starts anew."""

import pytest

from firmly.warehouse.pace import FAST_S, FIRST_PAUSE_S, LONGEST_PAUSE_S, SLOW_S, Pace


def pace(chance: float = 1.0) -> Pace:
    return Pace(4, lambda: chance)


def test_grows_by_one_after_each_round_of_fast_inserts_up_to_its_most() -> None:
    grown = pace()
    widths = []
    for _ in range(14):
        widths.append(grown.width)
        grown.went_well(FAST_S / 2, work_waits=True)
    assert widths == [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4]


@pytest.mark.parametrize(
    ("seconds", "work_waits"), [(FAST_S, True), (FAST_S / 2, False)], ids=["neither fast nor slow", "nothing waits"]
)
def test_stays_as_it_is_where_more_would_not_help(seconds: float, work_waits: bool) -> None:
    steady = pace()
    for _ in range(5):
        steady.went_well(seconds, work_waits=work_waits)
    assert steady.width == 1


def grown_to_four() -> Pace:
    grown = pace()
    for _ in range(6):
        grown.went_well(0, work_waits=True)
    assert grown.width == 4
    return grown


def test_halves_on_slow_inserts_and_is_never_less_than_one() -> None:
    slowed = grown_to_four()
    widths = []
    for _ in range(3):
        slowed.went_well(SLOW_S, work_waits=True)
        widths.append(slowed.width)
    assert widths == [2, 1, 1]


def test_tries_one_at_a_time_after_trouble() -> None:
    troubled = grown_to_four()
    troubled.went_wrong()
    assert troubled.width == 1


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (1.0, 1.0)])
def test_pauses_double_to_the_longest_and_begin_anew_after_a_success(chance: float, share: float) -> None:
    pausing = pace(chance)
    assert [pausing.next_pause_s() for _ in range(9)] == [
        share * min(FIRST_PAUSE_S * 2**turn, LONGEST_PAUSE_S) for turn in range(9)
    ]
    pausing.went_well(0, work_waits=False)
    assert pausing.next_pause_s() == share * FIRST_PAUSE_S
