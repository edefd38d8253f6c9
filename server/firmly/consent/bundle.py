"""A site's whole log as lines of JSON, which verify without this installation (RULES R22).

What stands in the database is handed out as it stands: whether it holds is for `verify` to say.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from firmly.consent.keys import from_base64, key_id, public_fields
from firmly.consent.log import head_of
from firmly.consent.log_text import Checkpoint, minute_text
from firmly.consent.records import columns_of
from firmly.consent.tables import BannerVersionRow, CheckpointRow, ConsentEntryRow, ConsentLogRow, ConsentRecordRow

FORMAT = "firmly.consent-bundle.v1"
AT_ONCE = 1000

_OF_ENTRY = (ConsentRecordRow.site_id == ConsentEntryRow.site_id) & (
    ConsentRecordRow.sequence == ConsentEntryRow.sequence
)
"""Pairs a record with its entry."""

Named = tuple[ConsentEntryRow, ConsentRecordRow | None]


def bundle_lines(db: Session, site_id: int, site: str, public: tuple[bytes, ...], now: datetime) -> Iterator[bytes]:
    """Yield the lines: header, keys, head, checkpoints, banner versions, entries, rows outside the log.

    ``db`` must read one moment throughout. ``public`` are the keys in force, the newest first.
    """
    yield _line({"bundle": FORMAT, "site": site, "exported": minute_text(now)})
    checkpoints = db.scalars(
        select(CheckpointRow).where(CheckpointRow.site_id == site_id).order_by(CheckpointRow.day)
    ).all()
    for raw in _keys(public, checkpoints):
        yield _line({"key": public_fields(raw)})
    row = db.get(ConsentLogRow, site_id)
    yield _line({"head": fields_of(head_of(row, site)) if row else None})
    for one in checkpoints:
        yield _line({"checkpoint": fields_of(checkpoint_of(one, site))})
    yield from _banners(db, site_id)
    yield from _entries(db, site_id)
    loose = select(ConsentRecordRow).outerjoin(ConsentEntryRow, _OF_ENTRY)
    for record in db.scalars(loose.where(ConsentRecordRow.site_id == site_id, ConsentEntryRow.sequence.is_(None))):
        yield _line({"loose": columns_of(record)})


def entries_of(db: Session, site_id: int) -> int:
    """Return how many entries a log has."""
    return db.scalar(select(func.count()).where(ConsentEntryRow.site_id == site_id)) or 0


def checkpoint_of(row: CheckpointRow, site: str) -> Checkpoint:
    return Checkpoint(
        site=site,
        day=row.day.isoformat(),
        size=row.size,
        root=row.root,
        last=row.last,
        key=row.key,
        signature=row.signature,
    )


def fields_of(signed: Any) -> dict[str, Any]:
    """Return a head's or checkpoint's fields by name."""
    return {name: getattr(signed, name) for name in signed.__slots__}


def entry_fields(row: ConsentEntryRow) -> dict[str, Any]:
    """Return an entry with what is left of its payload; the words are those of `log_text.Header`."""
    return {
        "sequence": row.sequence,
        "minute": minute_text(row.minute),
        "kind": row.kind,
        "commitment": row.commitment,
        "link_commitment": row.link_commitment,
        "previous": row.previous,
        "hash": row.hash,
        "proof": row.proof,
        "nonce": row.nonce,
        "link": row.link,
        "link_nonce": row.link_nonce,
        "expires_on": row.expires_on,
    }


def _keys(public: tuple[bytes, ...], checkpoints: Any) -> Iterator[bytes]:
    """Yield the keys in force and those of checkpoints from before a rotation, each once."""
    given = set(public)
    yield from public
    for one in checkpoints:
        try:
            raw = from_base64(one.public)
        except ValueError:
            continue  # A checkpoint whose key cannot be read fails when it is verified.
        if raw not in given and key_id(raw) == one.key:
            given.add(raw)
            yield raw


def _banners(db: Session, site_id: int) -> Iterator[bytes]:
    named = select(ConsentRecordRow.banner).where(ConsentRecordRow.site_id == site_id).distinct()
    found = select(BannerVersionRow.version, BannerVersionRow.bundle).where(
        BannerVersionRow.site_id == site_id, BannerVersionRow.version.in_(named)
    )
    for version, bundle in db.execute(found.order_by(BannerVersionRow.version)):
        yield _line({"banner": {"version": version, "bundle": bundle.decode(errors="replace")}})


def _entries(db: Session, site_id: int) -> Iterator[bytes]:
    found = (
        select(ConsentEntryRow, ConsentRecordRow)
        .outerjoin(ConsentRecordRow, _OF_ENTRY)
        .where(ConsentEntryRow.site_id == site_id)
        .order_by(ConsentEntryRow.sequence)
        .execution_options(yield_per=AT_ONCE)
    )
    for entry, record in db.execute(found):
        yield _line({"entry": {**entry_fields(entry), "row": columns_of(record) if record else None}})


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
