"""Ranges in which no organisation is looked for: special addresses, and hosting, VPN and crawler ranges.

The first are built in from the registries of special-purpose addresses; the others come from the
package iporigin (MIT), whose table is read once and searched with numbers, never with text.
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from iporigin import _data as iporigin_data

from firmly.model import DropReason

_SPECIAL = {
    DropReason.PRIVATE_NETWORK: (
        # Source: IANA IPv4 and IPv6 Special-Purpose Address Registries, read 2026-09.
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        # Only 2000::/3 is global unicast. ``::/96`` matters: the tree keeps IPv4 there.
        "::/3", "4000::/2", "8000::/1", "2001:db8::/32", "3fff::/20",
    ),
    DropReason.UNKNOWN_NETWORK: (
        # Tunnels hide an IPv4 address inside; whose it is cannot be told from the outer one.
        "2001::/23", "2002::/16", "3ffe::/16",
    ),
}  # fmt: skip

_REASONS = {
    "hosting": DropReason.HOSTING_NETWORK,
    "cdn": DropReason.HOSTING_NETWORK,
    "bot": DropReason.HOSTING_NETWORK,
    "vpn": DropReason.VPN_NETWORK,
    "tor": DropReason.VPN_NETWORK,
}


class Range(NamedTuple):
    """First and last address as numbers, and why nothing in between is an organisation."""

    first: int
    last: int
    reason: DropReason


class KnownRanges:
    """Ranges of IPv4 and of IPv6, searched by number."""

    __slots__ = ("_firsts", "_lasts", "_reasons")

    def __init__(self, ipv4: Iterable[Range], ipv6: Iterable[Range]) -> None:
        sides = {4: sorted(ipv4), 16: sorted(ipv6)}
        self._firsts = {size: [item.first for item in side] for size, side in sides.items()}
        self._lasts = {size: [item.last for item in side] for size, side in sides.items()}
        self._reasons = {size: [item.reason for item in side] for size, side in sides.items()}

    def find(self, packed: bytes) -> DropReason | None:
        """Return why no organisation is looked for at these 4 or 16 bytes; None when one is."""
        size = len(packed)
        number = int.from_bytes(packed, "big")
        place = bisect_right(self._firsts[size], number) - 1
        if place >= 0 and number <= self._lasts[size][place]:
            return self._reasons[size][place]
        return None


def special_ranges() -> KnownRanges:
    """Return the ranges that belong to nobody: private, reserved, documentation, multicast, tunnels."""
    sides: dict[int, list[Range]] = {4: [], 6: []}
    for reason, networks in _SPECIAL.items():
        for text in networks:
            network = ipaddress.ip_network(text)
            last = int(network.network_address) + network.num_addresses - 1
            sides[network.version].append(Range(int(network.network_address), last, reason))
    return KnownRanges(sides[4], sides[6])


def machine_ranges() -> KnownRanges:
    """Return the ranges of hosting, content delivery, VPNs, Tor and crawlers that iporigin lists."""
    # TRICKY: iporigin offers no way to list its ranges, and its public lookup makes text of every
    # address; hence its table. The test of this module fails when a release changes the table.
    table = iporigin_data.dataset()  # type: ignore[no-untyped-call]
    return KnownRanges(
        _labelled(table.v4_starts, table.v4_ends, table.v4_labels, table.labels),
        _labelled(table.v6_starts, table.v6_ends, table.v6_labels, table.labels),
    )


def _labelled(
    firsts: Iterable[int], lasts: Iterable[int], places: Iterable[int], labels: list[tuple[str, str]]
) -> list[Range]:
    reasons = [_REASONS.get(kind) for _, kind in labels]
    return [
        Range(first, last, reason)
        for first, last, place in zip(firsts, lasts, places, strict=True)
        if (reason := reasons[place]) is not None
    ]
