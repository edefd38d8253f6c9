"""A real control plane on SQLite and on PostgreSQL, a clock that tests set, and argon2 that is quick."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from firmly.accounts.database import ControlPlane, open_control_plane
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role
from firmly.accounts.scope import Scope
from firmly.accounts.service import Accounts
from firmly.model import WorkspaceId
from tests.postgresql import Postgres

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

    def __init__(self, accounts: Accounts, clock: SetClock) -> None:
        self.accounts = accounts
        self.clock = clock
        self.workspace_id = accounts.create_workspace("Acme", "Europe/Helsinki")

    def member(self, email: str, role: Role = Role.OWNER, workspace_id: WorkspaceId | None = None) -> Scope:
        self.accounts.add_member(workspace_id or self.workspace_id, email, "Mia Smith", role, PASSWORD)
        return self.scope_of(email)

    def scope_of(self, email: str) -> Scope:
        scope = self.accounts.scope(self.token(email))
        assert scope is not None
        return scope

    def token(self, email: str, password: str = PASSWORD) -> str:
        token = self.accounts.sign_in(email, password)
        assert token is not None
        return token


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[ControlPlane]:
    control_plane = open_control_plane(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    control_plane.migrate()
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
def control_plane(request: pytest.FixtureRequest) -> ControlPlane:
    """Every test of the control plane runs on both databases."""
    plane: ControlPlane = request.getfixturevalue(request.param)
    return plane


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def accounts(control_plane: ControlPlane, clock: SetClock, passwords: Passwords) -> Accounts:
    return Accounts(control_plane, clock, passwords)


@pytest.fixture
def office(accounts: Accounts, clock: SetClock) -> Office:
    return Office(accounts, clock)
