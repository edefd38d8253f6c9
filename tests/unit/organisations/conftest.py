"""The bundled data and lists, opened once for all tests of this folder."""

import pytest

from firmly.organisations.classify import Lists
from firmly.organisations.data_file import OrganisationData, open_bundled
from firmly.organisations.ranges import machine_ranges, special_ranges
from firmly.organisations.resolve import Resolver


@pytest.fixture(scope="session")
def lists() -> Lists:
    return Lists.bundled()


@pytest.fixture(scope="session")
def data() -> OrganisationData:
    return open_bundled()


@pytest.fixture(scope="session")
def resolver(data: OrganisationData, lists: Lists) -> Resolver:
    return Resolver(data, lists, special_ranges(), machine_ranges())
