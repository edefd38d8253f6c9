"""The log of one site's choices: appended to in one transaction, hash-chained, with a signed head.

Whoever writes the database without the key cannot add to it: before an append the head that stands is
checked, and what does not fit its signature is never signed on. Callers hold the control plane's only
write lock; the site's row is locked besides, so that several collectors never fork it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from secrets import token_hex

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session

from firmly.consent.choice import Action, State
from firmly.consent.keys import LogKeys
from firmly.consent.log_text import (
    FIRST,
    Head,
    Header,
    Kind,
    Reason,
    adoption_text,
    commitment_of,
    differing,
    erasure_text,
    head_text,
    minute_text,
)
from firmly.consent.merkle import Frontier, leaf_of
from firmly.consent.records import Record, columns_of, link_text, proof_text
from firmly.consent.tables import CheckpointRow, ConsentEntryRow, ConsentLogRow, ConsentNodeRow, ConsentRecordRow
from firmly.model import FirmlyError

LINK = {"link": None, "link_nonce": None}
WHOLE = {"proof": None, "nonce": None, "expires_on": None, **LINK}
"""What an erasure empties: the link, or the proof too. A text never outlives its nonce, nor the nonce its text."""


class ConsentLogError(FirmlyError):
    """The log in the database does not fit its signed head. Nothing is added to it (docs/CONSENT.md)."""


class ConsentLog:
    """Opens sites' logs within a caller's transaction. Safe to use from several threads."""

    def __init__(self, keys: LogKeys) -> None:
        self.keys = keys

    @contextmanager
    def appending(self, db: Session, site_id: int, site: str, now: datetime) -> Iterator["Appending"]:
        """Let entries be appended, and sign the new head at the end.

        A log that begins seals the site's earlier records first. Raises ConsentLogError.
        """
        row = self._standing(db, site_id, site, locks=True)
        appending = Appending(db, site_id, site, self.keys, now, row)
        yield appending
        appending.sign()

    def head(self, db: Session, site_id: int, site: str) -> Head | None:
        """Return the checked head; None where the log has not begun. Raises ConsentLogError."""
        row = self._standing(db, site_id, site)
        return head_of(row, site) if row else None

    def adopt(self, db: Session, site_id: int, site: str, now: datetime) -> None:
        """Sign on although no key in force can check the head: the operator's word, and an entry that says so.

        Raises ConsentLogError: there is no log, or it needs no such thing.
        """
        row = db.get(ConsentLogRow, site_id, with_for_update=True)
        if row is None or self.keys.knows(row.key) or not _frontier(row).is_whole:
            raise ConsentLogError(f"the consent log of {site} cannot be adopted: expected one signed by a lost key")
        appending = Appending(db, site_id, site, self.keys, now, row)
        appending.adoption(row.key)
        appending.sign()

    def _standing(self, db: Session, site_id: int, site: str, *, locks: bool = False) -> ConsentLogRow | None:
        row = db.get(ConsentLogRow, site_id, with_for_update=locks)
        if row is None:
            of_site = [exists().where(table.site_id == site_id) for table in (ConsentEntryRow, CheckpointRow)]
            if db.scalar(select(or_(*of_site))):
                raise ConsentLogError(f"the consent log of {site} has entries and no head (docs/CONSENT.md)")
            return None
        head = head_of(row, site)
        if not _frontier(row).is_whole or not self.keys.holds(head.key, head.text, head.signature):
            raise ConsentLogError(f"the consent log of {site} does not fit its signed head (docs/CONSENT.md)")
        return row


def entry_of(db: Session, row: ConsentRecordRow, site: str) -> ConsentEntryRow | None:
    """Return the entry of a record that says what was committed to; None from before the log has begun.

    Raises:
        ConsentLogError: it says something else, or has no entry: somebody changed the one or the other.
    """
    if row.sequence is None and db.get(ConsentLogRow, row.site_id) is None:
        return None
    entry = db.get(ConsentEntryRow, (row.site_id, -1 if row.sequence is None else row.sequence))
    if entry is None or not _commits(entry, row, site):
        raise ConsentLogError(f"a record of {site} is not what its log committed to (docs/CONSENT.md)")
    return entry


def _commits(entry: ConsentEntryRow, row: ConsentRecordRow, site: str) -> bool:
    header = Header(
        site=site,
        sequence=entry.sequence,
        minute=minute_text(entry.minute),
        kind=entry.kind,
        commitment=entry.commitment,
        link_commitment=entry.link_commitment,
        previous=entry.previous,
    )
    texts = ((entry.proof, entry.nonce, entry.commitment), (entry.link, entry.link_nonce, entry.link_commitment))
    try:
        are_whole = all(commitment_of(nonce or "", text or "") == commitment for text, nonce, commitment in texts)
        return are_whole and header.hash == entry.hash and not differing(columns_of(row), entry.proof or "", entry.link)
    except (KeyError, TypeError, ValueError):
        return False


class Appending:
    """One transaction's entries of a site's log. ``minute`` is never before that of the entry before."""

    def __init__(
        self, db: Session, site_id: int, site: str, keys: LogKeys, now: datetime, row: ConsentLogRow | None
    ) -> None:
        self._db = db
        self._site_id = site_id
        self._site = site
        self._keys = keys
        self._row = row
        self._frontier = _frontier(row) if row else Frontier()
        self._last = row.last if row else FIRST
        minute = now.replace(second=0, microsecond=0)
        self.minute = max(minute, row.minute) if row else minute
        if row is None:
            self._seal_earlier()

    def record(self, record: Record) -> int:
        """Append a choice and the row that queries read; return its sequence."""
        sequence = self._append_record(Kind.RECORD, record, self.minute)
        self._db.add(
            ConsentRecordRow(
                record=record.record,
                site_id=self._site_id,
                receipt_hash=record.receipt_hash,
                minute=self.minute,
                action=record.action.value,
                state=record.state.value,
                source=record.source,
                categories=list(record.categories),
                banner=record.banner,
                language=record.language,
                expires_on=record.expires_on,
                sequence=sequence,
            )
        )
        self._db.flush()
        return sequence

    def erase(self, reason: Reason, sequences: Iterable[int], expires_on: date | None) -> None:
        """Destroy payloads with their nonces, and append the entry that names them.

        ``expires_on``: from when the deadline of the entry's own payload counts, which says that its records belong
        together; None where it says nothing about anybody.
        """
        named = sorted(set(sequences))
        text = erasure_text(self._site, minute_text(self.minute), reason, named, expires_on)
        self._append(Kind.ERASURE, text, None, expires_on)
        of_entries = (ConsentEntryRow.site_id == self._site_id, ConsentEntryRow.sequence.in_(named))
        of_records = (ConsentRecordRow.site_id == self._site_id, ConsentRecordRow.sequence.in_(named))
        if reason is Reason.RETENTION:
            self._db.execute(update(ConsentEntryRow).where(*of_entries).values(WHOLE))
            self._db.execute(delete(ConsentRecordRow).where(*of_records))
        else:
            self._db.execute(update(ConsentEntryRow).where(*of_entries).values(LINK))
            self._db.execute(update(ConsentRecordRow).where(*of_records).values(receipt_hash="", language=""))

    def adoption(self, key: str) -> None:
        self._append(Kind.ADOPTED, adoption_text(self._site, minute_text(self.minute), key), None, None)

    def sign(self) -> None:
        """Write the newest state with its signature; the one before is gone."""
        if not self._frontier.size:
            return
        row = self._row
        # Signed anew without an entry, the head is still that of the last one.
        minute = row.minute if row is not None and row.size == self._frontier.size else self.minute
        root = self._frontier.root.hex()
        text = head_text(self._site, self._frontier.size, minute_text(minute), root, self._last)
        if row is None:
            row = self._row = ConsentLogRow(site_id=self._site_id)
            self._db.add(row)
        row.size, row.minute, row.last = self._frontier.size, minute, self._last
        row.peaks = [peak.hex() for peak in self._frontier.peaks]
        row.key, row.signature = self._keys.newest, self._keys.sign(text)
        self._db.flush()

    def _seal_earlier(self) -> None:
        """Take the records from before the log into it, in their order: from now on they are protected, too."""
        earlier = select(ConsentRecordRow).where(
            ConsentRecordRow.site_id == self._site_id, ConsentRecordRow.sequence.is_(None)
        )
        rows = self._db.scalars(earlier.order_by(ConsentRecordRow.id)).all()
        # A clock that went back since must not have them sealed before they were made.
        self.minute = max([self.minute, *(row.minute for row in rows)])
        for row in rows:
            record = _record_of(row)
            row.sequence = self._append_record(Kind.SEALED, record, row.minute)
            row.categories = list(record.categories)

    def _append_record(self, kind: Kind, record: Record, minute: datetime) -> int:
        proof = proof_text(self._site, kind, minute_text(minute), record)
        return self._append(kind, proof, link_text(record), record.expires_on)

    def _append(self, kind: Kind, proof: str, link: str | None, expires_on: date | None) -> int:
        nonce, link_nonce = token_hex(16), token_hex(16) if link is not None else None
        header = Header(
            site=self._site,
            sequence=self._frontier.size,
            minute=minute_text(self.minute),
            kind=kind,
            commitment=commitment_of(nonce, proof),
            link_commitment=commitment_of(link_nonce, link) if link is not None and link_nonce else FIRST,
            previous=self._last,
        )
        self._db.add(
            ConsentEntryRow(
                site_id=self._site_id,
                sequence=header.sequence,
                minute=self.minute,
                kind=kind.value,
                commitment=header.commitment,
                link_commitment=header.link_commitment,
                previous=header.previous,
                hash=header.hash,
                proof=proof,
                nonce=nonce,
                link=link,
                link_nonce=link_nonce,
                expires_on=expires_on,
            )
        )
        self._last = header.hash
        self._frontier, made = self._frontier.append(leaf_of(bytes.fromhex(header.hash)))
        for node in made:
            place = {"level": node.level, "position": node.position}
            self._db.add(ConsentNodeRow(site_id=self._site_id, hash=node.hash.hex(), **place))
        self._db.flush()
        return header.sequence


def head_of(row: ConsentLogRow, site: str) -> Head:
    """Return what the row says, checked by nobody."""
    return Head(
        site=site,
        size=row.size,
        minute=minute_text(row.minute),
        root=_frontier(row).root.hex(),
        last=row.last,
        key=row.key,
        signature=row.signature,
    )


def _frontier(row: ConsentLogRow) -> Frontier:
    try:
        return Frontier(int(row.size), tuple(bytes.fromhex(peak) for peak in row.peaks))
    except (TypeError, ValueError):  # Somebody wrote something else there.
        return Frontier(-1)


def _record_of(row: ConsentRecordRow) -> Record:
    """Return a record from before the log; what its code was is not known, but its banner version says it."""
    state = State(row.state)
    return Record(
        action=Action(row.action),
        state=state,
        source=row.source,
        categories=tuple(row.categories) if state.grants else (),
        banner=row.banner,
        script="",
        language=row.language,
        receipt_hash=row.receipt_hash,
        expires_on=row.expires_on,
        record=row.record,
    )
