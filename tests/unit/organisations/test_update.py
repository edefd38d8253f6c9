"""Renewing downloads: fetched whole, never for the worse, and back again."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firmly.model import FirmlyError
from firmly.organisations.evaluate import Labelled
from firmly.organisations.open import OrgFiles, Shipped
from firmly.organisations.update import Download, Fetch, Updates
from tests.unit.organisations.conftest import TODAY
from tests.vendor_files import write_vendor_file

COMPANIES, AS_FACTS = (
    Download("company.mmdb", "https://x.example/?key=secret"),
    Download("as.json", "https://x.example/"),
)
Renew = Callable[..., str]


def serving(content: bytes) -> Fetch:
    return lambda _download: iter([content[:7], content[7:]])


def companies(folder: Path, count: int, name: str = "Muster GmbH") -> bytes:
    record = {"name": name, "type": "business", "country": "DE"}
    records = {f"91.{152 + number // 256}.{number % 256}.0/24": record for number in range(count)}
    return write_vendor_file(folder / "v.mmdb", records, "ipinfo standard_company.mmdb", TODAY).read_bytes()


def facts(*categories: str) -> bytes:
    entries: list[dict[str, Any]] = [
        {"asn": 719 + place, "metadata": {"category": category, "networkRole": "stub"}}
        for place, category in enumerate(categories)
    ]
    return json.dumps(entries).encode()


@pytest.fixture
def renew(tmp_path: Path, shipped: Shipped) -> Renew:
    def run(download: Download, content: bytes, rows: tuple[Labelled, ...] = ()) -> str:
        files = OrgFiles(downloads=(tmp_path / "d" / COMPANIES.name, tmp_path / "d" / AS_FACTS.name))
        return Updates(tmp_path / "d", files, serving(content), TODAY, shipped, rows).renew(download)

    return run


def kept(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "d").iterdir())


def test_the_first_file_is_taken_and_private(renew: Renew, tmp_path: Path) -> None:
    assert renew(COMPANIES, companies(tmp_path, 3)).startswith("company.mmdb: ")
    assert kept(tmp_path) == ["company.mmdb"]
    assert (tmp_path / "d" / "company.mmdb").stat().st_mode & 0o077 == 0


def archive(content: bytes, *names: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_packed_files_are_unpacked(renew: Renew, tmp_path: Path) -> None:
    content = companies(tmp_path, 3)
    for packed in (gzip.compress(content), archive(content, "a_20261101/COPYRIGHT.txt", "a_20261101/a.mmdb")):
        renew(COMPANIES, packed)
        assert (tmp_path / "d" / "company.mmdb").read_bytes() == content


BAD = [
    (b"<html>not yet</html>", "not a readable MMDB file"),
    (b"\x1f\x8bnothing", "cannot be stored or unpacked"),
    (archive(b"x", "one.txt"), "an archive with 0 MMDB files"),
    (archive(b"x", "one.mmdb", "two.mmdb"), "an archive with 2 MMDB files"),
]


@pytest.mark.parametrize(("content", "why"), BAD, ids=[why for _, why in BAD])
def test_what_cannot_be_used_leaves_the_file_in_use(content: bytes, why: str, renew: Renew, tmp_path: Path) -> None:
    good = companies(tmp_path, 3)
    renew(COMPANIES, good)
    with pytest.raises(FirmlyError, match=why):
        renew(COMPANIES, content)
    assert kept(tmp_path) == ["company.mmdb"]
    assert (tmp_path / "d" / "company.mmdb").read_bytes() == good


def test_a_file_that_shrank_by_more_than_a_third_is_not_taken(renew: Renew, tmp_path: Path) -> None:
    renew(AS_FACTS, facts(*["isp"] * 9))
    with pytest.raises(FirmlyError, match="shrank from 9 to 5 entries; the file in use stays"):
        renew(AS_FACTS, facts(*["isp"] * 5))
    assert renew(AS_FACTS, facts(*["isp"] * 6)) == "as.json: 6 entries, in use"


def test_a_file_that_names_far_fewer_is_not_taken(renew: Renew, tmp_path: Path) -> None:
    """The same networks, of which hardly one is an organisation any more."""
    broad = {
        f"{first}.0.0.0/8": {"name": "Muster GmbH", "type": "business", "country": "DE"} for first in range(1, 120)
    }
    silent = {network: {**record, "type": "isp"} for network, record in broad.items()}

    def written(records: dict[str, Any]) -> bytes:
        return write_vendor_file(tmp_path / "v.mmdb", records, "ipinfo standard_company.mmdb", TODAY).read_bytes()

    renew(COMPANIES, written(broad))
    with pytest.raises(FirmlyError, match="of a sample"):
        renew(COMPANIES, written(silent))
    assert (tmp_path / "d" / "company.mmdb").read_bytes() == written(broad)


def test_a_file_that_scores_worse_on_labels_is_not_taken(renew: Renew, tmp_path: Path) -> None:
    rows = (Labelled(0, "130.233.1.1", "FI", ("uni",)), Labelled(0, "91.152.0.9", "FI", ("dsl",)))
    renew(AS_FACTS, facts("isp"), rows)
    with pytest.raises(FirmlyError, match=r"as\.json: precision 0\.500, not 1\.000; the file in use stays"):
        renew(AS_FACTS, facts("business"), rows)
    assert (tmp_path / "d" / "as.json").read_bytes() == facts("isp")


def test_the_file_before_comes_back(renew: Renew, tmp_path: Path, shipped: Shipped) -> None:
    renew(AS_FACTS, facts("isp", "isp"))
    renew(AS_FACTS, facts("isp", "isp", "isp"))
    updates = Updates(tmp_path / "d", OrgFiles(), serving(b""), TODAY, shipped)

    assert kept(tmp_path) == ["as.json", "previous-as.json"]
    assert updates.roll_back(AS_FACTS) == "as.json: the file before is in use"
    assert (tmp_path / "d" / "as.json").read_bytes() == facts("isp", "isp")
    with pytest.raises(FirmlyError, match="nothing to go back to"):
        updates.roll_back(AS_FACTS)


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path, shipped: Shipped) -> None:
    def broken(_download: Download) -> Iterator[bytes]:
        yield b"half"
        raise FirmlyError("the download failed (ReadTimeout)")

    with pytest.raises(FirmlyError, match="ReadTimeout") as failure:
        Updates(tmp_path / "d", OrgFiles(), broken, TODAY, shipped).renew(COMPANIES)
    assert "secret" not in str(failure.value)
    assert kept(tmp_path) == []
