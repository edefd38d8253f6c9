"""Keeps what visitors chose and answers with the three separate things: cookie value, receipt, token."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Exists, Select, exists, or_, select
from sqlalchemy.orm import Session

from firmly.accounts.database import ControlPlane
from firmly.accounts.site import Site
from firmly.consent.banner import Asked, BannerVersion, asked_in, purposes_of, script_hash_of
from firmly.consent.choice import (
    Action,
    Granted,
    State,
    choice_cookie_value,
    expiry_of,
    in_order,
    state_of,
)
from firmly.consent.log import ConsentLog, entry_of
from firmly.consent.receipt import Receipts
from firmly.consent.records import Record
from firmly.consent.tables import BannerVersionRow, ConsentRecordRow
from firmly.consent.token import ConsentTokens
from firmly.model import Category, Clock

KNOWN_BANNERS = 256
IN_CACHES = timedelta(days=30)
"""For how long after its first serving a banner version may yet get its first choice, from a cached script."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a visitor chose in one version of a site's banner, in which language and where."""

    action: Action
    granted: Granted
    banner: str
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Token:
    value: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Chosen:
    """The answer to a choice. ``token`` is None unless something was granted."""

    receipt: str
    cookie_value: str
    expires_at: datetime
    token: Token | None


class Consent:
    """Appends records and renews tokens. Blocking; safe to use from several threads."""

    def __init__(
        self, control_plane: ControlPlane, tokens: ConsentTokens, receipts: Receipts, log: ConsentLog, clock: Clock
    ) -> None:
        self._control_plane = control_plane
        self._tokens = tokens
        self._receipts = receipts
        self._log = log
        self._clock = clock
        self._asked: OrderedDict[tuple[int, str], Asked] = OrderedDict()

    def keep_banner(self, site: Site, banner: BannerVersion) -> tuple[str, ...]:
        """Store a banner version before it is first served. Idempotent.

        Returns the others with its purposes under which a choice may stand: remembered ones, and what caches hold.
        """
        now = self._clock()
        with self._control_plane.session() as db:
            if db.get(BannerVersionRow, (site.id, banner.version)) is None:
                db.add(
                    BannerVersionRow(
                        site_id=site.id,
                        version=banner.version,
                        purposes=banner.purposes,
                        bundle=banner.bundle,
                        first_served_at=now,
                        script=script_hash_of(banner.bundle),
                    )
                )
            others = select(BannerVersionRow.version).where(
                BannerVersionRow.site_id == site.id,
                BannerVersionRow.purposes == banner.purposes,
                BannerVersionRow.version != banner.version,
                or_(_is_remembered(now.date()), BannerVersionRow.first_served_at > now - IN_CACHES),
            )
            return tuple(db.scalars(others.order_by(BannerVersionRow.version)))

    def asked(self, site: Site, version: str) -> Asked | None:
        """Return what a version of the site's banner asked for; None where it was never served for this site."""
        known = self._asked.get((site.id, version))
        if known is not None:
            return known
        with self._control_plane.reading() as db:
            bundle = db.scalar(_bundle_of(site, version))
        if bundle is None:
            return None
        asked = self._asked[site.id, version] = asked_in(bundle)
        if len(self._asked) > KNOWN_BANNERS:
            self._asked.popitem(last=False)
        return asked

    def choose(self, site: Site, choice: Choice, receipt: str | None) -> Chosen | None:
        """Append one record. A first choice, or one with an unknown receipt, gets a new receipt.

        None, and no record, where the banner was never served for this site.
        The server's time counts, in whole minutes; the choice stands from today for as long as the banner said, a
        refusal at least six months, and no later visit extends it (RULES R19): a signal that comes again while a
        refusal stands leaves no record, and neither does what the latest record says already, of today. A choice
        made in a cached banner of other purposes than today's is recorded as what it is, and gives no token: the
        visitor is asked again.

        Raises:
            ConsentLogError: the site's log does not fit its signed head; nothing was recorded.
        """
        asked, now = self.asked(site, choice.banner), self._clock()
        if asked is None:
            return None
        with self._control_plane.session() as db:
            banner = db.get_one(BannerVersionRow, (site.id, choice.banner))
            latest = self._latest(db, site, receipt) if receipt else None
            if latest is None or receipt is None:
                receipt = self._receipts.new()
            if latest is not None and choice.action.is_signal and self._refuses(db, site, latest, now):
                return _chosen(receipt, site, frozenset(), latest.banner, latest.expires_on)
            standing = self._granted(db, site, latest, now) if latest else frozenset()
            state = state_of(choice.action, choice.granted, standing)
            granted: Granted = choice.granted if state.grants else frozenset()
            expires_on = expiry_of(state, now.date(), asked.months)
            record = Record(
                action=choice.action,
                state=state,
                source=choice.source,
                categories=tuple(in_order(granted)),
                banner=choice.banner,
                script=_script_of(banner),
                language=choice.language,
                # Under the key of the first: one visitor's records stay together when keys are rotated.
                receipt_hash=latest.receipt_hash if latest else self._receipts.hash(receipt),
                expires_on=expires_on,
            )
            if latest is None or not _says(latest, record, now.date()):
                with self._log.appending(db, site.id, site.key, now) as log:
                    log.record(record)
            is_current = banner.purposes == purposes_of(site)
        token = self._token(site, granted, choice.banner, now) if is_current else None
        return _chosen(receipt, site, granted, choice.banner, expires_on, token)

    def renew(self, site: Site, receipt: str) -> Token | None:
        """Return a fresh token while the receipt's latest record stands, else None.

        It no longer stands when withdrawn, when it has expired, and when the site asks for something else now.

        Raises:
            ConsentLogError: the latest record is not what the log committed to.
        """
        now = self._clock()
        with self._control_plane.reading() as db:
            latest = self._latest(db, site, receipt)
            if latest:
                entry_of(db, latest, site.key)
            granted = self._granted(db, site, latest, now) if latest else frozenset()
        return self._token(site, granted, latest.banner, now) if latest else None

    def _token(self, site: Site, granted: Granted, banner: str, now: datetime) -> Token | None:
        if not granted:
            return None
        value, expires_at = self._tokens.issue(site.key, granted, banner, now)
        return Token(value, expires_at)

    def _latest(self, db: Session, site: Site, receipt: str) -> ConsentRecordRow | None:
        found = records_of(site.id, self._receipts.hashes(receipt)).order_by(ConsentRecordRow.id.desc())
        return db.scalars(found.limit(1)).one_or_none()

    def _granted(self, db: Session, site: Site, latest: ConsentRecordRow, now: datetime) -> Granted:
        """Return what stands: nothing once it was refused, ended, or is asked for otherwise now."""
        if not State(latest.state).grants or not self._holds(db, site, latest, now):
            return frozenset()
        return frozenset(Category(name) for name in latest.categories)

    def _refuses(self, db: Session, site: Site, latest: ConsentRecordRow, now: datetime) -> bool:
        return State(latest.state).refuses and self._holds(db, site, latest, now)

    def _holds(self, db: Session, site: Site, latest: ConsentRecordRow, now: datetime) -> bool:
        banner = db.get(BannerVersionRow, (site.id, latest.banner))
        return now.date() < latest.expires_on and banner is not None and banner.purposes == purposes_of(site)


def records_of(site_id: int, receipt_hashes: list[str]) -> Select[ConsentRecordRow]:
    """Select a visitor's records of a site. The empty hash of erased ones is nobody's."""
    return select(ConsentRecordRow).where(
        ConsentRecordRow.site_id == site_id, ConsentRecordRow.receipt_hash.in_(receipt_hashes)
    )


def _is_remembered(today: date) -> Exists:
    """Tell whether a choice made in a banner version has not expired."""
    return exists().where(
        ConsentRecordRow.site_id == BannerVersionRow.site_id,
        ConsentRecordRow.banner == BannerVersionRow.version,
        ConsentRecordRow.expires_on > today,
    )


def _says(latest: ConsentRecordRow, record: Record, day: date) -> bool:
    """Tell whether the latest record says just this of the same day; one more would only make the log longer."""
    said = (latest.action, latest.state, latest.source, latest.categories, latest.banner, latest.language)
    says = (record.action, record.state, record.source, list(record.categories), record.banner, record.language)
    return said == says and (latest.minute.date(), latest.expires_on) == (day, record.expires_on)


def _bundle_of(site: Site, version: str) -> Select[bytes]:
    return select(BannerVersionRow.bundle).where(
        BannerVersionRow.site_id == site.id, BannerVersionRow.version == version
    )


def _script_of(banner: BannerVersionRow) -> str:
    if not banner.script:  # Kept before the log was.
        banner.script = script_hash_of(banner.bundle)
    return banner.script


def _chosen(
    receipt: str, site: Site, granted: Granted, banner: str, expires_on: date, token: Token | None = None
) -> Chosen:
    value = choice_cookie_value(site.key, granted, banner, expires_on)
    return Chosen(receipt, value, datetime.combine(expires_on, time(), UTC), token)
