"""Files that ClickHouse writes: whole or not at all, one at a time, and what goes wrong is told."""

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from firmly.warehouse import store as warehouse_store
from firmly.warehouse.store import EXPORT_SETTINGS, Warehouse, WarehouseUnavailableError, open_server
from tests.faults.clickhouse import ClickHouseServer, clickhouse
from tests.served import free_port

NOTHING: dict[str, Any] = {
    "workspace_id": 1,
    "first_day": date(2026, 3, 1),
    "last_day": date(2026, 3, 31),
    "today": date(2026, 3, 31),
    "site_ids": [],
    "site_keys": [],
    "hidden": [],
    "merged": [],
    "kept": [],
    "said_ids": [],
    "said_name": [],
    "said_domain": [],
    "said_country": [],
    "said_kind": [],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.parquet"
    path.touch(0o600)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    with clickhouse(tmp_path_factory.mktemp("parquet") / "clickhouse") as server:
        server.start()
        yield server


def write(warehouse: Warehouse, path: Path) -> None:
    warehouse.write_parquet("visits_of_month", NOTHING, path)


def test_file_keeps_its_mode_and_is_replaced_whole(empty: Warehouse, path: Path) -> None:
    path.write_bytes(b"x" * 1_000_000)
    write(empty, path)
    assert (path.stat().st_mode & 0o777, pq.read_table(path).num_rows) == (0o600, 0)


def test_statement_is_bounded(empty: Warehouse) -> None:
    with empty._exporters.one() as client:
        for key, value in EXPORT_SETTINGS.items():
            if key != "wait_end_of_query":
                found = client.query(f"select value from system.settings where name = '{key}'").result_rows
                assert list(found) == [(str(value),)], key


def test_one_file_is_written_at_a_time(empty: Warehouse, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse_store, "EXPORT_WAIT_S", 0.05)
    begun, go_on = threading.Event(), threading.Event()

    def slowly(*_: object) -> None:
        begun.set()
        assert go_on.wait(20)

    monkeypatch.setattr(empty, "_write_file", slowly)
    first = threading.Thread(target=write, args=(empty, path))
    first.start()
    assert begun.wait(20)
    with pytest.raises(WarehouseUnavailableError, match="the files of others"):
        write(empty, path)
    go_on.set()
    first.join()
    write(empty, path)


def test_server_that_is_away_is_told(path: Path) -> None:
    warehouse = open_server(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(WarehouseUnavailableError, match="Connection refused"):
        write(warehouse, path)
    warehouse.close()


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"on": "any", "error": "241 MEMORY_LIMIT_EXCEEDED"}, "Code: 241"),
        ({"on": "any", "cut": "answer"}, "broke off|aborted|Incomplete|reset"),
    ],
    ids=["memory", "cut"],
)
def test_server_that_fails_midway_leaves_no_half_file_unnoticed(
    server: ClickHouseServer, path: Path, faults: dict[str, Any], said: str
) -> None:
    warehouse = open_server(server.url)
    warehouse.open()
    write(warehouse, path)
    server.break_with(**faults)
    try:
        with pytest.raises(WarehouseUnavailableError, match=said):
            write(warehouse, path)
    finally:
        server.break_with()
    write(warehouse, path)
    assert pq.read_table(path).num_rows == 0
    warehouse.close()
