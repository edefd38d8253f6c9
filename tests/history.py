"""Writes small histories into a real warehouse: events as the collector's loader hands them over."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from firmly.warehouse.store import Warehouse

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Org:
    id: int
    name: str
    domain: str = ""
    kind: str = "business"
    country: str = "FI"


NOKIA = Org(0x0A, "Nokia", "nokia.com")
MIT = Org(0x0B, "Massachusetts Institute of Technology", "mit.edu", "education", "US")
SMALL = Org(0xFFFF_FFFF_FFFF_FFF0, "Pieni Paja", "paja.example")


def event(workspace_id: int, org: Org, at: datetime, **given: object) -> Row:
    """One event; ``given`` replaces columns. ``detail='counts'`` reduces it as the collector does."""
    row: Row = {
        "workspace_id": workspace_id,
        "site_id": 1,
        "day": at.date().isoformat(),
        "org_id": org.id,
        "visit_id": 1,
        "minute": f"{at.astimezone(UTC):%Y-%m-%d %H:%M}:00",
        "seq": 0,
        "kind": "pageview",
        "starts_visit": 0,
        "basis": "consent",
        "detail": "route",
        "host": "www.firm.example",
        "path": "/",
        "source": "direct",
        "active_ms": 0,
        "org_name": org.name,
        "org_kind": org.kind,
        "org_country": org.country,
        "org_domain": org.domain,
        "org_asn": 1248,
        "org_registered_name": f"{org.name} as registered",
        "org_source": "test data",
        "org_as_of": "2026-03-01",
        "org_confidence": "high",
        "retain_until": (at.date() + timedelta(days=395)).isoformat(),
    }
    row |= given
    if row["detail"] == "counts":
        row |= {"visit_id": 0, "seq": 0, "minute": f"{row['day']} 00:00:00"}
    return row


def visit(
    workspace_id: int, org: Org, at: datetime, paths: Iterable[str] = ("/",), *, seconds: int = 10, **given: object
) -> list[Row]:
    """One visit: a page view and ``seconds`` of engagement for each path."""
    rows: list[Row] = []
    identity = {"visit_id": uuid.uuid4().int >> 65} | given
    for index, path in enumerate(paths):
        rows.append(event(workspace_id, org, at, path=path, seq=2 * index, starts_visit=int(index == 0), **identity))
        rows.append(
            event(workspace_id, org, at, path=path, seq=2 * index + 1, kind="engagement", active_ms=seconds * 1000)
            | identity
        )
    if given.get("detail") == "counts":
        rows = [row | {"visit_id": 0, "seq": 0, "minute": f"{row['day']} 00:00:00"} for row in rows]
    return rows


def store(warehouse: Warehouse, *visits: list[Row]) -> None:
    rows = [row for rows in visits for row in rows]
    warehouse.insert("events", _lines(rows), uuid.uuid4().hex)


def store_coverage(
    warehouse: Warehouse, workspace_id: int, day: date, counts: dict[str, int], site_id: int = 1
) -> None:
    rows = [
        {"workspace_id": workspace_id, "site_id": site_id, "hour": f"{day} 09:00:00", "outcome": name, "pageviews": n}
        for name, n in counts.items()
    ]
    warehouse.insert("coverage_hours", _lines(rows), uuid.uuid4().hex)


def _lines(rows: list[Row]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()
