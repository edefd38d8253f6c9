"""The wheel holds everything a running Firmly reads, so that it works outside a checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.served import ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], check=True, cwd=ROOT)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_wheel_runs_from_its_own_files(unpacked: Path, tmp_path: Path) -> None:
    program = (
        "from firmly import packaged\n"
        "from firmly.cli.main import main\n"
        "import sys\n"
        "assert (packaged.dashboards() / 'templates').is_dir() and (packaged.snippet() / 'core.js').is_file()\n"
        f"assert str(packaged.snippet()).startswith({str(unpacked)!r})\n"
        "sys.argv = ['firmly', 'orgs', 'lookup', '18.0.0.1']\n"
        "main()\n"
    )
    environ = {"PYTHONPATH": str(unpacked), "FIRMLY_DATA_DIR": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "Massachusetts Institute of Technology - education, US" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "firmly/_packaged/dashboards/templates/leads.html",
        "firmly/_packaged/dashboards/static/tokens.css",
        "firmly/_packaged/snippet/banner.js",
        "firmly/organisations/data/organisations.mmdb",
        "firmly/organisations/data/LICENCE.txt",
        "firmly/warehouse/migrations/0001_events.sql",
        "firmly/warehouse/queries/leads.sql",
        "firmly/accounts/migrations/versions/0001_accounts.py",
        "firmly/py.typed",
    ],
)
def test_wheel_contains(unpacked: Path, name: str) -> None:
    assert (unpacked / name).is_file()
