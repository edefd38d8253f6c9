"""Runs the benchmarks: all, or those named. Each prints one JSON line: `{"bench": name, ...figures}`."""

import sys

import orjson

from benchmarks import commit, freshness, ingest, loader, memory, orgs, snippet

BENCHMARKS = {
    "ingest": ingest.run,
    "loader": loader.run,
    "freshness": freshness.run,
    "memory": memory.run,
    "commit": commit.run,
    "orgs": orgs.run,
    "snippet": snippet.run,
}


def main() -> None:
    wanted = sys.argv[1:] or list(BENCHMARKS)
    unknown = sorted(set(wanted) - set(BENCHMARKS))
    if unknown:
        sys.exit(f"ONLY={unknown[0]}: expected one of {', '.join(BENCHMARKS)}")
    for name in wanted:
        print(orjson.dumps({"bench": name, **BENCHMARKS[name]()}).decode(), flush=True)


main()
