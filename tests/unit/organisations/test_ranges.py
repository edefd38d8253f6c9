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

    assert DropReason.VPN_NETWORK in ranges._reasons[4]
    assert DropReason.VPN_NETWORK in ranges._reasons[16]


def test_both_ends_of_a_range_belong_to_it() -> None:
    ranges = KnownRanges([Range(10, 20, PRIVATE)], [])

    assert [ranges.find(number.to_bytes(4, "big")) for number in (9, 10, 20, 21)] == [None, PRIVATE, PRIVATE, None]
