"""Somebody who can write the database as they like, and may even hold the key."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from firmly.accounts.database import ControlPlane
from firmly.consent.bundle import bundle_lines
from firmly.consent.keys import LogKeys
from firmly.consent.log_text import Header, commitment_of, head_text, minute_text
from firmly.consent.merkle import frontier_of, leaf_of
from firmly.consent.tables import ConsentEntryRow, ConsentLogRow
from firmly.consent.verify import Verdict, verify
from tests.collector import START

Row = dict[str, Any]
ENTRIES: Any = ConsentEntryRow.__table__
LOGS: Any = ConsentLogRow.__table__


class _Undone(Exception):
    pass


class Forger:
    """Changes one site's log. ``keys``: what signs the forged head; None leaves the signature as it was."""

    def __init__(self, db: Session, site_id: int, site: str) -> None:
        self.db = db
        self.site_id = site_id
        self.site = site

    def rows(self, table: Any) -> list[Row]:
        found = self.db.execute(select(table).where(table.c.site_id == self.site_id))
        return [dict(row) for row in found.mappings()]

    def entries(self) -> list[Row]:
        return sorted(self.rows(ENTRIES), key=lambda row: int(row["sequence"]))

    def set(self, table: Any, row: Row, **values: Any) -> None:
        """Change one row, found by its primary key."""
        self.db.execute(update(table).where(*_is(table, row)).values(**values))

    def delete(self, table: Any, row: Row) -> None:
        self.db.execute(delete(table).where(*_is(table, row)))

    def write(self, entries: Iterable[Row], keys: LogKeys | None = None) -> None:
        """Replace the log by these entries, with everything computed anew that needs no key."""
        self.db.execute(delete(ENTRIES).where(ENTRIES.c.site_id == self.site_id))
        previous, leaves, minute = "0" * 64, [], START
        for sequence, row in enumerate(entries):
            entry = dict(row)
            if entry["proof"] is not None:
                entry["commitment"] = commitment_of(entry["nonce"], entry["proof"])
            if entry["link"] is not None:
                entry["link_commitment"] = commitment_of(entry["link_nonce"], entry["link"])
            minute = entry["minute"]
            header = Header(
                site=self.site,
                sequence=sequence,
                minute=minute_text(minute),
                kind=entry["kind"],
                commitment=entry["commitment"],
                link_commitment=entry["link_commitment"],
                previous=previous,
            )
            entry |= {"sequence": sequence, "previous": previous, "hash": header.hash}
            self.db.execute(insert(ENTRIES).values(**entry))
            previous = header.hash
            leaves.append(leaf_of(bytes.fromhex(previous)))
        frontier = frontier_of(leaves)
        values: Row = {"size": frontier.size, "minute": minute, "last": previous}
        values["peaks"] = [peak.hex() for peak in frontier.peaks]
        if keys:
            text = head_text(self.site, frontier.size, minute_text(minute), frontier.root.hex(), previous)
            values |= {"key": keys.newest, "signature": keys.sign(text)}
        self.db.execute(update(LOGS).where(LOGS.c.site_id == self.site_id).values(**values))


def _is(table: Any, row: Row) -> list[Any]:
    return [column == row[column.name] for column in table.primary_key.columns]


@contextmanager
def undone(plane: ControlPlane) -> Iterator[Session]:
    """Open a transaction that is rolled back at the end."""
    try:
        with plane.session() as db:
            yield db
            raise _Undone
    except _Undone:
        pass


def lines_of(db: Session, site_id: int, site: str, keys: LogKeys) -> list[bytes]:
    db.expire_all()
    return list(bundle_lines(db, site_id, site, keys.public, START))


def verdict_after(
    plane: ControlPlane,
    site_id: int,
    site: str,
    keys: LogKeys,
    forge: Callable[[Forger], object],
    *,
    trusted: Iterable[str] = (),
    outside: Iterable[Row] = (),
    before: list[bytes] | None = None,
) -> tuple[Verdict, bool]:
    """Return what a verification says after the forgery, and whether it changed any byte of what was ``before``."""
    with undone(plane) as db:
        forge(Forger(db, site_id, site))
        after = lines_of(db, site_id, site, keys)
    return verify(after, list(trusted), list(outside)), before != after
