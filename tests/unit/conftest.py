"""A town of firms over one real warehouse. Making one takes seconds, so tests share it and keep to
workspaces of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from firmly.accounts.database import open_control_plane
from firmly.accounts.passwords import Passwords
from firmly.accounts.rules import OrgRules
from firmly.accounts.service import Accounts
from firmly.consent.banner import read_snippet
from firmly.consent.rules import ConsentRules
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads
from firmly.organisations.legal_forms import LegalForms
from firmly.packaged import snippet
from firmly.warehouse.store import Warehouse, open_embedded
from tests.town import KEYS, Firm, HandClock, Town


@pytest.fixture(scope="session")
def warehouse(warehouse_folder: Path) -> Iterator[Warehouse]:
    warehouse = open_embedded(warehouse_folder, "town")
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="session")
def shared_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    control_plane = open_control_plane(f"sqlite:///{tmp_path_factory.mktemp('town') / 'accounts.sqlite'}")
    control_plane.migrate()
    clock = HandClock()
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    rules = OrgRules(control_plane, clock, LegalForms.bundled())
    lawful = ConsentRules(read_snippet(snippet()).texts).breaches
    yield Town(Accounts(control_plane, clock, KEYS, quick, breaches=lawful), rules, clock, control_plane)
    control_plane.close()


@pytest.fixture
def town(shared_town: Town) -> Iterator[Town]:
    start = shared_town.clock.now
    yield shared_town
    shared_town.clock.now = start


@pytest.fixture
def firm(town: Town) -> Firm:
    return town.firm()


@pytest.fixture
def leads(warehouse: Warehouse, town: Town) -> Leads:
    return Leads(warehouse, town.clock, RuleBook(warehouse, town.rules, town.clock), town.resolver)
