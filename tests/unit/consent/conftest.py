"""Consent over a real control plane with one workspace and a clock that tests set."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher

from firmly.accounts import sites
from firmly.accounts.database import ControlPlane, open_control_plane
from firmly.accounts.passwords import Passwords
from firmly.accounts.service import Accounts
from firmly.accounts.site import Site
from firmly.consent.banner import SnippetFiles
from firmly.consent.keys import LogKeys
from firmly.consent.log import ConsentLog
from firmly.consent.receipt import Receipts
from firmly.consent.service import Consent
from firmly.consent.token import ConsentTokens
from firmly.consent.wording import ShippedTexts
from tests.collector import ORIGIN, SetClock
from tests.postgresql import Postgres
from tests.town import KEYS

OLD, NEW = "o" * 40, "n" * 40
TEXTS = ShippedTexts(
    first={
        "en": {
            "accept": "Accept",
            "label": "Privacy choices",
            "marketing_about": "advertising",
            "months": "{n} months",
        }
    },
    second={"en": {"own_purpose_necessary": "Remembers.", "own_purpose_statistics": "Measures."}},
)
FILES = SnippetFiles(
    core="core", rules="rules", signals="signals", banner="banner", preferences="preferences", texts=TEXTS
)


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
def new_site_of(clock: SetClock) -> Callable[..., Site]:
    """Make a site, with the settings given, in a workspace of its own in this control plane."""

    def make(plane: ControlPlane, **given: Any) -> Site:
        quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        accounts = Accounts(plane, clock, KEYS, quick)
        workspace = accounts.create_workspace("Acme", "UTC")
        values = {"name": "Example", "origins": (ORIGIN,), "controller": "Example Ltd", **given}
        return accounts.sites.create(sites.new_site(workspace, **values))

    return make


@pytest.fixture
def new_site(plane: ControlPlane, new_site_of: Callable[..., Site]) -> Callable[..., Site]:
    return lambda **given: new_site_of(plane, **given)


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()


@pytest.fixture
def new_consent(plane: ControlPlane, clock: SetClock) -> Callable[..., Consent]:
    """Make the service with these keys, the newest first."""
    return lambda *keys: Consent(plane, ConsentTokens(keys), Receipts(keys), ConsentLog(LogKeys(keys)), clock)


@pytest.fixture
def consent(new_consent: Callable[..., Consent]) -> Consent:
    return new_consent(NEW)
