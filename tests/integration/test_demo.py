"""`firmly demo`, as a newcomer starts it: a month of leads, a website to visit, and a clean end."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.served import FIRMLY, free_port


def _two_free_ports() -> int:
    while True:
        port = free_port()
        with socket.socket() as second:
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the demo printed; it runs until the end of the module."""
    folder = tmp_path_factory.mktemp("demo")
    environ = {**os.environ, "FIRMLY_PORT": str(_two_free_ports())}
    process = subprocess.Popen([*FIRMLY, "demo"], cwd=folder, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "Ctrl-C" in line:
            break
    found = re.search(r"Dashboard +(\S+)\s+Sign in +(\S+) +(\S+)\s+Website +(\S+)", printed)
    assert found, printed
    yield dict(zip(("dashboard", "email", "password", "website"), found.groups(), strict=True)) | {
        "folder": str(folder)
    }
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert process.wait(20) == 0
    assert time.monotonic() - started < 10
    process.stdout.close()


@contextmanager
def _signed_in(demo: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(follow_redirects=True) as client:
        _sign_in(client, demo)
        yield client


def _sign_in(client: httpx.Client, demo: dict[str, str]) -> None:
    form = client.get(demo["dashboard"])
    token = re.search(r'name="csrf[^"]*"[^>]*value="([^"]+)"', form.text)
    field = re.search(r'name="(csrf[^"]*)"', form.text)
    assert token
    assert field
    fields = {"email": demo["email"], "password": demo["password"], field[1]: token[1]}
    answer = client.post(str(form.url), data=fields, headers={"origin": demo["dashboard"].removesuffix("/app/")})
    assert answer.status_code == 200, answer.text


def test_dashboard_shows_real_organisations_of_the_last_month(demo: dict[str, str]) -> None:
    with _signed_in(demo) as client:
        leads = client.get(f"{demo['dashboard']}leads").text
    assert "Grundfos" in leads
    assert "Valmet" in leads
    assert "Comcast" not in leads
    assert "Hetzner" not in leads


def test_website_passes_the_scripts_requests_on(demo: dict[str, str]) -> None:
    page = httpx.get(demo["website"]).text
    script = re.search(r'src="(/f/[^"]+\.js)"', page)
    assert script
    answer = httpx.get(demo["website"].rstrip("/") + script[1])
    assert answer.headers["content-type"].startswith("text/javascript")


def test_second_demo_leaves_the_first_alone(demo: dict[str, str]) -> None:
    environ = {**os.environ, "FIRMLY_PORT": str(_two_free_ports())}
    second = subprocess.run(
        [*FIRMLY, "demo"], cwd=demo["folder"], env=environ, capture_output=True, text=True, check=False
    )
    assert second.returncode == 2
    assert "another process owns this spool" in second.stderr
    assert Path(demo["folder"], "firmly-demo", "this-is-a-demo").exists()


def test_demo_does_not_empty_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    environ = {**os.environ, "FIRMLY_PORT": str(_two_free_ports()), "FIRMLY_DATA_DIR": str(tmp_path)}
    done = subprocess.run([*FIRMLY, "demo"], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
