"""What every test shares: no network beyond this machine, no hidden skips, one warehouse folder per process."""

import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from hypothesis import settings

from firmly.warehouse.store import Warehouse, open_embedded
from tests.collector import Collector, Started, running_firmly
from tests.examples import examples
from tests.postgresql import Postgres, running_postgres

_ALLOWED_HOSTS = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")


def _refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(_ALLOWED_HOSTS):
            raise RuntimeError("a test tried to leave this machine")


sys.addaudithook(_refuse_the_network)
settings.register_profile("usual", max_examples=examples(100))
settings.load_profile("usual")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """In CI a skipped test is a failed one: whatever it needs, CI installs."""
    if terminalreporter.stats.get("skipped") and os.environ.get("TEST_NO_SKIPS"):
        terminalreporter.section("skipped tests count as failures here (TEST_NO_SKIPS)")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and os.environ.get("TEST_NO_SKIPS"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def warehouse_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of every embedded warehouse of this process: chDB opens one; tests differ by their database."""
    return tmp_path_factory.mktemp("warehouse")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL per test process, started when the first test asks for it."""
    with running_postgres() as server:
        server.make_template()
        yield server


@pytest.fixture
def new_warehouse(warehouse_folder: Path) -> Callable[[], Warehouse]:
    """Make an empty warehouse; whoever asks for one closes it."""
    return lambda: open_embedded(warehouse_folder, f"test_{uuid.uuid4().hex}")


@pytest.fixture(scope="session")
async def started(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory, warehouse_folder: Path
) -> AsyncIterator[Started]:
    """One Firmly per test process; each test makes a site of its own in it."""
    opened = open_embedded(warehouse_folder, "shared")
    async with running_firmly(tmp_path_factory.mktemp("firmly"), opened) as firmly:
        yield firmly


@pytest.fixture
def run(started: Started) -> Callable[..., AbstractAsyncContextManager[Collector]]:
    """Make a site with the settings given and a collector's client for it, at the same set time for every test."""
    return started.with_site
