"""`firmly orgs`, run as the operator runs it."""

import functools
import json
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import commands
from tests.vendor_files import write_vendor_file

Run = Callable[..., commands.Result]


@pytest.fixture
def firmly(tmp_path: Path) -> Run:
    return functools.partial(commands.firmly, tmp_path / "data", "orgs")


def test_lookup_answers_one_line_an_address_in_order(firmly: Run, tmp_path: Path) -> None:
    done = firmly("lookup", "--json", "8.8.8.8", "-", "::1", given="130.233.1.1\n010.8.8.8\n")

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["address"] for answer in answers] == ["8.8.8.8", "130.233.1.1", "010.8.8.8", "::1"]
    assert [answer["reason"] for answer in answers] == [
        "hosting_network", "registered_name", "refused", "private_network",
    ]  # fmt: skip
    assert answers[1]["organisation"]["name"] == "Aalto University"
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "data").exists()


def test_lookup_says_the_evidence_in_words(firmly: Run) -> None:
    done = firmly("lookup", "130.233.1.1")
    assert done.stdout.startswith("130.233.1.1: Aalto University - education, FI (high)\n  step O9")
    assert "leading as_number  Aalto University (AS15496, origin-asn and user-country, 2026-09-16)" in done.stdout


def test_a_file_that_cannot_be_used_is_named(firmly: Run, tmp_path: Path) -> None:
    path = write_vendor_file(tmp_path / "city.mmdb", {"192.0.2.0/24": {"city": "x"}}, "GeoLite2-City")
    done = firmly("lookup", "8.8.8.8", ORG_DATABASES=path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "city.mmdb: of type 'GeoLite2-City': it tells places" in done.stderr


def test_registry_files_need_the_right(firmly: Run, tmp_path: Path) -> None:
    registry = tmp_path / "ripe.db.inetnum"
    registry.write_text("inetnum: 91.152.0.0 - 91.152.0.255\ndescr: Muster GmbH\ncountry: DE\nstatus: ASSIGNED PA\n\n")
    wanted = ("build", "--registry", registry, "--as-of", "2026-11-01", "--out", tmp_path / "c.mmdb")

    refused = firmly(*wanted)
    assert (refused.returncode, (tmp_path / "c.mmdb").exists()) == (2, False)
    assert "--i-have-rights SOURCE" in refused.stderr
    assert "ripe: the RIPE database's terms 4.4 bar advertising" in refused.stderr
    assert "expected one of ripe, arin" in firmly(*wanted, "--i-have-rights", "mine").stderr

    built = firmly(*wanted, "--i-have-rights", "ripe", "--licence", "ours")
    assert built.stdout.splitlines()[0].startswith("CompanyReport(ranges={'customer': 1}, owners=1, ")
    assert built.stdout.splitlines()[1] == "of 1 of its organisations: business 1"
    found = firmly("lookup", "--json", "91.152.0.9", ORG_DATABASES=tmp_path / "c.mmdb")
    assert json.loads(found.stdout)["organisation"]["name"] == "Muster"


def test_a_table_of_ones_own_needs_none(firmly: Run, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("network,name,country\n91.152.0.0/24,Muster GmbH,DE\n")
    done = firmly("build", "--table", tmp_path / "own.csv", "--as-of", "2026-11-01", "--out", tmp_path / "c.mmdb")
    assert (done.returncode, "owners=1" in done.stdout) == (0, True)
    mixed = firmly("build", "--as-of", "2026-11-01", "--out", tmp_path / "d.mmdb")
    assert "expected --asn and --country, or --table and --registry" in mixed.stderr


def test_eval_scores_and_compares(firmly: Run, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("asn,country,labels\n15496,FI,uni\n719,FI,dsl\n")
    (tmp_path / "as.json").write_text('[{"asn": 719, "metadata": {"category": "business", "networkRole": "stub"}}]')

    figures = json.loads(firmly("eval", tmp_path / "labels.csv", "--against", tmp_path / "as.json", "--json").stdout)
    assert [figures[name]["false_company_rate"] for name in ("a", "b")] == [0.0, 1.0]
    assert [figures[name]["recall"] for name in ("a", "b")] == [1.0, 1.0]
    assert "a: 2 rows, 0 in no data" in firmly("eval", tmp_path / "labels.csv").stdout


RULES = """[[rule]]
asn = 1248
is = "own_staff"
note = "our own offices"

[[rule]]
network = "192.0.2.0/24"
is = "not_a_company"
"""


def test_overrides_are_listed_and_tried_on_history(firmly: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    listed = firmly("overrides", tmp_path / "rules.toml")
    assert listed.stdout == "asn 1248 -> own_staff  # our own offices\nnetwork 192.0.2.0/24 -> not_a_company\n"
    tried = firmly("overrides", "--dry-run", ORG_OVERRIDES=tmp_path / "rules.toml")
    assert tried.returncode == 0
    assert tried.stdout.endswith("1 rules by network act from now on: no network is stored, so history has none.\n")
    (tmp_path / "rules.toml").write_text("[[rule]]\nasn = 0\n")
    assert "rule 1.asn='0': expected a whole number" in firmly("overrides", tmp_path / "rules.toml").stderr


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_update_proposes_then_downloads_and_the_look_up_uses_it(
    firmly: Run, tmp_path: Path, served: tuple[Path, str]
) -> None:
    folder, address = served
    assert "Worth having first: the AS facts file" in firmly("update").stdout
    (folder / "as.json").write_text('[{"asn": 719, "metadata": {"category": "business", "networkRole": "stub"}}]')
    downloads = f"as.json={address}/as.json?key=secret, gone.mmdb={address}/gone?key=secret"

    done = firmly("update", ORG_DOWNLOADS=downloads)
    assert (done.returncode, done.stdout) == (1, "as.json: 1 entries, in use\n")
    assert done.stderr == "firmly: gone.mmdb: the download answers 404\n"
    assert (tmp_path / "data" / "organisations" / "as.json").exists()
    found = firmly("lookup", "--json", "91.152.0.9", ORG_DOWNLOADS=downloads)
    assert json.loads(found.stdout)["reason"] == "as_facts"
    assert "secret" not in done.stdout + done.stderr + found.stderr
