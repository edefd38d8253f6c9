"""The control plane's database: engine, transactions and migrations, on SQLite or PostgreSQL.

Owns how rows reach the disk, not what they mean: tables of other packages use `Base` too.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.engine import URL, Connection, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.types import TypeDecorator

from firmly.model import FirmlyError

_MIGRATIONS = "firmly.accounts:migrations"
_BUSY_TIMEOUT_MS = 10_000
_CONNECT_TIMEOUT_S = 5
_WRITE_LOCK = 0x4649524D
"""PostgreSQL's advisory lock of writers: a number that nobody else who uses the database takes."""
_WRITES = "firmly_writes"


class Base(DeclarativeBase):
    """What every table of the control plane derives from; constraints have names that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime that comes back aware and in UTC, also from SQLite, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a time without its zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ControlPlaneUnavailableError(FirmlyError):
    """The database does not answer, or is busy beyond waiting. What was to be written was not."""


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        if getattr(getattr(error, "orig", None), "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise  # A wrong statement or a missing table is our own fault and does not pass.
        raise ControlPlaneUnavailableError(
            f"the control plane's database (FIRMLY_DATABASE_URL) cannot be used right now: {type(error.orig).__name__}"
            if isinstance(error, DBAPIError)
            else "the control plane's database (FIRMLY_DATABASE_URL) is too busy right now"
        ) from error


class ControlPlane:
    """One database of workspaces, members, sites and consent records."""

    def __init__(self, engine: Engine, migrating: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**{_WRITES: True})
        self._migrating = migrating.execution_options(**{_WRITES: True})

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open one transaction that may write: committed at the end, rolled back on any exception.

        It holds the only write lock from its first statement on, so that what it read is still
        true when it writes. Keep it short; other writers wait at most 10 seconds.

        Raises:
            ControlPlaneUnavailableError: nothing was written.
        """
        with _answering(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open one transaction that only reads; it waits for no writer and always rolls back.

        Raises:
            ControlPlaneUnavailableError: the database does not answer.
        """
        with _answering(), Session(self._engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Open one writing transaction below the mapper: for checks of the schema."""
        with self._writing.begin() as connection:
            yield connection

    def check(self) -> None:
        """Ask the database for nothing. Raises ControlPlaneUnavailableError: it does not answer."""
        with self.reading() as db:
            db.execute(text("select 1"))

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to the newest revision, in one transaction. Harmless when it is there already.

        On SQLite foreign keys are off in it, or the making anew of a table would delete what refers to it.
        Source: sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes".

        Raises:
            FirmlyError: where the database does not answer, or was made by a newer Firmly; it is left as it is.
        """
        self.check()
        config = Config()
        config.set_main_option("script_location", _MIGRATIONS)
        try:
            with self._migrating.begin() as connection:
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, revision)
                _require_whole(connection)
        except CommandError as error:
            raise FirmlyError(f"the control plane's database does not fit this release of Firmly: {error}") from error

    def close(self) -> None:
        """Close all connections. Harmless when repeated."""
        self._engine.dispose()


def open_control_plane(url: str) -> ControlPlane:
    """Open the database at ``url``: ``sqlite:///path`` or ``postgresql+psycopg://...``; `migrate` makes its tables.

    A SQLite file that does not exist yet is made, readable by its owner only.

    Raises:
        FirmlyError: where the address cannot be used; its text, which may hold a password, is not shown.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return ControlPlane(_sqlite(parsed), _sqlite(parsed, keeps_references=False))
        engine = _server(parsed)
    except (ArgumentError, ValueError):  # A password with an odd character may be taken for the port, and quoted.
        raise FirmlyError("the database address does not parse: see FIRMLY_DATABASE_URL in docs/SETTINGS.md") from None
    except ModuleNotFoundError as error:
        raise FirmlyError(f"the database needs the Python package {error.name!r}, which is not installed") from None
    return ControlPlane(engine, engine)


def _server(url: URL) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": _CONNECT_TIMEOUT_S}
    )
    event.listen(engine, "begin", _begin_on_server)
    event.listen(engine, "handle_error", _hide_values)
    return engine


def _begin_on_server(connection: Connection) -> None:
    """Give PostgreSQL the two things that SQLite has by nature: one writer at a time, and readings of one moment."""
    if connection.get_execution_options().get(_WRITES, False):
        connection.exec_driver_sql(f"set local lock_timeout = {_BUSY_TIMEOUT_MS}")
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_WRITE_LOCK})")
    else:
        connection.exec_driver_sql("set transaction isolation level repeatable read")


def _hide_values(context: ExceptionContext) -> None:
    """Take the values out of what PostgreSQL says: it quotes the row that failed, with names and hashes."""
    error, diagnostics = context.original_exception, getattr(context.original_exception, "diag", None)
    if diagnostics is None or diagnostics.sqlstate is None:
        return
    said = " ".join(filter(None, (diagnostics.sqlstate, diagnostics.table_name, diagnostics.constraint_name)))
    error.args = (said,)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (f"{type(error).__name__} {said}",)


def _require_whole(connection: Connection) -> None:
    """Look whether every reference leads somewhere: SQLite did not watch while tables were made anew."""
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("pragma foreign_key_check").first():
        raise FirmlyError("the control plane's database holds references that lead nowhere; restore it from a backup")


def _sqlite(url: URL, *, keeps_references: bool = True) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise FirmlyError("the control plane needs a file: sqlite:///path (FIRMLY_DATABASE_URL)")
    _make_private(Path(str(url.database)))
    # Parameters hold e-mail addresses and password hashes: they may not reach a message or a log.
    engine = create_engine(url, hide_parameters=True, **({} if keeps_references else {"poolclass": NullPool}))
    event.listen(engine, "connect", _prepare)
    if keeps_references:
        event.listen(engine, "connect", _keep_references)
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(file: Path) -> None:
    """Make the file before SQLite does, since its journals take over the rights of the file."""
    try:
        file.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise FirmlyError(f"the control plane's file {file} cannot be opened: {error.strerror}") from None


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # TRICKY: Python's driver starts transactions by itself, late and not before DDL. With
    # `isolation_level = None` it leaves that to `_begin`, so that migrations roll back as a whole.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"pragma busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")
    # What is erased is overwritten, not only let go of: a proof and its nonce are gone from the file together.
    cursor.execute("pragma secure_delete = on")
    cursor.close()


def _keep_references(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("pragma foreign_keys = on")
    cursor.close()


def _begin(connection: Connection) -> None:
    # TRICKY: a deferred transaction that reads and then writes fails at once with SQLITE_BUSY when
    # another process wrote in between; no timeout helps. Hence writers take the lock first.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")
