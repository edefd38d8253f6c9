"""What processes are made of: collecting events and choices, loading the warehouse, serving members."""

import asyncio
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from firmly import packaged
from firmly.accounts.database import ControlPlane, ControlPlaneUnavailableError
from firmly.accounts.directory import SiteDirectory
from firmly.accounts.dormant import DormantAccounts
from firmly.accounts.reports import AuditReports
from firmly.accounts.rules import OrgRules
from firmly.accounts.service import Accounts
from firmly.app.process import Part, end, every
from firmly.collect.choices import Choices
from firmly.collect.consent_door import ConsentDoor
from firmly.collect.country_rule import CountryRule
from firmly.collect.edge import place_of
from firmly.collect.events import EventsApp
from firmly.collect.script import ScriptShelf
from firmly.collect.status import CommitMetrics, LedgerMetrics, LoaderMetrics
from firmly.collect.versions import VersionShelf
from firmly.collect.visitors import Visitors
from firmly.consent.banner import read_snippet
from firmly.consent.checkpoints import Checkpoints
from firmly.consent.counts import ConsentCounts
from firmly.consent.exports import ConsentExports
from firmly.consent.keys import LogKeys
from firmly.consent.log import ConsentLog
from firmly.consent.own_records import OwnRecords
from firmly.consent.receipt import Receipts
from firmly.consent.service import Consent
from firmly.consent.sweep import ConsentSweep
from firmly.consent.token import ConsentTokens
from firmly.consent.versions import BannerVersions
from firmly.leads.resolving import Resolver
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads
from firmly.mail.outbox import Outbox
from firmly.mail.templates import LetterTemplates
from firmly.mail.transport import mail_server
from firmly.measure.batches import BatchMemory
from firmly.measure.coverage import CoverageLedger
from firmly.measure.device import Devices
from firmly.measure.pipeline import Pipeline
from firmly.model import Clock, FirmlyError
from firmly.organisations.countries import open_countries
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.open import OrgFiles, open_resolver
from firmly.organisations.rules_file import RulesFile
from firmly.settings import Settings
from firmly.spool.collectors import COVERAGE, EVENTS, CollectorSpools
from firmly.spool.segments import SegmentFolder
from firmly.spool.writer import Spool, SpoolFullError, SpoolLimits
from firmly.warehouse.loader import Loader, Stream
from firmly.warehouse.store import Warehouse
from firmly.web.api.application import build_api
from firmly.web.application import build_web
from firmly.web.export_jobs import ExportJobs
from firmly.web.member_words import action
from firmly.web.news import News

if TYPE_CHECKING:
    from firmly.accounts.openid import OpenId  # At run time only where a provider is set: it is slow to load.

log = logging.getLogger(__name__)

REFRESH_S = 3.0
USAGE_S = 60.0
REPORTS_S = 3600.0
MAIL_S = 2.0
EXPORTS_S = 60.0
EXPORTS_END_S = 2.0
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
        devices: Devices,
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
        pipeline = Pipeline(self.directory, tokens, self._resolver, self.ledger, devices, settings.visit_key_hour)
        events = EventsApp(pipeline, self._events, self._batches, clock)
        consent_log = ConsentLog(LogKeys(keys))
        consent = Consent(control_plane, tokens, receipts, consent_log, clock)
        is_https = settings.base_url.startswith("https://")
        script_files = read_snippet(packaged.snippet())
        door = ConsentDoor(self.directory, receipts, clock, is_https=is_https)
        choices = Choices(door, consent)
        own = OwnRecords(control_plane, receipts, consent_log, clock, settings.consent_keep_months)
        visitors = Visitors(door, own)
        countries = open_countries(settings.country_database) if settings.country_database else None
        country_rule = CountryRule(self.directory, countries, clock)
        self._keepers = (pipeline, door, country_rule)
        shelf = ScriptShelf(self.directory, consent, script_files)
        versions = VersionShelf(self.directory, BannerVersions(control_plane))
        self.routes = [
            Route("/f/e", events),
            Route("/f/r", country_rule.serve, methods=["POST"]),
            Route("/f/c", choices.choose, methods=["POST"]),
            Route("/f/c/token", choices.renew, methods=["POST"]),
            Route("/f/c/history", visitors.history, methods=["POST"]),
            Route("/f/c/receipt", visitors.receipt, methods=["POST"]),
            Route("/f/c/erase", visitors.erase, methods=["POST"]),
            Route("/f/{site}.js", shelf.serve, methods=["GET"]),
            Route("/f/{site}/{digits}/{language}.js", versions.serve_preferences, methods=["GET"]),
            Route("/f/{site}/{version}.json", versions.serve_bundle, methods=["GET"]),
        ]
        self.direct: dict[str, ASGIApp] = {"/f/e": events}
        commits = CommitMetrics()
        self._events.observe_commit = commits.observe
        self.metrics = [LedgerMetrics(self.ledger, self._events_folder), commits.histogram]
        self._tasks: list[asyncio.Task[None]] = []
        self._trouble = ""
        self._told: tuple[object, ...] = ()

    def troubles(self) -> list[str]:
        return [trouble for trouble in (self._events.refusal, self._trouble) if trouble]

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
            self._trouble = ""
        except ControlPlaneUnavailableError as error:  # The last snapshot of the sites stays in force.
            if not self._trouble:
                log.error("the sites could not be read again: %s", error)
            self._trouble = str(error)
        except Exception as error:  # noqa: BLE001  # Here, too.
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
        damaged = (self.directory.refresh(), self.directory.damaged_rules)
        if damaged == self._told:
            return
        self._told = damaged
        for key in damaged[0]:
            log.error("the settings of site %s are damaged; it is not served", key)
        for rule in damaged[1]:
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
    """Serves the dashboard to members, and sends what is mailed to them."""

    def __init__(
        self,
        settings: Settings,
        control_plane: ControlPlane,
        accounts: Accounts,
        rules: OrgRules,
        warehouse: Warehouse,
        keys: tuple[str, ...],
        clock: Clock,
        devices: Devices,
    ) -> None:
        self._control_plane = control_plane
        self._usage = accounts.usage
        self._trouble = ""
        templates = LetterTemplates(packaged.dashboards() / "templates" / "mail")
        self._outbox = Outbox(mail_server(settings), templates, accounts.letters, clock)
        self._reports = _reports(settings, control_plane, accounts, self._outbox, clock)
        sign_in_url = f"{settings.base_url}/app/sign-in"
        self._dormant = DormantAccounts(control_plane, self._outbox.put, clock, sign_in_url=sign_in_url)
        self._http = httpx.Client()
        self._exports = ExportJobs(clock)
        consent_log = ConsentLog(LogKeys(keys))
        self._sweep = ConsentSweep(control_plane, consent_log, clock, settings.consent_keep_months)
        resolver = Resolver.over(control_plane, clock, accounts.sites.of)
        records, company_data = resolver.records, resolver.company_data
        self._company_data = company_data
        rule_book = RuleBook(warehouse, rules, clock, _operators_rules(settings, clock))
        leads = Leads(warehouse, clock, rule_book, resolver)
        consent_counts = ConsentCounts(control_plane)
        self._news = News(leads.live.mark)
        api = build_api(
            accounts,
            leads,
            records,
            company_data,
            consent_counts,
            ConsentExports(control_plane, consent_log, clock),
            self._outbox,
            clock=clock,
            base_url=settings.base_url,
        )
        web = build_web(
            accounts,
            leads,
            records,
            company_data,
            consent_counts,
            self._outbox,
            devices,
            clock=clock,
            secret_keys=keys,
            base_url=settings.base_url,
            dashboards=packaged.dashboards(),
            openid=_openid(settings, clock, self._http),
            provider_name=settings.oidc_name,
            exports=self._exports,
            news=self._news,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self.routes = [
            Route("/", lambda _request: RedirectResponse("/app/")),
            Route("/app", lambda _request: RedirectResponse("/app/")),
            Mount("/app", web),
            Mount("/api/v1", api),
        ]

    def troubles(self) -> list[str]:
        return [self._trouble] if self._trouble else []

    def leave(self) -> None:
        self._news.end()

    def alarms(self) -> list[str]:
        return [f"the consent log of site {key} is damaged (docs/CONSENT.md)" for key in self._sweep.damaged]

    async def start(self) -> None:
        self._outbox.start()
        self._tasks = [
            asyncio.create_task(every(REFRESH_S, self._look)),
            asyncio.create_task(every(USAGE_S, self._flush_usage)),
            asyncio.create_task(every(REPORTS_S, self._report)),
            asyncio.create_task(every(EXPORTS_S, self._sweep_exports)),
        ]

    async def stop(self) -> None:
        """Send what is due, and write what was counted; end what is being exported."""
        await end(self._tasks)
        await asyncio.to_thread(self._exports.close, EXPORTS_END_S)
        await asyncio.to_thread(self._outbox.stop, MAIL_S)
        await self._flush_usage()
        self._http.close()

    async def _look(self) -> None:
        try:
            await asyncio.to_thread(self._control_plane.check)
            self._trouble = ""
        except ControlPlaneUnavailableError as error:
            self._trouble = str(error)

    async def _sweep_exports(self) -> None:
        self._exports.sweep()

    async def _flush_usage(self) -> None:
        try:
            await asyncio.to_thread(self._usage.flush)
        except ControlPlaneUnavailableError as error:
            log.warning("the uses of features wait to be written: %s", error)

    async def _report(self) -> None:
        for work in (self._sweep.look, self._reports.send_due, self._dormant.look, self._company_data.forget_uploads):
            try:
                await asyncio.to_thread(work)
            except Exception as error:  # noqa: BLE001  # The next hour tries again; members are served meanwhile.
                log.error("choices, reports, unused accounts or files could not be looked after: %s", place_of(error))


def _reports(
    settings: Settings, control_plane: ControlPlane, accounts: Accounts, outbox: Outbox, clock: Clock
) -> AuditReports:
    pages = f"{settings.base_url}/app"
    return AuditReports(
        control_plane,
        accounts.audit,
        accounts.wishes,
        outbox.put,
        clock,
        log_url=f"{pages}/audit",
        unsubscribe_url=lambda secret: f"{pages}/unsubscribe/{secret}",
        title=action,
        checkpoints=Checkpoints(control_plane).lines_of,
    )


def _openid(settings: Settings, clock: Clock, http: httpx.Client) -> "OpenId | None":
    if not settings.oidc_issuer:
        return None
    from firmly.accounts.openid import OpenId

    return OpenId(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
        f"{settings.base_url}/app/provider/back",
        settings.oidc_domains,
        clock,
        http,
    )


def _operators_rules(settings: Settings, clock: Clock) -> RulesFile | None:
    path = settings.org_overrides
    return RulesFile(path, LegalForms.bundled(), lambda: clock().date()) if path else None


def _folder(path: Path) -> SegmentFolder:
    try:
        return SegmentFolder(path)
    except OSError as error:
        reason = f"{type(error).__name__}: {error.strerror}"
        raise FirmlyError(f"{path}: expected a folder that can be read and written ({reason})") from None
