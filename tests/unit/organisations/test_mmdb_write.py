"""The file format, read back by the reader that Firmly uses."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path

import maxminddb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmly.organisations.mmdb_write import Leaf, _pack_nodes, _record_size, build_tree, encode_file, read_blob

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def leaf(text: str, value: int) -> Leaf:
    network = ipaddress.ip_network(text)
    return Leaf(int(network.network_address), network.prefixlen + (96 if network.version == 4 else 0), value)


def written(folder: Path, leaves: list[Leaf], blob: bytes = b"", description: Mapping[str, str] | None = None) -> Path:
    path = folder / "written.mmdb"
    path.write_bytes(
        encode_file(
            build_tree(leaves), blob, database_type="Test", build_epoch=1_789_516_800, description=description or {}
        )
    )
    return path


def networks_in(path: Path) -> list[tuple[str, object]]:
    with maxminddb.open_database(path) as reader:
        return [(str(network), value) for network, value in reader]


def test_networks_of_both_families_are_read_back(tmp_path: Path) -> None:
    leaves = [leaf("1.0.0.0/24", 7), leaf("1.0.2.0/23", 0), leaf("2001:db8::/32", 4_000_000_000)]

    assert networks_in(written(tmp_path, leaves)) == [
        ("1.0.0.0/24", 7),
        ("1.0.2.0/23", 0),
        ("2001:db8::/32", 4_000_000_000),
    ]


def test_siblings_of_equal_value_become_one_network(tmp_path: Path) -> None:
    leaves = [leaf("10.0.0.0/24", 1), leaf("10.0.1.0/24", 1), leaf("10.0.2.0/24", 1), leaf("10.0.3.0/24", 2)]

    assert networks_in(written(tmp_path, leaves)) == [("10.0.0.0/23", 1), ("10.0.2.0/24", 1), ("10.0.3.0/24", 2)]


def test_the_prefix_length_is_that_of_the_network_found(tmp_path: Path) -> None:
    path = written(tmp_path, [leaf("10.0.0.0/24", 1), leaf("2001:db8::/48", 2)])

    with maxminddb.open_database(path) as reader:
        assert reader.get_with_prefix_len("10.0.0.9") == (1, 24)
        assert reader.get_with_prefix_len("2001:db8::9") == (2, 48)
        assert reader.get("10.0.1.1") is None


@pytest.mark.parametrize("pair", [("10.0.1.0/24", "10.0.0.0/24"), ("10.0.0.0/8", "10.1.0.0/16")])
def test_networks_out_of_order_or_overlapping_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="sorted"):
        build_tree([leaf(pair[0], 1), leaf(pair[1], 2)])


def test_an_empty_tree_and_a_whole_one_are_files_too(tmp_path: Path) -> None:
    assert networks_in(written(tmp_path, [])) == []
    with maxminddb.open_database(written(tmp_path, [leaf("::/0", 3)])) as reader:
        assert (reader.get("2a00::1"), reader.get("1.2.3.4")) == (3, 3)


def test_the_blob_is_found_through_the_description(tmp_path: Path) -> None:
    blob = bytes(range(256)) * 300
    path = written(tmp_path, [leaf("10.0.0.0/24", 1)], blob, {"en": "a test"})

    with maxminddb.open_database(path) as reader:
        description = reader.metadata().description
    assert description["en"] == "a test"
    assert read_blob(path.read_bytes(), description) == blob


@pytest.mark.parametrize("place", ["", "12", "x+4", "0+999999999"])
def test_a_description_without_a_place_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="no table"):
        read_blob(b"short", {"table": place})


@pytest.mark.parametrize("size", [24, 28, 32])
def test_records_of_every_size_lie_as_the_specification_says(size: int) -> None:
    largest = (1 << size) - 1
    packed = int.from_bytes(_pack_nodes([largest - 2], [1], size), "big")

    if size == 28:
        low_left, middle, right = packed >> 32, packed >> 24 & 0xFF, packed & 0xFFFFFF
        assert ((middle >> 4) << 24 | low_left, (middle & 0xF) << 24 | right) == (largest - 2, 1)
    else:
        assert (packed >> size, packed & largest) == (largest - 2, 1)


@pytest.mark.parametrize(("largest", "size"), [(0xFF_FFFF, 24), (0x100_0000, 28), (0xFFF_FFFF, 28), (0x1000_0000, 32)])
def test_records_are_as_small_as_they_can_be(largest: int, size: int) -> None:
    assert _record_size(largest) == size


subnets = st.tuples(st.integers(0, 255), st.integers(24, 30)).map(
    lambda pair: ipaddress.ip_network((0x0A000000 | pair[0] << 8, pair[1]), strict=False)
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(subnets, st.integers(0, 3), max_size=12))
def test_every_address_leads_to_its_value(tmp_path_factory: pytest.TempPathFactory, wanted: dict[Network, int]) -> None:
    leaves = [leaf(str(network), value) for network, value in sorted(wanted.items()) if not shadowed(network, wanted)]
    path = written(tmp_path_factory.mktemp("mmdb"), leaves)

    with maxminddb.open_database(path) as reader:
        for network, value in wanted.items():
            if not shadowed(network, wanted):
                assert reader.get(network.network_address) == value
                assert reader.get(network.network_address + network.num_addresses - 1) == value


def shadowed(network: Network, wanted: dict[Network, int]) -> bool:
    return any(
        network != other and network.network_address in other and network.prefixlen > other.prefixlen
        for other in wanted
    )
