"""The warehouse: one ClickHouse database, embedded (chDB) or on a server, behind one small door.

Owns the connections, their limits and the `.sql` files. Blocking and safe to use from several
threads. Must not see a network address: nothing that reaches it holds one.
"""

import fcntl
import queue
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from firmly.model import FirmlyError
from firmly.warehouse.migrations import migrate

READ_SETTINGS: dict[str, Any] = {
    "max_threads": 2,
    "max_memory_usage": 2 * 2**30,
    "max_execution_time": 20,
}
"""Bounds of a page's query: a careless distinct count over years must not take the machine."""

INSERT_SETTINGS: dict[str, Any] = {
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "input_format_skip_unknown_fields": 1,
    "max_threads": 1,
}
READERS = 4

_CODE = re.compile(r"Code: (\d+)")


REFUSING_CODES = frozenset({6, 25, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 349, 467})
"""ClickHouse's error codes that blame the data (cannot parse, out of bounds, wrong type); every
other code - memory, read-only, timeout, too many parts - may pass and is tried again.
Source: src/Common/ErrorCodes.cpp of ClickHouse."""


class WarehouseRefusedError(Exception):
    """ClickHouse answered and refused the lines; sending them again unchanged cannot help."""


class WarehouseUnavailableError(Exception):
    """ClickHouse is away or in trouble; the same insert may succeed later."""


class Warehouse:
    """Reads by named query, inserts by segment. Made by `open_embedded` or `open_server`."""

    def __init__(self, connect: Callable[[dict[str, Any]], Client]) -> None:
        self._writer = connect(INSERT_SETTINGS)
        self._readers: queue.LifoQueue[Client] = queue.LifoQueue()
        for _ in range(READERS):
            self._readers.put(connect(READ_SETTINGS))

    def rows(self, query: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        """Run ``queries/<query>.sql`` with bound parameters and return its rows by column name."""
        with self._reader() as client:
            return list(client.query(_query_text(query), parameters=dict(parameters)).named_results())

    def insert(self, table: str, lines: bytes, token: str) -> None:
        """Insert newline-delimited JSON; the same ``token`` again changes no table and no view.

        For one writer at a time. On return the rows are on disk.

        Raises:
            WarehouseRefusedError: a line does not parse or does not fit the table.
            WarehouseUnavailableError: anything else went wrong; nothing is known to be stored.
        """
        try:
            self._writer.raw_insert(
                table, insert_block=lines, fmt="JSONEachRow", settings={"insert_deduplication_token": token}
            )
        except ClickHouseError as error:
            code = _CODE.search(str(error))
            refused = code is not None and int(code[1]) in REFUSING_CODES
            raise (WarehouseRefusedError if refused else WarehouseUnavailableError)(_shortened(error)) from None

    def is_reachable(self) -> bool:
        with self._reader() as client:
            return bool(client.ping())

    def close(self) -> None:
        self._writer.close()
        while not self._readers.empty():
            self._readers.get_nowait().close()

    @contextmanager
    def _reader(self) -> Iterator[Client]:
        client = self._readers.get()
        try:
            yield client
        finally:
            self._readers.put(client)


def open_embedded(
    folder: Path, database: str = "firmly", extra_table_settings: dict[str, str] | None = None
) -> Warehouse:
    """Open chDB in ``folder``, making and migrating ``database`` as needed.

    One folder per process, and one process per folder. ``extra_table_settings`` is for proofs
    that write uncompressed.

    Raises:
        FirmlyError: another process holds the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def connect(settings: dict[str, Any], name: str = database) -> Client:
        return clickhouse_connect.get_client(interface="chdb", path=str(folder), database=name, settings=settings)

    try:
        return _open(connect, database, extra_table_settings or {})
    except DatabaseError as error:
        if "EmbeddedServer" in str(error) and _is_held(folder):
            raise FirmlyError(f"{folder}: another process holds this warehouse; stop it first") from None
        raise


def _is_held(folder: Path) -> bool:
    """Tell whether another process has the lock by which chDB owns a folder; chDB says so only on standard error."""
    with (folder / "status").open() as status:
        try:
            fcntl.flock(status, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def open_server(url: str, database: str = "firmly") -> Warehouse:
    """Open the ClickHouse server at ``url`` (http or https, with user and password)."""

    def connect(settings: dict[str, Any], name: str = database) -> Client:
        return clickhouse_connect.get_client(dsn=url, database=name, settings=settings)

    return _open(connect, database, {})


def _open(connect: Callable[..., Client], database: str, extra_table_settings: dict[str, str]) -> Warehouse:
    first = connect({}, "default")
    first.command(f"create database if not exists {database}")
    first.close()
    client = connect({})
    client.command(
        "create table if not exists migrations (number UInt32, name String, applied_at DateTime('UTC')) "
        "engine = MergeTree order by number"
    )
    applied = {int(row[0]) for row in client.query("select number from migrations").result_rows}
    migrate(client, applied, extra_table_settings)
    client.close()
    return Warehouse(connect)


@cache
def _query_text(name: str) -> str:
    return (files("firmly.warehouse") / "queries" / f"{name}.sql").read_text()


def _shortened(error: ClickHouseError) -> str:
    """Keep ClickHouse's own sentence; it names columns, and our lines hold no address."""
    return str(error).split("(in file")[0].split("(version")[0].strip()[:500]
