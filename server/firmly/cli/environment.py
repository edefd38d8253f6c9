"""What commands share: the settings in force, and the control plane opened beside a running server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from firmly import packaged
from firmly.accounts.database import open_control_plane
from firmly.accounts.rules import OrgRules
from firmly.accounts.service import Accounts
from firmly.consent.banner import read_snippet
from firmly.consent.rules import ConsentRules
from firmly.model import FirmlyError, WorkspaceId, system_clock
from firmly.organisations.legal_forms import LegalForms
from firmly.settings import Settings, read_settings

if TYPE_CHECKING:
    from firmly.warehouse.store import Rows  # At run time it would bring ClickHouse's driver into every command.


def settings_in_force() -> Settings:
    """Read this process's environment."""
    return read_settings(os.environ)


@contextmanager
def open_accounts() -> Iterator[Accounts]:
    """Open the control plane, also beside a running server; it sees the change within seconds."""
    with open_accounts_and_rules() as (accounts, _rules):
        yield accounts


@contextmanager
def open_accounts_and_rules() -> Iterator[tuple[Accounts, OrgRules]]:
    """Open the control plane as `open_accounts` does, with the workspaces' corrections."""
    from firmly.app import control_plane_url, prepare_data_dir
    from firmly.app.data_dir import secret_keys

    settings = settings_in_force()
    prepare_data_dir(settings.data_dir)
    control_plane = open_control_plane(control_plane_url(settings))
    control_plane.migrate()
    try:
        rules = ConsentRules(read_snippet(packaged.snippet()).texts)
        accounts = Accounts(control_plane, system_clock, secret_keys(settings), breaches=rules.breaches)
        yield accounts, OrgRules(control_plane, system_clock, LegalForms.bundled())
    finally:
        control_plane.close()


@contextmanager
def open_rows(settings: Settings) -> "Iterator[Rows]":
    """Open what answers queries: the ClickHouse server, the server that runs here, or the embedded warehouse."""
    from firmly.app.administration import rows_beside
    from firmly.warehouse.store import open_embedded, open_server

    server = settings.clickhouse_url
    running = None if server else rows_beside(settings.data_dir)
    if running is not None:
        yield running
        return
    warehouse = open_server(server) if server else open_embedded(settings.data_dir / "warehouse")
    try:
        yield warehouse.rows
    finally:
        warehouse.close()


def find_workspace(accounts: Accounts, name: str, new_time_zone: str | None) -> WorkspaceId:
    """Find the workspace of this name, or the only one; make it where a time zone is given."""
    known = accounts.summaries()
    found = [workspace.id for workspace in known if not name or workspace.name == name]
    if len(found) == 1:
        return found[0]
    if not found and new_time_zone is not None:
        return accounts.create_workspace(name or "My company", new_time_zone)
    names = ", ".join(workspace.name for workspace in known) or "none yet; add a user first"
    raise FirmlyError(f"--workspace={name!r}: expected the name of one workspace ({names})")
