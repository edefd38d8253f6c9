"""A whole Firmly as a process of its own, as an operator runs it, for tests with real signals and sockets."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import orjson

from firmly.accounts.database import open_control_plane
from firmly.accounts.roles import Role
from firmly.accounts.service import Accounts
from firmly.accounts.site import Site
from firmly.accounts.sites import new_site
from firmly.app import control_plane_url, prepare_data_dir
from firmly.app.data_dir import secret_keys
from firmly.consent.banner import banner_of, read_snippet
from firmly.model import BeforeConsent, system_clock
from firmly.packaged import snippet
from firmly.settings import read_settings

EMAIL = "owner@example.com"
PASSWORD = "a long enough phrase"
ROOT = Path(__file__).parents[1]
FIRMLY = (sys.executable, "-m", "firmly.cli")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """One data directory and, between `start` and `stop` or `kill`, the process that serves it."""

    def __init__(
        self,
        data_dir: Path,
        origin: str,
        before_consent: BeforeConsent = BeforeConsent.WAIT,
        environ: dict[str, str] | None = None,
        **site: Any,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            "FIRMLY_DATA_DIR": str(data_dir),
            "FIRMLY_PORT": str(self.port),
            "FIRMLY_BASE_URL": self.url,
            "FIRMLY_TRUSTED_PROXIES": "127.0.0.1/32",
            "FIRMLY_SPOOL_MIN_FREE_BYTES": "0",
            **(environ or {}),
        }
        self.data_dir = data_dir
        self.output = data_dir.parent / f"{data_dir.name}.output"
        self._process: subprocess.Popen[bytes] | None = None
        self.site = self._make_site(origin, before_consent, site)

    def start(self, command: tuple[str, ...] = (*FIRMLY, "serve")) -> None:
        """Start and wait until it answers."""
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command, env={**os.environ, **self.environ}, stdout=output, stderr=output, cwd=ROOT
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                assert self._process.poll() is None, self.output.read_text()
            time.sleep(0.05)
        raise AssertionError(f"it did not start within a minute: {self.output.read_text()}")

    @property
    def pid(self) -> int:
        assert self._process is not None, "start it first"
        return self._process.pid

    def kill(self) -> None:
        """Let it die as by power loss of the process: no handler runs."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def hold(self) -> None:
        """Let it stand still, so that what it was doing can be looked at."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Query the warehouse of the stopped process, in a process of its own."""
        assert self._process is None or self._process.poll() is not None, "stop it first: chDB has one owner"
        program = (
            "import sys, clickhouse_connect, orjson\n"
            "client = clickhouse_connect.get_client(interface='chdb', path=sys.argv[1], database='firmly')\n"
            "rows = list(client.query(sys.argv[2]).named_results())\n"
            "sys.stdout.buffer.write(orjson.dumps(rows))\n"
        )
        command = [sys.executable, "-c", program, str(self.data_dir / "warehouse"), sql]
        done = subprocess.run(command, capture_output=True, check=True)
        rows: list[dict[str, Any]] = orjson.loads(done.stdout)
        return rows

    def token(self) -> str:
        """Agree to everything and return the consent token."""
        (httpx.get(f"{self.url}/f/{self.site.key}.js")).raise_for_status()
        body = {
            "site": self.site.key,
            "banner": banner_of(self.site, read_snippet(snippet())).version,
            "language": "en",
            "action": "accept_all",
            "choices": {"statistics": True},
            "source": "banner",
        }
        answer = httpx.post(
            f"{self.url}/f/c", content=orjson.dumps(body), headers={"origin": self.site.origins[0]}
        ).raise_for_status()
        return str(answer.json()["token"])

    def _make_site(self, origin: str, before_consent: BeforeConsent, more: dict[str, Any]) -> Site:
        settings = read_settings(self.environ)
        prepare_data_dir(settings.data_dir)
        control_plane = open_control_plane(control_plane_url(settings))
        control_plane.migrate()
        accounts = Accounts(control_plane, system_clock, secret_keys(settings))
        workspace = accounts.create_workspace("Acme", "UTC")
        accounts.add_member(workspace, EMAIL, "Owner", Role.OWNER, PASSWORD)
        site = accounts.sites.create(
            new_site(
                workspace,
                name="Example",
                origins=(origin,),
                controller="Example Ltd",
                before_consent=before_consent,
                **more,
            )
        )
        control_plane.close()
        return site


@contextmanager
def serving(served: Served, command: tuple[str, ...] = (*FIRMLY, "serve")) -> Iterator[Served]:
    """Start it, and end it whatever happens."""
    served.start(command)
    try:
        yield served
    finally:
        if served._process and served._process.poll() is None:
            served.stop()


def event_body(served: Served, token: str, path: str, **more: object) -> bytes:
    url = served.site.origins[0] + path
    event = {"kind": "pageview", "url": url}
    return orjson.dumps({"site": served.site.key, "token": token, "visit": token_hex(16), "events": [event], **more})
