"""Recognises a batch that a browser sends again because the first answer was lost: it counts once.

Batch ids are random and live ten to twenty minutes here, and in the spool's lines, from which they
are read back after a restart. They join nothing: one batch is one request.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import orjson

WINDOW = timedelta(minutes=10)
MAX_PER_WINDOW = 500_000


class BatchMemory:
    """Remembers stored batches and those being stored. For one event loop."""

    def __init__(self) -> None:
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()
        self._turned: datetime | None = None
        self._under_way: dict[bytes, asyncio.Future[None]] = {}

    def recall(self, lines: Iterable[bytes]) -> None:
        """Read the batches of lines that an earlier process stored."""
        for line in lines:
            try:
                batch = orjson.loads(line).get("batch")
                if batch:
                    self._recent.add(bytes.fromhex(batch))
            except (ValueError, AttributeError, TypeError):  # A damaged line is the loader's matter.
                continue

    async def is_stored(self, batch: str, now: datetime) -> bool:
        """Tell whether this batch is stored, waiting for a copy of it that is just being stored."""
        self._turn(now)
        key = bytes.fromhex(batch)
        while key in self._under_way:
            await asyncio.wait([self._under_way[key]])
        return key in self._recent or key in self._older

    def begin(self, batch: str) -> None:
        self._under_way[bytes.fromhex(batch)] = asyncio.get_running_loop().create_future()

    def end(self, batch: str, *, is_stored: bool) -> None:
        """Say how it ended, and wake the copies that wait."""
        key = bytes.fromhex(batch)
        if is_stored:
            self._recent.add(key)
        self._under_way.pop(key).set_result(None)

    def _turn(self, now: datetime) -> None:
        if self._turned is None:
            self._turned = now
        if now - self._turned > WINDOW or len(self._recent) > MAX_PER_WINDOW:
            self._older, self._recent, self._turned = self._recent, set(), now
