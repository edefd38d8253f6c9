"""Segments as files, an empty warehouse, and what is in its tables."""

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from firmly.warehouse.store import Warehouse, open_embedded
from tests.history import MIT, NOKIA, event

AT = datetime(2026, 3, 31, 23, 50, tzinfo=UTC)
TABLES = (
    "events",
    "org_days",
    "org_events",
    "organisations",
    "identities",
    "coverage_hours",
    "facet_days",
    "facets",
    "org_months",
    "org_known",
)


@dataclass
class FileSegment:
    """A sealed segment in a test's folder."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.stem

    def read(self) -> bytes:
        return self.path.read_bytes()

    def mark_shipped(self) -> None:
        self.path.rename(self.path.with_suffix(".shipped"))


class Folder:
    """Where segments wait."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._numbers = itertools.count(1)

    def add(self, *lines: bytes) -> FileSegment:
        segment = FileSegment(self.path / f"{next(self._numbers):04d}-{uuid.uuid4().hex}.sealed")
        being_written = segment.path.with_suffix(".open")
        being_written.write_bytes(b"".join(line + b"\n" for line in lines))
        being_written.rename(segment.path)  # At once, as the spool does: a loader may be looking.
        return segment

    def sealed(self) -> list[FileSegment]:
        return [FileSegment(path) for path in sorted(self.path.glob("*.sealed"))]


def lines(count: int, month_day: int = 31, **given: object) -> list[bytes]:
    """Events of two companies, whose sums tell whether anything is missing or counted twice."""
    at = AT.replace(day=month_day)
    return [
        orjson.dumps(
            event(1, (NOKIA, MIT)[number % 2], at, seq=number, starts_visit=1, active_ms=2**number, **given)
            | {"batch": "ab" * 16}
        )
        for number in range(count)
    ]


def select(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
    with warehouse._reader() as reader:
        return list(reader.query(sql).named_results())


def sums(warehouse: Warehouse) -> dict[str, Any]:
    """Return what would change if a row were lost or stored twice, for every table."""
    return {
        table: select(warehouse, sql)
        for table, sql in {
            "events": "select count() as n, sum(active_ms) as ms from events",
            "org_days": "select day, org_id, sum(visits) as v, sum(pageviews) as p, sum(org_days.active_ms) as ms "
            "from org_days group by day, org_id order by day, org_id",
            "org_events": "select count() as n, sum(active_ms) as ms from org_events",
            "organisations": "select org_id, name from organisations final order by org_id",
            "facet_days": "select facet, value, org_id, sum(times) as n from facet_days "
            "group by facet, value, org_id order by facet, value, org_id",
            "org_months": "select org_id, maxMap(org_months.months) as kept from org_months "
            "group by org_id order by org_id",
            "org_known": "select org_id, max(route_until) as kept from org_known group by org_id order by org_id",
            "identities": "select org_id, name from identities final order by org_id",
            "coverage_hours": "select sum(pageviews) as p from coverage_hours",
        }.items()
    }


@pytest.fixture(scope="session")
def loaded(warehouse_folder: Path) -> Iterator[Warehouse]:
    warehouse = open_embedded(warehouse_folder, "loaded")
    yield warehouse
    warehouse.close()


@pytest.fixture
def empty(loaded: Warehouse) -> Warehouse:
    """The shared warehouse, emptied: making one takes seconds."""
    with loaded._reader() as client:
        for table in TABLES:
            client.command(f"truncate table {table}")
    return loaded


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "sealed"
    path.mkdir()
    return Folder(path)
