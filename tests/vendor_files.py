"""Writes files as vendors do: any database type, any record, in the simplest legal way (one node a bit)."""

import ipaddress
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from firmly.organisations.mmdb_write import _control, _map, _text, _unsigned

Records = Mapping[str, Any]


def write_vendor_file(
    path: Path, records: Records, database_type: str = "x", built: date = date(2026, 11, 1), ip_version: int = 6
) -> Path:
    """Write ``records`` by network to ``path``; values are texts, numbers, booleans, maps and lists of these."""
    data, offsets = bytearray(), dict[int, int]()
    nodes: list[list[int | None]] = [[None, None]]
    leaves: list[tuple[int, int, int]] = []
    for place, (text, record) in enumerate(records.items()):
        offsets[place] = len(data)
        data += encoded(record)
        bits, first = _bits_of(ipaddress.ip_network(text), ip_version)
        at = 0
        for depth in range(bits):
            bit = first >> ((128 if ip_version == 6 else 32) - 1 - depth) & 1
            if depth == bits - 1:
                leaves.append((at, bit, place))
                break
            below = nodes[at][bit]
            if below is None:
                nodes.append([None, None])
                below = nodes[at][bit] = len(nodes) - 1
            at = below
    count = len(nodes)
    for node, bit, place in leaves:
        nodes[node][bit] = count + 16 + offsets[place]
    tree = b"".join((count if ref is None else ref).to_bytes(4, "big") for node in nodes for ref in node)
    path.write_bytes(
        tree + bytes(16) + bytes(data) + b"\xab\xcd\xefMaxMind.com" + _metadata(count, database_type, built, ip_version)
    )
    return path


def encoded(value: Any) -> bytes:
    if isinstance(value, bool):
        return _control(14, int(value))
    if isinstance(value, int):
        return _unsigned(value, 6)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(encoded, value))
    return _map({key: encoded(inner) for key, inner in value.items()})


def _bits_of(network: ipaddress.IPv4Network | ipaddress.IPv6Network, ip_version: int) -> tuple[int, int]:
    above = 96 if network.version == 4 and ip_version == 6 else 0
    return network.prefixlen + above, int(network.network_address)


def _metadata(count: int, database_type: str, built: date, ip_version: int) -> bytes:
    epoch = int(datetime.combine(built, time(), UTC).timestamp())
    numbers = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "ip_version": ip_version,
        "record_size": 32,
    }
    entries = {key: _unsigned(value, 5) for key, value in numbers.items()}
    entries |= {"node_count": _unsigned(count, 6), "build_epoch": _unsigned(epoch, 9)}
    entries |= {"database_type": _text(database_type), "languages": _control(11, 0), "description": _map({})}
    return _map(entries)
