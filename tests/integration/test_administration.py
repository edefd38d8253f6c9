"""Commands that read the warehouse while a server holds it."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from firmly.app.administration import SOCKET, Administration, rows_beside
from firmly.model import FirmlyError
from firmly.warehouse.store import Warehouse
from tests.collector import Collector

pytestmark = pytest.mark.anyio

Run = Callable[..., AbstractAsyncContextManager[Collector]]


async def dry_run(data_dir: Path, rules: Path) -> str:
    command = (sys.executable, "-m", "firmly.cli", "orgs", "overrides", str(rules), "--dry-run")
    environ = {**os.environ, "FIRMLY_DATA_DIR": str(data_dir)}
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    return said.decode()


async def test_rules_are_tried_on_the_history_that_a_running_server_holds(run: Run, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    async with run() as collector:
        await collector.post(token=await collector.token())
        [row] = await collector.events()
        rules.write_text(f'[[rule]]\nasn = {row["org_asn"]}\nis = "own_staff"\n')
        said = await dry_run(collector.firmly.settings.data_dir, rules)
    assert f"{row['org_name']} (AS{row['org_asn']}, 1 visits) -> not shown (own_staff)" in said


async def test_socket_is_the_owners_alone_and_goes_with_the_server(
    tmp_path: Path, new_warehouse: Callable[[], Warehouse]
) -> None:
    warehouse = new_warehouse()
    administration = Administration(tmp_path, warehouse.rows)
    assert rows_beside(tmp_path) is None
    await administration.start()
    assert (tmp_path / SOCKET).stat().st_mode & 0o777 == 0o600
    rows = rows_beside(tmp_path)
    assert rows is not None
    with pytest.raises(FirmlyError, match="could not answer"):
        await asyncio.to_thread(rows, "no_such_query", {})
    parameters = {"workspace_id": 1, "first_day": "2026-11-01", "today": "2026-11-20"}
    assert await asyncio.to_thread(rows, "holders", parameters) == []
    await administration.stop()
    warehouse.close()
    assert (rows_beside(tmp_path), list(tmp_path.iterdir())) == (None, [])


async def test_socket_of_a_server_that_was_killed_is_taken_over(
    tmp_path: Path, new_warehouse: Callable[[], Warehouse]
) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(tmp_path / SOCKET))
    assert rows_beside(tmp_path) is None
    warehouse = new_warehouse()
    administration = Administration(tmp_path, warehouse.rows)
    await administration.start()
    assert rows_beside(tmp_path) is not None
    await administration.stop()
    warehouse.close()


async def test_server_starts_where_the_path_is_too_long_for_a_socket(
    tmp_path: Path, new_warehouse: Callable[[], Warehouse]
) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    warehouse = new_warehouse()
    administration = Administration(deep, warehouse.rows)
    await administration.start()
    assert rows_beside(deep) is None
    await administration.stop()
    warehouse.close()
