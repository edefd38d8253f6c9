"""A real control plane on SQLite and on PostgreSQL, a clock that tests set, and argon2 that is quick."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from firmly.accounts.database import Base, ControlPlane, open_control_plane
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role
from firmly.accounts.scope import MemberScope, SignedIn
from firmly.accounts.service import Accounts
from firmly.accounts.site import Site
from firmly.accounts.sites import new_site
from firmly.accounts.tables import AuditEntryRow
from firmly.model import FirmlyError, WorkspaceId
from tests.postgresql import Postgres
from tests.town import KEYS

PASSWORD = "a long enough phrase"


class SetClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


class Office:
    """A workspace to test in, and short ways to people in it."""

    def __init__(self, accounts: Accounts, clock: SetClock, control_plane: ControlPlane) -> None:
        self.accounts = accounts
        self.clock = clock
        self.control_plane = control_plane
        self._secrets: dict[str, str] = {}
        self.workspace_id = accounts.create_workspace("Acme", "Europe/Helsinki")

    def member(self, email: str, role: Role = Role.OWNER, workspace_id: WorkspaceId | None = None) -> MemberScope:
        self.accounts.add_member(workspace_id or self.workspace_id, email, "Mia Smith", role, PASSWORD)
        return self.scope_of(email)

    def scope_of(self, email: str) -> MemberScope:
        scope = self.accounts.sign_in.scope(self.token(email))
        assert scope is not None
        return scope

    def token(self, email: str, password: str = PASSWORD) -> str:
        token = self.accounts.sign_in.with_password(email, password)
        assert token is not None
        return token

    def who(self, token: str) -> SignedIn:
        signed_in = self.accounts.sign_in.signed_in(token)
        assert signed_in is not None
        return signed_in

    def signed_in(self, email: str) -> SignedIn:
        """Sign in once more; the second factor is not asked for here."""
        return self.who(self.token(email))

    def enrol(self, email: str) -> tuple[str, ...]:
        """Give a member a second factor and return their recovery codes. From then on `code` knows their codes."""
        token, credentials = self.token(email), self.accounts.credentials
        self._secrets[email] = credentials.begin_second_factor(self.who(token)).secret
        codes, _ = credentials.confirm_second_factor(self.who(token), token, self.code(email))
        return codes

    def code(self, email: str) -> str:
        """Return what the member's authenticator shows now."""
        return pyotp.TOTP(self._secrets[email]).at(self.clock.now)

    def next_code(self, email: str) -> str:
        """Wait until the authenticator shows another code."""
        self.clock.advance(seconds=30)
        return self.code(email)

    def other_workspace(self, name: str = "Other") -> WorkspaceId:
        return self.accounts.create_workspace(name, "UTC")

    def invited(self, scope: MemberScope, email: str, role: Role = Role.VIEWER) -> str:
        """Return the secret of an invitation's link."""
        return self.accounts.team.invite(scope, email, role).secret

    def place(self, email: str, host: MemberScope, role: Role = Role.OWNER) -> MemberScope:
        """Give who is a member already a place in the workspace of ``host`` too, and return their scope there."""
        token, secret = self.token(email), self.invited(host, email, role)
        assert self.accounts.team.accept(self.who(token), secret) == host.workspace_id
        return self.scope_in(email, host.workspace_id)

    def scope_in(self, email: str, workspace_id: WorkspaceId) -> MemberScope:
        token = self.accounts.sign_in.switch(self.token(email), workspace_id)
        assert token is not None
        scope = self.accounts.sign_in.scope(token)
        assert scope is not None
        return scope

    def site(self, workspace_id: WorkspaceId | None = None, **values: Any) -> Site:
        """Return a site that is not written yet."""
        told = {"name": "Shop", "origins": ("https://www.example.com",), "controller": "Example Oy"} | values
        return new_site(workspace_id or self.workspace_id, **told)

    def actions(self, workspace_id: WorkspaceId | None = None) -> list[str]:
        """Return what the audit log of a workspace holds, in its order."""
        wanted = AuditEntryRow.workspace_id == (workspace_id or self.workspace_id)
        with self.control_plane.reading() as db:
            return list(db.scalars(select(AuditEntryRow.action).where(wanted).order_by(AuditEntryRow.number)))

    def stored(self) -> str:
        """Return every value of every table as text."""
        with self.control_plane.connection() as connection:
            tables = [table.select() for table in Base.metadata.sorted_tables]
            return "\n".join(str(tuple(row)) for table in tables for row in connection.execute(table))


def raised(call: Callable[..., Any], *given: object) -> type[Exception] | None:
    """Return which error a call ends in, for tables in one test; None: it does what it was asked for."""
    try:
        call(*given)
    except FirmlyError as error:
        return type(error)
    return None


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls in threads that start together; return what each gave, or raised."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.exception() or done.result() for done in [pool.submit(run, call) for call in calls]]


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


class Spare:
    """A database that is emptied after a test instead of made and connected to anew, which takes ten times as long.

    One that a test left with other tables is not used again.
    """

    def __init__(self, make: Callable[[], ControlPlane], empty: str, tables: str) -> None:
        self._make = make
        self._empty = empty
        self._tables = tables
        self._spare: ControlPlane | None = None

    @contextmanager
    def taken(self) -> Iterator[ControlPlane]:
        control_plane, self._spare = self._spare or self._make(), None
        before = self._tables_of(control_plane)
        try:
            yield control_plane
            if self._tables_of(control_plane) == before:
                self._clear(control_plane)
                self._spare = control_plane
        finally:
            if self._spare is None:
                control_plane.close()

    def close(self) -> None:
        if self._spare is not None:
            self._spare.close()

    def _clear(self, control_plane: ControlPlane) -> None:
        with control_plane.connection() as connection:
            for statement in connection.exec_driver_sql(self._empty).scalars().all():
                connection.exec_driver_sql(statement)

    def _tables_of(self, control_plane: ControlPlane) -> list[str]:
        with control_plane.connection() as connection:
            return list(connection.exec_driver_sql(self._tables).scalars())


# Ids start at 1 again, as in a new database; where references are not watched the order does not matter.
_SQLITE_TABLES = "select name from sqlite_master where type = 'table' and name <> 'alembic_version' order by name"
_SQLITE_EMPTY = f"""
select 'pragma defer_foreign_keys = on'
union all select 'delete from "' || name || '"' from ({_SQLITE_TABLES})
"""
_SERVER_TABLES = """
select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' order by tablename
"""
_SERVER_EMPTY = f"""
select 'set local session_replication_role = replica'
union all select 'delete from ' || quote_ident(tablename) from ({_SERVER_TABLES}) as found
union all select 'select setval(' || quote_literal(sequencename) || ', 1, false)' from pg_sequences
"""


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with its schema in place: a copy costs a thirtieth of the migrations."""
    file = tmp_path_factory.mktemp("accounts") / "migrated.sqlite"
    control_plane = open_control_plane(f"sqlite:///{file}")
    control_plane.migrate()
    control_plane.close()
    return file


@pytest.fixture(scope="session")
def spare_sqlite(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Spare]:
    def make() -> ControlPlane:
        file = tmp_path_factory.mktemp("spare") / "accounts.sqlite"
        shutil.copy(migrated, file)
        return open_control_plane(f"sqlite:///{file}")

    spare = Spare(make, _SQLITE_EMPTY, _SQLITE_TABLES)
    yield spare
    spare.close()


@pytest.fixture(scope="session")
def spare_postgresql(postgres: Postgres) -> Iterator[Spare]:
    spare = Spare(lambda: open_control_plane(postgres.new_database()), _SERVER_EMPTY, _SERVER_TABLES)
    yield spare
    spare.close()


@pytest.fixture
def sqlite(tmp_path: Path, migrated: Path) -> Iterator[ControlPlane]:
    file = tmp_path / "accounts.sqlite"
    shutil.copy(migrated, file)
    control_plane = open_control_plane(f"sqlite:///{file}")
    yield control_plane
    control_plane.close()


@pytest.fixture
def postgresql(postgres: Postgres) -> Iterator[ControlPlane]:
    control_plane = open_control_plane(postgres.new_database())
    yield control_plane
    control_plane.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ControlPlane]:
    """A database without any table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    else:
        url = request.getfixturevalue("postgres").new_database(is_empty=True)
    control_plane = open_control_plane(url)
    yield control_plane
    control_plane.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Every test of the control plane runs on both databases."""
    spare: Spare = request.getfixturevalue(f"spare_{request.param}")
    with spare.taken() as control_plane:
        yield control_plane


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def accounts(control_plane: ControlPlane, clock: SetClock, passwords: Passwords) -> Accounts:
    return Accounts(control_plane, clock, KEYS, passwords)


@pytest.fixture
def office(accounts: Accounts, clock: SetClock, control_plane: ControlPlane) -> Office:
    return Office(accounts, clock, control_plane)
