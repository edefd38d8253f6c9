"""`firmly demo`: makes the sample workspace anew, lets a month happen, then runs and trickles."""

import asyncio
import contextlib
import secrets
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import uvicorn
import uvloop
from starlette.types import ASGIApp

from firmly import packaged
from firmly.accounts.roles import Role
from firmly.accounts.site import Site
from firmly.accounts.sites import new_site
from firmly.app import Firmly
from firmly.consent.banner import banner_of, read_snippet
from firmly.demo.traffic import MovableClock, Traffic, make_history, trickle
from firmly.demo.visitors import Crowd, networks
from firmly.demo.website import NAME, Website
from firmly.model import FirmlyError, SiteKey
from firmly.process import allow_many_connections, config_of, harden, require_free, start_logging
from firmly.settings import Settings, read_settings
from firmly.spool.segments import SegmentFolder

DAYS = 30
VISITS_A_DAY = 26
TRICKLE_S = 4.0
EMAIL = "demo@example.com"
MARKER = "this-is-a-demo"


def run_demo(environ: Mapping[str, str]) -> None:
    """Run until interrupted. The data directory (FIRMLY_DATA_DIR, ./firmly-demo) is made anew each time.

    Raises:
        FirmlyError: the directory holds something that is not a demo's.
    """
    defaults = {
        "FIRMLY_DATA_DIR": "./firmly-demo",
        "FIRMLY_BASE_URL": f"http://127.0.0.1:{environ.get('FIRMLY_PORT', '8000')}",
        "FIRMLY_TRUSTED_PROXIES": "127.0.0.1/32",
        "FIRMLY_SPOOL_MIN_FREE_BYTES": "0",
    }
    settings = read_settings({**defaults, **environ})
    harden()
    allow_many_connections()
    start_logging(settings)
    for port in (settings.port, settings.port + 1):
        require_free(settings.host, port)
    _make_room(settings.data_dir)
    uvloop.run(_Demo(settings).run())


def _make_room(data_dir: Path) -> None:
    if data_dir.exists() and any(data_dir.iterdir()):
        if not (data_dir / MARKER).exists():
            raise FirmlyError(f"FIRMLY_DATA_DIR={str(data_dir)!r}: expected an empty folder or an earlier demo's")
        if (data_dir / "spool").exists():
            SegmentFolder(data_dir / "spool" / "main" / "events").close()  # Raises while another demo runs there.
        shutil.rmtree(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    (data_dir / MARKER).write_text("`firmly demo` empties this folder when it starts.\n")


class _Server(uvicorn.Server):
    """A server that leaves signals to the demo, which runs two of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Demo:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = MovableClock()
        self._firmly = Firmly(settings, self._clock)
        self._password = secrets.token_urlsafe(9)
        self._website_port = settings.port + 1
        self._site = self._make_site()
        self._crowd = Crowd(seed=7)

    async def run(self) -> None:
        started = time.monotonic()
        async with self._firmly.running():
            traffic = self._traffic(httpx.ASGITransport(self._firmly.asgi, client=("127.0.0.1", 0)))
            # Asking for the script puts its banner version on record, as a first visitor's browser does.
            await traffic.load_script()
            visitors = await make_history(traffic, self._crowd, self._clock, DAYS, VISITS_A_DAY)
            await self._firmly.settle()
            print(
                f"{visitors} visitors of the last {DAYS} days, ready after {time.monotonic() - started:.1f} s",
                flush=True,
            )
            await self._serve()

    async def _serve(self) -> None:
        organisations, others = networks()
        collector = httpx.AsyncClient(base_url=self._settings.base_url)
        website = Website(self._site.key, collector, self._crowd, [*organisations[:12], *others[:4]])
        host = self._settings.host
        servers = [
            _server(self._firmly.asgi, host, self._settings.port),
            _server(website.asgi, host, self._website_port),
        ]
        loop = asyncio.get_running_loop()

        def stop() -> None:
            self._firmly.leave()
            for server in servers:
                server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        visitors = asyncio.create_task(trickle(self._traffic(httpx.AsyncHTTPTransport()), self._crowd, TRICKLE_S))
        self._print_where()
        await asyncio.gather(*(server.serve() for server in servers))
        visitors.cancel()
        await collector.aclose()

    def _make_site(self) -> Site:
        accounts = self._firmly.accounts
        workspace = accounts.create_workspace(NAME, "Europe/Helsinki")
        accounts.add_member(workspace, EMAIL, "Demo owner", Role.OWNER, self._password)
        scope = accounts.sign_in.scope(accounts.sign_in.with_password(EMAIL, self._password) or "")
        assert scope is not None, "it was made a line above"
        about = replace(accounts.workspaces.of(scope), controller=f"{NAME} Ltd", region="This machine")
        accounts.workspaces.change(scope, about)
        port = self._website_port
        return accounts.sites.create(
            new_site(
                workspace,
                name=NAME,
                origins=(f"http://127.0.0.1:{port}", f"http://localhost:{port}"),
                controller=f"{NAME} Ltd",
                key=SiteKey("harbourpumps"),
            )
        )

    def _traffic(self, transport: httpx.AsyncBaseTransport) -> Traffic:
        client = httpx.AsyncClient(transport=transport, base_url=self._settings.base_url)
        return Traffic(client, self._site, banner_of(self._site, read_snippet(packaged.snippet())).version)

    def _print_where(self) -> None:
        print(
            f"\n  Dashboard   {self._settings.base_url}/app/"
            f"\n  Sign in     {EMAIL}   {self._password}"
            f"\n  Website     http://127.0.0.1:{self._website_port}/   visit it as somebody else, and see them arrive"
            "\n\n  A new visitor comes every few seconds. Ctrl-C ends the demo.\n",
            flush=True,
        )


def _server(app: ASGIApp, host: str, port: int) -> _Server:
    return _Server(config_of(app, host, port, lifespan=False))
