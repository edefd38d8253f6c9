"""Special addresses, and the table of the package iporigin."""

import ipaddress

import pytest

from firmly.model import DropReason
from firmly.organisations.address import Address
from firmly.organisations.ranges import KnownRanges, Range, machine_ranges, special_ranges

PRIVATE, UNKNOWN = DropReason.PRIVATE_NETWORK, DropReason.UNKNOWN_NETWORK

SPECIAL = [
    ("10.1.2.3", PRIVATE), ("100.64.0.1", PRIVATE), ("100.128.0.1", None), ("127.0.0.1", PRIVATE),
    ("169.254.1.1", PRIVATE), ("172.15.255.255", None), ("172.16.0.0", PRIVATE), ("172.31.255.255", PRIVATE),
    ("172.32.0.0", None), ("192.0.2.1", PRIVATE), ("192.168.255.255", PRIVATE), ("198.18.0.1", PRIVATE),
    ("223.255.255.255", None), ("224.0.0.1", PRIVATE), ("255.255.255.255", PRIVATE), ("0.0.0.0", PRIVATE),
    ("::", PRIVATE), ("::1", PRIVATE), ("::8.8.8.8", PRIVATE), ("64:ff9b::808:808", PRIVATE), ("fe80::1", PRIVATE),
    ("fc00::1", PRIVATE), ("ff02::1", PRIVATE), ("2001:db8::1", PRIVATE), ("2001::1", UNKNOWN),
    ("2002:808:808::1", UNKNOWN), ("2001:200::1", None), ("2a00::1", None), ("3fff::1", PRIVATE), ("4000::1", PRIVATE),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), SPECIAL, ids=[text for text, _ in SPECIAL])
def test_special_addresses_belong_to_nobody(text: str, reason: DropReason | None) -> None:
    assert special_ranges().find(Address.parse(text).packed()) is reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("52.95.110.1", DropReason.HOSTING_NETWORK),
        ("104.16.0.1", DropReason.HOSTING_NETWORK),
        ("2606:4700::1111", DropReason.HOSTING_NETWORK),
        ("18.0.0.1", None),
    ],
)
def test_machines_are_told_by_their_published_ranges(text: str, reason: DropReason | None) -> None:
    assert machine_ranges().find(ipaddress.ip_address(text).packed) is reason


def test_the_table_has_vpns_too() -> None:
    ranges = machine_ranges()

    assert [DropReason.VPN_NETWORK in ranges._sides[size][2] for size in (4, 16)] == [True, True]


def test_both_ends_of_a_range_belong_to_it() -> None:
    ranges = KnownRanges([Range(10, 20, PRIVATE)], [])

    assert [ranges.find(number.to_bytes(4, "big")) for number in (9, 10, 20, 21)] == [None, PRIVATE, PRIVATE, None]


def test_networks_that_overlap_or_touch_are_joined() -> None:
    texts = ["192.0.2.0/25", "192.0.2.0/24", "192.0.3.0/24", "192.0.2.7/32", "2001:db8::/33", "2001:db8:8000::/33"]
    ranges = KnownRanges.of_networks([ipaddress.ip_network(text) for text in texts], PRIVATE)

    asked = ["192.0.1.255", "192.0.2.0", "192.0.3.255", "192.0.4.0", "2001:db8:ffff::", "2001:db9::"]
    found = [ranges.find(ipaddress.ip_address(text).packed) for text in asked]
    assert found == [None, PRIVATE, PRIVATE, None, PRIVATE, None]
    assert [len(side[0]) for side in ranges._sides.values()] == [1, 1]
    assert (bool(ranges), bool(KnownRanges([], []))) == (True, False)


def test_two_sets_of_ranges_are_searched_as_one_and_the_first_decides() -> None:
    above = KnownRanges([Range(10, 20, PRIVATE), Range(40, 50, PRIVATE)], [Range(1, 2, PRIVATE)])
    below = KnownRanges([Range(0, 12, UNKNOWN), Range(15, 60, UNKNOWN), Range(70, 71, UNKNOWN)], [Range(1, 9, UNKNOWN)])
    joined = above.over(below)

    def plain(packed: bytes) -> DropReason | None:
        return above.find(packed) or below.find(packed)

    packed = [number.to_bytes(size) for number in range(80) for size in (4, 16)]
    assert [joined.find(one) for one in packed] == [plain(one) for one in packed]
    asked = [address.to_bytes(4) for address in range(0, 2**32, 9_999_991)]
    special, machines = special_ranges(), machine_ranges()
    both = special.over(machines)
    assert [both.find(one) for one in asked] == [special.find(one) or machines.find(one) for one in asked]
