"""The numbered migrations lead from nothing to exactly the tables that the code declares."""

import logging
from pathlib import Path
from types import ModuleType

import alembic.command
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from argon2 import PasswordHasher
from sqlalchemy import inspect

from firmly.accounts import tables
from firmly.accounts.database import Base, ControlPlane, open_control_plane
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role
from firmly.accounts.service import Accounts
from firmly.consent import tables as consent_tables
from firmly.model import FirmlyError
from tests.town import HandClock

MIGRATIONS = Path(tables.__file__).parent / "migrations"


def differences(control_plane: ControlPlane) -> list[object]:
    with control_plane.connection() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


def rows_of(module: ModuleType) -> list[type[Base]]:
    kinds = [value for value in vars(module).values() if isinstance(value, type)]
    return [kind for kind in kinds if issubclass(kind, Base) and kind is not Base]


def table_names(control_plane: ControlPlane) -> set[str]:
    with control_plane.connection() as connection:
        return set(inspect(connection).get_table_names())


def test_migrate_from_empty_gives_the_declared_tables(control_plane: ControlPlane) -> None:
    assert differences(control_plane) == []
    declared = {row.__tablename__ for module in (tables, consent_tables) for row in rows_of(module)}
    assert table_names(control_plane) == {*declared, "alembic_version"}


def test_comparison_sees_a_column_that_is_too_much(control_plane: ControlPlane) -> None:
    with control_plane.connection() as connection:
        connection.exec_driver_sql("alter table members add column phone varchar(20)")
    assert len(differences(control_plane)) == 1


def test_migrate_again_changes_nothing(control_plane: ControlPlane) -> None:
    control_plane.migrate()
    assert differences(control_plane) == []


def test_migrate_leaves_logging_alone(control_plane: ControlPlane) -> None:
    logger = logging.getLogger("firmly.some.part")
    before = (logging.getLogger().handlers[:], logging.getLogger().level, logger.disabled)
    control_plane.migrate()
    assert (logging.getLogger().handlers, logging.getLogger().level, logger.disabled) == before


def test_migrate_that_fails_midway_leaves_nothing(tmp_path: Path) -> None:
    control_plane = open_control_plane(f"sqlite:///{tmp_path / 'half.sqlite'}")
    with control_plane.connection() as connection:
        connection.exec_driver_sql("create table sites (id integer)")
    with pytest.raises(Exception, match="already exists"):
        control_plane.migrate()
    assert table_names(control_plane) == {"sites"}
    control_plane.close()


def test_migrate_database_of_a_newer_release_is_refused(control_plane: ControlPlane) -> None:
    with control_plane.connection() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(FirmlyError, match="does not fit this release"):
        control_plane.migrate()


def test_members_hold_what_is_promised_and_the_credential_only() -> None:
    """Promise LS2: name, business e-mail, organisation (the workspace), role."""
    assert set(tables.MemberRow.__table__.columns.keys()) == {
        "id",
        "workspace_id",
        "email",
        "name",
        "role",
        "password_hash",
        "created_at",
    }


def test_sessions_hold_no_address_and_no_browser() -> None:
    assert set(tables.SessionRow.__table__.columns.keys()) == {
        "id",
        "member_id",
        "created_at",
        "expires_at",
        "last_seen_at",
    }


def test_database_of_the_previous_migration_with_rows_in_it_rolls_forward(empty: ControlPlane) -> None:
    revisions = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    migrate_to(empty, revisions[1])
    clock, quick = HandClock(), Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    accounts = Accounts(empty, clock, quick)
    workspace = accounts.create_workspace("Acme", "UTC")
    accounts.add_member(workspace, "mia@example.com", "Mia Smith", Role.OWNER, "a long enough phrase")
    site = accounts.create_site(
        workspace, name="Example", origins=("https://example.com",), controller="E", author=None
    )
    empty.migrate()
    assert differences(empty) == []
    scope = accounts.scope(accounts.sign_in("mia@example.com", "a long enough phrase") or "")
    assert scope is not None
    assert [found.key for found in accounts.sites(scope)] == [site.key]


def migrate_to(control_plane: ControlPlane, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with control_plane.connection() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)
