"""Ranges in which no organisation is looked for: special addresses, and hosting, VPN and crawler ranges.

The first are built in from the registries of special-purpose addresses; the others come from the
package iporigin (MIT), whose table is read once and searched with numbers, never with text.
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Iterator
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


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Range(NamedTuple):
    """First and last address as numbers, and why nothing in between is an organisation."""

    first: int
    last: int
    reason: DropReason


class KnownRanges:
    """Ranges of IPv4 and of IPv6, searched by number."""

    __slots__ = ("_sides",)

    def __init__(self, ipv4: Iterable[Range], ipv6: Iterable[Range]) -> None:
        self._sides = {size: _columns(sorted(side)) for size, side in ((4, ipv4), (16, ipv6))}

    @classmethod
    def of_networks(cls, networks: Iterable[Network], reason: DropReason) -> "KnownRanges":
        """Join ``networks``, which may overlap, under one reason."""
        merged: dict[int, list[Range]] = {4: [], 6: []}
        spans = ((item.version, int(item.network_address), item.num_addresses) for item in networks)
        for version, first, count in sorted(spans):
            side = merged[version]
            if side and first <= side[-1].last + 1:
                side[-1] = Range(side[-1].first, max(side[-1].last, first + count - 1), reason)
            else:
                side.append(Range(first, first + count - 1, reason))
        return cls(merged[4], merged[6])

    def over(self, other: "KnownRanges") -> "KnownRanges":
        """Return both as one, where ``self`` decides what is in both: one search instead of two."""
        sides = []
        for size, (firsts, lasts, reasons) in self._sides.items():
            above = [Range(*item) for item in zip(firsts, lasts, reasons, strict=True)]
            side = above[:]
            for item in map(Range, *other._sides[size]):
                place = bisect_right(firsts, item.last)  # Of those above, only the one before it can reach so far.
                if place and lasts[place - 1] >= item.first:
                    side.extend(_without(item, above, firsts))
                else:
                    side.append(item)
            sides.append(side)
        return KnownRanges(*sides)

    def __bool__(self) -> bool:
        return any(firsts for firsts, _, _ in self._sides.values())

    def find(self, packed: bytes) -> DropReason | None:
        """Return why no organisation is looked for at these 4 or 16 bytes; None when one is."""
        firsts, lasts, reasons = self._sides[len(packed)]
        number = int.from_bytes(packed)
        place = bisect_right(firsts, number) - 1
        return reasons[place] if place >= 0 and number <= lasts[place] else None


def _without(item: Range, above: list[Range], firsts: list[int]) -> Iterator[Range]:
    """Yield what ``above``, ordered and told by its ``firsts``, leaves of ``item``."""
    first = item.first
    for one in above[max(0, bisect_right(firsts, item.first) - 1) : bisect_right(firsts, item.last)]:
        if one.last >= first:
            if one.first > first:
                yield Range(first, one.first - 1, item.reason)
            first = one.last + 1
    if first <= item.last:
        yield Range(first, item.last, item.reason)


def _columns(side: list[Range]) -> tuple[list[int], list[int], list[DropReason]]:
    return [item.first for item in side], [item.last for item in side], [item.reason for item in side]


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
