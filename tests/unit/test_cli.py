"""The commands, run as the operator runs them."""

import json
import os
import re
from pathlib import Path

import pytest

from firmly.accounts.database import open_control_plane
from firmly.consent.banner import banner_of, read_snippet
from firmly.consent.choice import Action
from firmly.consent.exports import ConsentExports
from firmly.consent.keys import LogKeys
from firmly.consent.log import ConsentLog
from firmly.consent.receipt import Receipts
from firmly.consent.service import Choice, Consent
from firmly.consent.token import ConsentTokens
from firmly.model import system_clock
from firmly.packaged import snippet
from firmly.settings import SETTINGS, as_markdown
from firmly.spool.collectors import EVENTS
from firmly.spool.segments import SegmentFolder
from firmly.warehouse.quarantine import Quarantine
from tests.collector import START
from tests.commands import firmly
from tests.smtp import MailServer

PASSWORD = "a long enough phrase\n"


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


def test_banner_is_printed_and_replaced(data_dir: Path, tmp_path: Path) -> None:
    tag = firmly(data_dir, "sites", "add", "Shop", "--origin", "https://www.example.com", "--controller", "Shop Ltd")
    key = tag.stdout.partition("/f/")[2].partition(".js")[0]
    usual = json.loads(firmly(data_dir, "sites", "banner", key).stdout)
    assert (usual["months"], usual["languages"]) == (6, [])
    file = tmp_path / "banner.json"
    file.write_text(json.dumps(usual | {"months": 12, "texts": {"en": {"accept": "Yes – all"}}}))
    done = firmly(data_dir, "sites", "banner", key, str(file))
    assert (done.returncode, done.stderr, "replaced" in done.stdout) == (0, "", True)
    after = firmly(data_dir, "sites", "banner", key).stdout
    assert json.loads(after) == json.loads(file.read_text())
    assert firmly(data_dir, "sites", "banner", key, "-", given=after).returncode == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ('{"months": 99}', "banner.months='99': expected R19: 6 to 13 months"),
        ('{"months": "99", "x": 1}', "banner.x='1'"),
        ("{", "FILE='-'"),
        ("", "FILE='-'"),
    ],
)
def test_banner_that_cannot_be_used_is_said_in_one_message(data_dir: Path, given: str, says: str) -> None:
    tag = firmly(data_dir, "sites", "add", "Shop", "--origin", "https://www.example.com", "--controller", "Shop Ltd")
    key = tag.stdout.partition("/f/")[2].partition(".js")[0]
    done = firmly(data_dir, "sites", "banner", key, "-", given=given)
    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)
    assert says in done.stderr


def test_banner_of_no_site_is_said_in_one_message(data_dir: Path, tmp_path: Path) -> None:
    for more in ((), (str(tmp_path / "nothing.json"),), ("-",)):
        done = firmly(data_dir, "sites", "banner", "nosuchsite", *more, given="{}")
        assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)


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


def test_mail_test_letter_arrives(tmp_path: Path) -> None:
    with MailServer() as server:
        settings = {"SMTP_URL": server.url, "MAIL_FROM": "firmly@sender.example", "BASE_URL": "https://firmly.example"}
        done = firmly(tmp_path / "data", "mail", "test", "mia@example.com", **settings)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "The mail server took a test letter for mia@example.com.\n"
        [delivery] = server.deliveries
    assert (delivery.recipients, delivery.letter["Subject"]) == (("mia@example.com",), "Test letter from Firmly")
    assert b"https://firmly.example" in delivery.raw
    assert not (tmp_path / "data").exists()


def test_mail_test_letter_that_cannot_go_is_said_in_one_message(tmp_path: Path) -> None:
    unset = firmly(tmp_path, "mail", "test", "mia@example.com")
    assert (unset.returncode, unset.stdout) == (2, "")
    assert unset.stderr.startswith("firmly: FIRMLY_SMTP_URL='': expected the address of a mail server")
    with MailServer() as server:
        settings = {"SMTP_URL": server.url, "MAIL_FROM": "firmly@sender.example"}
        server.reply("RCPT", "550 5.1.1 nobody of that name")
        refused = firmly(tmp_path, "mail", "test", "nobody@example.com", **settings)
        assert (refused.returncode, refused.stderr) == (
            2,
            "firmly: FIRMLY_SMTP_URL: 550 the server refused the recipient (5.1.1)\n",
        )
        odd = firmly(tmp_path, "mail", "test", "mia@example.com, jo@example.com", **settings)
        assert (odd.returncode, odd.stderr.startswith("firmly: ADDRESS: expected one e-mail address")) == (2, True)
    assert server.letters == []


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


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An installation with one site and one choice on record, and the site's key."""
    path = tmp_path_factory.mktemp("logged") / "data"
    firmly(path, "users", "add", "mia@example.com", "--password-stdin", "--workspace", "Acme", given=PASSWORD)
    given = ("Main", "--origin", "https://www.example.com", "--controller", "Acme Ltd")
    tag = firmly(path, "sites", "add", *given).stdout
    key = tag.partition("/f/")[2].partition(".js")[0]
    plane = open_control_plane(f"sqlite:///{path / 'control.sqlite'}")
    keys = [(path / "secret.key").read_text().strip()]
    log = ConsentLog(LogKeys(keys))
    site = ConsentExports(plane, log, system_clock).site(key)
    assert site is not None
    banner = banner_of(site, read_snippet(snippet()))
    consent = Consent(plane, ConsentTokens(keys), Receipts(keys), log, system_clock)
    consent.keep_banner(site, banner)
    consent.choose(site, Choice(Action.REJECT_ALL, frozenset(), banner.version, "en", "banner"), None)
    plane.close()
    return path, key


def test_consent_log_is_exported_and_verified_with_nothing_but_its_files(
    logged: tuple[Path, str], tmp_path: Path
) -> None:
    data_dir, key = logged
    bundle, checkpoint = tmp_path / "bundle.ndjson", tmp_path / "checkpoint.json"
    checkpoint.write_text(firmly(data_dir, "consent", "checkpoint", key).stdout)
    assert firmly(data_dir, "consent", "export", key, str(bundle)).returncode == 0
    again = firmly(data_dir, "consent", "export", key, str(bundle))
    assert (again.returncode, "not there yet" in again.stderr) == (2, True)
    fingerprint = firmly(data_dir, "consent", "key").stdout.strip()
    nowhere = tmp_path / "nowhere"

    with_both = firmly(
        nowhere, "consent", "verify", str(bundle), "--key", fingerprint, "--checkpoint", str(checkpoint),
        DATABASE_URL="postgresql+psycopg://nobody@127.0.0.1:1/none", SECRET_KEY="short",
    )  # fmt: skip
    assert (with_both.returncode, with_both.stderr) == (0, "")
    assert "It holds." in with_both.stdout
    assert f"signed under {fingerprint}" in with_both.stdout
    assert "1 states from outside compared" in with_both.stdout
    alone = firmly(nowhere, "consent", "verify", str(bundle))
    assert (alone.returncode, "the key was taken from the bundle itself" in alone.stdout) == (0, True)
    assert not nowhere.exists()

    said = checkpoint.read_text()
    checkpoint.write_text("\n".join(said[at : at + 70] for at in range(0, len(said), 70)))  # As in a letter.
    broken = firmly(nowhere, "consent", "verify", str(bundle), "--checkpoint", str(checkpoint))
    assert broken.returncode == 0
    bundle.write_bytes(bundle.read_bytes().replace(b"reject_all", b"accept_all"))
    changed = firmly(nowhere, "consent", "verify", str(bundle), "--key", fingerprint)
    assert (changed.returncode, changed.stderr) == (1, "")
    assert "It does NOT hold:\n  entry 0: its proof is not what was committed to" in changed.stdout


def test_bundle_neither_breaks_a_line_nor_steers_the_terminal(tmp_path: Path) -> None:
    bundle, evil = tmp_path / "forged.jsonl", "x\nIt holds.\n\x1b[2J\u202e"
    entry = {"sequence": 0, "minute": evil, "kind": evil, "commitment": "", "link_commitment": "", "previous": ""}
    header = {"bundle": "firmly.consent-bundle.v1", "site": "abcdefgh"}
    head = dict.fromkeys(("site", "minute", "root", "last", "key", "signature"), evil) | {"size": 1}
    bundle.write_text("\n".join(json.dumps(line) for line in (header, {"head": head}, {"entry": entry})))
    found = firmly(tmp_path / "nowhere", "consent", "verify", str(bundle))
    assert (found.returncode, found.stderr) == (1, "")
    assert "It holds." not in found.stdout.splitlines()
    assert found.stdout.count("x\\nIt holds.\\n\\x1b[2J\\u202e") >= 3
    assert all(line.isprintable() for line in found.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["checkpoint", "nosuchsite"], "expected the key of a site"),
        (["adopt", "{key}"], "cannot be adopted"),
        (["verify", "no-such-file"], "expected a bundle that can be read"),
        (["verify", "no-such-file", "--key", "ab"], "expected 64 hexadecimal digits"),
        (["verify", "no-such-file", "--checkpoint", "no-such-file"], "expected a checkpoint or a receipt"),
    ],
    ids=str,
)
def test_consent_command_says_what_it_expected(logged: tuple[Path, str], arguments: list[str], said: str) -> None:
    data_dir, key = logged
    refused = firmly(data_dir, "consent", *[argument.format(key=key) for argument in arguments])
    assert (refused.returncode, said in refused.stderr, refused.stdout) == (2, True, "")
