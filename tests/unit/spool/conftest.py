"""Spools in a folder of the test, and what lies in that folder."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firmly.spool.segments import SegmentFolder
from firmly.spool.writer import Spool, SpoolLimits

LAZY = SpoolLimits(segment_age_s=3600, min_free_bytes=0)
"""Seals only by size or when told."""


@asynccontextmanager
async def spooling(
    path: Path, limits: SpoolLimits = LAZY, on_sealed: threading.Event | None = None
) -> AsyncIterator[Spool]:
    spool = Spool(SegmentFolder(path), limits, on_sealed or threading.Event())
    await spool.start()
    try:
        yield spool
    finally:
        await spool.stop()


def lines_in(path: Path) -> list[bytes]:
    """Return the lines of all files that wait for the loader or were handed over, in order."""
    files = sorted(file for file in path.iterdir() if file.suffix in (".open", ".sealed", ".shipped"))
    return [line for file in files for line in file.read_bytes().splitlines()]


def names_in(path: Path) -> list[str]:
    return sorted(file.suffix for file in path.iterdir() if file.name not in ("lock", "probe"))


async def until(condition: object, seconds: float = 5.0) -> None:
    """Wait until calling ``condition`` gives something true."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool"
