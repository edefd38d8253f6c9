"""Whoever reads both databases tries to say whose choice a visit was: by shared values, then by time."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from firmly.consent.tables import ConsentEntryRow, ConsentRecordRow
from tests.collector import MIT, NOKIA, Collector, pageview

pytestmark = pytest.mark.anyio

Run = Callable[..., AbstractAsyncContextManager[Collector]]
YES = {"statistics": True}


async def visit(collector: Collector, address: str, path: str) -> None:
    """Agree, and look at a page, in one minute."""
    collector.client.cookies.clear()  # Each is another visitor.
    answer = await collector.choose("accept_all", YES, headers={"x-forwarded-for": address})
    token = answer.json()["token"]
    await collector.post(pageview(path), token=token, address=address)


def consent_rows(collector: Collector) -> list[dict[str, Any]]:
    """Return all columns of records and entries, joined."""
    columns = [*ConsentRecordRow.__table__.columns, *ConsentEntryRow.__table__.columns]
    query = (
        select(*[column.label(f"{column.table.name}.{column.name}") for column in columns])
        .join(ConsentEntryRow, ConsentEntryRow.sequence == ConsentRecordRow.sequence)
        .where(ConsentRecordRow.site_id == collector.site.id, ConsentEntryRow.site_id == collector.site.id)
    )
    with collector.firmly.stores.control_plane.reading() as db:
        return [dict(row) for row in db.execute(query).mappings()]


def values_of(row: dict[str, Any]) -> set[str]:
    """Return what could be a key: nothing that is the same for everybody, and no moment."""
    return {str(value) for value in row.values() if len(str(value)) > 6 and not isinstance(value, datetime)}


async def test_no_value_of_a_record_is_found_with_an_event(run: Run) -> None:
    async with run() as collector:
        for address, path in ((NOKIA, "/pricing"), (MIT, "/jobs"), (NOKIA, "/about")):
            await visit(collector, address, path)
            collector.clock.advance(minutes=10)
        events, records = await collector.events(), consent_rows(collector)
    assert (len(events), len(records)) == (3, 3)
    of_site = {collector.site.key, str(collector.site.id), "https://www.example.com", "www.example.com"}
    shared = [values_of(event) & values_of(record) - of_site for event in events for record in records]
    assert set().union(*shared) == set()


async def test_minute_pairs_them_on_a_quiet_site_and_not_on_a_busy_one(run: Run) -> None:
    """What remains linkable: docs/PRIVACY.md says so."""
    async with run() as collector:
        await visit(collector, NOKIA, "/alone")
        collector.clock.advance(minutes=10)
        for path in ("/one", "/two", "/three"):
            await visit(collector, NOKIA, path)
        events, records = await collector.events(), consent_rows(collector)
    candidates = {
        event["path"]: sum(_same(record["consent_records.minute"], event["minute"]) for record in records)
        for event in events
    }
    assert candidates == {"/alone": 1, "/one": 3, "/two": 3, "/three": 3}


def _same(one: datetime, other: datetime) -> bool:
    """The warehouse's driver gives UTC without saying so."""
    return one.replace(tzinfo=None) == other.replace(tzinfo=None)
