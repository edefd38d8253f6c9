"""The warehouse: one ClickHouse database, embedded (chDB) or on a server, behind one small door.

Owns the connections, their limits and the `.sql` files. Blocking and safe to use from several
threads. Must not see a network address: nothing that reaches it holds one.
"""

import fcntl
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, ProgrammingError
from urllib3.exceptions import HTTPError

from firmly.model import FirmlyError
from firmly.warehouse.clients import Clients
from firmly.warehouse.condition_sql import compile_condition
from firmly.warehouse.conditions import Condition, comparisons, is_hard
from firmly.warehouse.migrations import migrate
from firmly.warehouse.ordering import Sorting, ordered
from firmly.warehouse.statements import statement

READ_SETTINGS: dict[str, Any] = {
    "max_threads": 2,
    "max_memory_usage": 2 * 2**30,
    "max_execution_time": 20,
    # A filter by what a team says of leads names them one by one.
    "max_query_size": 16 * 2**20,
}
"""Bounds of a page's query: a careless distinct count over years must not take the machine."""

INSERT_SETTINGS: dict[str, Any] = {
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "input_format_skip_unknown_fields": 1,
    "input_format_parallel_parsing": 0,
    "max_threads": 1,
    # Servers may queue inserts and confirm them as part of others; a segment is one block of its own.
    "async_insert": 0,
    # No confirmation before the end: an error after the first bytes of an answer would be overlooked.
    "wait_end_of_query": 1,
}
EXPORT_SETTINGS: dict[str, Any] = {
    "max_threads": 2,
    "max_memory_usage": 2 * 2**30,
    "max_execution_time": 300,
    # Beyond these a part of the work goes to ClickHouse's own temporary files.
    "max_bytes_before_external_group_by": 256 * 2**20,
    "max_bytes_before_external_sort": 256 * 2**20,
    "engine_file_truncate_on_insert": 1,
    # No answer before the end: an error after the first bytes of a file would be overlooked.
    "wait_end_of_query": 1,
}
"""Bounds of a statement that writes a file, which may be much and has time."""

READERS = 4
EXPORTERS = 1
"""Files at once: each may take as much memory as all pages."""
EXPORT_WAIT_S = 60
CONDITIONS = 2
"""Statements with somebody's filter at once, so that readers are left for all others."""
CONDITION_TIME_S = 6
EMBEDDED_WRITERS = 2
"""Inserts at once in this process, which has visitors to answer beside them."""
SERVER_WRITERS = 6

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
EXPORT_TIMEOUT_S = 330
INSERT_TIMEOUT_S = 60
"""An insert that a server still works on is sent again after this; under the same token it counts once."""

Rows = Callable[[str, Mapping[str, object]], list[dict[str, Any]]]
"""Answers a named query with bound parameters, as `Warehouse.rows` does: here, or through a process that runs."""

_CODE = re.compile(r"Code: (\d+)")


REFUSING_CODES = frozenset({6, 25, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 349, 467})
"""ClickHouse's error codes that blame the data (cannot parse, out of bounds, wrong type); every
other code - memory, read-only, timeout, too many parts - may pass and is tried again.
Source: src/Common/ErrorCodes.cpp of ClickHouse."""

PASSING_CODES = frozenset({159, 160, 202, 209, 210, 236, 241, 242, 279, 394, 439, 497, 516, 745})
"""Error codes of a query that blame the server's state, not the query: too slow, too busy, out of
memory, shutting down, not letting us in."""


BAD_PATTERN_CODE = 427
_PATTERN_ERROR = re.compile(r", error(: [^.]{1,200})\. ")
TOO_HARD_CODES = frozenset({159, 160, 241})
"""Of a statement with a condition: too slow, estimated too slow, too much memory."""
TOO_LONG_CODES = frozenset({62, 167, 168, 306})
"""Of a statement with a condition: too long, nested too deep, of too many parts."""
CONDITION = "/* condition */ 1"
"""Where a statement takes what a list is filtered by."""


class ConditionError(Exception):
    """A condition cannot be used as it is; says what was expected."""


class WarehouseRefusedError(Exception):
    """ClickHouse answered and refused the lines; sending them again unchanged cannot help."""


class WarehouseUnavailableError(Exception):
    """ClickHouse is away or in trouble; the same insert or query may succeed later."""


class Warehouse:
    """Reads by named query, inserts by segment. Made by `open_embedded` or `open_server`.

    Connects when it is first used: a collector starts, and takes events, while its server is away.
    """

    def __init__(
        self,
        connect: Callable[[dict[str, Any]], Client],
        prepare: Callable[[], None],
        writers: int,
        write_file: Callable[[Client, str, Mapping[str, object], Path], None],
        condition_time_s: float = CONDITION_TIME_S,
    ) -> None:
        """``prepare`` brings the database and its tables up to date; it is called until it succeeds once.

        ``writers`` is how many inserts may run at once, ``write_file`` how a statement's rows become a file here,
        ``condition_time_s`` how long a statement with a filter may take.
        """
        self.writers = writers
        self._condition_time_s = condition_time_s
        self._prepare = prepare
        self._is_open = False
        self._opening = threading.Lock()
        self._conditions = threading.BoundedSemaphore(CONDITIONS)
        self._writers = Clients(lambda: connect(INSERT_SETTINGS), writers)
        self._readers = Clients(lambda: connect(READ_SETTINGS), READERS)
        self._side = ThreadPoolExecutor(READERS - 1, "warehouse")
        self._write_file = write_file
        self._exporting = threading.BoundedSemaphore(EXPORTERS)
        self._exporters = Clients(lambda: connect(EXPORT_SETTINGS), EXPORTERS)

    def open(self) -> None:
        """Connect for the first time and migrate, unless that is done. Every other method does so too.

        Raises:
            WarehouseUnavailableError: the server does not answer, or refuses.
        """
        if self._is_open:
            return
        if not self._opening.acquire(timeout=CONNECT_TIMEOUT_S):
            raise WarehouseUnavailableError("the first connection is still waited for")
        try:
            if not self._is_open:
                with _troubles_named(lambda _error: True):
                    self._prepare()
                self._is_open = True
        finally:
            self._opening.release()

    def rows(self, query: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        """Run ``queries/<query>.sql`` with bound parameters and return its rows by column name.

        Raises:
            WarehouseUnavailableError: the server is away, or in a state that may pass.
        """
        self.open()
        with _troubles_named(_may_pass), self._reader() as client:
            return list(client.query(statement(query), parameters=dict(parameters)).named_results())

    def rows_that(
        self,
        condition: Condition,
        query: str,
        parameters: Mapping[str, object],
        sorting: Sorting | None = None,
    ) -> list[dict[str, Any]]:
        """Run a query like `rows`, with ``condition`` in the place of the statement's `CONDITION`, in an order.

        Somebody's filter may be hard work: it has less time, and such ones never have all readers.

        Raises:
            ConditionError: ClickHouse cannot read a regular expression of the condition, or it takes too long.
            WarehouseUnavailableError: the server is away, in a state that may pass, or at work on others' filters.
        """
        self.open()
        compiled = compile_condition(condition)
        text = statement(query)
        if sorting is not None:
            text = ordered(text, sorting)
        text = text.replace(CONDITION, compiled.sql)
        is_work = any(map(is_hard, comparisons(condition)))
        if is_work and not self._conditions.acquire(timeout=self._condition_time_s):
            raise WarehouseUnavailableError("the filters of others are still at work")
        try:
            with _troubles_named(_may_pass), self._reader() as client:
                given = {**parameters, **compiled.parameters}
                limit = {"max_execution_time": self._condition_time_s}
                return list(client.query(text, given, settings=limit).named_results())
        except WarehouseUnavailableError as error:
            if _code_in(str(error)) in TOO_HARD_CODES:
                what = "less work" if any(True for _ in comparisons(condition)) else "fewer days"
                raise ConditionError(f"{what}: it takes too long") from None
            raise
        except ClickHouseError as error:
            if _code_of(error) == BAD_PATTERN_CODE:
                wrong = _PATTERN_ERROR.search(str(error))
                raise ConditionError(f"a regular expression of RE2{wrong[1] if wrong else ''}") from None
            if _code_of(error) in TOO_LONG_CODES:
                raise ConditionError("less: with the feeds that it names it has too many parts") from None
            raise
        finally:
            if is_work:
                self._conditions.release()

    def side_by_side(self, *questions: Callable[[], Any]) -> tuple[Any, ...]:
        """Return the answers to several questions, which are asked at once. None of them may itself ask so.

        Raises what the first of them raises.
        """
        first, *others = questions
        try:
            asked = [self._side.submit(question) for question in others]
        except RuntimeError:  # Closed: who asks now asks a server that stops.
            raise WarehouseUnavailableError("it was closed") from None
        return first(), *(one.result() for one in asked)

    def write_parquet(self, query: str, parameters: Mapping[str, object], to: Path) -> None:
        """Write the rows of ``queries/<query>.sql`` to the file ``to``, which is there already, as Parquet.

        It is written a piece at a time, whatever its size, and holds everything or is to be thrown away.

        Raises:
            WarehouseUnavailableError: the server is away, in a state that may pass, or at work on others' files.
        """
        self.open()
        if not self._exporting.acquire(timeout=EXPORT_WAIT_S):
            raise WarehouseUnavailableError("the files of others are still being written")
        try:
            with _troubles_named(_may_pass), self._exporters.one() as client:
                self._write_file(client, statement(query), parameters, to)
        finally:
            self._exporting.release()

    def insert(self, table: str, lines: bytes, token: str) -> None:
        """Insert newline-delimited JSON; the same ``token`` again changes no table and no view.

        On return the rows are on disk. Up to ``writers`` threads insert at once; more wait.

        Raises:
            WarehouseRefusedError: a line does not parse or does not fit the table. Nothing is stored.
            WarehouseUnavailableError: anything else went wrong; nothing is known to be stored.
        """
        self.open()
        if is_damaged(lines):
            raise WarehouseRefusedError("Damaged: it holds zero bytes or is not UTF-8, which is never written")
        with _troubles_named(lambda _error: True), self._writers.one() as client:
            try:
                client.raw_insert(
                    table, insert_block=lines, fmt="JSONEachRow", settings={"insert_deduplication_token": token}
                )
            except ClickHouseError as error:
                if _code_of(error) in REFUSING_CODES:
                    raise WarehouseRefusedError(_shortened(error)) from None
                raise

    def is_reachable(self) -> bool:
        """Tell whether it answers now. Raises nothing."""
        try:
            self.open()
            with _troubles_named(lambda _error: True), self._reader() as client:
                return bool(client.ping())
        except WarehouseUnavailableError:
            return False

    def close(self) -> None:
        self._side.shutdown(wait=False, cancel_futures=True)
        self._writers.close()
        self._readers.close()
        self._exporters.close()

    def _reader(self) -> AbstractContextManager[Client]:
        return self._readers.one()


def is_damaged(lines: bytes) -> bool:
    """Tell whether a disk has spoilt ``lines``, as far as that shows in single characters.

    ClickHouse stores such text; and where it does not, its complaint quotes the line, is no UTF-8 and cannot be read.
    """
    if b"\0" in lines:
        return True
    try:
        return not (lines.isascii() or lines.decode())
    except UnicodeDecodeError:
        return True


def open_embedded(
    folder: Path,
    database: str = "firmly",
    extra_table_settings: dict[str, str] | None = None,
    condition_time_s: float = CONDITION_TIME_S,
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
        _prepare(connect, database, extra_table_settings or {})
    except DatabaseError as error:
        if "EmbeddedServer" in str(error) and _is_held(folder):
            raise FirmlyError(f"{folder}: another process holds this warehouse; stop it first") from None
        raise
    return Warehouse(connect, lambda: None, EMBEDDED_WRITERS, _write_here, condition_time_s)


def _is_held(folder: Path) -> bool:
    """Tell whether another process has the lock by which chDB owns a folder; chDB says so only on standard error."""
    with (folder / "status").open() as status:
        try:
            fcntl.flock(status, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def open_server(url: str, database: str = "firmly") -> Warehouse:
    """Return the warehouse at ``url`` (http or https, with user and password). Connects on first use."""

    def connect(settings: dict[str, Any], name: str = database) -> Client:
        return clickhouse_connect.get_client(
            dsn=url,
            # TRICKY: without it clickhouse-connect speaks plain http to https://clickhouse.example:9443.
            interface=urlsplit(url).scheme,
            database=name,
            settings=settings,
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=_timeout_s(settings),
            # A session would stay locked by an insert whose answer was lost. Settings go with each request.
            autogenerate_session_id=False,
        )

    return Warehouse(connect, lambda: _prepare(connect, database, {}), SERVER_WRITERS, _write_received)


def _timeout_s(settings: dict[str, Any]) -> int:
    if settings is EXPORT_SETTINGS:
        return EXPORT_TIMEOUT_S
    return READ_TIMEOUT_S if settings is READ_SETTINGS else INSERT_TIMEOUT_S


def _write_here(client: Client, text: str, parameters: Mapping[str, object], to: Path) -> None:
    """Let the engine in this process write: through the client it would hold the whole file in memory first."""
    client.command("insert into function file({to:String}, Parquet)\n" + text, {**parameters, "to": str(to)})


def _write_received(client: Client, text: str, parameters: Mapping[str, object], to: Path) -> None:
    answer = cast("IO[bytes]", client.raw_stream(text, dict(parameters), fmt="Parquet"))
    try:
        with closing(answer) as received, to.open("wb") as file:
            shutil.copyfileobj(received, file, 2**20)
    except HTTPError as error:
        raise WarehouseUnavailableError(f"the answer broke off ({type(error).__name__})") from None


def _prepare(connect: Callable[..., Client], database: str, extra_table_settings: dict[str, str]) -> None:
    with closing(connect({}, "default")) as first:
        first.command(f"create database if not exists {database}")
    with closing(connect({})) as client:
        client.command(
            "create table if not exists migrations (number UInt32, name String, applied_at DateTime('UTC')) "
            "engine = MergeTree order by number"
        )
        applied = {int(row[0]) for row in client.query("select number from migrations").result_rows}
        migrate(client, applied, extra_table_settings)


@contextmanager
def _troubles_named(is_trouble: Callable[[ClickHouseError], bool]) -> Iterator[None]:
    """Raise WarehouseUnavailableError for what ``is_trouble``; a defect of ours stays what it is."""
    try:
        yield
    except ClickHouseError as error:
        if is_trouble(error):
            raise WarehouseUnavailableError(_shortened(error)) from None
        raise


def _may_pass(error: ClickHouseError) -> bool:
    code = _code_of(error)
    return not isinstance(error, ProgrammingError) if code is None else code in PASSING_CODES


def _code_of(error: ClickHouseError) -> int | None:
    return _code_in(str(error))


def _code_in(text: str) -> int | None:
    found = _CODE.search(text)
    return int(found[1]) if found else None


def _shortened(error: ClickHouseError) -> str:
    """Keep ClickHouse's own sentence, or the operating system's; it names columns, and our lines hold no address."""
    reason = getattr(error.__cause__, "reason", error.__cause__)
    text = str(error)
    if _code_of(error) is not None:
        text = text[text.index("Code: ") :]
    elif reason is not None:
        text = f"{type(reason).__name__}: {str(reason).rpartition('>: ')[2]}"
    for ending in ("(in file", "(version", "(for url"):
        text = text.split(ending)[0]
    return text.strip()[:500]
