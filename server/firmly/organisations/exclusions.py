"""Networks that the operator must not or will not look at: a list of networks, or MaxMind's list of
requests not to sell personal information.

Source: dev.maxmind.com, Privacy Exclusions API (read 2026-11): an object with ``exclusions``, each
with ``data_type`` ("network") and ``value``.
"""

import ipaddress
import json
from pathlib import Path

from firmly.model import DropReason, FirmlyError
from firmly.organisations.ranges import KnownRanges

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_exclusions(path: Path) -> KnownRanges:
    """Read a file with one network a line (``#`` starts a comment), or MaxMind's JSON.

    Raises:
        FirmlyError: when it cannot be read, or a line is no network; tells the line's number alone.
    """
    try:
        content = path.read_text("utf-8-sig")
        texts = _from_json(content) if content.lstrip().startswith("{") else _from_lines(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FirmlyError(f"{path}: not a list of exclusions that can be read ({type(error).__name__})") from None
    networks = []
    for place, text in texts:
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise FirmlyError(f"{path}: entry {place} is no network; expected one such as 192.0.2.0/24") from None
    return KnownRanges.of_networks(networks, DropReason.EXCLUDED)


def _from_json(content: str) -> list[tuple[int, str]]:
    entries = json.loads(content)["exclusions"]
    return [(place, str(entry["value"])) for place, entry in enumerate(entries, 1) if entry["data_type"] == "network"]


def _from_lines(content: str) -> list[tuple[int, str]]:
    lines = ((place, line.partition("#")[0].strip()) for place, line in enumerate(content.splitlines(), 1))
    return [(place, line) for place, line in lines if line]
