"""The composition root: builds every service once from the settings and joins the edges.

Nothing below constructs services or knows about more than its own neighbours.
"""

import asyncio
import logging
import os
import secrets
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from firmly import packaged
from firmly.accounts.database import ControlPlane, open_control_plane
from firmly.accounts.directory import SiteDirectory
from firmly.accounts.service import Accounts
from firmly.collect.choices import Choices
from firmly.collect.edge import Edge, place_of
from firmly.collect.events import EventsApp
from firmly.collect.script import ScriptShelf
from firmly.collect.status import LedgerMetrics, Status, commit_histogram
from firmly.consent.banner import read_snippet
from firmly.consent.receipt import Receipts
from firmly.consent.service import Consent
from firmly.consent.token import ConsentTokens
from firmly.leads.service import Leads
from firmly.measure.batches import BatchMemory
from firmly.measure.coverage import CoverageLedger
from firmly.measure.pipeline import Pipeline
from firmly.model import Clock, FirmlyError, system_clock
from firmly.organisations.open import open_resolver
from firmly.settings import Settings
from firmly.spool.segments import SegmentFolder
from firmly.spool.writer import Spool, SpoolFullError, SpoolLimits
from firmly.warehouse.loader import Loader, Stream
from firmly.warehouse.store import Warehouse, open_embedded, open_server
from firmly.web.application import build_web

log = logging.getLogger(__name__)

REFRESH_S = 3.0
COVERAGE_S = 1.0


@dataclass(frozen=True, slots=True)
class Stores:
    """What is opened before anything is served, and closed last."""

    control_plane: ControlPlane
    warehouse: Warehouse
    events: SegmentFolder
    coverage: SegmentFolder


class Firmly:
    """One process of Firmly: every service, and ``asgi``, the application that serves them all.

    Raises:
        FirmlyError: a store cannot be opened; the message says which and why.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock = system_clock,
        open_warehouse: Callable[[Path], Warehouse] | None = None,
    ) -> None:
        self.settings = settings
        prepare_data_dir(settings.data_dir)
        keys = settings.secret_key or (secret_key_of(settings.data_dir),)
        self.stores = _open_stores(settings, open_warehouse)
        self.accounts = Accounts(self.stores.control_plane, clock)
        self.directory = SiteDirectory(self.stores.control_plane)
        self.ledger = CoverageLedger()
        self._clock = clock
        self._sealed = threading.Event()
        limits = SpoolLimits(max_bytes=settings.spool_max_bytes, min_free_bytes=settings.spool_min_free_bytes)
        self._events = Spool(self.stores.events, limits, self._sealed)
        self._coverage = Spool(self.stores.coverage, limits, self._sealed)
        self._loader = Loader(
            self.stores.warehouse,
            [Stream("events", self.stores.events.sealed), Stream("coverage_hours", self.stores.coverage.sealed)],
            settings.data_dir / "quarantine",
            self._sealed,
        )
        self._batches = BatchMemory()
        self.asgi = self._build(keys)

    def _build(self, keys: tuple[str, ...]) -> ASGIApp:
        settings, clock = self.settings, self._clock
        tokens, receipts = ConsentTokens(keys), Receipts(keys)
        consent = Consent(self.stores.control_plane, tokens, receipts, clock)
        pipeline = Pipeline(self.directory, tokens, open_resolver(settings.org_databases), self.ledger)
        is_https = settings.base_url.startswith("https://")
        script_files = read_snippet(packaged.snippet())
        choices = Choices(self.directory, consent, receipts, clock, script_files.texts, is_https=is_https)
        shelf = ScriptShelf(self.directory, consent, script_files)
        status = Status(self._metrics(), self.troubles, settings.metrics_token)
        web = build_web(
            self.accounts,
            Leads(self.stores.warehouse, clock),
            clock=clock,
            secret_keys=keys,
            base_url=settings.base_url,
            dashboards=packaged.dashboards(),
        )
        events = EventsApp(pipeline, self._events, self._batches, clock)
        routes = [
            Route("/f/e", events),
            Route("/f/c", choices.choose, methods=["POST"]),
            Route("/f/c/token", choices.renew, methods=["POST"]),
            Route("/f/{site}.js", shelf.serve, methods=["GET"]),
            Route("/healthz", status.healthz),
            Route("/readyz", status.readyz),
            Route("/metrics", status.metrics),
            Route("/", lambda _request: RedirectResponse("/app/")),
            Route("/app", lambda _request: RedirectResponse("/app/")),
            Mount("/app", web),
        ]
        application = Starlette(routes=routes, lifespan=self._lifespan)
        # Its redirects to a path with or without a slash would be made of the Host header.
        application.router.redirect_slashes = False
        return Edge(application, settings.trusted_proxies, {"/f/e": events})

    def troubles(self) -> list[str]:
        """Say what keeps events from being taken or shipped right now; empty when nothing does."""
        return [trouble for trouble in (self._events.refusal, self._loader.trouble) if trouble]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take and ship events for as long as the context lasts; then ship what is left, and close."""
        asyncio.get_running_loop().set_exception_handler(_log_loop_error)
        await asyncio.to_thread(self._refresh)
        self._batches.recall(self.stores.events.recent_lines())
        await self._events.start()
        await self._coverage.start()
        self._loader.start()
        tasks = [asyncio.create_task(self._every(REFRESH_S, self._refresh_again))]
        tasks.append(asyncio.create_task(self._every(COVERAGE_S, self._flush_coverage)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._flush_coverage()
            await self._events.stop()
            await self._coverage.stop()
            await asyncio.to_thread(self._loader.stop)
            self.stores.warehouse.close()
            self.stores.control_plane.close()

    async def settle(self) -> None:
        """Ship everything acknowledged so far and return when it can be read: for the demo and tests."""
        await self._flush_coverage()
        for spool in (self._events, self._coverage):
            await spool.seal_now()
        while self.stores.events.sealed() or self.stores.coverage.sealed():
            self._sealed.set()
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with self.running():
            yield

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await work()

    async def _refresh_again(self) -> None:
        try:
            await asyncio.to_thread(self._refresh)
        except Exception as error:  # noqa: BLE001  # The last snapshot of the sites stays in force.
            log.error("the sites could not be read again: %s", place_of(error))

    def _refresh(self) -> None:
        for key in self.directory.refresh():
            log.error("the settings of site %s are damaged; it is not served", key)

    async def _flush_coverage(self) -> None:
        lines = self.ledger.take_lines()
        if lines:
            try:
                await self._coverage.append(lines)
            except SpoolFullError:
                log.warning("the coverage counts of the last seconds are lost: the spool is full")

    def _metrics(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        events = self.stores.events
        registry.register(
            LedgerMetrics(
                self.ledger,
                lambda: (events.waiting_bytes(), events.oldest_waiting_age_s()),
                lambda: self._loader.quarantined_lines,
            )
        )
        self._events.observe_commit = commit_histogram(registry).observe
        return registry


def prepare_data_dir(data_dir: Path) -> None:
    """Make the data directory, private, and let temporary files of this process lie in it.

    clickhouse-connect hands chDB its blocks through temporary files; none is left in a shared place.
    """
    temporary = data_dir / "tmp"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise FirmlyError(
            f"FIRMLY_DATA_DIR={str(data_dir)!r}: expected a folder to write in ({error.strerror})"
        ) from None
    for left_over in temporary.iterdir():
        if left_over.is_file():
            left_over.unlink()
    tempfile.tempdir = str(temporary)


def secret_key_of(data_dir: Path) -> str:
    """Return the installation's own key, made once: 0600, 256 random bits."""
    path = data_dir / "secret.key"
    try:
        with open(path, "x", opener=_private) as file:  # Only open() takes an opener.
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        pass
    key = path.read_text().strip()
    if len(key) < 32:
        raise FirmlyError(f"{path}: expected a key of at least 32 characters; restore it from a backup")
    return key


def control_plane_url(settings: Settings) -> str:
    return settings.database_url or f"sqlite:///{settings.data_dir / 'control.sqlite'}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _open_stores(settings: Settings, open_warehouse: Callable[[Path], Warehouse] | None) -> Stores:
    """Open the stores, the locked ones first, so that a second process stops before it touches anything."""
    spool = settings.data_dir / "spool"
    events, coverage = SegmentFolder(spool / "events"), SegmentFolder(spool / "coverage")
    control_plane = open_control_plane(control_plane_url(settings))
    control_plane.migrate()
    if open_warehouse is not None:
        warehouse = open_warehouse(settings.data_dir / "warehouse")
    elif settings.clickhouse_url:
        warehouse = open_server(settings.clickhouse_url)
    else:
        warehouse = open_embedded(settings.data_dir / "warehouse")
    return Stores(control_plane, warehouse, events, coverage)


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Log what failed outside a request without the objects involved: sockets print their peer."""
    error = context.get("exception")
    log.error("the event loop reports: %s", place_of(error) if isinstance(error, BaseException) else "no exception")
