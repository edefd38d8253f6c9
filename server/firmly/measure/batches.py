"""Recognises a batch that a browser sends again because the first answer was lost: it counts once.

Batch ids are random and live ten to twenty minutes here, and in the spool's lines, from which they
are read back after a restart. They join nothing: one batch is one request. A batch belongs to its
site, so that no site's sender can claim another's.
"""

import asyncio
from array import array
from collections.abc import Iterable
from datetime import datetime, timedelta

import orjson

from firmly.model import SiteId

WINDOW = timedelta(minutes=10)
MAX_PER_WINDOW = 1_000_000
"""Beyond it - 1,600 batches a second of one collector - they are known for less than ten minutes."""
_SLOTS = 1 << 21
_LAST_SLOT = _SLOTS - 1


class Seen:
    """A window's batches in one block of 16 MiB, so that a busy hour takes no more memory than a quiet one.

    Of each, Python's keyed 64-bit hash is kept: nobody can choose batches that crowd one place, and that
    two of a window are taken for one happens in one of thirty million full windows.
    """

    def __init__(self) -> None:
        self._slots = array("q", (0,)) * _SLOTS
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: bytes) -> bool:
        return self._slots[self._slot_of(key)] != 0

    def add(self, key: bytes) -> None:
        slot = self._slot_of(key)
        if not self._slots[slot]:
            self._slots[slot] = hash(key) or 1
            self._count += 1

    def _slot_of(self, key: bytes) -> int:
        """Return where the key is, or the free slot for it: at least half of them are free."""
        slots, value = self._slots, hash(key) or 1
        slot = value & _LAST_SLOT
        while slots[slot] and slots[slot] != value:
            slot = (slot + 1) & _LAST_SLOT
        return slot


class BatchMemory:
    """Remembers stored batches and those being stored. For one event loop."""

    def __init__(self) -> None:
        self._recent = Seen()
        self._older = Seen()
        self._turned: datetime | None = None
        self._under_way: dict[bytes, list[asyncio.Future[None]]] = {}

    def recall(self, lines: Iterable[bytes]) -> None:
        """Read the batches of lines that an earlier process stored, up to the bound of one window."""
        for line in lines:
            if len(self._recent) >= MAX_PER_WINDOW:
                return
            try:
                record = orjson.loads(line)
                if record.get("batch"):
                    self._recent.add(key_of(record.get("site_id"), record["batch"]))
            except (ValueError, AttributeError, TypeError, OverflowError):  # A damaged line is the loader's matter.
                continue

    def is_stored(self, key: bytes, now: datetime) -> bool:
        """Tell whether this batch is stored. Ask `end_of` first, where a copy of it may be under way."""
        if self._turned is None:
            self._turned = now
        if now - self._turned > WINDOW or len(self._recent) > MAX_PER_WINDOW:
            self._older, self._recent, self._turned = self._recent, Seen(), now
        return key in self._recent or key in self._older

    def is_under_way(self, key: bytes) -> bool:
        return key in self._under_way

    async def end_of(self, key: bytes) -> None:
        """Wait until nobody stores this batch."""
        while key in self._under_way:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._under_way[key].append(waiter)
            await waiter

    def begin(self, key: bytes) -> None:
        self._under_way[key] = []

    def end(self, key: bytes, *, is_stored: bool) -> None:
        """Say how it ended, and wake the copies that wait.

        Belongs into what `Spool.submit` settles: a line of a request that was cancelled lands all the same.
        """
        if is_stored:
            self._recent.add(key)
        for waiter in self._under_way.pop(key):
            if not waiter.done():  # Its request was cancelled.
                waiter.set_result(None)


def key_of(site_id: SiteId, batch: str) -> bytes:
    return site_id.to_bytes(4, "big") + bytes.fromhex(batch)
