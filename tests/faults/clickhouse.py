"""A ClickHouse server for tests, as a process of its own: started, broken, killed and asked."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.served import ROOT, free_port


class ClickHouseServer:
    """The process, seen from a test: one folder and port, alive between `start` and `kill`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.faults.clickhouse_server", str(self._folder), str(self._port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/ping").status_code == 200:
                    return
            except httpx.TransportError:
                assert self._process.poll() is None, "the server did not start"
            time.sleep(0.05)
        raise AssertionError("the server did not start in half a minute")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def is_dead(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def break_with(self, **faults: Any) -> None:
        """Let this go wrong from now on, see `clickhouse_server.Faults`; nothing, if nothing is given."""
        httpx.post(f"{self.url}/faults", json=faults).raise_for_status()

    def command(self, sql: str) -> None:
        httpx.post(self.url, params={"database": "firmly"}, content=sql).raise_for_status()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        settings = {"database": "firmly", "output_format_json_quote_64bit_integers": "0"}
        answer = httpx.post(self.url, params=settings, content=f"{sql} FORMAT JSON", timeout=60).raise_for_status()
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows


@contextmanager
def clickhouse(folder: Path) -> Iterator[ClickHouseServer]:
    """A server that is not started yet, and is dead in the end."""
    server = ClickHouseServer(folder)
    try:
        yield server
    finally:
        if server._process is not None:
            server.kill()
