"""Builds a file of companies from a registry's file of a million made-up ranges; prints one JSON line."""

import json
import random
import resource
import socket
import tempfile
import time
from datetime import date
from pathlib import Path

from firmly.organisations.build_companies import CompanyBuilder
from firmly.organisations.lists import Lists
from firmly.organisations.readers.registry import read_registry

RANGES = 1_000_000
_SYLLABLES = [
    "ka",
    "ro",
    "mi",
    "ten",
    "bor",
    "sal",
    "ving",
    "der",
    "lu",
    "pra",
    "nok",
    "es",
    "tar",
    "lin",
    "gu",
    "fel",
    "mar",
    "zon",
    "hei",
    "dro",
]
_OBJECT = """inetnum: {0} - {1}
netname: NET-{2}
descr: {3}
descr: Street {2}
country: {4}
admin-c: X{2}-RIPE
status: {5}
source: RIPE

"""


def write_ranges(path: Path) -> None:
    """Write ranges of 8 to 256 addresses one after the other, with names of their own."""
    choose = random.Random(3)
    at = 1 << 24
    with path.open("w") as file:
        for number in range(RANGES):
            size = choose.choice((8, 16, 32, 64, 256))
            at = -(-at // size) * size
            ends = (socket.inet_ntoa(end.to_bytes(4)) for end in (at, at + size - 1))
            name = "".join(choose.choices(_SYLLABLES, k=4)).title() + choose.choice((" GmbH", " AB", " Oy", " Ltd", ""))
            status = "ALLOCATED PA" if number % 10 == 0 else "ASSIGNED PA"
            file.write(_OBJECT.format(*ends, number, name, choose.choice(("DE", "SE", "FI", "GB")), status))
            at += size


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ranges, out = Path(folder) / "ripe.db.inetnum", Path(folder) / "companies.mmdb"
        write_ranges(ranges)
        started = time.perf_counter()
        builder = CompanyBuilder(Lists.bundled().pools)
        builder.add(read_registry(ranges))
        report = builder.write(out, as_of=date(2026, 11, 1), source="made up", licence="")
        figures = {
            "build_ranges": RANGES,
            "build_s": round(time.perf_counter() - started, 1),
            "build_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "build_size_mb": round(report.size_bytes / 2**20, 1),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
