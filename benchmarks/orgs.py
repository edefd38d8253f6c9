"""The whole decision per address, uncached by address, on the bundled data, in one process; and the builder."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks.orgs_languages import recall
from firmly.organisations.address import Address
from firmly.organisations.lists import Lists
from firmly.organisations.open import OrgFiles, open_resolver

LOOKUPS = 300_000
ROUNDS = 3
BUILDER = "benchmarks.orgs_build"
"""Builds a file of a million ranges."""


def run() -> dict[str, object]:
    """Return what `lookups` and the builder measure, each in a process of its own, whose memory can be told."""
    return {**_measured("benchmarks.orgs"), "recall_by_language": recall(Lists.bundled()), **_measured(BUILDER)}


def lookups() -> dict[str, object]:
    """Return decisions per second over random IPv4 and IPv6 addresses, and the memory that takes."""
    before_mb = _resident_mb()
    started = time.perf_counter()
    resolver = open_resolver(OrgFiles(), lambda: date(2026, 11, 22))
    opened_s = time.perf_counter() - started
    opened_mb = _resident_mb() - before_mb
    choose = random.Random(5)
    addresses = [
        Address(choose.randbytes(4) if number % 4 else b"\x2a" + choose.randbytes(15)) for number in range(LOOKUPS)
    ]
    with_addresses_mb = _resident_mb()
    for address in addresses:
        resolver.resolve(address)  # Holders are judged once each; a collector is warm after a minute.
    judged_mb = _resident_mb() - with_addresses_mb
    best_s = min(_timed(resolver.resolve, addresses) for _ in range(ROUNDS))
    return {
        "lookups_per_s": round(LOOKUPS / best_s),
        "open_s": round(opened_s, 2),
        "process_mb": round(before_mb + opened_mb + judged_mb),
    }


def _measured(module: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-m", module], check=True, capture_output=True)
    figures: dict[str, object] = json.loads(done.stdout)
    return figures


def _timed(resolve: Callable[[Address], object], addresses: list[Address]) -> float:
    started = time.perf_counter()
    for address in addresses:
        resolve(address)
    return time.perf_counter() - started


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


if __name__ == "__main__":
    print(json.dumps(lookups()))
