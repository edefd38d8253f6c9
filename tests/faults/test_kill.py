"""kill -9 at any moment: what was acknowledged is stored exactly once, in events and in every rollup."""

import asyncio
import os
import random
from pathlib import Path

import httpx
import pytest

from tests.collector import BROWSER, ORIGIN
from tests.served import Served, event_body, serving

EVENTS = 2000
KILLS = 10 if os.environ.get("TEST_LONG") else 3


async def _send(served: Served, token: str, paths: list[str], acknowledged: set[str]) -> None:
    """Post one event per path, sixteen at a time, until the server dies or all are acknowledged."""
    todo = iter(paths)
    limits = httpx.Limits(max_connections=16)
    async with httpx.AsyncClient(base_url=served.url, limits=limits) as client:

        async def worker(number: int) -> None:
            for path in todo:
                headers = {
                    "origin": ORIGIN,
                    "user-agent": BROWSER,
                    "content-type": "text/plain",
                    "x-forwarded-for": f"131.228.{number}.{len(acknowledged) % 250 + 1}",
                }
                try:
                    body = event_body(served, token, path)
                    answer = await client.post("/f/e", content=body, headers=headers)
                except httpx.TransportError:
                    return
                assert answer.status_code == 202, answer.text
                assert "x-firmly-dropped" not in answer.headers
                acknowledged.add(path)

        await asyncio.gather(*(worker(number) for number in range(16)))


def _stored(served: Served) -> dict[str, int]:
    [counts] = served.rows(
        "select count() as events, uniqExact(path) as paths, countIf(kind = 'pageview') as pageviews, "
        "(select sum(pageviews) from org_days) as days, (select sum(visits) from org_days) as visits, "
        "(select count() from org_events) as history from events"
    )
    return {key: int(value) for key, value in counts.items()}


def test_killed_after_two_thousand_acknowledged_events_there_are_exactly_two_thousand_rows(tmp_path: Path) -> None:
    served = Served(tmp_path / "data", ORIGIN)
    acknowledged: set[str] = set()
    with serving(served):
        token = served.token()
        asyncio.run(_send(served, token, [f"/page-{chr(97 + n % 26)}/{n}" for n in range(EVENTS)], acknowledged))
        assert len(acknowledged) == EVENTS
        served.kill()
        served.start()
    assert _stored(served) == dict.fromkeys(("events", "paths", "pageviews", "days", "visits", "history"), EVENTS)


@pytest.mark.long
def test_killed_under_load_again_and_again_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    served = Served(tmp_path / "data", ORIGIN)
    acknowledged: set[str] = set()
    for turn in range(KILLS):
        with serving(served):
            token = served.token()

            async def load_and_kill(token: str = token, turn: int = turn) -> None:
                paths = [f"/turn-{turn}/{number}" for number in range(20_000)]
                sending = asyncio.create_task(_send(served, token, paths, acknowledged))
                await asyncio.sleep(random.uniform(0.2, 1.5))  # Any moment: between insert and rename, too.
                await asyncio.to_thread(served.kill)
                await sending

            asyncio.run(load_and_kill())
            served.start()
    counts = _stored(served)
    assert counts["events"] == counts["paths"] == counts["days"] == counts["history"], counts
    stored = {str(row["path"]) for row in served.rows("select path from events")}
    assert acknowledged <= stored
    # What was stored unacknowledged was in flight at a kill: at most the sixteen requests of each turn.
    assert len(stored - acknowledged) <= 16 * KILLS
