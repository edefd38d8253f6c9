"""ClickHouse away, slow, refusing, cut off, killed: nothing acknowledged is lost, nothing is stored twice.

Real processes: Firmly, and a server that speaks ClickHouse's HTTP interface. One Firmly lives through
all of it; after each trouble every table must hold exactly what was acknowledged since the beginning.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.collector import ORIGIN
from tests.faults.clickhouse import ClickHouseServer, clickhouse
from tests.faults.load import send
from tests.served import Served

IS_LONG = bool(os.environ.get("TEST_LONG"))
BURSTS, EVENTS_A_BURST = {"": (4, 60), "full": (12, 200)}.get(os.environ.get("TEST_LONG", ""), (6, 100))
AWAY_S = {"": 3, "full": 70}.get(os.environ.get("TEST_LONG", ""), 15)
_STORED = (
    "select (select count() from events) as events, (select uniqExact(path) from events) as paths, "
    "(select sum(pageviews) from org_days) as days, (select sum(visits) from org_days) as visits, "
    "(select count() from org_events) as history, "
    "(select sum(pageviews) from coverage_hours where outcome = 'company') as coverage"
)


@dataclass
class World:
    served: Served
    server: ClickHouseServer
    token: str = ""
    acknowledged: set[str] = field(default_factory=set)

    def visit(self, bursts: int = BURSTS) -> None:
        """Post bursts of events, apart from each other, so that they lie in several segments."""
        for _ in range(bursts):
            number = len(self.acknowledged)
            paths = [f"/page-{chr(97 + n % 26)}/{number + n}" for n in range(EVENTS_A_BURST)]
            asyncio.run(send(self.served, self.token, paths, self.acknowledged))
            time.sleep(0.45)

    def troubles(self) -> list[str]:
        answer = httpx.get(f"{self.served.url}/readyz").json()
        assert answer["ready"] == (not answer["troubles"])
        return list(answer["troubles"])

    def stored(self) -> dict[str, int]:
        return {key: int(value) for key, value in self.server.rows(_STORED)[0].items()}

    def assert_all_is_stored_once(self) -> None:
        """Wait until it has caught up by itself."""
        until(lambda: not self.troubles(), 60)
        expected = dict.fromkeys(("events", "paths", "days", "visits", "history", "coverage"), len(self.acknowledged))
        end = time.monotonic() + 120
        while self.stored() != expected and time.monotonic() < end:
            time.sleep(0.2)
        assert self.stored() == expected


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"this did not happen in {seconds} seconds"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A Firmly that was started while its ClickHouse was away, has taken events and has caught up since."""
    folder = tmp_path_factory.mktemp("away")
    with clickhouse(folder / "clickhouse") as server:
        served = Served(folder / "data", ORIGIN, environ={"FIRMLY_CLICKHOUSE_URL": server.url})
        served.start()
        try:
            world = World(served, server, served.token())
            world.visit(2)
            until(lambda: world.troubles() == ["the warehouse is unavailable"])
            server.start()
            world.assert_all_is_stored_once()
            yield world
        finally:
            served.stop()


def test_started_while_the_warehouse_is_away_it_takes_events_and_stores_them_later(world: World) -> None:
    assert len(world.acknowledged) > 0
    world.visit(1)
    world.assert_all_is_stored_once()


def test_killed_server_that_comes_back_gets_everything_once(world: World) -> None:
    world.visit(1)
    world.server.kill()
    away_since = time.monotonic()
    world.visit()
    until(lambda: world.troubles() == ["the warehouse is unavailable"])
    while time.monotonic() - away_since < AWAY_S:
        world.visit(1)
    world.server.start()
    world.assert_all_is_stored_once()


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({"error": "241 MEMORY_LIMIT_EXCEEDED"}, "the warehouse is unavailable (Code: 241 MEMORY_LIMIT_EXCEEDED)"),
        ({"cut": "after"}, "the warehouse is unavailable"),
        ({"cut": "request"}, "the warehouse is unavailable"),
        ({"cut": "answer"}, "the warehouse is unavailable"),
    ],
    ids=["refusing", "every answer lost", "cut within the insert", "cut within the answer"],
)
def test_insert_that_fails_is_sent_until_it_is_confirmed(world: World, faults: dict[str, Any], says: str) -> None:
    world.server.break_with(**faults)
    world.visit(2)
    until(lambda: world.troubles() == [says])
    world.server.break_with()
    world.assert_all_is_stored_once()


def test_error_half_way_through_the_rollups_is_completed_by_the_next_try(world: World) -> None:
    """The events are stored, rollups that come after the failing view are not: sending again fills only these.

    ClickHouse fills views in an order of its own, which differs from run to run.
    """
    world.server.command("create materialized view broken engine = Null as select throwIf(1) from events")
    try:
        world.visit(1)
        until(world.troubles)
        until(lambda: _is_behind(world), 60)
    finally:
        world.server.command("drop view broken")
    world.assert_all_is_stored_once()


def _is_behind(world: World) -> bool:
    world.visit(1)
    stored = world.stored()
    return min(stored[rollup] for rollup in ("days", "visits", "history")) < stored["events"]


def test_slow_server_is_served_by_inserts_side_by_side(world: World) -> None:
    world.server.break_with(delay_s=1.2)
    world.visit()
    assert world.troubles() == []
    world.assert_all_is_stored_once()
    world.server.break_with()


def test_server_that_dies_between_insert_and_answer_stores_nothing_twice(world: World) -> None:
    world.server.break_with(dies=True)
    world.visit(1)
    until(world.server.is_dead)
    world.server.start()
    world.assert_all_is_stored_once()


def test_stop_does_not_wait_for_a_server_that_hangs(world: World) -> None:
    """And what the server did after all, unheard, is not done again."""
    world.server.break_with(delay_s=7)
    world.visit(2)
    started = time.monotonic()
    world.served.stop()
    assert time.monotonic() - started < 10
    world.server.break_with()
    world.served.start()
    world.assert_all_is_stored_once()


@pytest.mark.long
def test_troubles_by_chance_under_load_lose_and_double_nothing(world: World) -> None:
    choose = random.Random(3)
    for _ in range(5 if IS_LONG else 2):
        cut = choose.choice(["", "before", "after", "request", "answer"])
        error = choose.choice(["", "", "252 TOO_MANY_PARTS", "159 TIMEOUT_EXCEEDED"])
        world.server.break_with(chance=0.6, cut=cut, error=error, delay_s=choose.uniform(0, 0.7))
        world.visit(2)
        if choose.random() < 0.4:
            world.server.kill()
            world.visit(1)
            world.server.start()
    world.server.break_with()
    world.assert_all_is_stored_once()
