"""Any sequence of appends, crashes, recoveries and loading, with several collectors: each line is stored once."""

import asyncio
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from firmly.spool.collectors import EVENTS, CollectorSpools
from firmly.spool.segments import KEEP_SHIPPED_S, SegmentFolder
from firmly.spool.writer import Spool, SpoolLimits

LIMITS = SpoolLimits(segment_bytes=40, segment_age_s=3600, min_free_bytes=0)
NAMES = st.sampled_from(["first", "second", "third"])
TORN = st.sampled_from([b"", b"{", b"line 99", b"\0" * 4096])


class Machine(RuleBasedStateMachine):
    """Collectors that live and die over one folder, and the warehouse that one loader fills from it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.spools = CollectorSpools(self.root)
        self.loop = asyncio.new_event_loop()
        self.alive: dict[str, tuple[SegmentFolder, Spool]] = {}
        self.given: list[bytes] = []
        self.acknowledged: set[bytes] = set()
        self.warehouse: dict[str, list[bytes]] = {}

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    @rule(name=NAMES)
    def start(self, name: str) -> None:
        if name not in self.alive:
            folder = SegmentFolder(self.root / name / EVENTS)
            self.alive[name] = folder, Spool(folder, LIMITS, threading.Event())
            self.run(self.alive[name][1].start())

    @rule(name=NAMES, count=st.integers(1, 6))
    def append(self, name: str, count: int) -> None:
        if name in self.alive:
            self.run(self._append(self.alive[name][1], count))

    async def _append(self, spool: Spool, count: int) -> None:
        lines = [b"line %d" % (len(self.given) + number) for number in range(count)]
        self.given += lines
        await asyncio.gather(*(spool.append(line + b"\n") for line in lines))
        self.acknowledged |= set(lines)

    @rule(name=NAMES)
    def stop(self, name: str) -> None:
        if name in self.alive:
            self.run(self.alive.pop(name)[1].stop())

    @rule(name=NAMES, torn=TORN)
    def crash(self, name: str, torn: bytes) -> None:
        """Die without sealing, in the middle of a write; the system lets go of the lock."""
        if name not in self.alive:
            return
        folder, spool = self.alive.pop(name)
        self.run(_die(spool))
        folder.close()
        for file in folder.path.glob("*.open"):
            with file.open("ab") as left_open:
                left_open.write(torn)

    @rule(name=NAMES)
    def seal(self, name: str) -> None:
        if name in self.alive:
            self.run(self.alive[name][1].seal_now())

    @rule(most=st.integers(1, 4), dies=st.booleans())
    def load(self, most: int, dies: bool) -> None:
        """Insert some segments; a loader that dies before it says so inserts the last one again."""
        for segment in (segments := self.spools.sealed(EVENTS)[:most]):
            lines = segment.read().splitlines()
            assert self.warehouse.setdefault(segment.id, lines) == lines  # Sent again under one token: the same.
            if not (dies and segment is segments[-1]):
                segment.mark_shipped()

    @rule()
    def look_after_ownerless(self) -> None:
        self.spools.look_after_ownerless()
        for name in set(self.spools.collectors()) - self.alive.keys():
            assert not list((self.root / name / EVENTS).glob("*.open"))

    @rule()
    def let_ten_minutes_pass(self) -> None:
        then = time.time() - KEEP_SHIPPED_S - 1
        for file in self.root.rglob("*.shipped"):
            os.utime(file, (then, then))

    def teardown(self) -> None:
        for name in list(self.alive):
            self.stop(name)
        self.look_after_ownerless()
        self.load(10_000, dies=False)
        self.loop.close()
        self.folder.cleanup()
        stored = Counter(line for lines in self.warehouse.values() for line in lines)
        assert max(stored.values(), default=1) == 1
        assert self.acknowledged <= stored.keys() <= set(self.given)


async def _die(spool: Spool) -> None:
    assert spool._tick is not None
    spool._tick.cancel()
    await asyncio.gather(spool._tick, return_exceptions=True)
    spool._thread.shutdown()
    if spool._open:
        os.close(spool._open.descriptor)


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAnySequence = Machine.TestCase
