"""The builder on small files of the tests' own making."""

from datetime import date
from pathlib import Path

import maxminddb
import pytest

from firmly.model import FirmlyError
from firmly.organisations.build import BuildReport, build_bundle
from firmly.organisations.data_file import Holder, OrganisationData, open_bundled, read_data
from firmly.organisations.facts import DataSet, Level
from firmly.organisations.sources import FirmlySource, open_source
from tests.vendor_files import write_vendor_file

AS_OF = date(2026, 9, 16)


def holder(number: int, name: str) -> dict[str, str | int]:
    return {"autonomous_system_number": number, "autonomous_system_organization": name}


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    asns = write_vendor_file(
        tmp_path / "asn.mmdb",
        {
            "198.51.0.0/23": holder(64500, "Example AG"),
            "198.51.2.0/24": holder(64501, "Muster GmbH"),
            "2a00:100::/32": holder(64500, "Example AG"),
            "2a00:200::/32": {"autonomous_system_number": 64502},
        },
    )
    countries = write_vendor_file(
        tmp_path / "country-2026-09-16.mmdb",
        {
            "198.51.0.0/24": {"country_code": "DE"},
            "198.51.1.0/25": {"country_code": "CH"},
            "198.51.1.128/25": {"country_code": "AT"},
            "198.51.2.64/26": {"country_code": "FR"},
            "2a00:100::/33": {"country_code": "CH"},
        },
    )
    return asns, countries


def opened(path: Path) -> OrganisationData:
    return read_data(maxminddb.open_database(path), path)


def build(sources: tuple[Path, Path], out: Path) -> BuildReport:
    return build_bundle(*sources, out, AS_OF, licence="none")


def test_holders_and_countries_are_joined_block_by_block(sources: tuple[Path, Path], tmp_path: Path) -> None:
    report = build(sources, tmp_path / "out.mmdb")

    data = opened(tmp_path / "out.mmdb")
    found = [
        (str(network), data.holders[data.row_holders[row]].asn, data.row_countries[row])
        for network, row in data.reader
        if isinstance(row, int)
    ]
    assert found == [
        ("198.51.0.0/24", 64500, "DE"),
        ("198.51.1.0/24", 64500, "CH"),
        ("198.51.2.0/24", 64501, ""),
        ("2a00:100::/33", 64500, "CH"),
        ("2a00:100:8000::/33", 64500, ""),
        ("2a00:200::/32", 64502, ""),
    ]
    assert data.holders == [
        Holder(64500, "Example AG", "CH", 1, 512, 1),
        Holder(64501, "Muster GmbH", "", 1, 256, 0),
        Holder(64502, "", "", 0, 0, 1),
    ]
    assert (report.networks, report.holders, report.rows) == (4, 3, 5)
    assert report.size_bytes == (tmp_path / "out.mmdb").stat().st_size


def test_a_file_made_here_is_a_source_like_a_vendors(sources: tuple[Path, Path], tmp_path: Path) -> None:
    build(sources, tmp_path / "out.mmdb")
    source = open_source(tmp_path / "out.mmdb", AS_OF)

    assert isinstance(source, FirmlySource)
    assert source.data_set == DataSet("asn and country", AS_OF, Level.AS_NUMBER)
    assert source.holders()[64500].ipv4_addresses == 512


def test_provenance_is_inside_the_file(sources: tuple[Path, Path], tmp_path: Path) -> None:
    build(sources, tmp_path / "out.mmdb")

    data = opened(tmp_path / "out.mmdb")
    assert (data.source, data.licence, data.as_of) == ("asn and country", "none", AS_OF)


def test_equal_input_gives_equal_bytes_and_leaves_nothing_else(sources: tuple[Path, Path], tmp_path: Path) -> None:
    build(sources, tmp_path / "one.mmdb")
    build(sources, tmp_path / "two.mmdb")

    assert (tmp_path / "one.mmdb").read_bytes() == (tmp_path / "two.mmdb").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "asn.mmdb",
        "country-2026-09-16.mmdb",
        "one.mmdb",
        "two.mmdb",
    ]


def test_files_of_another_kind_are_refused(sources: tuple[Path, Path], tmp_path: Path) -> None:
    asns, countries = sources

    with pytest.raises(FirmlyError, match="without autonomous_system_number"):
        build((countries, countries), tmp_path / "out.mmdb")
    with pytest.raises(FirmlyError, match="without country_code"):
        build((asns, asns), tmp_path / "out.mmdb")
    (tmp_path / "text.mmdb").write_text("no database")
    with pytest.raises(FirmlyError, match="not a readable MMDB file"):
        open_source(tmp_path / "text.mmdb", AS_OF)


def test_a_damaged_table_is_refused(sources: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.mmdb"
    build(sources, out)
    content = bytearray(out.read_bytes())
    with maxminddb.open_database(out) as reader:
        place = int(reader.metadata().description["table"].partition("+")[0])
    content[place] ^= 0xFF
    out.write_bytes(content)

    with pytest.raises(FirmlyError, match="damaged"):
        open_source(out, AS_OF)


def test_the_bundled_file_is_small_dated_and_free() -> None:
    data = open_bundled()

    assert data.as_of == AS_OF
    assert data.licence == "PDDL-1.0"
    assert len(data.holders) == 95_761
