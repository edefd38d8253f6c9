"""kill -9 at any moment: what was acknowledged is stored exactly once, in events and in every rollup."""

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.collector import ORIGIN
from tests.faults.load import CONNECTIONS, send
from tests.served import Served, serving

EVENTS = 2000
KILLS = {"": 4, "full": 50}.get(os.environ.get("TEST_LONG", ""), 6)
NETWORKS = ("131.228.{}.{}", "18.0.{}.{}")
_ROLLUPS = (
    "select events.org_id as org, count() as events, uniqExact(path) as paths, uniqExact(visit_id) as visits, "
    "any(days.pageviews) as day_pageviews, any(days.visits) as day_visits, any(history.events) as history_events, "
    "any(known.rows) as organisations from events "
    "left join (select org_id, sum(pageviews) as pageviews, sum(visits) as visits from org_days group by org_id) "
    "as days on days.org_id = events.org_id "
    "left join (select org_id, count() as events from org_events group by org_id) as history "
    "on history.org_id = events.org_id "
    "left join (select org_id, count() as rows from organisations final group by org_id) as known "
    "on known.org_id = events.org_id group by org"
)


def _paths(served: Served) -> set[str]:
    return {str(row["path"]) for row in served.rows("select path from events")}


def _assert_every_table_agrees(served: Served, events: int) -> None:
    rows: list[dict[str, Any]] = served.rows(_ROLLUPS)
    assert len(rows) > 1  # Of several organisations.
    for row in rows:
        same = {row[name] for name in row if name not in {"org", "organisations"}}
        assert (len(same), row["organisations"]) == (1, 1), row
    assert sum(row["events"] for row in rows) == events
    [totals] = served.rows(
        "select (select sum(pageviews) from coverage_hours where outcome = 'company') as coverage, "
        "(select sum(pageviews) from org_days) as days, (select count() from org_events) as history, "
        "(select sum(times) from facet_days where facet = 'page') as pages, "
        "(select count() from events where detail = 'route') as routes"
    )
    assert (totals["days"], totals["history"]) == (events, events)
    assert totals["pages"] == totals["routes"] > 0
    assert totals["coverage"] <= events  # The last second before a kill may be missing; nothing counts twice.


def test_killed_after_two_thousand_acknowledged_events_there_are_exactly_two_thousand_rows(tmp_path: Path) -> None:
    served = Served(tmp_path / "data", ORIGIN)
    acknowledged: set[str] = set()
    with serving(served):
        token = served.token()
        paths = [f"/page-{chr(97 + n % 26)}/{n}" for n in range(EVENTS)]
        asyncio.run(send(served, token, paths, acknowledged, NETWORKS, may_die=True))
        assert len(acknowledged) == EVENTS
        served.kill()
        served.start()
    assert _paths(served) == acknowledged
    _assert_every_table_agrees(served, EVENTS)


def _sealed(served: Served) -> set[Path]:
    return set((served.data_dir / "spool/main/events").glob("*.sealed"))


def _inserted(served: Served) -> set[str]:
    """Return the names of the parts that single inserts have made of the table of events."""
    names = {path.name for path in (served.data_dir / "warehouse/data/firmly/events").iterdir()}
    return {name for name in names if name.endswith("_0") and not name.startswith("tmp")}


def _kill_after_an_insert(served: Served) -> None:
    """Kill while a segment's events are in their table, and not yet in all rollups or the segment not yet shipped."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        before = _inserted(served)
        while not _inserted(served) - before and time.monotonic() < end:
            time.sleep(0.001)
        served.hold()
        if _sealed(served):
            break
        served.go_on()
    served.kill()


def _has_inserted_what_is_sealed(served: Served) -> bool:
    """Tell whether the process died between inserting a segment and renaming it."""
    lines = [line for segment in _sealed(served) for line in segment.read_bytes().splitlines()]
    return bool(lines and {orjson.loads(line)["path"] for line in lines} & _paths(served))


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_killed_under_load_again_and_again_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    served = Served(tmp_path / "data", ORIGIN)
    acknowledged: set[str] = set()
    between = 0
    for turn in range(KILLS):
        with serving(served):
            token = served.token()

            async def load_and_kill(token: str = token, turn: int = turn) -> None:
                paths = [f"/turn-{turn}/{number}" for number in range(20_000)]
                sending = asyncio.create_task(send(served, token, paths, acknowledged, NETWORKS, may_die=True))
                await asyncio.sleep(random.uniform(0.1, 1.2))
                await asyncio.to_thread(_kill_after_an_insert if turn % 2 else Served.kill, served)
                await sending

            asyncio.run(load_and_kill())
            between += turn % 2 and _has_inserted_what_is_sealed(served)
    served.start()
    served.stop()
    assert between
    stored = _paths(served)
    assert acknowledged <= stored
    # What was stored unacknowledged was in flight at a kill.
    assert len(stored - acknowledged) <= CONNECTIONS * KILLS
    _assert_every_table_agrees(served, len(stored))
