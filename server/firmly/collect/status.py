"""`/healthz`, `/readyz` and `/metrics`: whether the process lives, can take events, and how it fares."""

import hmac
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from firmly.measure.coverage import CoverageLedger
from firmly.spool.collectors import KINDS, CollectorSpools
from firmly.spool.segments import SegmentFiles


class Status:
    """``troubles`` answers what keeps this process from its work, ``alarms`` what an operator should look at."""

    def __init__(
        self,
        registry: CollectorRegistry,
        troubles: Callable[[], list[str]],
        alarms: Callable[[], list[str]],
        metrics_token: str,
    ) -> None:
        self._registry = registry
        self._troubles = troubles
        self._alarms = alarms
        self._metrics_token = metrics_token

    async def healthz(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        troubles = self._troubles()
        answer = {"ready": not troubles, "troubles": troubles, "alarms": self._alarms()}
        return JSONResponse(answer, 503 if troubles else 200)

    async def metrics(self, request: Request) -> Response:
        expected = f"Bearer {self._metrics_token}"
        given = request.headers.get("authorization", "")
        if not self._metrics_token or not hmac.compare_digest(given.encode(), expected.encode()):
            return PlainTextResponse("Not found\n", 404)
        return PlainTextResponse(generate_latest(self._registry), media_type="text/plain; version=0.0.4; charset=utf-8")


class LedgerMetrics(Collector):
    """Events by outcome and the depth of this collector's spool, read when asked. Labels: outcomes only."""

    def __init__(self, ledger: CoverageLedger, spool: SegmentFiles) -> None:
        self._ledger = ledger
        self._spool = spool

    def collect(self) -> Iterator[Metric]:
        events = CounterMetricFamily("firmly_events", "Events by outcome.", labels=["outcome"])
        for outcome, count in sorted(self._ledger.totals.items()):
            events.add_metric([outcome], count)
        yield events
        waiting_bytes, oldest_s = self._spool.waiting_bytes(), self._spool.oldest_waiting_age_s()
        yield GaugeMetricFamily("firmly_spool_bytes", "Bytes that wait for the warehouse.", waiting_bytes)
        yield GaugeMetricFamily("firmly_spool_oldest_seconds", "Age of the oldest waiting segment.", oldest_s)


class CommitMetrics:
    """How long group commits take."""

    def __init__(self) -> None:
        self.histogram = Histogram(
            "firmly_commit_seconds",
            "From a group commit's start to its lines on disk.",
            buckets=(0.0005, 0.001, 0.0015, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
            registry=None,
        )
        self.observe = self.histogram.observe


class LoaderMetrics(Collector):
    """What waits for the warehouse, of all collectors of this machine, and what it refused."""

    def __init__(self, spools: CollectorSpools, quarantined: Callable[[], int]) -> None:
        self._spools = spools
        self._quarantined = quarantined

    def collect(self) -> Iterator[Metric]:
        waiting = sum(self._spools.waiting_bytes(kind) for kind in KINDS)
        oldest_s = max(self._spools.oldest_waiting_age_s(kind) for kind in KINDS)
        yield GaugeMetricFamily("firmly_loader_waiting_bytes", "Bytes of all spools that wait.", waiting)
        yield GaugeMetricFamily("firmly_loader_oldest_seconds", "Age of the oldest waiting segment.", oldest_s)
        yield GaugeMetricFamily("firmly_quarantined_lines", "Lines that were refused and wait.", self._quarantined())
