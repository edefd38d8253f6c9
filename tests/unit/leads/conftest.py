"""The control plane on both databases, for what teams say of leads; each test makes a team of its own in it."""

from collections.abc import Iterator

import pytest

from firmly.accounts.database import ControlPlane, open_control_plane
from tests.postgresql import Postgres
from tests.unit.leads.desk import Desk, NewDesk


@pytest.fixture(scope="session")
def records_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = open_control_plane(f"sqlite:///{tmp_path_factory.mktemp('records') / 'control.sqlite'}")
    plane.migrate()
    yield plane
    plane.close()


@pytest.fixture(scope="session")
def records_on_postgresql(postgres: Postgres) -> Iterator[ControlPlane]:
    plane = open_control_plane(postgres.new_database())
    yield plane
    plane.close()


@pytest.fixture(params=["records_on_sqlite", "records_on_postgresql"])
def records_plane(request: pytest.FixtureRequest) -> ControlPlane:
    plane: ControlPlane = request.getfixturevalue(request.param)
    return plane


@pytest.fixture
def new_desk(records_plane: ControlPlane) -> NewDesk:
    return lambda: Desk(records_plane)


@pytest.fixture
def desk(new_desk: NewDesk) -> Desk:
    return new_desk()
