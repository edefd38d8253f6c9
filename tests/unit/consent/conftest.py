"""Consent over a real control plane with one workspace and a clock that tests set."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher

from firmly.accounts.database import ControlPlane, open_control_plane
from firmly.accounts.passwords import Passwords
from firmly.accounts.service import Accounts
from firmly.accounts.site import Site
from firmly.consent.banner import SnippetFiles
from firmly.consent.receipt import Receipts
from firmly.consent.service import Consent
from firmly.consent.token import ConsentTokens
from tests.collector import ORIGIN, SetClock
from tests.postgresql import Postgres

OLD, NEW = "o" * 40, "n" * 40
FILES = SnippetFiles(core="core", banner="banner", texts={"en": {"accept": "Accept"}})


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = open_control_plane(f"sqlite:///{tmp_path_factory.mktemp('consent') / 'control.sqlite'}")
    plane.migrate()
    yield plane
    plane.close()


@pytest.fixture(scope="session")
def on_postgresql(postgres: Postgres) -> Iterator[ControlPlane]:
    plane = open_control_plane(postgres.new_database())
    yield plane
    plane.close()


@pytest.fixture(params=["on_sqlite", "on_postgresql"])
def plane(request: pytest.FixtureRequest) -> ControlPlane:
    plane: ControlPlane = request.getfixturevalue(request.param)
    return plane


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def new_site(plane: ControlPlane, clock: SetClock) -> Callable[..., Site]:
    accounts = Accounts(plane, clock, Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)))

    def make(**given: Any) -> Site:
        workspace = accounts.create_workspace("Acme", "UTC")
        site = {"name": "Example", "origins": (ORIGIN,), "controller": "Example Ltd", "author": None, **given}
        return accounts.create_site(workspace, **site)

    return make


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()


@pytest.fixture
def new_consent(plane: ControlPlane, clock: SetClock) -> Callable[..., Consent]:
    """Make the service with these keys, the newest first."""
    return lambda *keys: Consent(plane, ConsentTokens(keys), Receipts(keys), clock)


@pytest.fixture
def consent(new_consent: Callable[..., Consent]) -> Consent:
    return new_consent(NEW)
