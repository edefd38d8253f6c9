"""Health, readiness and metrics."""

import os
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route

from firmly.collect.status import CommitMetrics, LedgerMetrics, LoaderMetrics, Status
from firmly.measure.coverage import CoverageLedger
from firmly.model import DropReason
from firmly.spool.collectors import CollectorSpools
from firmly.spool.segments import SegmentFiles, SegmentFolder
from tests.collector import START

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-sixteen"


def client_of(troubles: list[str], token: str = TOKEN, spools: Path = Path("nowhere")) -> httpx.AsyncClient:
    ledger, registry, commits = CoverageLedger(), CollectorRegistry(), CommitMetrics()
    ledger.count(None, START, Counter({DropReason.BOT: 3}), 2, Counter())
    registry.register(LedgerMetrics(ledger, SegmentFiles(spools / "main" / "events")))
    registry.register(LoaderMetrics(CollectorSpools(spools), lambda: 1))
    registry.register(commits.histogram)
    commits.observe(0.002)
    status = Status(registry, lambda: troubles, lambda: ["a line waits"], token)
    routes = [Route(f"/{name}", getattr(status, name)) for name in ("healthz", "readyz", "metrics")]
    return httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes)), base_url="http://collector")


async def test_process_that_answers_is_healthy_even_in_trouble() -> None:
    async with client_of(["the disk refused a write"]) as client:
        answer = await client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize(("troubles", "status"), [([], 200), (["the disk refused a write", "away"], 503)])
async def test_readiness_says_what_is_wrong(troubles: list[str], status: int) -> None:
    async with client_of(troubles) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == status
    assert answer.json() == {"ready": not troubles, "troubles": troubles, "alarms": ["a line waits"]}


@pytest.mark.parametrize(
    ("token", "given"),
    [
        (TOKEN, None),
        (TOKEN, "Bearer "),
        (TOKEN, "Bearer another-token-here"),
        (TOKEN, TOKEN),
        (TOKEN, f"bearer {TOKEN}"),
        (TOKEN, "Bearer ÿ"),
        ("", None),
        ("", "Bearer "),
    ],
)
async def test_metrics_are_hidden_without_their_token(token: str, given: str | None) -> None:
    async with client_of([], token) as client:
        answer = await client.get("/metrics", headers={b"authorization": (given or "").encode("latin-1")})
    assert answer.status_code == 404


async def test_metrics_hold_outcomes_and_depths_only(tmp_path: Path) -> None:
    for collector, size in (("main", 123), ("other", 1000)):
        folder = SegmentFolder(tmp_path / collector / "events")
        path, descriptor = folder.create()
        os.write(descriptor, b"x" * size)
        os.close(descriptor)
        folder.seal(path)
        sealed = folder.sealed()[0].path
        os.utime(sealed, (time.time() - 60, time.time() - 60))
        folder.close()
    async with client_of([], spools=tmp_path) as client:
        text = (await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert values['firmly_events_total{outcome="bot"}'] == "3.0"
    assert values['firmly_events_total{outcome="company"}'] == "2.0"
    assert (values["firmly_spool_bytes"], values["firmly_loader_waiting_bytes"]) == ("123.0", "1123.0")
    assert 60 <= float(values["firmly_spool_oldest_seconds"]) <= float(values["firmly_loader_oldest_seconds"]) < 90
    assert values["firmly_quarantined_lines"] == "1.0"
    assert values['firmly_commit_seconds_bucket{le="0.0025"}'] == "1.0"
