"""A batch that is sent again counts once: also while the first copy is being stored, also after a restart."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmly.measure import batches
from firmly.measure.batches import WINDOW, BatchMemory, Seen, key_of
from firmly.model import SiteId
from tests.collector import START

pytestmark = pytest.mark.anyio

ONE, TWO = key_of(SiteId(1), "01" * 16), key_of(SiteId(1), "02" * 16)
OF_OTHER = key_of(SiteId(2), "01" * 16)


async def is_known(memory: BatchMemory, key: bytes) -> bool:
    """Ask as the collector does."""
    await memory.end_of(key)
    return memory.is_stored(key, START)


async def test_stored_batch_is_known_and_another_is_not() -> None:
    memory = BatchMemory()
    assert not await is_known(memory, ONE)
    memory.begin(ONE)
    memory.end(ONE, is_stored=True)
    assert await is_known(memory, ONE)
    assert not await is_known(memory, TWO)


async def test_batch_of_another_site_is_another_batch() -> None:
    """Else a sender of one site could make another's events count as sent already."""
    memory = BatchMemory()
    memory.begin(OF_OTHER)
    async with asyncio.timeout(1):
        assert not await is_known(memory, ONE)
    memory.begin(ONE)
    memory.end(OF_OTHER, is_stored=True)
    memory.end(ONE, is_stored=False)
    assert not await is_known(memory, ONE)
    assert await is_known(memory, OF_OTHER)


async def send(memory: BatchMemory, outcomes: list[bool], log: list[str]) -> None:
    """Do as the collector does; the next of ``outcomes`` is whether storing works."""
    if await is_known(memory, ONE):
        log.append("duplicate")
        return
    memory.begin(ONE)
    await asyncio.sleep(0.005)
    is_stored = outcomes.pop(0)
    log.append("stored" if is_stored else "failed")
    memory.end(ONE, is_stored=is_stored)


@pytest.mark.parametrize(
    ("outcomes", "log"),
    [
        ([True], ["stored"] + ["duplicate"] * 4),
        ([False, True], ["failed", "stored"] + ["duplicate"] * 3),
        ([False] * 5, ["failed"] * 5),
    ],
    ids=["first stored", "first failed", "all failed"],
)
async def test_copies_at_the_same_time_wait_for_each_other(outcomes: list[bool], log: list[str]) -> None:
    memory, written = BatchMemory(), list[str]()
    await asyncio.gather(*(send(memory, outcomes, written) for _ in range(5)))
    assert written == log
    assert memory._under_way == {}


async def test_waiting_copy_that_goes_away_leaves_the_first_alone() -> None:
    memory = BatchMemory()
    memory.begin(ONE)
    waiting = asyncio.create_task(is_known(memory, ONE))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    memory.end(ONE, is_stored=True)
    assert await is_known(memory, ONE)


async def test_batch_is_known_for_ten_minutes_at_least_and_twenty_at_most() -> None:
    memory = BatchMemory()
    for minute in range(30):
        assert memory.is_stored(ONE, START + timedelta(minutes=minute)) is (0 < minute <= 21)
        if minute == 0:
            memory.begin(ONE)
            memory.end(ONE, is_stored=True)
    assert timedelta(minutes=10) == WINDOW


async def test_memory_is_bounded() -> None:
    memory = BatchMemory()
    for number in range(batches.MAX_PER_WINDOW + 1):
        memory._recent.add(number.to_bytes(16, "big"))
    await is_known(memory, ONE)
    assert (len(memory._recent), len(memory._older)) == (0, batches.MAX_PER_WINDOW + 1)


@settings(max_examples=30)  # Each makes a block of 16 MiB.
@given(st.lists(st.binary(max_size=20)), st.binary(max_size=20))
def test_seen_holds_what_a_set_would_hold(added: list[bytes], asked: bytes) -> None:
    seen = Seen()
    for key in added:
        seen.add(key)
    assert (len(seen), asked in seen) == (len(set(added)), asked in set(added))
    assert all(key in seen for key in added)


def test_seen_finds_what_lies_behind_an_occupied_place() -> None:
    seen, keys = Seen(), [number.to_bytes(8, "big") for number in range(200_000)]
    for key in keys:
        seen.add(key)
    assert (len(seen), all(key in seen for key in keys), b"another" in seen) == (200_000, True, False)


async def test_batches_are_read_back_from_lines_and_damage_is_survived() -> None:
    memory = BatchMemory()
    lines = [
        b'{"site_id": 1, "batch": "%s"}' % (b"01" * 16),
        b'{"batch": ""}',
        b"{}",
        b"[]",
        b"7",
        b"null",
        b'{"site_id": 1, "batch": 7}',
        b'{"batch": "%s"}' % (b"01" * 16),
        b'{"site_id": "1", "batch": "%s"}' % (b"01" * 16),
        b'{"site_id": -1, "batch": "%s"}' % (b"01" * 16),
        b'{"site_id": 1, "batch": ["01"]}',
        b'{"site_id": 1, "batch": "xyz"}',
        b'{"ba',
        b"\0\0",
        b"",
        b'{"site_id": 1, "batch": "%s"}' % (b"02" * 16),
    ]
    memory.recall(lines)
    assert await is_known(memory, ONE)
    assert await is_known(memory, TWO)
    assert not await is_known(memory, OF_OTHER)
    assert len(memory._recent) == 2
