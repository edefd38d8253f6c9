"""What ships with Firmly, opened once for all tests of this folder."""

from datetime import date

import pytest

from firmly.organisations.classify import Lists
from firmly.organisations.data_file import OrganisationData, open_bundled
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from firmly.organisations.resolve import Resolver

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="session")
def shipped() -> Shipped:
    return Shipped.opened()


@pytest.fixture(scope="session")
def lists(shipped: Shipped) -> Lists:
    return shipped.lists


@pytest.fixture(scope="session")
def data() -> OrganisationData:
    return open_bundled()


@pytest.fixture(scope="session")
def resolver(shipped: Shipped) -> Resolver:
    return Resolver(lambda: open_chain(OrgFiles(), TODAY, shipped))
