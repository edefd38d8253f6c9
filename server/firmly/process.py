"""The operating system's side of a process: no core dumps, quiet logs, uvicorn as Firmly needs it."""

import contextlib
import ctypes
import logging
import resource
import socket
import sys
from collections.abc import Callable
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from firmly.collect.connection import MAX_CONNECTIONS, Connection, Watch
from firmly.model import FirmlyError
from firmly.settings import Settings

_PR_SET_DUMPABLE = 4
GRACEFUL_S = 4
"""For answers under way; the loader may take five seconds after that, and whoever stops us waits for ten."""


def harden() -> None:
    """Switch core dumps off and make the process undumpable: an address in memory never reaches a disk.

    Source: getrlimit(2), prctl(2). On systems without prctl only the limit is set.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def allow_many_connections() -> None:
    """Raise the soft limit of open files, which is often 1,024, to the hard one."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # Some systems report more than they grant.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start_logging(settings: Settings) -> None:
    """Log to standard error: our own words, and of libraries only warnings."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING, force=True)
    logging.getLogger("firmly").setLevel(settings.log_level.upper())
    # What these have to say at their own levels could carry what a visitor sent.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi", "python_multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)  # A warning a malformed request: anybody could fill the log.
    for name in ("clickhouse_connect", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def require_free(host: str, port: int) -> None:
    """Find out before anything is opened that a port is taken.

    Raises:
        FirmlyError: something listens there already.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            text = (
                f"FIRMLY_HOST={host}, port {port}: expected an address to listen on ({error.strerror}); set FIRMLY_PORT"
            )
            raise FirmlyError(text) from None


def warning_of(settings: Settings) -> str | None:
    """Return what to say at the start where passwords would travel unencrypted beyond this machine (LD9)."""
    is_here = settings.host in {"localhost", "::1"} or settings.host.startswith("127.")
    if is_here or settings.base_url.startswith("https://"):
        return None
    return (
        f"FIRMLY_HOST={settings.host} with FIRMLY_BASE_URL={settings.base_url}: passwords and sessions travel "
        "unencrypted. Put a proxy with TLS in front (deploy/README.md) and set FIRMLY_BASE_URL to its https address."
    )


class Server(uvicorn.Server):
    """Lets the application end what would go on for ever, since it waits for all answers before it stops."""

    def __init__(self, config: uvicorn.Config, leave: Callable[[], None]) -> None:
        super().__init__(config)
        self._leave = leave

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._leave()
        await super().shutdown(sockets)


def config_of(app: ASGIApp, host: str, port: int, *, lifespan: bool = True) -> uvicorn.Config:
    """Configure uvicorn so that it trusts no forwarding header, writes no access log and bounds its connections."""
    watch = Watch(_most_connections())
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=partial(Connection, watch=watch),  # type: ignore[arg-type]  # It is called, never asked for its type.
        ws="none",
        lifespan="on" if lifespan else "off",
        proxy_headers=False,
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=GRACEFUL_S,
        backlog=2048,
    )


def _most_connections() -> int:
    """Leave half of the files that this process may open to the stores."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, soft // 2)
