"""Power loss: what was acknowledged is on the disk, not only in the system's memory, which a kill leaves whole.

A real process runs under strace. Its calls are played to a disk that forgets what was not synced;
the power goes after every single call, and each time the spool must recover all that was
acknowledged until then, once, and nothing that was refused.
"""

import asyncio
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from firmly.spool.segments import SegmentFolder
from firmly.warehouse.store import is_damaged
from tests.collector import ORIGIN
from tests.faults.load import send
from tests.faults.power import Disk, Luck
from tests.faults.spool_life import line_of
from tests.faults.syscalls import Step, process_under, refusing, steps_of, traced
from tests.served import FIRMLY, ROOT, Served

IS_LONG = bool(os.environ.get("TEST_LONG"))
CHANCES = {"": 2, "full": 12}.get(os.environ.get("TEST_LONG", ""), 5)
PROGRAM = Path(__file__).with_name("spool_life.py")


@dataclass
class Witness:
    """What the outside world knows: lines given, acknowledged, refused, and in the warehouse by segment."""

    given: set[bytes] = field(default_factory=set)
    stored: set[bytes] = field(default_factory=set)
    refused: set[bytes] = field(default_factory=set)
    shipped: dict[str, list[bytes]] = field(default_factory=dict)

    def hear(self, step: Step) -> bool:
        """Note what the process says on its standard output; tell whether it said anything."""
        if step.call != "write" or step.arguments[0] != 1 or step.result is not None:
            return False
        for word, number in re.findall(rb"(given|stored|refused) (\d+)\n", b"".join(step.texts)):
            getattr(self, word.decode()).add(line_of(int(number)).rstrip(b"\n"))
        return True

    def see_shipped(self, disk: Disk) -> None:
        for thing in disk.things:
            name = next((name for name in thing.names if name and name.endswith(".shipped")), None)
            if name:
                self.shipped.setdefault(Path(name).stem, thing.content().splitlines())

    def judge(self, recovered: dict[str, list[bytes]]) -> None:
        """Check what will be in the warehouse: what is there, and what recovery found under other ids.

        Damaged lines are refused there, and set aside.
        """
        found = Counter(line for lines in (recovered | self.shipped).values() for line in lines)
        whole = {line: count for line, count in found.items() if not is_damaged(line)}
        assert self.stored <= whole.keys(), "acknowledged and lost"
        assert whole.keys() <= self.given, "invented"
        assert not whole.keys() & self.refused, "refused and stored"
        assert max(whole.values(), default=1) == 1, "stored twice"


class Recovery:
    """What a spool in ``folder`` recovers from the files that a power loss left; the same files only once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[frozenset[tuple[str, bytes]], dict[str, list[bytes]]] = {}

    def of(self, files: dict[str, bytes]) -> dict[str, list[bytes]]:
        """Return the lines by segment."""
        key = frozenset(files.items())
        if key not in self._known:
            self._known[key] = self._recover(files)
        return self._known[key]

    def _recover(self, files: dict[str, bytes]) -> dict[str, list[bytes]]:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        for name, content in files.items():
            if name.endswith((".open", ".sealed", ".shipped")):
                (self._folder / Path(name).name).write_bytes(content)
        spool = SegmentFolder(self._folder)
        spool.close()
        waiting = {segment.id: segment.read().splitlines() for segment in spool.sealed()}
        return waiting | {file.stem: file.read_bytes().splitlines() for file in self._folder.glob("*.shipped")}


def _outcomes(disk: Disk, choose: random.Random) -> Iterator[dict[str, bytes]]:
    yield disk.after_power_loss(Luck.NOTHING, choose)
    yield disk.after_power_loss(Luck.EVERYTHING, choose)
    for _ in range(CHANCES):
        yield disk.after_power_loss(Luck.CHANCE, choose)


FAULTS: dict[str, tuple[tuple[str, ...], bool | None]] = {
    "a healthy disk": ((), False),
    "syncs that fail": (refusing("fdatasync", "EIO", "4+5"), True),
    "names that cannot be synced": (refusing("fsync", "EIO", "9+2"), True),
    "a disk that is full at times": (refusing("write", "ENOSPC", "4+5"), True),
    "segments that cannot be sealed": (refusing("rename", "EIO", "3+3"), None),
}
"""What the system refuses, and whether events are refused because of it. None: only those that come before a
segment that could not be sealed is tried again, which it is within a fifth of a second."""


@pytest.mark.long
@pytest.mark.parametrize(("faults", "refuses"), FAULTS.values(), ids=FAULTS.keys())
def test_power_lost_after_any_call_loses_doubles_and_invents_nothing(
    tmp_path: Path, faults: tuple[str, ...], *, refuses: bool | None
) -> None:
    """Each life begins on what a power loss left of the one before, so that recoveries are interrupted, too.

    A fault that meets only what is tried again refuses nothing in that life: then there are more, of which one must.
    """
    choose = random.Random(7)
    witness, recovery = Witness(), Recovery(tmp_path / "found")
    folder, moments = tmp_path / "root" / "spool", 0
    folder.parent.mkdir()
    lives = 6 if os.environ.get("TEST_LONG") == "full" else 2
    for life in range(6):
        if life >= lives and (not refuses or witness.refused):
            break
        record, disk = tmp_path / f"{life}.strace", Disk(folder.parent)
        arguments = (str(folder), str(life * 1000), "200" if IS_LONG else "100", str(life))
        command = traced((sys.executable, str(PROGRAM), *arguments), record, *faults)
        ended = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, timeout=100)
        assert ended.returncode == 0 or (faults and b"OSError" in ended.stderr), ended.stderr.decode()
        for step in steps_of(record):
            has_written = disk.follow(step)
            if not has_written and not witness.hear(step):
                continue
            witness.see_shipped(disk)
            for files in _outcomes(disk, choose):
                witness.judge(recovery.of(files))
            moments += 1
            is_torn = has_written and step.call == "write" and choose.random() < 0.2
            if is_torn and moments > 150 * (life + 1) and life < lives - 1:
                break
        files = disk.after_power_loss(Luck.CHANCE, choose)
        shutil.rmtree(folder)
        folder.mkdir()
        for name, content in files.items():
            (folder.parent / name).write_bytes(content)
    assert moments > 100
    assert len(witness.stored) > 40
    assert refuses in (None, bool(witness.refused))


def test_collector_sends_no_202_before_the_line_and_the_names_on_its_way_are_synced(tmp_path: Path) -> None:
    served, record = Served(tmp_path / "data", ORIGIN), tmp_path / "strace"
    disk, asked, answered = Disk(served.data_dir), dict[int, bytes](), set[str]()
    acknowledged: set[str] = set()
    served.start(traced((*FIRMLY, "collect"), record))
    assert served._process is not None
    pid = process_under(served._process)
    try:
        token = served.token()
        for burst in "abc":  # Each in a segment of its own.
            asyncio.run(send(served, token, [f"/{burst}/{number}" for number in range(40)], acknowledged))
            time.sleep(0.6)
    finally:
        os.kill(pid, signal.SIGTERM)
        served._process.wait(30)
    for step in steps_of(record):
        disk.follow(step)
        said = b"".join(step.texts)
        if step.call == "read" and (url := re.search(rb'"url":"https://[a-z.]+(/[^"]+)"', said)):
            asked[step.arguments[0]] = url[1]
        elif step.call == "write" and step.result is None and said.startswith(b"HTTP/1.1 202"):
            path = asked.pop(step.arguments[0])
            surely = disk.after_power_loss(Luck.NOTHING, random.Random())
            assert b"".join(surely.values()).count(b'"path":"%s"' % path) == 1
            answered.add(path.decode())
    assert answered == acknowledged
    segments = [thing for thing in disk.things if "/events/" in str(thing.names[-1]) and thing.changes]
    assert len(segments) >= 3
