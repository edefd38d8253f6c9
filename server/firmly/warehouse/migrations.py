"""Applies the numbered files of `migrations/` once each, in order, forward only."""

from importlib.resources import files
from string import Template
from typing import Protocol

TABLE_SETTINGS = {
    "non_replicated_deduplication_window": "10000",
    "fsync_after_insert": "1",
    "fsync_part_directory": "1",
}
"""Settings of every table: a segment sent again within the window changes nothing, and an insert
is on disk before it is confirmed, so that its segment may be deleted."""


class Commands(Protocol):
    """What the runner needs of a clickhouse-connect client."""

    def command(self, cmd: str) -> object: ...


def migrate(client: Commands, applied: set[int], extra_table_settings: dict[str, str]) -> list[int]:
    """Apply every migration whose number is not in ``applied`` and return the new numbers.

    One that was cut short runs again from its first statement, so each must be harmless when repeated.
    """
    settings = ", ".join(f"{key} = {value}" for key, value in {**TABLE_SETTINGS, **extra_table_settings}.items())
    done = []
    for number, name, text in _files():
        if number in applied:
            continue
        for statement in _statements(Template(text).substitute(table_settings=settings)):
            client.command(statement)
        client.command(f"insert into migrations (number, name, applied_at) values ({number}, '{name}', now())")  # noqa: S608
        done.append(number)
    return done


def _files() -> list[tuple[int, str, str]]:
    folder = files("firmly.warehouse") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name.split("_")[0]), name, (folder / name).read_text()) for name in names]


def _statements(text: str) -> list[str]:
    """Split at the semicolons that end a line; comments stay with their statement."""
    return [part.strip() for part in (text + "\n").split(";\n") if part.strip()]
