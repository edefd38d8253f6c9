"""What time does to the log: consent ends, proofs reach their deadline, a day gets its checkpoint.

Several processes may sweep at once: what a look that only reads finds due is looked at again in the transaction
that writes and holds the only write lock, so that nothing is done twice. Where nothing is due, nobody waits for
it. A sweep never grants anything (RULES R24).
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, false, select
from sqlalchemy.orm import Session, aliased

from firmly.accounts.database import ControlPlane
from firmly.accounts.site_rows import read_site
from firmly.accounts.tables import SiteRow
from firmly.consent.banner import purposes_of
from firmly.consent.checkpoints import keep_checkpoint, wants_checkpoint
from firmly.consent.choice import Action, Source, State, months_later
from firmly.consent.log import ConsentLog, ConsentLogError
from firmly.consent.log_text import Reason
from firmly.consent.records import Record
from firmly.consent.tables import BannerVersionRow, ConsentEntryRow, ConsentRecordRow
from firmly.model import Clock, InvalidInputError

AT_ONCE = 500
"""Entries of one transaction, which others wait for."""
SETTLED_AFTER = timedelta(days=1)
"""For how long a site has to have asked for something else before consent to the former ends on record."""
Due = Callable[[Session, int, datetime], Select[ConsentRecordRow]]
"""Selects records of a site that end at a moment, in the order of their ids."""
_CLAMPED = timedelta(days=3)
"""Two ways of counting months differ by this at most, at the end of a short one."""


class ConsentSweep:
    """Blocking. ``keep_months``: how long a proof outlives its record's expiry.

    ``damaged``: keys of sites whose log does not fit its signed head, as the last look found.
    """

    def __init__(
        self, control_plane: ControlPlane, log: ConsentLog, clock: Clock, keep_months: int, at_once: int = AT_ONCE
    ) -> None:
        self._control_plane = control_plane
        self._log = log
        self._clock = clock
        self._keep_months = keep_months
        self._at_once = at_once
        self.damaged: tuple[str, ...] = ()

    def look(self) -> None:
        """Do all that is due, of every site. A log that is damaged costs no other site's its turn."""
        with self._control_plane.reading() as db:
            sites = [(row.id, row.key) for row in db.execute(select(SiteRow.id, SiteRow.key).order_by(SiteRow.id))]
        damaged = []
        for site_id, key in sites:
            try:
                self.look_at(site_id, key)
            except ConsentLogError:
                damaged.append(key)
        self.damaged = tuple(damaged)

    def look_at(self, site_id: int, site: str) -> None:
        """Do all that is due of one site. Raises ConsentLogError."""
        self._end(site_id, site, State.EXPIRED, self._expired)
        self._end(site_id, site, State.INVALIDATED, self._invalid)
        self._purge(site_id, site)
        self._close(site_id, site)

    def _end(self, site_id: int, site: str, state: State, due_of: Due) -> None:
        """End on record what is due, a transaction's worth after the other, each after the last of the one before."""
        last = 0
        while True:
            with self._control_plane.reading() as db:
                due = due_of(db, site_id, self._clock()).with_only_columns(ConsentRecordRow.id)
                ids = db.scalars(due.where(ConsentRecordRow.id > last).limit(self._at_once)).all()
            if not ids:
                return
            with self._control_plane.session() as db:
                # Looked at again: the visitor or another sweep may have been quicker.
                ended = db.scalars(_standing(site_id, ConsentRecordRow.id.in_(ids))).all()
                self._append_ends(db, site_id, site, ended, state)
            if len(ids) < self._at_once:
                return
            last = ids[-1]

    def _append_ends(
        self, db: Session, site_id: int, site: str, ended: Sequence[ConsentRecordRow], state: State
    ) -> None:
        if ended:
            scripts = _scripts(db, site_id, ended)
            with self._log.appending(db, site_id, site, self._clock()) as log:
                for row in ended:
                    log.record(_end_of(row, scripts.get(row.banner, ""), state))

    def _expired(self, _db: Session, site_id: int, now: datetime) -> Select[ConsentRecordRow]:
        return _standing(site_id, ConsentRecordRow.expires_on <= now.date())

    def _invalid(self, db: Session, site_id: int, now: datetime) -> Select[ConsentRecordRow]:
        """Select consent to what the site has not asked for since yesterday: the visitor is asked anew anyway."""
        row = db.get(SiteRow, site_id)
        try:
            purposes = purposes_of(read_site(row)) if row else ""
        except InvalidInputError:  # Damaged settings ask for nothing that could be compared.
            return _standing(site_id, false())
        of_site = BannerVersionRow.site_id == site_id
        current = exists().where(
            of_site,
            BannerVersionRow.purposes == purposes,
            BannerVersionRow.first_served_at <= now - SETTLED_AFTER,
        )
        if not db.scalar(select(current)):
            return _standing(site_id, false())
        former = select(BannerVersionRow.version).where(of_site, BannerVersionRow.purposes != purposes)
        return _standing(site_id, ConsentRecordRow.banner.in_(former))

    def _purge(self, site_id: int, site: str) -> None:
        """Destroy the payloads whose deadline is over, also of visitors' erasures, which say what belongs together."""
        while True:
            with self._control_plane.reading() as db:
                if not self._ended(db, site_id):
                    return
            with self._control_plane.session() as db:
                ended = self._ended(db, site_id)
                if ended:
                    with self._log.appending(db, site_id, site, self._clock()) as log:
                        log.erase(Reason.RETENTION, ended, None)

    def _ended(self, db: Session, site_id: int) -> Sequence[int]:
        """Return the first of the entries whose deadline is over."""
        today = self._clock().date()
        latest = months_later(today, -self._keep_months) + _CLAMPED
        while self.deadline(latest) > today:
            latest -= timedelta(days=1)
        found = select(ConsentEntryRow.sequence).where(
            ConsentEntryRow.site_id == site_id, ConsentEntryRow.expires_on <= latest
        )
        return db.scalars(
            found.order_by(ConsentEntryRow.expires_on, ConsentEntryRow.sequence).limit(self._at_once)
        ).all()

    def deadline(self, expires_on: date) -> date:
        """Return the day on which a proof is destroyed."""
        return months_later(expires_on, self._keep_months)

    def _close(self, site_id: int, site: str) -> None:
        """Seal what waits for a log, sign with the newest key, so that an older one may leave the settings, and keep
        the day's checkpoint."""
        with self._control_plane.reading() as db:
            if not self._is_unsigned(db, site_id, site) and not wants_checkpoint(
                db, self._log, site_id, site, self._clock()
            ):
                return
        with self._control_plane.session() as db:
            if self._is_unsigned(db, site_id, site):
                with self._log.appending(db, site_id, site, self._clock()):
                    pass
            keep_checkpoint(db, self._log, site_id, site, self._clock())

    def _is_unsigned(self, db: Session, site_id: int, site: str) -> bool:
        head = self._log.head(db, site_id, site)
        if head is None:
            return bool(db.scalar(select(exists().where(ConsentRecordRow.site_id == site_id))))
        return head.key != self._log.keys.newest


def _standing(site_id: int, *conditions: ColumnElement[bool]) -> Select[ConsentRecordRow]:
    """Select records that grant and after which their visitor left none."""
    later = aliased(ConsentRecordRow)
    is_newest = ~exists().where(
        later.site_id == ConsentRecordRow.site_id,
        later.receipt_hash == ConsentRecordRow.receipt_hash,
        later.id > ConsentRecordRow.id,
    )
    return (
        select(ConsentRecordRow)
        .where(
            ConsentRecordRow.site_id == site_id,
            ConsentRecordRow.state.in_([state.value for state in State if state.grants]),
            ConsentRecordRow.receipt_hash != "",
            is_newest,
            *conditions,
        )
        .order_by(ConsentRecordRow.id)
    )


def _scripts(db: Session, site_id: int, rows: Sequence[ConsentRecordRow]) -> dict[str, str]:
    named = {row.banner for row in rows}
    found = select(BannerVersionRow.version, BannerVersionRow.script).where(
        BannerVersionRow.site_id == site_id, BannerVersionRow.version.in_(named)
    )
    return {version: script for version, script in db.execute(found)}  # noqa: C416  # Rows are no pairs to mypy.


def _end_of(row: ConsentRecordRow, script: str, state: State) -> Record:
    return Record(
        action=Action.EXPIRE,
        state=state,
        source=Source.SWEEP,
        categories=(),
        banner=row.banner,
        script=script,
        language=row.language,
        receipt_hash=row.receipt_hash,
        expires_on=row.expires_on,
    )
