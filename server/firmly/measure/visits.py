"""Which visit an event belongs to: a bounded table that lives only in memory and is never written.

A visit's id is random and dies with the visit. The table's keys are keyed hashes whose key exists
only in memory and changes daily, so that even a misused device id cannot follow anybody beyond a day.
"""

import hashlib
import os
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

INACTIVITY = timedelta(minutes=30)
MAX_VISITS = 200_000
MAX_SEQ = 65_535
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Visit:
    """One visit under way. ``id`` is what is written; 64 random bits, never 0.

    ``burst`` pages were opened since ``burst_since``, and ``unseen`` ones in a row since
    ``unseen_since`` without a sign of a reader (`bots.turns_out_automatic`).
    """

    id: int
    last_at: datetime
    campaign: tuple[str, ...]
    next_seq: int = 0
    burst: int = 0
    burst_since: datetime = _NEVER
    unseen: int = 0
    unseen_since: datetime = _NEVER
    is_automatic: bool = False


class VisitTable:
    """Finds or starts visits. Not for several threads. The key changes each day at ``key_hour`` (UTC)."""

    def __init__(self, key_hour: int = 0) -> None:
        self._shift = timedelta(hours=key_hour)
        self._visits: OrderedDict[bytes, Visit] = OrderedDict()
        self._from = self._until = _NEVER
        self.key = b""

    def rotate(self, now: datetime) -> None:
        """Change the key, and with it forget every visit, when a day that begins at the key's hour is over."""
        if self._from <= now < self._until:
            return
        day = (now - self._shift).replace(hour=0, minute=0, second=0, microsecond=0) + self._shift
        if day != self._from:
            self._from, self._until = day, day + timedelta(days=1)
            self.key = secrets.token_bytes(32)
            self._visits.clear()

    def device_key(self, site_id: int, org_id: int, device_visit: str) -> bytes:
        """Key a consented visit: the id that the visitor's device holds for this visit.

        The organisation is part of it, so that a device that moves between networks joins no two.
        """
        salt = site_id.to_bytes(8, "big") + org_id.to_bytes(8, "big")
        return hashlib.blake2b(
            device_visit.encode(), digest_size=16, key=self.key, person=b"device-visit", salt=salt
        ).digest()

    def find_or_start(self, key: bytes, now: datetime, campaign: tuple[str, ...]) -> tuple[Visit, bool]:
        """Return the visit under ``key`` and whether it starts now.

        A visit ends after 30 minutes without an event, and where a new campaign begins
        (``campaign`` is empty on pages that name none).
        """
        visit = self._visits.pop(key, None)
        is_new = visit is None or now - visit.last_at > INACTIVITY or (any(campaign) and campaign != visit.campaign)
        if visit is None or is_new:
            visit = Visit(int.from_bytes(os.urandom(8)) or 1, now, campaign)
            if len(self._visits) >= MAX_VISITS:
                self._visits.popitem(last=False)
        visit.last_at = now
        self._visits[key] = visit  # At the end: the first is the one that was longest without an event.
        return visit, is_new

    def forget(self, key: bytes, visit: Visit) -> None:
        """Take back a start whose event could not be stored, so that the retry starts it; another's visit stays."""
        if self._visits.get(key) is visit:
            del self._visits[key]
