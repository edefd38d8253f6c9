"""A visitor's own records: their history, their receipt with its proofs, and erasing (RULES R25, R27).

All of it is found with the receipt alone; without it nobody's records can be asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from firmly.accounts.database import ControlPlane
from firmly.accounts.site import Site
from firmly.accounts.tables import WorkspaceRow
from firmly.consent.banner import asked_in
from firmly.consent.bundle import entry_fields, fields_of
from firmly.consent.checkpoints import newest_checkpoint
from firmly.consent.choice import Action, Source, State, choice_cookie_value, expiry_of, months_later
from firmly.consent.keys import public_fields
from firmly.consent.log import ConsentLog, ConsentLogError, entry_of
from firmly.consent.log_text import Head, Reason, minute_text
from firmly.consent.merkle import Path, fold, leaf_of, path_to
from firmly.consent.receipt import Receipts
from firmly.consent.receipt_document import receipt_fields, record_fields
from firmly.consent.receipt_page import WORDS, receipt_page
from firmly.consent.records import Record
from firmly.consent.service import records_of
from firmly.consent.shown import Shown, shown_in
from firmly.consent.tables import BannerVersionRow, ConsentEntryRow, ConsentNodeRow, ConsentRecordRow
from firmly.model import Clock, SiteKey

Json = dict[str, Any]

NEWEST = 100
"""Records of one answer: each is read, and its path to the head walked, for whoever asks."""


_PROVING = ("sequence", "kind", "proof", "nonce", "commitment", "link_commitment", "minute", "previous", "hash")
"""What of an entry a visitor needs to verify it."""


@dataclass(frozen=True, slots=True)
class Erased:
    """``records`` lost their link; ``proof_until`` is when the last minimal proof goes, too."""

    records: int
    cookie_value: str
    cookie_expires_on: date
    proof_until: date


class OwnRecords:
    """Blocking; safe to use from several threads. ``keep_months`` as for `ConsentSweep`.

    Every answer is None where the receipt leads to nothing on this site.
    """

    def __init__(
        self, control_plane: ControlPlane, receipts: Receipts, log: ConsentLog, clock: Clock, keep_months: int
    ) -> None:
        self._control_plane = control_plane
        self._receipts = receipts
        self._log = log
        self._clock = clock
        self._keep_months = keep_months

    def history(self, site: Site, receipt: str) -> Json | None:
        """Return the newest ``records`` of ``total``, the newest first, and ``saw``: what each version showed.

        Raises:
            ConsentLogError: a record is not what was committed to.
        """
        with self._control_plane.reading() as db:
            rows, total = self._newest(db, site, receipt)
            for row in rows:
                entry_of(db, row, site.key)
            shown = self._shown(db, site, rows)
        if not rows:
            return None
        return {
            "records": [_history_fields(row) for row in reversed(rows)],
            "total": total,
            "saw": {f"{banner}/{language}": one.fields for (banner, language), one in shown.items()},
        }

    def receipt(self, site: Site, receipt: str) -> Json | None:
        """Return the receipt after ISO/IEC TS 27560:2023, with the proof of each record (docs/CONSENT.md).

        It holds the newest ``records`` of ``total``, the oldest first.

        Raises:
            ConsentLogError: the log does not fit its signed head, or a record the log: no proof can be given.
        """
        with self._control_plane.reading() as db:
            rows, total = self._newest(db, site, receipt, ConsentRecordRow.sequence.is_not(None))
            head = self._log.head(db, site.id, site.key) if rows else None
            if head is None:
                return None
            shown = self._shown(db, site, rows)
            region = db.scalars(select(WorkspaceRow.region).where(WorkspaceRow.id == site.workspace_id)).one()
            records = [
                {
                    **record_fields(row, shown[row.banner, row.language], region, self._keep_months),
                    "log": self._proof(db, site, row, head),
                }
                for row in rows
            ]
            checkpoint = newest_checkpoint(db, site.id, site.key)
        return {
            **receipt_fields(site, rows, minute_text(self._clock())),
            "records": records,
            "total": total,
            "head": fields_of(head),
            "checkpoint": fields_of(checkpoint) if checkpoint else None,
            "keys": [public_fields(raw) for raw in self._log.keys.public],
        }

    def page(self, site: Site, receipt: str, language: str | None) -> str | None:
        """Return the receipt as a page, in ``language`` or that of the newest record; in English without its words.

        Raises:
            ConsentLogError: as `receipt`.
        """
        said = self.receipt(site, receipt)
        if said is None:
            return None
        newest = said["records"][-1]
        wanted = language or newest["language"]
        with self._control_plane.reading() as db:
            words = shown_in(db.get_one(BannerVersionRow, (site.id, newest["banner"])).bundle, wanted).words
        if WORDS.keys() <= words.keys():
            return receipt_page(said, wanted, words)
        return receipt_page(said, "en", WORDS)

    def erase(self, site: Site, receipt: str) -> Erased | None:
        """End the consent where one stands, and destroy what links the records to the receipt. Not twice.

        A minimal proof stays until its deadline; a record that has no place in the log goes whole. The refusal that
        follows is remembered as long as any, and never shorter than what was said last.
        Source: GDPR Art. 17(3)(e).

        Raises:
            ConsentLogError: the log does not fit its signed head; nothing was erased.
        """
        now = self._clock()
        with self._control_plane.session() as db:
            rows = self._rows(db, site, receipt)
            if not rows:
                return None
            latest = rows[-1]
            remembered_until = _remembered_until(db, site, latest, now.date())
            with self._log.appending(db, site.id, site.key, now) as log:
                sequences = [row.sequence for row in rows if row.sequence is not None]
                ends_on = max(row.expires_on for row in rows)
                if State(latest.state).grants:
                    withdrawal = _withdrawal(latest, _script_of(db, site, latest), remembered_until)
                    sequences.append(log.record(withdrawal))
                    ends_on = max(ends_on, remembered_until)
                if sequences:
                    log.erase(Reason.VISITOR, sequences, ends_on)
            outside = [row.id for row in rows if row.sequence is None]
            db.execute(delete(ConsentRecordRow).where(ConsentRecordRow.id.in_(outside)))
        value = choice_cookie_value(SiteKey(site.key), frozenset(), latest.banner, remembered_until)
        return Erased(len(rows), value, remembered_until, months_later(ends_on, self._keep_months))

    def _rows(self, db: Session, site: Site, receipt: str) -> Sequence[ConsentRecordRow]:
        found = records_of(site.id, self._receipts.hashes(receipt)).order_by(ConsentRecordRow.id)
        return db.scalars(found).all()

    def _newest(
        self, db: Session, site: Site, receipt: str, *conditions: ColumnElement[bool]
    ) -> tuple[Sequence[ConsentRecordRow], int]:
        """Return the newest of a visitor's records, the oldest of them first, and how many there are in all."""
        found = records_of(site.id, self._receipts.hashes(receipt)).where(*conditions)
        newest = db.scalars(found.order_by(ConsentRecordRow.id.desc()).limit(NEWEST)).all()
        return newest[::-1], db.scalar(select(func.count()).select_from(found.subquery())) or 0

    def _shown(self, db: Session, site: Site, rows: Sequence[ConsentRecordRow]) -> dict[tuple[str, str], Shown]:
        wanted = dict.fromkeys((row.banner, row.language) for row in rows)
        bundles = {banner: db.get_one(BannerVersionRow, (site.id, banner)).bundle for banner, _ in wanted}
        return {(banner, language): shown_in(bundles[banner], language) for banner, language in wanted}

    def _proof(self, db: Session, site: Site, row: ConsentRecordRow, head: Head) -> Json:
        """Return what leads from a record to the head that was signed. Raises ConsentLogError: it does not."""
        entry = entry_of(db, row, site.key)
        if entry is None:
            raise ConsentLogError(f"a record of {site.key} has no entry in its log (docs/CONSENT.md)")
        path = path_to(entry.sequence, head.size, lambda level, place: _node(db, site.id, level, place))
        if fold(leaf_of(bytes.fromhex(entry.hash)), path).hex() != head.root:
            raise ConsentLogError(f"the consent log of {site.key} does not lead to its signed head (docs/CONSENT.md)")
        fields = entry_fields(entry)
        return {name: fields[name] for name in _PROVING} | {"path": _path_fields(path)}


def _node(db: Session, site_id: int, level: int, position: int) -> bytes:
    if level:
        return bytes.fromhex(db.get_one(ConsentNodeRow, (site_id, level, position)).hash)
    return leaf_of(bytes.fromhex(db.get_one(ConsentEntryRow, (site_id, position)).hash))


def _path_fields(path: Path) -> list[list[str]]:
    return [[side, neighbour.hex()] for side, neighbour in path]


def _history_fields(row: ConsentRecordRow) -> Json:
    return {
        "record": row.record,
        "sequence": row.sequence,
        "minute": minute_text(row.minute),
        "action": row.action,
        "state": row.state,
        "source": row.source,
        "categories": row.categories,
        "banner": row.banner,
        "language": row.language,
        "expires_on": row.expires_on.isoformat(),
    }


def _remembered_until(db: Session, site: Site, latest: ConsentRecordRow, today: date) -> date:
    months = asked_in(db.get_one(BannerVersionRow, (site.id, latest.banner)).bundle).months
    return max(latest.expires_on, expiry_of(State.WITHDRAWN, today, months))


def _withdrawal(latest: ConsentRecordRow, script: str, expires_on: date) -> Record:
    return Record(
        action=Action.WITHDRAW,
        state=State.WITHDRAWN,
        source=Source.PREFERENCES,
        categories=(),
        banner=latest.banner,
        script=script,
        language=latest.language,
        receipt_hash=latest.receipt_hash,
        expires_on=expires_on,
    )


def _script_of(db: Session, site: Site, latest: ConsentRecordRow) -> str:
    return db.get_one(BannerVersionRow, (site.id, latest.banner)).script
