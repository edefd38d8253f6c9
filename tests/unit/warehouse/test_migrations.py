"""The numbered files: applied once and in order, resumable, every table with the settings that durability needs."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from string import Template

import pytest

from firmly.warehouse.migrations import TABLE_SETTINGS, migrate
from firmly.warehouse.store import Warehouse, open_embedded
from tests.unit.warehouse.conftest import TABLES, lines, select, sums

MIGRATIONS = sorted(
    (entry.name, entry.read_text())
    for entry in (files("firmly.warehouse") / "migrations").iterdir()
    if entry.name.endswith(".sql")
)


def test_files_are_numbered_without_gaps() -> None:
    assert [int(name.split("_")[0]) for name, _ in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


@pytest.mark.parametrize(("name", "text"), MIGRATIONS, ids=[name for name, _ in MIGRATIONS])
def test_every_statement_may_run_again_and_every_table_begins_with_its_workspace(name: str, text: str) -> None:
    created = re.findall(r"^create (?:table|materialized view|view)(.*)$", text, re.MULTILINE)
    altered = re.findall(r"^alter table \w+ (.*)$", text, re.MULTILINE)
    assert created or altered
    assert all(rest.startswith(("add column if not exists", "modify query")) for rest in altered), name
    assert all(rest.startswith(" if not exists ") for rest in created), name
    for columns in re.findall(r"^create table if not exists \w+\n\(\n(.*?)\n\)", text, re.MULTILINE | re.DOTALL):
        assert columns.split()[0] == "workspace_id"
    assert (
        text.count("\norder by (workspace_id,")
        == text.count("create table ")
        == len(re.findall(r"^settings \$table_settings[;,]", text, re.MULTILINE))
    )
    assert text.startswith("-- ")


def test_every_table_has_the_settings_that_durability_and_counting_once_need(empty: Warehouse) -> None:
    tables = select(
        empty,
        "select name, create_table_query as made from system.tables "
        "where database = currentDatabase() and engine like '%MergeTree' and name != 'migrations'",
    )
    assert {row["name"] for row in tables} == set(TABLES)
    for row in tables:
        for key, value in TABLE_SETTINGS.items():
            assert f"{key} = {value}" in row["made"], row["name"]


def test_no_column_is_for_an_address(empty: Warehouse) -> None:
    columns = select(
        empty, "select table, name, type from system.columns where database = currentDatabase() order by table, name"
    )
    assert [
        row for row in columns if re.search(r"address|ip$|^ip|network|prefix|user_agent|receipt", row["name"])
    ] == []
    assert [row for row in columns if re.search(r"IPv|UUID|FixedString", row["type"])] == []


def test_opening_again_applies_nothing_and_keeps_everything(warehouse_folder: Path) -> None:
    warehouse = open_embedded(warehouse_folder, "opened_again")
    warehouse.insert("events", b"\n".join(lines(3)), uuid.uuid4().hex)
    before, applied = sums(warehouse), select(warehouse, "select * from migrations order by number")
    warehouse.close()
    warehouse = open_embedded(warehouse_folder, "opened_again")
    assert (sums(warehouse), select(warehouse, "select * from migrations order by number")) == (before, applied)
    assert [row["number"] for row in applied] == [int(name.split("_")[0]) for name, _ in MIGRATIONS]
    assert all(
        abs(row["applied_at"].replace(tzinfo=UTC).timestamp() - datetime.now(UTC).timestamp()) < 600 for row in applied
    )
    warehouse.close()


class CutShort:
    """A client whose process dies at the ``last`` command."""

    def __init__(self, command: Callable[[str], object], last: int) -> None:
        self._command = command
        self.left = last

    def command(self, cmd: str) -> object:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return self._command(cmd)


def test_migration_that_was_cut_short_is_completed(warehouse_folder: Path) -> None:
    """Killed within the first seconds of the first start, at any statement, the next start works."""
    empty = open_embedded(warehouse_folder, "cut_short")
    with empty._reader() as client:
        for last in (0, 1, 2, 6, 7, 8, 9):
            for row in select(empty, "show tables"):
                client.command(f"drop table {row['name']}")
            client.command(
                "create table migrations (number UInt32, name String, applied_at DateTime('UTC')) "
                "engine = MergeTree order by number"
            )
            with pytest.raises(KeyboardInterrupt):
                migrate(CutShort(client.command, last), set(), {})
            applied = {row["number"] for row in select(empty, "select number from migrations")}
            migrate(client, applied, {})
            assert {row["name"] for row in select(empty, "show tables")} >= set(TABLES)
    empty.insert("events", b"\n".join(lines(3)), uuid.uuid4().hex)
    assert sums(empty)["org_days"][0]["v"] == 2
    empty.close()


def test_extra_table_settings_reach_every_table(warehouse_folder: Path) -> None:
    warehouse = open_embedded(warehouse_folder, "extra_settings", {"min_bytes_for_wide_part": "0"})
    made = select(
        warehouse,
        "select create_table_query as made from system.tables where database = 'extra_settings' "
        "and engine like '%MergeTree' and name != 'migrations'",
    )
    assert all("min_bytes_for_wide_part = 0" in row["made"] for row in made)
    warehouse.close()


def test_facets_of_earlier_events_count_once_however_often_their_migration_begins(empty: Warehouse) -> None:
    [text] = [text for name, text in MIGRATIONS if name.startswith("0004")]
    statements = [
        part
        for part in Template(text).substitute(table_settings="non_replicated_deduplication_window = 10000").split(";\n")
        if part.strip()
    ]
    with empty._writers.one() as client:
        client.command("drop view facet_days_of_events")
        empty.insert("events", b"\n".join(lines(5)), uuid.uuid4().hex)
        assert select(empty, "select count() as n from facet_days") == [{"n": 0}]
        for _ in range(3):
            for statement in statements:
                client.command(statement)
    empty.insert("events", b"\n".join(lines(2)), uuid.uuid4().hex)
    pages = "select sum(times) as n from facet_days where facet = 'page'"
    assert select(empty, pages) == [{"n": 7}]
    assert select(empty, "select count() as n from facets final where facet = 'page'") == [{"n": 1}]
