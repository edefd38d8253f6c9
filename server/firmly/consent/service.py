"""Keeps what visitors chose and answers with the three separate things: cookie value, receipt, token."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from secrets import token_hex

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmly.accounts.database import ControlPlane
from firmly.accounts.site import Site
from firmly.consent.banner import MONTHS_REMEMBERED, BannerVersion, purposes_of
from firmly.consent.choice import (
    Action,
    Category,
    Granted,
    State,
    choice_cookie_value,
    in_order,
    months_later,
    state_of,
)
from firmly.consent.receipt import Receipts
from firmly.consent.tables import BannerVersionRow, ConsentRecordRow
from firmly.consent.token import ConsentTokens
from firmly.model import Clock


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

    def __init__(self, control_plane: ControlPlane, tokens: ConsentTokens, receipts: Receipts, clock: Clock) -> None:
        self._control_plane = control_plane
        self._tokens = tokens
        self._receipts = receipts
        self._clock = clock

    def keep_banner(self, site: Site, banner: BannerVersion) -> tuple[str, ...]:
        """Store a banner version before it is first served, and return the others with its purposes. Idempotent."""
        with self._control_plane.session() as db:
            if db.get(BannerVersionRow, (site.id, banner.version)) is None:
                db.add(
                    BannerVersionRow(
                        site_id=site.id,
                        version=banner.version,
                        purposes=banner.purposes,
                        bundle=banner.bundle,
                        first_served_at=self._clock(),
                    )
                )
            others = select(BannerVersionRow.version).where(
                BannerVersionRow.site_id == site.id,
                BannerVersionRow.purposes == banner.purposes,
                BannerVersionRow.version != banner.version,
            )
            return tuple(db.scalars(others.order_by(BannerVersionRow.version)))

    def choose(self, site: Site, choice: Choice, receipt: str | None) -> Chosen | None:
        """Append one record. A first choice, or one with an unknown receipt, gets a new receipt.

        None, and no record, where the banner was never served for this site.
        The server's time counts, in whole minutes; the choice stands for six months from today and
        no later visit extends it (RULES R19). A choice made in a cached banner of other purposes than
        today's is recorded as what it is, and gives no token: the visitor is asked again.
        """
        now = self._clock()
        expires_on = months_later(now.date(), MONTHS_REMEMBERED)
        with self._control_plane.session() as db:
            banner = db.get(BannerVersionRow, (site.id, choice.banner))
            if banner is None:
                return None
            if receipt is None or not self._is_known(db, site, receipt):
                receipt = self._receipts.new()
            is_current = banner.purposes == purposes_of(site)
            db.add(
                ConsentRecordRow(
                    record=token_hex(16),
                    site_id=site.id,
                    receipt_hash=self._receipts.hash(receipt),
                    minute=now.replace(second=0, microsecond=0),
                    action=choice.action,
                    state=state_of(choice.action, choice.granted),
                    source=choice.source,
                    categories=in_order(choice.granted),
                    banner=choice.banner,
                    language=choice.language,
                    expires_on=expires_on,
                )
            )
        return Chosen(
            receipt,
            choice_cookie_value(site.key, choice.granted, choice.banner, expires_on),
            datetime.combine(expires_on, time(), UTC),
            self._token(site, choice.granted, choice.banner, now) if is_current else None,
        )

    def renew(self, site: Site, receipt: str) -> Token | None:
        """Return a fresh token while the receipt's latest record stands, else None.

        It no longer stands when withdrawn, when it has expired, and when the site asks for something else now.
        """
        now = self._clock()
        with self._control_plane.reading() as db:
            latest = db.scalars(
                select(ConsentRecordRow)
                .where(
                    ConsentRecordRow.site_id == site.id,
                    ConsentRecordRow.receipt_hash.in_(self._receipts.hashes(receipt)),
                )
                .order_by(ConsentRecordRow.id.desc())
                .limit(1)
            ).one_or_none()
            is_current = latest is not None and self._is_current(db, site, latest.banner)
        if latest is None or not is_current or latest.state != State.GIVEN or _has_ended(latest.expires_on, now):
            return None
        return self._token(site, frozenset(Category(name) for name in latest.categories), latest.banner, now)

    def _token(self, site: Site, granted: Granted, banner: str, now: datetime) -> Token | None:
        if not granted:
            return None
        value, expires_at = self._tokens.issue(site.key, granted, banner, now)
        return Token(value, expires_at)

    def _is_current(self, db: Session, site: Site, version: str) -> bool:
        banner = db.get(BannerVersionRow, (site.id, version))
        return banner is not None and banner.purposes == purposes_of(site)

    def _is_known(self, db: Session, site: Site, receipt: str) -> bool:
        found = db.scalar(
            select(ConsentRecordRow.id)
            .where(
                ConsentRecordRow.site_id == site.id, ConsentRecordRow.receipt_hash.in_(self._receipts.hashes(receipt))
            )
            .limit(1)
        )
        return found is not None


def _has_ended(expires_on: date, now: datetime) -> bool:
    return now.date() >= expires_on
