"""What commands share: the settings in force, and the control plane opened beside a running server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from firmly.accounts.database import open_control_plane
from firmly.accounts.service import Accounts
from firmly.model import FirmlyError, WorkspaceId, system_clock
from firmly.settings import Settings, read_settings


def settings_in_force() -> Settings:
    """Read this process's environment."""
    return read_settings(os.environ)


@contextmanager
def open_accounts() -> Iterator[Accounts]:
    """Open the control plane, also beside a running server; it sees the change within seconds."""
    from firmly.app import control_plane_url, prepare_data_dir

    settings = settings_in_force()
    prepare_data_dir(settings.data_dir)
    control_plane = open_control_plane(control_plane_url(settings))
    control_plane.migrate()
    try:
        yield Accounts(control_plane, system_clock)
    finally:
        control_plane.close()


def find_workspace(accounts: Accounts, name: str, new_time_zone: str | None) -> WorkspaceId:
    """Find the workspace of this name, or the only one; make it where a time zone is given."""
    known = accounts.workspaces()
    found = [workspace_id for workspace_id, known_name in known if not name or known_name == name]
    if len(found) == 1:
        return found[0]
    if not found and new_time_zone is not None:
        return accounts.create_workspace(name or "My company", new_time_zone)
    names = ", ".join(known_name for _, known_name in known) or "none yet; add a user first"
    raise FirmlyError(f"--workspace={name!r}: expected the name of one workspace ({names})")
