"""The commands, run as the operator runs them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from firmly.settings import SETTINGS, as_markdown
from firmly.spool.collectors import EVENTS
from firmly.spool.segments import SegmentFolder
from firmly.warehouse.quarantine import Quarantine
from tests.collector import START

Result = subprocess.CompletedProcess[str]
FIRMLY = [sys.executable, "-c", "from firmly.cli.main import main; main()"]
PASSWORD = "a long enough phrase\n"


def firmly(data_dir: Path, *arguments: str, given: str = "", **environ: str) -> Result:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIRMLY_")}
    named = {f"FIRMLY_{name}": value for name, value in environ.items()}
    return subprocess.run(
        [*FIRMLY, *arguments],
        check=False,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        env={**clean, "FIRMLY_DATA_DIR": str(data_dir), "COLUMNS": "200", **named},
    )


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One installation whose first owner was made."""
    path = tmp_path_factory.mktemp("cli") / "data"
    added = firmly(path, "users", "add", "mia@example.com", "--password-stdin", "--workspace", "Acme", given=PASSWORD)
    assert (added.returncode, added.stdout, added.stderr) == (0, "mia@example.com can sign in.\n", "")
    return path


def test_user_is_refused_in_one_message(data_dir: Path) -> None:
    again = firmly(data_dir, "users", "add", "mia@example.com", "--password-stdin", given=PASSWORD)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith("firmly: ")
    short = firmly(data_dir, "users", "add", "new@example.com", "--password-stdin", given="short\n")
    assert (short.returncode, "Traceback" in short.stderr) == (2, False)
    assert "short" not in short.stderr.replace("too short", "").replace("shorter", "")


def test_data_directory_is_private(data_dir: Path) -> None:
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "control.sqlite").stat().st_mode & 0o777 == 0o600


def test_site_is_added_and_its_tag_printed(data_dir: Path) -> None:
    done = firmly(
        data_dir, "sites", "add", "Shop", "--origin", "https://www.example.com", "--origin", "https://example.com",
        "--controller", "Example Ltd", BASE_URL="https://stats.example.com/",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r'<script src="https://stats\.example\.com/f/[a-z0-9]{8,32}\.js" defer></script>\n', done.stdout
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--origin", "https://www.example.com/path", "--controller", "X"), "https://www.example.com/path"),
        (("--origin", "https://www.example.com", "--controller", "X", "--workspace", "Nobody"), "Acme"),
    ],
)
def test_site_that_cannot_be_made_is_said_in_one_message(data_dir: Path, options: tuple[str, ...], says: str) -> None:
    done = firmly(data_dir, "sites", "add", "Shop", *options)
    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)
    assert done.stderr.startswith("firmly: ")
    assert says in done.stderr


def test_site_needs_a_workspace(tmp_path: Path) -> None:
    done = firmly(tmp_path / "new", "sites", "add", "Shop", "--origin", "https://x.example", "--controller", "X")
    assert (done.returncode, "add a user first" in done.stderr) == (2, True)


def test_settings_are_shown_without_secrets(data_dir: Path) -> None:
    done = firmly(data_dir, "settings", SECRET_KEY="s" * 32, PORT="9000")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"{setting.variable}=" in done.stdout for setting in SETTINGS)
    assert "FIRMLY_PORT=9000\n" in done.stdout
    assert "s" * 32 not in done.stdout


def test_settings_as_markdown_do_not_depend_on_the_environment(data_dir: Path) -> None:
    assert firmly(data_dir, "settings", "--markdown", PORT="9000").stdout == as_markdown()


@pytest.mark.parametrize(
    "command", [("serve",), ("demo",), ("settings",), ("doctor",), ("orgs", "lookup", "192.0.2.1")], ids=" ".join
)
def test_unknown_setting_stops_every_command(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = firmly(tmp_path / "data", *command, PROT="hunter2")
    assert (done.returncode, done.stdout) == (2, "")
    assert "FIRMLY_PROT='(withheld)'" in done.stderr
    assert "did you mean FIRMLY_PORT?" in done.stderr
    assert ("hunter2" in done.stderr, "Traceback" in done.stderr) == (False, False)
    assert not (tmp_path / "data").exists()


def test_doctor_says_every_check_and_fails_where_one_does(data_dir: Path) -> None:
    well = firmly(data_dir, "doctor", PORT="47113", SPOOL_MIN_FREE_BYTES="0")
    assert (well.returncode, well.stderr) == (0, "")
    assert [line.split()[0] for line in well.stdout.splitlines()][:3] == ["ok", "ok", "ok"]
    ill = firmly(data_dir, "doctor", PORT="47113", SPOOL_MIN_FREE_BYTES=str(2**50))
    assert (ill.returncode, "failed   disk space" in ill.stdout) == (1, True)


def test_addresses_are_looked_up(data_dir: Path) -> None:
    done = firmly(data_dir, "orgs", "lookup", "131.228.1.1", "18.0.0.1", "73.1.1.1", "10.0.0.1", "nonsense")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("  ")]
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].startswith("131.228.1.1: Nokia")
    assert lines[1].startswith("18.0.0.1: Massachusetts Institute of Technology - education, US (")
    assert lines[2:] == [
        "73.1.1.1: none (carrier_network)",
        "10.0.0.1: none (private_network)",
        "nonsense: none (refused)",
    ]


def test_data_directory_that_cannot_be_made_is_said_in_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = firmly(tmp_path / "file" / "data", "users", "add", "a@example.com", "--password-stdin", given=PASSWORD)
    assert (done.returncode, "FIRMLY_DATA_DIR=" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_parts_that_cannot_share_the_embedded_warehouse_say_so(tmp_path: Path) -> None:
    for command in ("load", "web"):
        done = firmly(tmp_path / "data", command)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"firmly {command}: FIRMLY_CLICKHOUSE_URL='': expected the address of a ClickHouse server" in done.stderr


def test_spool_shows_what_waits_per_collector(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert firmly(data_dir, "spool", "status").stdout.splitlines()[-1] == "quarantine: 0 lines"
    running, stopped = (SegmentFolder(data_dir / "spool" / name / EVENTS) for name in ("running", "stopped"))
    path, descriptor = stopped.create()
    os.write(descriptor, b"{}\n")
    os.close(descriptor)
    stopped.seal(path)
    stopped.close()
    lines = [line.split() for line in firmly(data_dir, "spool", "status").stdout.splitlines()]
    assert lines[0] == ["collector", "lines", "process", "segments", "bytes", "oldest"]
    assert ["running", "events", "runs", "0", "0", "-"] in lines
    assert ["stopped", "events", "none", "1", "3"] in [line[:5] for line in lines]
    running.close()


def test_refused_line_is_listed_shown_and_sent_again(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    name = Quarantine(data_dir / "quarantine").set_aside("events", "0001-ab", 3, b'{"bad":1}\n', "no such day", START)
    listed = firmly(data_dir, "spool", "quarantine").stdout
    assert listed == f"{name}\n    2026-11-20 10:07 UTC: no such day\n"
    assert '{"bad":1}' in firmly(data_dir, "spool", "quarantine", "--show").stdout
    assert "quarantine: 1 lines (firmly spool quarantine)" in firmly(data_dir, "spool", "status").stdout
    assert firmly(data_dir, "spool", "replay").stderr.startswith("firmly: firmly spool replay: expected names")
    assert "other: expected the name of a line" in firmly(data_dir, "spool", "replay", "other").stderr
    assert firmly(data_dir, "spool", "replay", "--all").stdout.startswith("1 lines are sent again")
    assert "waits to be sent again" in firmly(data_dir, "spool", "quarantine").stdout
