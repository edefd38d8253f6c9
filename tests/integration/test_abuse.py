"""Visits that no reader makes, and events that are too long: what is dropped, what is kept, and what is counted."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from firmly.measure.bots import MAX_BURST, MAX_UNSEEN
from firmly.measure.wire import MAX_EVENTS, MAX_URL
from firmly.model import BeforeConsent
from tests.collector import ORIGIN, Collector, pageview

pytestmark = pytest.mark.anyio

Run = Callable[..., AbstractAsyncContextManager[Collector]]
BEAT = {"kind": "engagement", "active_ms": 900, "url": ORIGIN + "/"}


async def post(collector: Collector, *events: dict[str, Any], **more: Any) -> str:
    answer = await collector.post(*events, **more)
    assert answer.status_code == 202, answer.text
    return str(answer.headers.get("x-firmly-dropped", ""))


async def outcomes(collector: Collector) -> dict[str, int]:
    rows = await collector.select(
        "select outcome, sum(pageviews) as n from coverage_hours where site_id = {site:UInt32} group by outcome"
    )
    return {row["outcome"]: row["n"] for row in rows}


async def test_visit_that_opens_too_many_pages_at_once_is_a_bots_and_counted_as_such(run: Run) -> None:
    async with run() as collector:
        visit = {"token": await collector.token(), "visit": "ab" * 16}
        assert await post(collector, *[pageview()] * MAX_EVENTS, **visit) == ""
        assert await post(collector, *[pageview()] * MAX_EVENTS, **visit) == f"bot={2 * MAX_EVENTS - MAX_BURST}"
        assert await post(collector, BEAT, **visit) == "bot=1"
        assert await post(collector, token=visit["token"]) == "", "another visit is not concerned"
        collector.clock.advance(minutes=31)
        assert await post(collector, **visit) == "", "nor is the next one"
        assert len(await collector.events()) == MAX_BURST + 2
        assert await outcomes(collector) == {"company": MAX_BURST + 2, "bot": 2 * MAX_EVENTS - MAX_BURST}


async def test_many_readers_behind_one_address_are_no_bot(run: Run) -> None:
    async with run(before_consent=BeforeConsent.COMPANY) as collector:
        for _ in range(10):
            assert await post(collector, *[pageview()] * MAX_EVENTS, visit="ab" * 16) == ""
        collector.clock.advance(minutes=6)
        assert await post(collector, BEAT, visit=None) == ""
        assert await post(collector, *[pageview()] * MAX_EVENTS, visit=None) == ""


@pytest.mark.parametrize("mode", [BeforeConsent.WAIT, BeforeConsent.COMPANY])
async def test_visit_of_which_no_page_is_ever_in_view_becomes_a_bots(run: Run, mode: BeforeConsent) -> None:
    async with run(before_consent=mode) as collector:
        visit = {"visit": "ab" * 16, "token": await collector.token() if mode is BeforeConsent.WAIT else None}
        dropped = []
        for _ in range(MAX_UNSEEN + 1):
            dropped.append(await post(collector, **visit))
            collector.clock.advance(seconds=20)
        assert dropped == [""] * MAX_UNSEEN + ["bot=1"]


async def test_event_that_is_too_long_costs_no_other_event(run: Run) -> None:
    async with run(titles=True, goals={"contact": frozenset({"plan"})}) as collector:
        long = "x" * 10_000
        dropped = await post(
            collector,
            pageview("/kept"),
            pageview("/" + "y" * (MAX_URL - len(ORIGIN))),
            pageview("/titled", title=long, referrer="https://www.example.org/" + long),
            {**BEAT, "url": ORIGIN + "/" + long},
            {"kind": "goal", "name": long},
            {"kind": "goal", "name": "contact", "props": {long: 1, "plan": "pro"}},
            token=await collector.token(),
        )
        assert dropped == "foreign_url=2, unknown_goal=1"
        rows = await collector.events()
    assert [(row["path"], row["referrer_host"]) for row in rows] == [
        ("/kept", ""),
        ("/titled", "www.example.org"),
        ("", ""),
    ]
    assert len(rows[1]["title"]) <= 200
    assert rows[2]["props"] == {"plan": "pro"}
