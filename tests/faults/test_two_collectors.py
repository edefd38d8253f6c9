"""Several processes over one data directory: one owner of a spool, any number of spools, one loader."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

from tests.collector import ORIGIN
from tests.faults.load import send
from tests.served import FIRMLY, ROOT, Served, free_port, serving


def _second(served: Served, **environ: str) -> Served:
    """Return another process over the same data directory, with a port of its own."""
    port = free_port()
    second = object.__new__(Served)
    second.__dict__ |= served.__dict__
    second.port, second.url, second._process = port, f"http://127.0.0.1:{port}", None
    second.environ = served.environ | {"FIRMLY_PORT": str(port)} | environ
    second.output = served.output.with_suffix(".second")
    return second


def _assert_is_refused(served: Served, command: str) -> None:
    ended = subprocess.run(
        (*FIRMLY, command), env=os.environ | served.environ, cwd=ROOT, capture_output=True, check=False, timeout=60
    )
    said = ended.stderr.decode()
    assert ended.returncode == 2
    assert "spool/main/events: another process owns this spool; stop it, or give" in said
    assert "FIRMLY_COLLECTOR" in said
    assert "Traceback" not in said


def test_second_owner_of_a_spool_is_refused_and_one_with_another_name_works_beside_the_first(tmp_path: Path) -> None:
    served = Served(tmp_path / "data", ORIGIN)
    second = _second(served, FIRMLY_COLLECTOR="second")
    acknowledged = set[str]()
    with serving(served):
        for command in ("collect", "serve"):
            _assert_is_refused(_second(served), command)
        second.start((*FIRMLY, "collect"))
        token = served.token()
        for one, name in ((served, "main"), (second, "second")):
            asyncio.run(send(one, token, [f"/{name}/{number}" for number in range(60)], acknowledged))
        second.kill()  # What it left open is the loader's to recover.
        left = served.data_dir / "spool/second/events"
        end = time.monotonic() + 40
        while [*left.glob("*.open"), *left.glob("*.sealed")] and time.monotonic() < end:
            time.sleep(0.2)
        assert len(list(left.glob("*.shipped"))) > 0
    assert len(acknowledged) == 120
    assert sorted(str(row["path"]) for row in served.rows("select path from events")) == sorted(acknowledged)
