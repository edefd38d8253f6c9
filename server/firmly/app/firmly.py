"""The processes of Firmly: everything in one, or collecting, loading and serving members apart."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmly import packaged
from firmly.accounts.database import ControlPlane, open_control_plane
from firmly.accounts.rules import OrgRules
from firmly.accounts.service import Accounts
from firmly.app.administration import Administration
from firmly.app.data_dir import control_plane_url, keep_temporary_files_in, prepare_data_dir, secret_keys
from firmly.app.parts import Collecting, Loading, Members
from firmly.app.process import Process
from firmly.consent.banner import read_snippet
from firmly.consent.rules import ConsentRules
from firmly.measure.device import Devices
from firmly.model import Clock, FirmlyError, system_clock
from firmly.organisations.legal_forms import LegalForms
from firmly.settings import Settings
from firmly.spool.collectors import COVERAGE, EVENTS
from firmly.warehouse.store import Warehouse, open_embedded, open_server


@dataclass(frozen=True, slots=True)
class Stores:
    """What is opened before anything is served, and closed last."""

    control_plane: ControlPlane
    warehouse: Warehouse

    def close(self) -> None:
        self.warehouse.close()
        self.control_plane.close()


class Firmly(Process):
    """Everything in one process (`firmly serve`).

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
        keys = secret_keys(settings)
        control_plane = _open_control_plane(settings)
        sealed, devices = threading.Event(), Devices()
        # The locked stores first, so that a second process stops before it touches anything.
        self._collecting = Collecting(settings, control_plane, keys, clock, devices, sealed)
        keep_temporary_files_in(settings.data_dir)
        warehouse = (open_warehouse or _opener(settings))(settings.data_dir / "warehouse")
        self._loading = Loading(settings, warehouse, sealed)
        self.stores = Stores(control_plane, warehouse)
        self.accounts = _accounts(control_plane, clock, keys)
        self.directory, self.ledger = self._collecting.directory, self._collecting.ledger
        rules = _rules(control_plane, clock)
        members = Members(settings, control_plane, self.accounts, rules, warehouse, keys, clock, devices)
        administration = Administration(settings.data_dir, warehouse.rows)
        parts = (self._collecting, self._loading, members, administration)
        super().__init__(settings, parts, self.stores.close)

    async def settle(self) -> None:
        """Ship everything acknowledged so far and return when it can be read: for the demo and tests."""
        await self._collecting.seal_now()
        while any(self._loading.spools.sealed(kind) for kind in (EVENTS, COVERAGE)):
            self._loading.wake()
            await asyncio.sleep(0.02)


def collector(settings: Settings) -> Process:
    """Take events and choices only (`firmly collect`); a loader beside it ships them."""
    prepare_data_dir(settings.data_dir)
    control_plane = _open_control_plane(settings)
    collecting = Collecting(settings, control_plane, secret_keys(settings), system_clock, Devices(), threading.Event())
    return Process(settings, (collecting,), control_plane.close)


def loader(settings: Settings) -> Process:
    """Ship what the collectors of this machine have sealed (`firmly load`)."""
    _require_server(settings, "load")
    prepare_data_dir(settings.data_dir)
    warehouse = open_server(settings.clickhouse_url)
    return Process(settings, (Loading(settings, warehouse, threading.Event()),), warehouse.close)


def web(settings: Settings) -> Process:
    """Serve members only (`firmly web`)."""
    _require_server(settings, "web")
    prepare_data_dir(settings.data_dir)
    keep_temporary_files_in(settings.data_dir)
    stores = Stores(_open_control_plane(settings), open_server(settings.clickhouse_url))
    keys, rules = secret_keys(settings), _rules(stores.control_plane, system_clock)
    accounts = _accounts(stores.control_plane, system_clock, keys)
    members = Members(settings, stores.control_plane, accounts, rules, stores.warehouse, keys, system_clock, Devices())
    return Process(settings, (members,), stores.close)


def _accounts(control_plane: ControlPlane, clock: Clock, keys: tuple[str, ...]) -> Accounts:
    rules = ConsentRules(read_snippet(packaged.snippet()).texts)
    return Accounts(control_plane, clock, keys, breaches=rules.breaches)


def _rules(control_plane: ControlPlane, clock: Clock) -> OrgRules:
    return OrgRules(control_plane, clock, LegalForms.bundled())


def _require_server(settings: Settings, command: str) -> None:
    if not settings.clickhouse_url:
        raise FirmlyError(
            f"firmly {command}: FIRMLY_CLICKHOUSE_URL='': expected the address of a ClickHouse server: the "
            "embedded one belongs to a single process; `firmly serve` has it, and may have `firmly collect` beside it"
        )


def _open_control_plane(settings: Settings) -> ControlPlane:
    control_plane = open_control_plane(control_plane_url(settings))
    control_plane.migrate()
    return control_plane


def _opener(settings: Settings) -> Callable[[Path], Warehouse]:
    if settings.clickhouse_url:
        return lambda _folder: open_server(settings.clickhouse_url)
    return open_embedded
