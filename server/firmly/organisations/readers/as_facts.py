"""The AS facts file: what kind of organisation holds each AS number, by category and network role.

Source: the public repository ipverse/as-metadata (CC0), file ``as.json``, read 2026-11. Its makers
call it a useful default, not gospel; the rules on pools, persons and sizes still apply after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from firmly.model import DropReason, FirmlyError, OrgKind
from firmly.organisations.facts import Claim

_CATEGORIES: dict[str, Claim] = {
    "isp": DropReason.CARRIER_NETWORK,
    "hosting": DropReason.HOSTING_NETWORK,
    "business": OrgKind.BUSINESS,
    "education_research": OrgKind.EDUCATION,
    "government_admin": OrgKind.GOVERNMENT,
}
_CARRIERS = frozenset(("tier1_transit", "major_transit", "midsize_transit", "access_provider"))


class _Metadata(msgspec.Struct, frozen=True):
    category: str | None = None
    network_role: str | None = msgspec.field(default=None, name="networkRole")


class _Entry(msgspec.Struct, frozen=True):
    asn: int
    metadata: _Metadata


@dataclass(frozen=True, slots=True)
class AsFacts:
    """What the file says about AS numbers. Numbers about which it says nothing are absent."""

    claims: Mapping[int, Claim]
    name: str
    as_of: date


def read_as_facts(path: Path) -> AsFacts:
    """Read the file at ``path``; its date is the file's own.

    Raises:
        FirmlyError: when it is no such file.
    """
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[_Entry])
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    except (OSError, msgspec.MsgspecError) as error:
        raise FirmlyError(f"{path}: not an AS facts file: expected a list of entries with asn and metadata") from error
    said = ((entry.asn, _claim(entry.metadata)) for entry in entries)
    return AsFacts({asn: claim for asn, claim in said if claim is not None}, "AS facts", modified)


def _claim(metadata: _Metadata) -> Claim | None:
    """Join category and role: whoever carries others' traffic is not their organisation."""
    claim = _CATEGORIES.get(metadata.category or "")
    if metadata.network_role in _CARRIERS and not isinstance(claim, DropReason):
        return DropReason.CARRIER_NETWORK if claim is not None else None
    return claim
