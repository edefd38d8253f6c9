"""How much one source and one site may send. Keeps keyed hashes under a key that dies each window."""

import hashlib
import secrets
from datetime import datetime

from firmly.organisations.address import Address

WINDOW_S = 10
PER_SOURCE = 300
PER_SITE = 50_000
MAX_SOURCES = 200_000


class RateLimiter:
    """Counts requests in windows of ten seconds; a window's key and counts are forgotten with it."""

    def __init__(self, per_source: int = PER_SOURCE, per_site: int = PER_SITE) -> None:
        self._per_source = per_source
        self._per_site = per_site
        self._window = -1
        self._keyed = hashlib.blake2b()
        self._sources: dict[bytes, int] = {}
        self._sites: dict[int, int] = {}

    def admits(self, site_id: int, address: Address, now: datetime) -> bool:
        """Count one request and tell whether both its source and its site are within bounds.

        What a source sends beyond its own bound does not count against the site's. Fails open for
        sources beyond `MAX_SOURCES` in one window: the site's bound still holds.
        """
        self.turn(now)
        source = address.source_keyed(self._keyed)
        of_source = self._sources.get(source, 0) + 1
        if of_source > self._per_source:
            return False
        if of_source > 1 or len(self._sources) < MAX_SOURCES:
            self._sources[source] = of_source
        of_site = self._sites[site_id] = self._sites.get(site_id, 0) + 1
        return of_site <= self._per_site

    def turn(self, now: datetime) -> None:
        """Forget the key and the counts of a window that is over."""
        window = int(now.timestamp()) // WINDOW_S
        if window != self._window:
            self._window = window
            self._keyed = hashlib.blake2b(digest_size=16, key=secrets.token_bytes(32), person=b"rate")
            self._sources, self._sites = {}, {}
