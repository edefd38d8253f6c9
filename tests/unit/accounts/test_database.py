"""Transactions, rights of the file, and times, on real databases."""

import stat
import threading
import traceback
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from firmly.accounts.database import ControlPlane, open_control_plane
from firmly.accounts.tables import WorkspaceRow
from firmly.model import FirmlyError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def workspace(name: str = "Acme", at: datetime = NOW) -> WorkspaceRow:
    return WorkspaceRow(name=name, time_zone="UTC", created_at=at)


def names(control_plane: ControlPlane) -> list[str]:
    with control_plane.reading() as db:
        return list(db.scalars(select(WorkspaceRow.name).order_by(WorkspaceRow.id)))


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10_000)],
)
def test_connection_every_one_is_prepared(sqlite: ControlPlane, pragma: str, value: object) -> None:
    with sqlite.connection() as first, sqlite.reading() as second:
        assert first.exec_driver_sql(f"pragma {pragma}").scalar() == value
        assert second.connection().exec_driver_sql(f"pragma {pragma}").scalar() == value


def test_file_readable_by_its_owner_only(sqlite: ControlPlane, tmp_path: Path) -> None:
    with sqlite.session() as db:
        db.add(workspace())
    rights = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert rights == dict.fromkeys(("accounts.sqlite", "accounts.sqlite-wal", "accounts.sqlite-shm"), 0o600)


def test_session_commits_at_its_end(control_plane: ControlPlane) -> None:
    with control_plane.session() as db:
        db.add(workspace())
    assert names(control_plane) == ["Acme"]


def test_session_rolls_everything_back_on_an_exception(control_plane: ControlPlane) -> None:
    def fail_halfway() -> None:
        with control_plane.session() as db:
            db.add(workspace())
            db.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert names(control_plane) == []


def test_reading_keeps_nothing(control_plane: ControlPlane) -> None:
    with control_plane.reading() as db:
        db.add(workspace())
        db.flush()
    assert names(control_plane) == []


def test_reading_goes_on_while_another_writes(control_plane: ControlPlane) -> None:
    with control_plane.session() as db:
        db.add(workspace())
        db.flush()
        assert names(control_plane) == []
    assert names(control_plane) == ["Acme"]


def test_session_read_then_write_in_many_threads_loses_no_update(control_plane: ControlPlane) -> None:
    """Each thread names its row after the count it read: a stale read would give a name twice."""

    def append() -> None:
        for _ in range(10):
            with control_plane.session() as db:
                count = db.scalar(select(func.count()).select_from(WorkspaceRow))
                db.add(workspace(str(count)))

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(control_plane) == [str(number) for number in range(40)]


def test_ids_are_never_given_twice(control_plane: ControlPlane) -> None:
    """The warehouse may still hold rows of a deleted workspace."""
    with control_plane.session() as db:
        first = workspace()
        db.add(first)
    with control_plane.session() as db:
        db.execute(delete(WorkspaceRow))
    with control_plane.session() as db:
        second = workspace()
        db.add(second)
    assert second.id > first.id


def test_time_comes_back_aware_and_in_utc(control_plane: ControlPlane) -> None:
    with control_plane.session() as db:
        db.add(workspace(at=datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))))
    with control_plane.reading() as db:
        at = db.scalars(select(WorkspaceRow.created_at)).one()
    assert (at, at.tzinfo) == (NOW, UTC)


def test_time_without_zone_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(StatementError, match="without its zone"), control_plane.session() as db:
        db.add(workspace(at=NOW.replace(tzinfo=None)))


def test_error_of_the_database_shows_no_values(control_plane: ControlPlane) -> None:
    with pytest.raises(IntegrityError) as caught, control_plane.session() as db:
        db.add(WorkspaceRow(name="secret name", time_zone=None, created_at=NOW))
    told = "".join(traceback.format_exception(caught.value))
    assert ("secret name" in told, "not null" in told.lower() or "23502" in told) == (False, True)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:////nowhere/at/all.sqlite", "No such file"),
        ("not an address hunter2", "FIRMLY_DATABASE_URL"),
        ("nosuch://user:hunter2@host/base", "FIRMLY_DATABASE_URL"),
        ("mysql+nosuchdriver://user:hunter2@host/base", "FIRMLY_DATABASE_URL"),
    ],
)
def test_open_address_that_cannot_be_used_says_why(url: str, message: str) -> None:
    with pytest.raises(FirmlyError, match=message) as caught:
        open_control_plane(url)
    assert "hunter2" not in str(caught.value)


def test_open_before_migration_has_no_tables(tmp_path: Path) -> None:
    control_plane = open_control_plane(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(OperationalError, match="no such table"):
        names(control_plane)
    control_plane.close()
