"""The administration socket: commands read through it while a server holds the embedded warehouse.

chDB's folder belongs to one process. A Unix socket in the data directory, which only its owner may
enter, takes named queries, one per connection, as lines of JSON.
"""

import asyncio
import logging
import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from firmly.app.process import Part
from firmly.collect.edge import place_of
from firmly.model import FirmlyError
from firmly.warehouse.store import Rows

SOCKET = "admin.sock"
MAX_BYTES = 1024 * 1024
_QUERY = re.compile("[a-z_]+")
TIMEOUT_S = 60

log = logging.getLogger(__name__)


class Administration(Part):
    """Answers commands of this machine for as long as the process runs."""

    def __init__(self, data_dir: Path, rows: Rows) -> None:
        self._path = data_dir / SOCKET
        self._rows = rows
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_BYTES)
            self._path.chmod(0o600)
        except OSError as error:  # Such as a path of more than a hundred bytes: all else works without.
            log.warning("commands cannot read beside this server: no socket in the data directory (%s)", error.strerror)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, TimeoutError):  # A command that went away, or is none.
            asked = await asyncio.wait_for(reader.readline(), TIMEOUT_S)
            if asked:  # Else a command only looked whether somebody is here.
                writer.write(await self._answer(asked))
                await writer.drain()
        writer.close()

    async def _answer(self, asked: bytes) -> bytes:
        try:
            given = orjson.loads(asked)
            if not _QUERY.fullmatch(given["query"]):
                raise FirmlyError("no named query")
            return orjson.dumps({"rows": await asyncio.to_thread(self._rows, given["query"], given["parameters"])})
        except Exception as error:  # noqa: BLE001  # Whatever it is, the command must say so and the server go on.
            log.error("a command's query failed: %s", place_of(error))
            return orjson.dumps({"error": type(error).__name__})


def rows_beside(data_dir: Path) -> Rows | None:
    """Return what reads through a running server; None where none runs on this data directory."""
    path = data_dir / SOCKET
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return None
    return lambda query, parameters: _ask(path, query, parameters)


def _ask(path: Path, query: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
    asked = orjson.dumps({"query": query, "parameters": parameters}, option=orjson.OPT_APPEND_NEWLINE)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(os.fspath(path))
            connection.sendall(asked)
            answer = orjson.loads(b"".join(iter(lambda: connection.recv(65536), b"")))
    except (OSError, ValueError) as error:
        raise FirmlyError(f"the running server did not answer ({type(error).__name__})") from None
    if "error" in answer:
        raise FirmlyError(f"the running server could not answer ({answer['error']}); its log says why")
    rows: list[dict[str, Any]] = answer["rows"]
    return rows
