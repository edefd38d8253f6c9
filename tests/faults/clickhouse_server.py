"""ClickHouse's HTTP interface on loopback, in front of chDB, as a process that can be slowed, broken and killed.

It speaks as much as clickhouse-connect asks for: `/ping`; statements in the body or in `query`;
settings, `database` and `param_*` in the query string; exceptions with their status, header and text.
`POST /faults` changes what goes wrong from now on. A program: folder, port. `tests.faults.clickhouse` runs it.
"""

import json
import os
import random
import re
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb

_OWN = {
    "database",
    "query",
    "query_id",
    "session_id",
    "default_format",
    "wait_end_of_query",
    "enable_http_compression",
    "client_protocol_version",
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "insert_deduplication_token",
}
"""Parameters that are no settings of the engine's session."""
_CODE = re.compile(r"Code: (\d+)")
_INSERT = re.compile(rb"INSERT INTO (\S+) FORMAT (\w+)\n")
_BAD_REQUEST = {6, 25, 26, 27, 32, 38, 41, 43, 47, 53, 62, 69, 72, 115, 117, 130}
_NOT_FOUND = {60, 81}


@dataclass
class Faults:
    """What goes wrong with a share of ``chance`` of the inserts, or of everything that is ``on``."""

    on: str = "insert"
    chance: float = 1.0
    delay_s: float = 0.0
    """Before the statement runs."""
    error: str = ""
    """Answer with this exception, `241 MEMORY_LIMIT_EXCEEDED`, instead of running the statement."""
    cut: str = ""
    """Reset the connection: `request` half way through it, `before` or `after` the statement ran, or `answer` half
    way through that."""
    dies: bool = False
    """Die by SIGKILL between the statement's end and the answer."""

    def now(self, is_insert: bool) -> bool:
        return (is_insert or self.on == "any") and random.random() < self.chance


class Engine:
    """chDB sessions by their database and settings, each lent to one request at a time."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._free: dict[tuple[tuple[str, str], ...], list[Any]] = {}
        self._keep = chdb.connect(folder)

    def run(self, statement: bytes, given: dict[str, str]) -> bytes:
        """Return the result as the statement's FORMAT says, else as TabSeparated."""
        settings = {key: value for key, value in given.items() if key not in _OWN and not key.startswith("param_")}
        bound = {key.removeprefix("param_"): value for key, value in given.items() if key.startswith("param_")}
        key = tuple(sorted({**settings, "database": given.get("database", "default")}.items()))
        if (token := given.get("insert_deduplication_token")) and (insert := _INSERT.match(statement)):
            changed = f"INSERT INTO {insert[1].decode()} SETTINGS insert_deduplication_token = '{token}' FORMAT "
            statement = changed.encode() + insert[2] + b"\n" + statement[insert.end() :]
        with self._session(key) as session:
            found = session.query(statement, "TabSeparated", params=bound).bytes()
            return bytes(found or b"")

    @contextmanager
    def _session(self, key: tuple[tuple[str, str], ...]) -> Iterator[Any]:
        with self._lock:
            free = self._free.setdefault(key, [])
            session = free.pop() if free else None
        if session is None:
            session = chdb.connect(self._folder)
            for name, value in key:
                session.query(f"use {value}" if name == "database" else f"set {name} = '{value}'")
        try:
            yield session
        finally:
            with self._lock:
                self._free[key].append(session)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: Engine
    faults = Faults()
    inserts = 0

    def do_GET(self) -> None:
        self._answer_request()

    def do_POST(self) -> None:
        self._answer_request()

    def log_message(self, *_: object) -> None:
        """Be quiet."""

    def _answer_request(self) -> None:
        url = urlsplit(self.path)
        given = dict(parse_qsl(url.query, keep_blank_values=True))
        length = int(self.headers.get("content-length", "0"))
        if url.path == "/faults":
            type(self).faults = Faults(**json.loads(self.rfile.read(length)))
            self._answer(200, b"")
            return
        faults = self.faults
        begin = self.rfile.read(min(length, 4096))
        statement = given.get("query", "").encode() or begin
        is_broken = faults.now(is_insert=statement.lstrip()[:6].upper() == b"INSERT")
        if is_broken and faults.cut == "request":
            self._reset()
            return
        body = begin + self.rfile.read(length - len(begin))
        if url.path == "/ping":
            self._run(b"select 'Ok.'", {}, faults if is_broken else Faults())
            return
        query = given.get("query", "").encode()
        self._run(query + b"\n" + body if query and body else query or body, given, faults if is_broken else Faults())

    def _run(self, statement: bytes, given: dict[str, str], faults: Faults) -> None:
        time.sleep(faults.delay_s)
        if faults.cut == "before":
            self._reset()
            return
        status, answer = 200, b""
        headers: dict[str, str] = {}
        try:
            if faults.error:
                code, name = faults.error.split()
                raise RuntimeError(f"Code: {code}. DB::Exception: Made by the test. ({name})")
            answer = self.engine.run(statement, given)
        except Exception as error:  # noqa: BLE001  # Whatever the engine says is the answer.
            status, answer, headers = _exception(str(error))
        if faults.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if faults.cut == "after":
            self._reset()
            return
        self._answer(status, answer, headers, is_cut=faults.cut == "answer")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, is_cut: bool = False) -> None:
        self.send_response(status)
        for key, value in {"X-ClickHouse-Timezone": "UTC", "X-ClickHouse-Summary": "{}", **(headers or {})}.items():
            self.send_header(key, value)
        if is_cut:
            self.send_header("Content-Length", str(len(body) + 100))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self._reset()
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        """Close so that the other side sees a reset connection, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


def _exception(text: str) -> tuple[int, bytes, dict[str, str]]:
    found = _CODE.search(text)
    code = int(found[1]) if found else 1002
    status = 400 if code in _BAD_REQUEST else 404 if code in _NOT_FOUND else 500
    return status, (text + " (version 26.9.2.1)\n").encode(), {"X-ClickHouse-Exception-Code": str(code)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that was cut on purpose is no news."""


def main() -> None:
    folder, port = sys.argv[1:]
    _Handler.engine = Engine(folder)
    _Server(("127.0.0.1", int(port)), _Handler).serve_forever()


if __name__ == "__main__":
    main()
