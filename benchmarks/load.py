"""The load that benchmarks put on a collector: wrk with full events, and what a process costs meanwhile."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from tests.collector import ORIGIN
from tests.served import FIRMLY, Served

COLLECT = (*FIRMLY, "collect")
"""A collector without the warehouse in its process."""
SPOOL = {"FIRMLY_SPOOL_MAX_BYTES": str(64 * 2**30)}
"""Nothing ships meanwhile, so the spool must not fill."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw; latencies in seconds."""

    requests: int
    requests_per_s: float
    p50_s: float
    p95_s: float
    p99_s: float


def script_for(served: Served, events: int = 1) -> Path:
    """Write wrk's script for the only site of ``served``, with a consent token and so many events a request."""
    text = (Path(__file__).parent / "load.lua").read_text()
    values = {"SITE": served.site.key, "TOKEN": served.token(), "ORIGIN": ORIGIN, "EVENTS": str(events)}
    script = served.data_dir.parent / "load.lua"
    script.write_text(re.sub("|".join(values), lambda match: values[match[0]], text))
    return script


def press(
    url: str,
    script: Path,
    seconds: float,
    connections: int = 64,
    *,
    pause_ms: int = 0,
    first: int = 0,
    sources: int = 0,
) -> Load:
    """Post for so many seconds. Each connection waits up to ``pause_ms`` between answers.

    ``first`` is how many requests earlier runs sent, for addresses that were not seen yet; ``sources``
    is how many there are in all, 0 for a new one each time. Batches are always new.

    Raises:
        AssertionError: an answer was no 202, or did not come.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), f"{url}/f/e"]
    arguments = [token_hex(8), str(first), str(pause_ms), str(sources)]
    out = subprocess.run([*command, "--", *arguments], capture_output=True, text=True, check=True).stdout
    figures = {name: float(value) for name, value in re.findall(r"^(\w+)=([\d.]+)$", out, re.MULTILINE)}
    assert figures["bad"] == 0, out
    return Load(int(figures["requests"]), figures["rate"], figures["p50"], figures["p95"], figures["p99"])


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> int:
    """Return the resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024
