"""The numbered migrations lead from nothing to exactly the tables that the code declares."""

import logging
from pathlib import Path
from types import ModuleType

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from argon2 import PasswordHasher
from sqlalchemy import JSON, Column, inspect, select, text

from firmly.accounts import tables
from firmly.accounts.database import Base, ControlPlane, open_control_plane
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role
from firmly.accounts.rules import OrgRules
from firmly.accounts.service import Accounts
from firmly.consent import tables as consent_tables
from firmly.consent.keys import LogKeys
from firmly.consent.log import ConsentLog
from firmly.consent.sweep import ConsentSweep
from firmly.leads import list_rows
from firmly.leads import tables as lead_tables
from firmly.model import FirmlyError, Jurisdiction, WorkspaceId
from firmly.organisations.legal_forms import LegalForms
from tests.town import KEYS, HandClock

PASSWORD = "a long enough phrase"
SITE = (
    "'example12', 'Example', '[\"https://example.com\"]', 'wait', 1, :at, 'Example Ltd', '', 'en', '[]', '{}', "
    "false, 395, 'high', :at"
)
OF_0004 = (
    "insert into workspaces (name, time_zone, created_at) values ('Acme', 'UTC', :at)",
    (
        "insert into members (workspace_id, email, name, role, password_hash, created_at) "
        "values (1, 'mia@example.com', 'Mia Smith', 'admin', :hash, :at)"
    ),
    (
        "insert into members (workspace_id, email, name, role, password_hash, created_at) "
        "values (1, 'bo@example.com', 'Bo Smith', 'viewer', :hash, :at)"
    ),
    (
        "insert into sites (workspace_id, key, name, origins, before_consent, before_consent_author, "
        "before_consent_at, controller, privacy_url, language, query_keys, goals, titles, "
        "retention_days, min_confidence, created_at) "
        f"values (1, {SITE})"
    ),
    "insert into site_changes (site_id, at, member_id, before, after) values (1, :at, 1, null, '{}')",
    (
        "insert into org_rules (workspace_id, matcher, value, country, outcome, org_name, org_kind, org_country, "
        "org_domain, subject, note, author, created_at) "
        "values (1, 'network', '192.0.2.0/24', '', 'own_staff', '', '', '', '', '', '', 1, :at)"
    ),
    "insert into sessions (id, member_id, created_at, expires_at, last_seen_at) values ('x', 1, :at, :at, :at)",
)
"""Rows as the release before wrote them."""
MIGRATIONS = Path(tables.__file__).parent / "migrations"


def differences(control_plane: ControlPlane) -> list[object]:
    with control_plane.connection() as connection:
        options = {"compare_type": True, "compare_server_default": compare_default}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


def compare_default(
    _context: object, _found: object, declared: Column[object], default: str | None, *_more: object
) -> bool | None:
    """Compare defaults of JSON by their text: PostgreSQL cannot compare values of that type."""
    if not isinstance(declared.type, JSON):
        return None
    return (default or "").partition("::")[0].strip("'") != getattr(declared.server_default, "arg", "")


def rows_of(module: ModuleType) -> list[type[Base]]:
    kinds = [value for value in vars(module).values() if isinstance(value, type)]
    return [kind for kind in kinds if issubclass(kind, Base) and kind is not Base]


def table_names(control_plane: ControlPlane) -> set[str]:
    with control_plane.connection() as connection:
        return set(inspect(connection).get_table_names())


def test_migrate_from_empty_gives_the_declared_tables(control_plane: ControlPlane) -> None:
    assert differences(control_plane) == []
    declared = {
        row.__tablename__ for module in (tables, consent_tables, lead_tables, list_rows) for row in rows_of(module)
    }
    assert table_names(control_plane) == {*declared, "alembic_version"}


def test_comparison_sees_a_column_that_is_too_much(empty: ControlPlane) -> None:
    empty.migrate()
    with empty.connection() as connection:
        connection.exec_driver_sql("alter table members add column phone varchar(20)")
    assert len(differences(empty)) == 1


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
        "email",
        "name",
        "password_hash",
        "created_at",
        "last_seen_on",
        "warned_on",
    }
    place = {"id", "workspace_id", "member_id", "role", "feeds", "created_at"}
    assert set(tables.MembershipRow.__table__.columns.keys()) == place


def test_sessions_hold_no_address_and_of_the_browser_its_family_only() -> None:
    assert set(tables.SessionRow.__table__.columns.keys()) == {
        "id",
        "ref",
        "member_id",
        "workspace_id",
        "waits_for_second_factor",
        "browser",
        "created_at",
        "expires_at",
        "last_seen_at",
    }


def test_database_of_a_release_before_with_rows_in_it_rolls_forward(empty: ControlPlane) -> None:
    empty.migrate("0004")
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    with empty.connection() as connection:
        for statement in OF_0004:
            connection.execute(text(statement), {"hash": quick.hashed(PASSWORD), "at": "2026-01-01 00:00:00+00:00"})
    empty.migrate()
    assert differences(empty) == []
    accounts = Accounts(empty, HandClock(), KEYS, quick)
    scope = accounts.sign_in.scope(accounts.sign_in.with_password("mia@example.com", PASSWORD) or "")
    assert scope is not None
    assert (scope.role, scope.workspace_name) == (Role.ADMIN, "Acme")
    (site,) = accounts.sites.of(scope)
    (change,) = accounts.sites.history(scope, site.id)
    assert (site.key, site.jurisdiction, change.author, change.author_name) == (
        "example12",
        Jurisdiction.STRICTEST,
        scope.member_id,
        "Mia Smith",
    )
    (rule,) = OrgRules(empty, HandClock(), LegalForms()).of(scope)
    assert rule.author == "Mia Smith"


def test_ids_of_deleted_members_stay_unused_when_the_table_is_made_anew(empty: ControlPlane) -> None:
    empty.migrate("0004")
    with empty.connection() as connection:
        for statement in OF_0004[:3]:
            connection.execute(text(statement), {"hash": "none", "at": "2026-01-01 00:00:00+00:00"})
        connection.execute(text("delete from members where email = 'bo@example.com'"))
    empty.migrate()
    accounts = Accounts(empty, HandClock(), KEYS)
    assert accounts.add_member(WorkspaceId(1), "new@example.com", "New", Role.SALES, PASSWORD) > 2


OF_0005 = (
    OF_0004[0],
    OF_0004[3],
    (
        "insert into banner_versions (site_id, version, purposes, bundle, first_served_at) "
        "values (1, 'v', 'p', :bundle, :at)"
    ),
    *(
        (
            "insert into consent_records (record, site_id, receipt_hash, minute, action, state, source, categories, "
            f"banner, language, expires_on) values ('{number}', 1, '{number}', :at, 'reject_all', 'refused', 'banner', "
            "'[]', 'v', 'en', '2026-07-01')"
        )
        for number in (1, 2)
    ),
)
"""Choices as the release before the log wrote them."""


def test_records_from_before_the_log_stay_and_find_their_place_in_it(empty: ControlPlane) -> None:
    empty.migrate("0005")
    with empty.connection() as connection:
        for statement in OF_0005:
            given = {"bundle": b'{"code": {}}', "at": "2026-01-01 00:00:00+00:00"}
            connection.execute(text(statement), {key: given[key] for key in given if f":{key}" in statement})
    empty.migrate()
    assert differences(empty) == []
    log = ConsentLog(LogKeys(KEYS))
    ConsentSweep(empty, log, HandClock(), 36).look_at(1, "example12")
    with empty.reading() as db:
        rows = db.scalars(select(consent_tables.ConsentRecordRow).order_by(consent_tables.ConsentRecordRow.id)).all()
        entries = db.scalars(select(consent_tables.ConsentEntryRow)).all()
    assert [(row.record, row.sequence) for row in rows] == [("1", 0), ("2", 1)]
    assert [entry.kind for entry in entries] == ["sealed", "sealed"]
