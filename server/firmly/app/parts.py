"""What processes are made of: collecting events and choices, loading the warehouse, serving members."""

import asyncio
import logging
import os
import threading
from pathlib import Path

from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from firmly import packaged
from firmly.accounts.database import ControlPlane
from firmly.accounts.directory import SiteDirectory
from firmly.accounts.rules import OrgRules
from firmly.accounts.service import Accounts
from firmly.app.process import Part, end, every
from firmly.collect.choices import Choices
from firmly.collect.edge import place_of
from firmly.collect.events import EventsApp
from firmly.collect.script import ScriptShelf
from firmly.collect.status import CommitMetrics, LedgerMetrics, LoaderMetrics
from firmly.consent.banner import read_snippet
from firmly.consent.receipt import Receipts
from firmly.consent.service import Consent
from firmly.consent.token import ConsentTokens
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads
from firmly.measure.batches import BatchMemory
from firmly.measure.coverage import CoverageLedger
from firmly.measure.pipeline import Pipeline
from firmly.model import Clock, FirmlyError
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.open import OrgFiles, open_resolver
from firmly.organisations.rules_file import RulesFile
from firmly.settings import Settings
from firmly.spool.collectors import COVERAGE, EVENTS, CollectorSpools
from firmly.spool.segments import SegmentFolder
from firmly.spool.writer import Spool, SpoolFullError, SpoolLimits
from firmly.warehouse.loader import Loader, Stream
from firmly.warehouse.store import Warehouse
from firmly.web.application import build_web

log = logging.getLogger(__name__)

REFRESH_S = 3.0
DATA_S = 10.0
COVERAGE_S = 1.0
LOOK_S = 0.2
LOOK_AFTER_S = 10.0


class Collecting(Part):
    """Takes events and choices, and makes them durable. Needs no warehouse.

    ``on_sealed`` is set when a segment is ready for a loader in this process.

    Raises:
        FirmlyError: another process owns this collector's spool, or it or the organisation data cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        control_plane: ControlPlane,
        keys: tuple[str, ...],
        clock: Clock,
        on_sealed: threading.Event,
    ) -> None:
        spool = settings.data_dir / "spool" / settings.collector
        self._events_folder = _folder(spool / EVENTS)
        self._coverage_folder = _folder(spool / COVERAGE)
        limits = SpoolLimits(max_bytes=settings.spool_max_bytes, min_free_bytes=settings.spool_min_free_bytes)
        self._events = Spool(self._events_folder, limits, on_sealed)
        self._coverage = Spool(self._coverage_folder, limits, on_sealed)
        self.directory = SiteDirectory(control_plane, LegalForms.bundled())
        self.ledger = CoverageLedger()
        self._batches = BatchMemory()
        self._clock = clock
        tokens, receipts = ConsentTokens(keys), Receipts(keys)
        self._resolver = open_resolver(OrgFiles.of(settings), lambda: clock().date())
        pipeline = Pipeline(self.directory, tokens, self._resolver, self.ledger, settings.visit_key_hour)
        events = EventsApp(pipeline, self._events, self._batches, clock)
        consent = Consent(control_plane, tokens, receipts, clock)
        is_https = settings.base_url.startswith("https://")
        script_files = read_snippet(packaged.snippet())
        choices = Choices(self.directory, consent, receipts, clock, script_files.texts, is_https=is_https)
        self._keepers = (pipeline, choices)
        shelf = ScriptShelf(self.directory, consent, script_files)
        self.routes = [
            Route("/f/e", events),
            Route("/f/c", choices.choose, methods=["POST"]),
            Route("/f/c/token", choices.renew, methods=["POST"]),
            Route("/f/{site}.js", shelf.serve, methods=["GET"]),
        ]
        self.direct: dict[str, ASGIApp] = {"/f/e": events}
        commits = CommitMetrics()
        self._events.observe_commit = commits.observe
        self.metrics = [LedgerMetrics(self.ledger, self._events_folder), commits.histogram]
        self._tasks: list[asyncio.Task[None]] = []

    def troubles(self) -> list[str]:
        return [self._events.refusal] if self._events.refusal else []

    async def start(self) -> None:
        await asyncio.to_thread(self._refresh)
        self._batches.recall(self._events_folder.recent_lines())
        await self._events.start()
        await self._coverage.start()
        self._tasks = [
            asyncio.create_task(every(REFRESH_S, self._refresh_again)),
            asyncio.create_task(every(DATA_S, self._follow_data)),
            asyncio.create_task(every(COVERAGE_S, self._flush_coverage)),
            asyncio.create_task(every(COVERAGE_S, self._turn_keys)),
        ]

    async def stop(self) -> None:
        """Write and seal all that was taken; the folders are free afterwards."""
        await end(self._tasks)
        await self._flush_coverage()
        await self._events.stop()
        await self._coverage.stop()

    async def seal_now(self) -> None:
        """Hand everything acknowledged so far, and what was counted, to the loader."""
        await self._flush_coverage()
        await self._events.seal_now()
        await self._coverage.seal_now()

    async def _refresh_again(self) -> None:
        try:
            await asyncio.to_thread(self._refresh)
        except Exception as error:  # noqa: BLE001  # The last snapshot of the sites stays in force.
            log.error("the sites could not be read again: %s", place_of(error))

    async def _follow_data(self) -> None:
        """Take changed organisation files into use; what cannot be used leaves the old in force."""
        try:
            if await asyncio.to_thread(self._resolver.refresh):
                log.info("the organisation data was read again")
        except FirmlyError as error:  # It names files and reasons.
            log.error("the organisation data could not be read again: %s", error)
        except Exception as error:  # noqa: BLE001
            log.error("the organisation data could not be read again: %s", place_of(error))

    def _refresh(self) -> None:
        for key in self.directory.refresh():
            log.error("the settings of site %s are damaged; it is not served", key)
        for rule in self.directory.damaged_rules:
            log.error("correction %s of a workspace is damaged; it is not applied", rule)

    async def _turn_keys(self) -> None:
        for keeper in self._keepers:
            keeper.turn(self._clock())

    async def _flush_coverage(self) -> None:
        lines = self.ledger.take_lines()
        if lines:
            try:
                await self._coverage.append(lines)
            except SpoolFullError:
                log.warning("the coverage counts of the last seconds are lost: the spool is full")


class Loading(Part):
    """Ships what every collector of this machine has sealed to the warehouse.

    Raises:
        FirmlyError: another process loads these spools.
    """

    def __init__(self, settings: Settings, warehouse: Warehouse, wake: threading.Event) -> None:
        self.spools = CollectorSpools(settings.data_dir / "spool")
        self._lock = self.spools.lock_for_loading()
        self._wake = wake
        self._loader = Loader(
            warehouse,
            [
                Stream("events", lambda: self.spools.sealed(EVENTS)),
                Stream("coverage_hours", lambda: self.spools.sealed(COVERAGE)),
            ],
            settings.data_dir / "quarantine",
            wake,
        )
        self.metrics = [LoaderMetrics(self.spools, lambda: self._loader.lines_in_quarantine)]
        self._tasks: list[asyncio.Task[None]] = []

    def troubles(self) -> list[str]:
        return [self._loader.trouble] if self._loader.trouble else []

    def alarms(self) -> list[str]:
        return self._loader.alarms()

    async def start(self) -> None:
        self._loader.start()
        self._tasks = [
            asyncio.create_task(every(LOOK_S, self._wake_again)),
            asyncio.create_task(every(LOOK_AFTER_S, self._look_after)),
        ]

    async def stop(self) -> None:
        """Ship what is sealed, once."""
        await end(self._tasks)
        await asyncio.to_thread(self._loader.stop)
        os.close(self._lock)

    def wake(self) -> None:
        self._wake.set()

    async def _wake_again(self) -> None:
        """Collectors beside this process cannot wake its loader."""
        self.wake()

    async def _look_after(self) -> None:
        try:
            await asyncio.to_thread(self.spools.look_after_ownerless)
        except OSError as error:
            log.error("the spools of stopped collectors cannot be looked after: %s", place_of(error))


class Members(Part):
    """Serves the dashboard to members."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        rules: OrgRules,
        warehouse: Warehouse,
        keys: tuple[str, ...],
        clock: Clock,
    ) -> None:
        web = build_web(
            accounts,
            Leads(warehouse, clock, RuleBook(warehouse, rules, clock, _operators_rules(settings, clock))),
            clock=clock,
            secret_keys=keys,
            base_url=settings.base_url,
            dashboards=packaged.dashboards(),
        )
        self.routes = [
            Route("/", lambda _request: RedirectResponse("/app/")),
            Route("/app", lambda _request: RedirectResponse("/app/")),
            Mount("/app", web),
        ]


def _operators_rules(settings: Settings, clock: Clock) -> RulesFile | None:
    path = settings.org_overrides
    return RulesFile(path, LegalForms.bundled(), lambda: clock().date()) if path else None


def _folder(path: Path) -> SegmentFolder:
    try:
        return SegmentFolder(path)
    except OSError as error:
        reason = f"{type(error).__name__}: {error.strerror}"
        raise FirmlyError(f"{path}: expected a folder that can be read and written ({reason})") from None
