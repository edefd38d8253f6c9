"""The process: undumpable, quiet, and not on a port that is taken."""

import logging
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from firmly.collect.connection import MAX_CONNECTIONS
from firmly.model import FirmlyError
from firmly.process import GRACEFUL_S, config_of, require_free, start_logging, warning_of
from firmly.settings import read_settings
from firmly.warehouse.loader import STOP_S

HARDENED = """
import ctypes, resource
from firmly.process import harden
before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
harden()
print(before, resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_memory_never_reaches_a_disk_as_a_core_dump() -> None:
    done = subprocess.run([sys.executable, "-c", HARDENED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "1 (0, 0) 0\n"


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_port_that_is_taken_is_said_in_plain_words(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FirmlyError, match=rf"FIRMLY_HOST={host}, port {port}: .*in use.*set FIRMLY_PORT"):
            require_free(host, port)
    require_free(host, port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_host_that_is_not_ours_is_said_in_plain_words(host: str) -> None:
    with pytest.raises(FirmlyError, match=f"FIRMLY_HOST={host}"):
        require_free(host, 8000)


async def nothing(scope: object, receive: object, send: object) -> None:
    """An application that is never called."""


def test_uvicorn_trusts_no_header_and_keeps_no_access_log() -> None:
    config = config_of(nothing, "127.0.0.1", 8000)
    assert (config.proxy_headers, config.access_log, config.server_header, config.log_config) == (
        False,
        False,
        False,
        None,
    )
    assert (config.loop, config.ws, config.lifespan) == ("uvloop", "none", "on")
    assert config_of(nothing, "127.0.0.1", 8000, lifespan=False).lifespan == "off"


def test_stop_takes_less_than_ten_seconds() -> None:
    assert config_of(nothing, "127.0.0.1", 8000).timeout_graceful_shutdown == GRACEFUL_S
    assert GRACEFUL_S + STOP_S < 10


@pytest.mark.parametrize(("files", "connections"), [(400, 200), (4_000_000, MAX_CONNECTIONS)])
def test_connections_leave_half_of_the_files_to_the_stores(files: int, connections: int) -> None:
    program = (
        "import resource; from firmly.process import config_of\n"
        f"files = min({files}, resource.getrlimit(resource.RLIMIT_NOFILE)[1])\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))\n"
        "print(config_of(None, '127.0.0.1', 0).http.keywords['watch'].max_connections, files // 2)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    bound, half = map(int, done.stdout.split())
    assert bound == min(connections, half)


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger and the libraries' own, as they were before."""
    root = logging.getLogger()
    names = ("firmly", "uvicorn", "uvicorn.error", "uvicorn.asgi", "clickhouse_connect", "httpx", "httpcore")
    before = (root.level, root.handlers[:], {name: logging.getLogger(name).level for name in names})
    # basicConfig closes the handlers it replaces; those of the test runner are put away first.
    root.handlers[:] = []
    yield root
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


def test_libraries_are_heard_only_when_something_is_wrong(root_logger: logging.Logger) -> None:
    start_logging(read_settings({"FIRMLY_LOG_LEVEL": "debug"}))
    assert logging.getLogger("firmly.spool").isEnabledFor(logging.DEBUG)
    for name in ("uvicorn.access", "uvicorn.error", "httpx", "clickhouse_connect", "anything"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)


@pytest.mark.parametrize(
    ("host", "base_url", "warns"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", False),
        ("::1", "http://[::1]:8000", False),
        ("127.0.0.1", "https://firmly.example.com", False),
        ("0.0.0.0", "https://firmly.example.com", False),
        ("0.0.0.0", "http://firmly.example.com", True),
        ("192.0.2.1", "http://127.0.0.1:8000", True),
    ],
)
def test_passwords_in_the_open_are_warned_of(host: str, base_url: str, warns: bool) -> None:
    said = warning_of(read_settings({"FIRMLY_HOST": host, "FIRMLY_BASE_URL": base_url}))
    assert (said is not None) is warns
    assert said is None or (host in said and base_url in said)
