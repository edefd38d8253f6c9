"""A PostgreSQL of the tests' own: in a temporary folder, behind a Unix socket, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from firmly.accounts.database import open_control_plane

OWNER = "postgres"
TEMPLATE = "migrated"


class Postgres:
    """One running server; each test takes a database of its own, with its schema in place or empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_database(self, *, is_empty: bool = False) -> str:
        """Make a database and return its address."""
        name = f"test_{uuid.uuid4().hex}"
        template = "template0" if is_empty else TEMPLATE
        self.execute(f"create database {name} template {template}")
        return self.url(name)

    def make_template(self) -> None:
        """Migrate once, what copies cost a twentieth of."""
        self.execute(f"create database {TEMPLATE}")
        control_plane = open_control_plane(self.url(TEMPLATE))
        control_plane.migrate()
        control_plane.close()

    def shut(self, url: str) -> None:
        """Let a database refuse everybody, those connected included."""
        name = make_url(url).database
        self.execute(f"alter database {name} allow_connections false")
        self.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")

    def open(self, url: str) -> None:
        """Take back `shut`."""
        self.execute(f"alter database {make_url(url).database} allow_connections true")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self._folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self._folder), user=OWNER, dbname=OWNER, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server that loses everything at a crash, which is quicker and all that a test needs.

    PostgreSQL refuses to run as root: then it runs as the user that Debian's package makes.
    """
    # A short path, since a socket's may have a hundred bytes.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    as_owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam(OWNER)
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_owner = {"user": OWNER, "group": user.pw_gid, "extra_groups": [], "cwd": folder}
    data = folder / "data"
    make: list[str | Path] = [
        program("initdb"),
        "-D",
        data,
        "-U",
        OWNER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    subprocess.run(make, check=True, capture_output=True, **as_owner)
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
    control: list[str | Path] = [program("pg_ctl"), "-D", data, "-l", folder / "log", "-w"]
    subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, **as_owner)
    try:
        yield Postgres(folder)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, **as_owner)
        shutil.rmtree(folder)


def program(name: str) -> str:
    """Return where a program of PostgreSQL is; Debian keeps them out of the path."""
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    assert found, f"{name} was not found: install PostgreSQL (scripts/machine does on Debian)"
    return found
