"""Runs the benchmarks: all, or those named. Each prints one JSON line: `{"bench": name, ...figures}`."""

import sys
from pathlib import Path

import orjson

from benchmarks import banner, commit, freshness, ingest, leads, loader, memory, orgs, snippet

BENCHMARKS = {
    "ingest": ingest.run,
    "loader": loader.run,
    "freshness": freshness.run,
    "memory": memory.run,
    "commit": commit.run,
    "orgs": orgs.run,
    "snippet": snippet.run,
    "banner": banner.run,
    "leads": leads.run,
}


def main() -> None:
    wanted = sys.argv[1:] or list(BENCHMARKS)
    unknown = sorted(set(wanted) - set(BENCHMARKS))
    if unknown:
        sys.exit(f"ONLY={unknown[0]}: expected one of {', '.join(BENCHMARKS)}")
    for name in wanted:
        before = _cpu_ticks()
        figures = BENCHMARKS[name]()
        print(orjson.dumps({"bench": name, **figures, "stolen": _stolen(before, _cpu_ticks())}).decode(), flush=True)


def _cpu_ticks() -> list[int]:
    return [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]


def _stolen(before: list[int], after: list[int]) -> float:
    """Return the share of this machine's time that its host gave to others meanwhile: figures suffer by more.

    Source: proc(5), the column "steal" of /proc/stat.
    """
    passed = [end - begin for begin, end in zip(before, after, strict=True)]
    return round(passed[7] / max(1, sum(passed)), 3)


main()
