"""One life of a spool in a process of its own: says what it gave it to store, and what became of that.

Usage: spool_life.py FOLDER FIRST COUNT SEED. Segments are small, and a loader at their heels ships most at once.
"""

import asyncio
import os
import random
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from firmly.spool.segments import SegmentFiles, SegmentFolder
from firmly.spool.writer import Spool, SpoolFullError, SpoolLimits

AT_ONCE = 5
LIMITS = SpoolLimits(segment_bytes=1500, segment_age_s=0.03, enough_waiting=sys.maxsize, min_free_bytes=0)


def line_of(number: int) -> bytes:
    return b'{"n":%d,"text":"%s"}\n' % (number, b"x" * (number * 37 % 500))


def _say(word: str, number: int) -> None:
    os.writev(1, [b"%s %d\n" % (word.encode(), number)])  # Not by a call that a test makes fail.


async def _store(spool: Spool, number: int) -> None:
    _say("given", number)
    try:
        await spool.append(line_of(number))
    except SpoolFullError:
        _say("refused", number)
    else:
        _say("stored", number)


def _load(files: SegmentFiles, choose: random.Random) -> None:
    while True:
        for segment in files.sealed():
            if choose.random() < 0.7:
                with suppress(OSError):
                    segment.mark_shipped()
        if choose.random() < 0.2:
            files.remove_shipped()
        time.sleep(0.02)


async def _live(folder: Path, first: int, count: int, seed: int) -> None:
    spool = Spool(SegmentFolder(folder), LIMITS, threading.Event())
    await spool.start()
    threading.Thread(target=_load, args=(SegmentFiles(folder), random.Random(seed)), daemon=True).start()
    for start in range(first, first + count, AT_ONCE):
        while spool.refusal:
            await asyncio.sleep(0.01)
        await asyncio.gather(*(_store(spool, number) for number in range(start, min(start + AT_ONCE, first + count))))
    await spool.stop()


if __name__ == "__main__":
    asyncio.run(_live(Path(sys.argv[1]), *(int(argument) for argument in sys.argv[2:])))
