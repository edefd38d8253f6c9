"""Bots: the kept list in its compiled form, and visits that no reader makes. Readers are not taken for bots."""

from collections.abc import Callable
from datetime import datetime, timedelta

import crawleruseragents
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmly.measure.bots import BURST, MAX_BURST, MAX_UNSEEN, UNSEEN, DeclaredBots, turns_out_automatic
from firmly.measure.visits import Visit
from tests.collector import START

DECLARED = [instance for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for instance in entry["instances"]]
SYSTEMS = [
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "X11; CrOS x86_64 14541.0.0",
    "Linux; Android 10; K",
    "Linux; Android 14; SM-S918B Build/UP1A.231005.007",
    "iPhone; CPU iPhone OS 18_1 like Mac OS X",
    "iPad; CPU OS 17_6 like Mac OS X",
]
BROWSERS = [
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Mobile Safari/537.36",
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.3485.54",
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 OPR/{v}.0.0.0",
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 Vivaldi/7.1.3570.39",
    "AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/{v}.0.0.0 Mobile Safari/537.36",
    "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/{v}.0.7444.46 Mobile/15E148 Safari/604.1",
    "AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/{v}.0 Mobile/15E148 Safari/605.1.15",
    "AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Gecko/20100101 Firefox/{v}.0",
    (
        "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/{v}.0.0.0 Mobile Safari/537.36 "
        "[FB_IAB/FB4A;FBAV/485.0.0.70.77;]"
    ),
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 Teams/24295.605.3225.8804",
]
READERS = [
    f"Mozilla/5.0 ({system}) {browser.format(v=version)}"
    for system in SYSTEMS
    for browser in BROWSERS
    for version in (115, 128, 142)
]


@pytest.fixture(scope="module")
def bots() -> DeclaredBots:
    return DeclaredBots()


def test_every_bot_that_the_list_knows_is_one(bots: DeclaredBots) -> None:
    assert [agent for agent in DECLARED if not bots.match(agent)] == []
    assert len(DECLARED) > 2000


def test_no_browser_is_a_bot(bots: DeclaredBots) -> None:
    assert [agent for agent in READERS if bots.match(agent)] == []


CHARACTERS = st.characters(min_codepoint=32, max_codepoint=255)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(DECLARED),
    st.integers(0, 300),
    st.integers(0, 300),
    st.text(CHARACTERS, max_size=2),
    st.sampled_from([str, str.lower, str.upper, str.swapcase]),
)
def test_compiled_form_finds_what_the_list_finds(
    bots: DeclaredBots, agent: str, start: int, end: int, between: str, change: Callable[[str], str]
) -> None:
    text = change(agent[:start] + between + agent[end:])[:512]
    assert bots.match(text) == crawleruseragents.is_crawler(text), text


def visits(*pages: timedelta, is_one_device: bool = True, beats: tuple[int, ...] = ()) -> list[bool]:
    """Tell for each page view, opened so long after the start, whether the visit is automatic from there on.

    ``beats``: numbers of the page views before which something else was reported.
    """
    visit = Visit(1, START, ())
    found = []
    for number, after in enumerate(pages):
        if number in beats:
            turns_out_automatic(visit, START + after, is_page=False, is_one_device=is_one_device)
        found.append(turns_out_automatic(visit, START + after, is_page=True, is_one_device=is_one_device))
    return found


def every(seconds: float, count: int) -> list[timedelta]:
    return [timedelta(seconds=seconds * number) for number in range(count)]


def test_burst_of_one_device_is_a_programs() -> None:
    assert visits(*every(0.1, MAX_BURST + 10)) == [False] * MAX_BURST + [True] * 10
    assert not any(visits(*every(BURST.total_seconds() / (MAX_BURST - 1), 500), beats=tuple(range(0, 500, 10))))


def test_burst_behind_one_address_may_be_many_readers() -> None:
    assert not any(visits(*every(0.01, 1000), is_one_device=False))


def test_program_stays_one_until_the_visit_ends() -> None:
    late = [timedelta(minutes=10), timedelta(minutes=20)]
    assert visits(*every(0, MAX_BURST + 1), *late, beats=(MAX_BURST + 1, MAX_BURST + 2))[-3:] == [True] * 3


@pytest.mark.parametrize("is_one_device", [True, False])
def test_pages_of_which_none_is_ever_in_view_are_a_programs(is_one_device: bool) -> None:
    pages = every(10, 100)
    assert visits(*pages, is_one_device=is_one_device).index(True) == MAX_UNSEEN
    slow = every(60, 100)
    assert visits(*slow, is_one_device=is_one_device).index(True) == MAX_UNSEEN
    quick = every(1, 1000)
    assert visits(*quick, is_one_device=is_one_device).index(True) == UNSEEN.total_seconds() + 1


@pytest.mark.parametrize(
    "pages",
    [
        every(0, 30),
        every(0.3, 55),
        [*every(2, 50), *(timedelta(minutes=29) + at for at in every(2, 20))][:50],
    ],
    ids=["thirty tabs at once", "fifty-five by hand", "fifty, and back after lunch"],
)
def test_reader_who_opens_many_pages_in_the_background_is_none(pages: list[timedelta]) -> None:
    assert not any(visits(*pages))


def test_reader_of_a_thousand_pages_is_none() -> None:
    assert not any(visits(*every(8, 1000), beats=tuple(range(40, 1000, 40))))


def test_clock_put_back_makes_no_burst_of_pages_hours_apart() -> None:
    before: list[timedelta] = every(9, MAX_BURST)
    after = [timedelta(hours=-2) + at for at in every(9, MAX_BURST)]
    assert not any(visits(*before, *after, beats=tuple(range(0, 2 * MAX_BURST, 5))))


def test_visit_starts_with_nothing_held_against_it() -> None:
    visit = Visit(1, START, ())
    assert not turns_out_automatic(visit, datetime.max.replace(tzinfo=START.tzinfo), is_page=True, is_one_device=True)
