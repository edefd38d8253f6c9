"""The clock jumps by hours, either way: events are taken, a batch counts once, no source is shut out."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from secrets import token_hex

import pytest

from firmly.measure.rates import PER_SOURCE, RateLimiter
from firmly.model import BeforeConsent
from firmly.organisations.address import Address
from tests.collector import NOKIA, START, Collector

pytestmark = pytest.mark.anyio

Run = Callable[..., AbstractAsyncContextManager[Collector]]
JUMPS = [timedelta(hours=5), timedelta(hours=-5), timedelta(minutes=31), timedelta(minutes=-31)]


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_batch_that_comes_again_after_a_jump_counts_once_and_new_events_are_taken(
    run: Run, jump: timedelta
) -> None:
    async with run() as collector:
        token, batch = await collector.token(), token_hex(16)
        first = await collector.post(token=token, batch=batch)
        collector.clock.now += jump
        again = await collector.post(token=token, batch=batch)
        new = await collector.post(token=token)
        assert [answer.headers.get("x-firmly-dropped") for answer in (first, again, new)] == [None, "duplicate=1", None]
        assert len(await collector.events()) == 2


@pytest.mark.parametrize(("jump", "visits"), list(zip(JUMPS, [2, 1, 2, 1], strict=True)), ids=str)
async def test_visit_ends_where_the_clock_says_that_half_an_hour_is_over_and_not_where_it_was_set_back(
    run: Run, jump: timedelta, visits: int
) -> None:
    async with run(BeforeConsent.COMPANY) as collector:
        await collector.post()
        collector.clock.now += jump
        await collector.post()
        collector.clock.advance(minutes=1)
        await collector.post()
        events = await collector.events()
        assert len(events) == 3
        assert sum(event["starts_visit"] for event in events) == len({event["visit_id"] for event in events}) == visits


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_source_that_was_refused_is_admitted_after_a_jump(jump: timedelta) -> None:
    rates = RateLimiter()
    for _ in range(PER_SOURCE + 1):
        admitted = rates.admits(1, Address.parse(NOKIA), START)
    assert not admitted
    assert rates.admits(1, Address.parse(NOKIA), START + jump)
