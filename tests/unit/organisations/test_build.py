"""The builder on small files of the tests' own making."""

import ipaddress
from datetime import date
from pathlib import Path

import maxminddb
import pytest

from firmly.model import FirmlyError
from firmly.organisations.build import BuildReport, build_bundle
from firmly.organisations.data_file import Holder, open_bundled, open_databases
from firmly.organisations.mmdb_write import _control, _map, _text, _unsigned

AS_OF = date(2026, 9, 16)


def source_file(path: Path, records: dict[str, dict[str, str | int]]) -> Path:
    """Write a vendor-like file whose records are maps, in the simplest legal way: one node a bit."""
    data, offsets = bytearray(), dict[int, int]()
    nodes: list[list[int | None]] = [[None, None]]
    leaves: list[tuple[int, int, int]] = []
    for place, (text, record) in enumerate(records.items()):
        offsets[place] = len(data)
        data += _map({k: _text(v) if isinstance(v, str) else _unsigned(v, 6) for k, v in record.items()})
        network = ipaddress.ip_network(text)
        prefix = network.prefixlen + (96 if network.version == 4 else 0)
        at = 0
        for depth in range(prefix):
            bit = int(network.network_address) >> (127 - depth) & 1
            if depth == prefix - 1:
                leaves.append((at, bit, place))
            else:
                below = nodes[at][bit]
                if below is None:
                    nodes.append([None, None])
                    below = nodes[at][bit] = len(nodes) - 1
                at = below
    count = len(nodes)
    for node, bit, place in leaves:
        nodes[node][bit] = count + 16 + offsets[place]
    tree = b"".join((count if ref is None else ref).to_bytes(4, "big") for node in nodes for ref in node)
    numbers = {"binary_format_major_version": 2, "binary_format_minor_version": 0, "ip_version": 6, "record_size": 32}
    metadata = {key: _unsigned(value, 5) for key, value in numbers.items()}
    metadata |= {"node_count": _unsigned(count, 6), "build_epoch": _unsigned(1, 9), "database_type": _text("x")}
    metadata |= {"languages": _control(11, 0), "description": _map({})}
    path.write_bytes(tree + bytes(16) + bytes(data) + b"\xab\xcd\xefMaxMind.com" + _map(metadata))
    return path


def holder(number: int, name: str) -> dict[str, str | int]:
    return {"autonomous_system_number": number, "autonomous_system_organization": name}


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    asns = source_file(
        tmp_path / "asn.mmdb",
        {
            "198.51.0.0/23": holder(64500, "Example AG"),
            "198.51.2.0/24": holder(64501, "Muster GmbH"),
            "2a00:100::/32": holder(64500, "Example AG"),
            "2a00:200::/32": {"autonomous_system_number": 64502},
        },
    )
    countries = source_file(
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


def build(sources: tuple[Path, Path], out: Path) -> BuildReport:
    return build_bundle(*sources, out, AS_OF, licence="none")


def test_holders_and_countries_are_joined_block_by_block(sources: tuple[Path, Path], tmp_path: Path) -> None:
    report = build(sources, tmp_path / "out.mmdb")

    data = open_databases((tmp_path / "out.mmdb",))
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


def test_provenance_is_inside_the_file(sources: tuple[Path, Path], tmp_path: Path) -> None:
    build(sources, tmp_path / "out.mmdb")

    data = open_databases((tmp_path / "out.mmdb",))
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
    with pytest.raises(FirmlyError, match="supported is 'Firmly-Organisations'"):
        open_databases((asns,))
    with pytest.raises(FirmlyError, match="several files"):
        open_databases(sources)
    (tmp_path / "text.mmdb").write_text("no database")
    with pytest.raises(FirmlyError, match="not a readable MMDB file"):
        open_databases((tmp_path / "text.mmdb",))


def test_a_damaged_table_is_refused(sources: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.mmdb"
    build(sources, out)
    content = bytearray(out.read_bytes())
    with maxminddb.open_database(out) as reader:
        place = int(reader.metadata().description["table"].partition("+")[0])
    content[place] ^= 0xFF
    out.write_bytes(content)

    with pytest.raises(FirmlyError, match="damaged"):
        open_databases((out,))


def test_the_bundled_file_is_small_dated_and_free() -> None:
    data = open_bundled()

    assert data.as_of == AS_OF
    assert data.licence == "PDDL-1.0"
    assert len(data.holders) == 95_761
