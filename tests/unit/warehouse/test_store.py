"""The door to ClickHouse: what it refuses and what may pass, its limits, its `.sql` files."""

import re
import socket
import subprocess
import sys
import threading
import uuid
from functools import partial
from importlib.resources import files
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from firmly.model import FirmlyError
from firmly.warehouse.statements import with_pieces
from firmly.warehouse.store import (
    READ_SETTINGS,
    READERS,
    Warehouse,
    WarehouseRefusedError,
    WarehouseUnavailableError,
    open_server,
)
from tests.served import free_port
from tests.unit.warehouse.conftest import lines, select, sums

QUERIES = sorted(
    (entry.name, entry.read_text())
    for entry in (files("firmly.warehouse") / "queries").iterdir()
    if entry.name.endswith(".sql")
)


@pytest.mark.parametrize(("name", "text"), QUERIES, ids=[name for name, _ in QUERIES])
def test_query_says_what_it_is_and_asks_for_the_workspace_first(name: str, text: str) -> None:
    comment, _, statement = text.partition("\nselect")
    assert re.match(r"-- [A-Z]", comment)
    assert "\n-- parameters: workspace_id" in comment
    assert "\n-- columns: " in comment
    whole = with_pieces(statement)
    tables = re.findall(r"\bfrom\s+[a-z]\w*", whole)
    wheres = re.findall(r"\bfrom\s+[a-z]\w*\s+(?:pre)?where\s+(\S+ = \S+)", whole)
    assert wheres
    assert set(wheres) == {"workspace_id = {workspace_id:UInt32}"}
    assert len(tables) == len(wheres), "a from without its where"
    bound = set(re.findall(r"\{(\w+):", statement))
    assert bound == {word for word in bound if word in comment}, "every parameter is in the header"
    assert ";" not in statement
    assert "%(" not in statement


def token() -> str:
    return uuid.uuid4().hex


@pytest.mark.parametrize("line", [b"bad", b'{"org_id": "x"}', b'{"day": 5.5}'])
def test_line_that_does_not_fit_is_refused(empty: Warehouse, line: bytes) -> None:
    with pytest.raises(WarehouseRefusedError, match="Code: "):
        empty.insert("events", line + b"\n", token())
    assert sums(empty)["events"][0]["n"] == 0


def test_missing_table_is_trouble_and_not_the_lines_fault(empty: Warehouse) -> None:
    with pytest.raises(WarehouseUnavailableError, match="Code: 60"):
        empty.insert("nosuchtable", lines(1)[0] + b"\n", token())


def test_error_of_the_connection_is_trouble() -> None:
    """Without a code of ClickHouse's nothing is known about the lines."""
    warehouse = open_server(f"http://127.0.0.1:{free_port()}")
    for use in (
        lambda: warehouse.insert("events", lines(1)[0], token()),
        lambda: warehouse.rows("coverage", {}),
        warehouse.open,
    ):
        with pytest.raises(WarehouseUnavailableError, match="Connection refused"):
            use()
    assert not warehouse.is_reachable()
    warehouse.close()


def test_columns_that_an_older_release_does_not_know_are_skipped(empty: Warehouse) -> None:
    empty.insert("events", lines(1)[0].replace(b'"batch"', b'"a_newer_column"') + b"\n", token())
    assert sums(empty)["events"][0]["n"] == 1


def test_same_token_counts_once_and_another_again(empty: Warehouse) -> None:
    tokens = token(), token()
    block = b"\n".join(lines(3)) + b"\n"
    for number in (0, 0, 1, 0, 1):
        empty.insert("events", block, tokens[number])
    assert sums(empty)["events"] == [{"n": 6, "ms": 14}]
    assert sum(row["ms"] for row in sums(empty)["org_days"]) == 14


def test_readers_are_bounded(empty: Warehouse) -> None:
    for key, value in READ_SETTINGS.items():
        found = select(empty, f"select value from system.settings where name = '{key}'")
        assert found == [{"value": str(value)}]


def test_query_over_its_memory_fails_and_the_next_one_works(empty: Warehouse) -> None:
    with empty._reader() as reader, pytest.raises(ClickHouseError, match=r"MEMORY_LIMIT|memory limit"):
        reader.query("select groupArray(number) from numbers(1000000)", settings={"max_memory_usage": 1_000_000})
    assert select(empty, "select 1 as one") == [{"one": 1}]


def test_more_threads_than_readers_wait_for_their_turn(empty: Warehouse) -> None:
    found: list[list[dict[str, object]]] = []
    threads = [
        threading.Thread(target=lambda: found.append(select(empty, "select sum(number) as n from numbers(100000)")))
        for _ in range(3 * READERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[{"n": 4999950000}]] * 3 * READERS


def test_named_query_binds_its_parameters(empty: Warehouse) -> None:
    parameters = {"workspace_id": 1, "site_id": 0, "first_day": "2026-03-31", "last_day": "2026-03-31"}
    record = b'{"workspace_id": 1, "site_id": 3, "hour": "2026-03-31 09:00:00", "outcome": "bot", "pageviews": 2}'
    empty.insert("coverage_hours", record, token())
    assert empty.rows("coverage", parameters) == [{"outcome": "bot", "pageviews": 2}]
    assert empty.rows("coverage", parameters | {"workspace_id": 2}) == []


SECOND_PROCESS = """
import sys
from pathlib import Path
from firmly.warehouse.store import open_embedded
open_embedded(Path(sys.argv[1]))
"""


def test_second_process_on_the_same_folder_is_refused_in_plain_words(empty: Warehouse, warehouse_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SECOND_PROCESS, str(warehouse_folder)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert f"{FirmlyError.__name__}: {warehouse_folder}: another process holds this warehouse" in done.stderr


def test_reachable(empty: Warehouse) -> None:
    assert empty.is_reachable()


def test_same_token_from_many_threads_at_once_counts_once(empty: Warehouse) -> None:
    """As when an insert is sent again while the server still works on the first."""
    block, same = b"\n".join(lines(3)) + b"\n", token()
    threads = [threading.Thread(target=empty.insert, args=("events", block, same)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums(empty)["events"] == [{"n": 3, "ms": 7}]
    assert sum(row["ms"] for row in sums(empty)["org_days"]) == 7
    assert sums(empty)["org_events"] == [{"n": 3, "ms": 7}]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_scheme_of_the_address_decides_whether_it_is_encrypted(scheme: str) -> None:
    """On any port; 0x16 begins a TLS handshake."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        warehouse = open_server(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=warehouse.is_reachable, daemon=True)
        thread.start()
        connection, _ = listener.accept()
        with connection:
            found = connection.recv(1)
    assert (found == b"\x16") == (scheme == "https")


def test_defect_of_ours_is_not_called_an_unavailable_warehouse(empty: Warehouse) -> None:
    with pytest.raises(ClickHouseError, match="Code: 456"):
        empty.rows("coverage", {})


def test_questions_side_by_side_are_answered_in_their_order_and_at_once(empty: Warehouse) -> None:
    together = threading.Barrier(3, timeout=10)

    def question(answer: str) -> str:
        together.wait()
        return answer

    def broken() -> None:
        raise WarehouseUnavailableError("away")

    assert empty.side_by_side(*(partial(question, answer) for answer in "abc")) == ("a", "b", "c")
    with pytest.raises(WarehouseUnavailableError, match="away"):
        empty.side_by_side(lambda: 1, broken)
