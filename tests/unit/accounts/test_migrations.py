"""The numbered migrations lead from nothing to exactly the tables that the code declares."""

import logging
from pathlib import Path
from types import ModuleType

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from firmly.accounts import tables
from firmly.accounts.database import Base, ControlPlane, open_control_plane
from firmly.consent import tables as consent_tables
from firmly.model import FirmlyError


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
