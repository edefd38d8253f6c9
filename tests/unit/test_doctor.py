"""The doctor: one finding per check, in plain words, and it changes nothing."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from firmly.accounts.database import open_control_plane
from firmly.doctor import Finding, Verdict, examine
from firmly.settings import read_settings
from tests.served import free_port
from tests.smtp import MailServer
from tests.vendor_files import write_vendor_file

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CHECKS = [
    "data directory", "disk space", "clock", "organisation data", "country data", "control plane", "warehouse",
    "server", "mail", "encryption in transit", "trusted proxies", "swap",
]  # fmt: skip


def findings(data_dir: Path, now: datetime = NOW, **environ: str) -> dict[str, Finding]:
    named = {f"FIRMLY_{name}": value for name, value in environ.items()}
    settings = read_settings(
        {"FIRMLY_DATA_DIR": str(data_dir), "FIRMLY_PORT": str(free_port()), "FIRMLY_SPOOL_MIN_FREE_BYTES": "0", **named}
    )
    found = examine(settings, lambda: now)
    assert [finding.check for finding in found] == CHECKS
    return {finding.check: finding for finding in found}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    os.utime(path, (0, 0))
    return path


def test_fresh_machine_has_no_failure(tmp_path: Path) -> None:
    found = findings(tmp_path / "data")
    assert [finding for finding in found.values() if finding.verdict is Verdict.FAILED] == []
    assert found["data directory"].verdict is found["control plane"].verdict is Verdict.WARNING
    assert not (tmp_path / "data").exists()


def test_examining_leaves_nothing_behind(data_dir: Path) -> None:
    findings(data_dir)
    assert list(data_dir.iterdir()) == []


def test_data_directory(data_dir: Path) -> None:
    assert findings(data_dir)["data directory"].verdict is Verdict.OK
    data_dir.chmod(0o755)
    finding = findings(data_dir)["data directory"]
    assert (finding.verdict, "chmod 700" in finding.text) == (Verdict.WARNING, True)


def test_data_directory_that_is_a_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = findings(tmp_path / "file")["data directory"]
    assert (finding.verdict, "cannot be written" in finding.text) == (Verdict.FAILED, True)


def test_disk_space(data_dir: Path) -> None:
    assert findings(data_dir)["disk space"].verdict is Verdict.OK
    finding = findings(data_dir, SPOOL_MIN_FREE_BYTES=str(2**50))["disk space"]
    assert (finding.verdict, "FIRMLY_SPOOL_MIN_FREE_BYTES" in finding.text) == (Verdict.FAILED, True)


def test_clock(data_dir: Path) -> None:
    os.utime(data_dir, (NOW.timestamp(),) * 2)
    assert findings(data_dir)["clock"] == Finding("clock", Verdict.OK, "2026-11-22 12:00 UTC")
    early = findings(data_dir, datetime(2020, 1, 1, tzinfo=UTC))["clock"]
    assert (early.verdict, "before this version" in early.text) == (Verdict.FAILED, True)
    (data_dir / "newer").touch()
    os.utime(data_dir / "newer", (NOW.timestamp() + 3600,) * 2)
    behind = findings(data_dir)["clock"]
    assert (behind.verdict, "files are newer" in behind.text) == (Verdict.FAILED, True)
    (data_dir / "newer").unlink()
    (data_dir / "dangling").symlink_to(data_dir / "gone")
    assert findings(data_dir)["clock"].verdict is Verdict.OK


def test_age_of_the_organisation_data(data_dir: Path) -> None:
    assert findings(data_dir)["organisation data"].verdict is Verdict.OK
    old = findings(data_dir, datetime(2027, 11, 22, tzinfo=UTC))["organisation data"]
    assert (old.verdict, old.text.endswith("; use newer data")) == (Verdict.WARNING, True)


def test_organisation_data_that_is_none_is_a_failure(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "orgs.mmdb").write_bytes(b"not a database")
    assert findings(data_dir, ORG_DATABASES=str(tmp_path / "orgs.mmdb"))["organisation data"].verdict is Verdict.FAILED


def test_control_plane(data_dir: Path) -> None:
    plane = open_control_plane(f"sqlite:///{data_dir / 'control.sqlite'}")
    plane.migrate()
    plane.close()
    assert findings(data_dir)["control plane"] == Finding("control plane", Verdict.OK, "the database answers")
    (data_dir / "control.sqlite").write_bytes(b"no database" * 1000)
    assert findings(data_dir)["control plane"].verdict is Verdict.FAILED


class Answers(BaseHTTPRequestHandler):
    """Answers every request as its server was told to."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Answering)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class Answering(HTTPServer):
    status = 200
    body = b""


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    server = Answering(("127.0.0.1", 0), Answers)
    server.status, server.body = status, body
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield str(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "verdict", "says"),
    [
        (200, b'{"ready": true, "troubles": []}', Verdict.OK, "running and ready"),
        (503, b'{"ready": false, "troubles": ["the disk refused a write", "away"]}', Verdict.FAILED, "write; away"),
        (200, b"<html>", Verdict.FAILED, "something else listens"),
        (200, b"[]", Verdict.FAILED, "something else listens"),
        (200, b"{}", Verdict.FAILED, "something else listens"),
    ],
)
def test_server(data_dir: Path, status: int, body: bytes, verdict: Verdict, says: str) -> None:
    with answering(status, body) as port:
        finding = findings(data_dir, PORT=port)["server"]
    assert (finding.verdict, says in finding.text) == (verdict, True)


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost"])
def test_server_that_listens_everywhere_is_asked_here(data_dir: Path, host: str) -> None:
    with answering(200, b'{"ready": true, "troubles": []}') as port:
        finding = findings(data_dir, PORT=port, HOST=host)["server"]
    assert (finding.verdict, "running and ready" in finding.text) == (Verdict.OK, True)


def test_server_is_not_asked_through_a_proxy(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with answering(200, b'{"ready": true, "troubles": []}') as port:
        assert findings(data_dir, PORT=port)["server"].verdict is Verdict.OK


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::"])
def test_server_that_does_not_run_is_no_failure(data_dir: Path, host: str) -> None:
    finding = findings(data_dir, HOST=host)["server"]
    assert (finding.verdict, "nothing listens" in finding.text) == (Verdict.OK, True)


def test_clickhouse_server(data_dir: Path) -> None:
    assert findings(data_dir)["warehouse"] == Finding("warehouse", Verdict.OK, "embedded in the data directory")
    for status, verdict in ((200, Verdict.OK), (500, Verdict.FAILED)):
        with answering(status, b"Ok.\n") as port:
            finding = findings(data_dir, CLICKHOUSE_URL=f"http://user:hunter2@127.0.0.1:{port}/?a=b")["warehouse"]
        assert (finding.verdict, str(status) in finding.text) == (verdict, True)
    away = findings(data_dir, CLICKHOUSE_URL=f"http://user:hunter2@127.0.0.1:{free_port()}")["warehouse"]
    assert (away.verdict, "does not answer" in away.text, "hunter2" in away.text) == (Verdict.FAILED, True, False)


def test_mail_that_is_not_set_says_what_does_not_work(data_dir: Path) -> None:
    finding = findings(data_dir)["mail"]
    assert (finding.verdict, "hand invitations and new passwords over yourself" in finding.text) == (
        Verdict.WARNING,
        True,
    )


SENDER = "firmly@sender.example"


def test_mail_server_that_works_gets_no_letter(data_dir: Path) -> None:
    with MailServer(logins={"mailer": "hunter2"}) as server:
        finding = findings(data_dir, SMTP_URL=server.url, MAIL_FROM=SENDER)["mail"]
    how = "the mail server answers, unencrypted on this machine, signed in; try it: firmly mail test ADDRESS"
    assert finding == Finding("mail", Verdict.OK, how)
    assert server.letters == []


def test_mail_server_that_does_not_work_is_a_failure(data_dir: Path) -> None:
    with MailServer(logins={"mailer": "another"}) as server:
        url = server.url.replace("another", "hunter2")
        finding = findings(data_dir, SMTP_URL=url, MAIL_FROM=SENDER)["mail"]
    assert finding == Finding("mail", Verdict.FAILED, "FIRMLY_SMTP_URL: 535 the server refused the login (5.7.8)")
    away = findings(data_dir, SMTP_URL=f"smtp://127.0.0.1:{free_port()}", MAIL_FROM=SENDER)["mail"]
    assert (away.verdict, "cannot be reached" in away.text) == (Verdict.FAILED, True)


@pytest.mark.parametrize(
    ("base_url", "proxies", "in_transit", "trusted"),
    [
        ("http://127.0.0.1:8000", "", Verdict.OK, Verdict.OK),
        ("http://[::1]:8000", "", Verdict.OK, Verdict.OK),
        ("http://stats.example.com", "", Verdict.WARNING, Verdict.OK),
        ("https://stats.example.com", "", Verdict.OK, Verdict.WARNING),
        ("https://stats.example.com", "127.0.0.1", Verdict.OK, Verdict.OK),
    ],
)
def test_encryption_and_proxies(
    data_dir: Path, base_url: str, proxies: str, in_transit: Verdict, trusted: Verdict
) -> None:
    found = findings(data_dir, BASE_URL=base_url, TRUSTED_PROXIES=proxies)
    assert (found["encryption in transit"].verdict, found["trusted proxies"].verdict) == (in_transit, trusted)


def test_swap_is_never_a_failure(data_dir: Path) -> None:
    assert findings(data_dir)["swap"].verdict in (Verdict.OK, Verdict.WARNING)


def test_country_data_is_none_new_old_or_unusable(tmp_path: Path) -> None:
    record = {"8.0.0.0/8": {"country": {"iso_code": "US"}}}
    file = write_vendor_file(tmp_path / "country.mmdb", record, "DBIP-Country-Lite", NOW.date())
    later = NOW + timedelta(days=31)
    told = [
        findings(tmp_path / "data")["country data"],
        findings(tmp_path / "data", COUNTRY_DATABASE=str(file))["country data"],
        findings(tmp_path / "data", later, COUNTRY_DATABASE=str(file))["country data"],
    ]
    file.write_bytes(b"nothing of the kind")
    told.append(findings(tmp_path / "data", COUNTRY_DATABASE=str(file))["country data"])
    assert [finding.verdict for finding in told] == [Verdict.OK, Verdict.OK, Verdict.WARNING, Verdict.FAILED]
    assert "not a readable MMDB file" in told[-1].text
