"""The spools of several collectors, as the loader sees them."""

import os
import threading
import time
from pathlib import Path

import pytest

from firmly.model import FirmlyError
from firmly.spool.collectors import COVERAGE, EVENTS, CollectorSpools
from firmly.spool.segments import KEEP_SHIPPED_S, SegmentFolder
from tests.unit.spool.conftest import names_in


def write(folder: SegmentFolder, line: bytes, *, sealed: bool) -> Path:
    path, descriptor = folder.create()
    os.write(descriptor, line)
    os.close(descriptor)
    if sealed:
        folder.seal(path)
    return path


def test_waiting_segments_of_every_collector_are_found(path: Path) -> None:
    for name in ("main", "second"):
        folder = SegmentFolder(path / name / EVENTS)
        write(folder, b"{}\n", sealed=True)
    spools = CollectorSpools(path)
    assert spools.collectors() == ["main", "second"]
    assert [segment.read() for segment in spools.sealed(EVENTS)] == [b"{}\n", b"{}\n"]
    assert spools.sealed(COVERAGE) == []
    assert spools.waiting_bytes(EVENTS) == 6


def test_without_any_collector_nothing_waits(path: Path) -> None:
    spools = CollectorSpools(path)
    assert (spools.sealed(EVENTS), spools.waiting_bytes(EVENTS), spools.oldest_waiting_age_s(EVENTS)) == ([], 0, 0.0)


def test_second_loader_is_refused(path: Path) -> None:
    held = CollectorSpools(path).lock_for_loading()
    with pytest.raises(FirmlyError, match="another process loads these spools"):
        CollectorSpools(path).lock_for_loading()
    os.close(held)
    os.close(CollectorSpools(path).lock_for_loading())


def test_open_segment_of_a_dead_collector_is_recovered_and_of_a_living_one_left(path: Path) -> None:
    living, dead = SegmentFolder(path / "living" / EVENTS), SegmentFolder(path / "dead" / EVENTS)
    for folder in (living, dead):
        write(folder, b'{"whole":1}\n{"torn', sealed=False)
    dead.close()
    spools = CollectorSpools(path)
    spools.look_after_ownerless()
    assert names_in(path / "living" / EVENTS) == [".open"]
    assert [segment.read() for segment in spools.sealed(EVENTS)] == [b'{"whole":1}\n']


def test_shipped_segments_of_a_dead_collector_go_when_it_is_time(path: Path) -> None:
    folder = SegmentFolder(path / "dead" / EVENTS)
    for age_s in (10, KEEP_SHIPPED_S + 10):
        write(folder, b"{}\n", sealed=True)
        segment = folder.sealed()[0]
        os.utime(segment.path, (time.time() - age_s, time.time() - age_s))
        segment.mark_shipped()
    folder.close()
    CollectorSpools(path).look_after_ownerless()
    assert names_in(path / "dead" / EVENTS) == [".shipped"]


def test_collector_waits_for_a_loader_that_recovers_its_folder(path: Path) -> None:
    held = SegmentFolder(path / "main" / EVENTS)
    threading.Timer(0.2, held.close).start()
    SegmentFolder(path / "main" / EVENTS).close()


def test_folder_that_cannot_be_recovered_is_let_go_and_holds_up_no_other(path: Path) -> None:
    for name in ("broken", "dead"):
        folder = SegmentFolder(path / name / EVENTS)
        write(folder, b"{}\n", sealed=False)
        folder.close()
    [segment] = (path / "broken" / EVENTS).glob("*.open")
    segment.with_suffix(".sealed").mkdir()  # Where its segment would go: the renaming fails, also for root.
    spools = CollectorSpools(path)
    with pytest.raises(OSError, match="directory"):
        spools.look_after_ownerless()
    assert [segment.read() for segment in spools.sealed(EVENTS)] == [b"{}\n"]
    segment.with_suffix(".sealed").rmdir()
    SegmentFolder(path / "broken" / EVENTS).close()
