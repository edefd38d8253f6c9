"""The table inside Firmly's own organisation file: holders of networks, and the rows that lead to them.

Owns its form and the opening of such files; `build` makes them, `resolve` reads them.
"""

import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import maxminddb
import msgspec

from firmly.model import FirmlyError
from firmly.organisations.facts import Level
from firmly.organisations.mmdb_write import read_blob

DATABASE_TYPE = "Firmly-Organisations"
BUNDLED_NAME = "organisations.mmdb"


class Holder(NamedTuple):
    """The holder of an AS number, with facts about its networks that rules weigh.

    ``home`` is the country of most of its addresses, ``""`` where unknown.
    """

    asn: int
    registered_name: str
    home: str
    ipv4_networks: int
    ipv4_addresses: int
    ipv6_networks: int


class Row(NamedTuple):
    """What a network leads to: the place of its holder in the table, and the network's country."""

    holder: int
    country: str


class Table(NamedTuple):
    """The holders and rows of a file; ``registered`` as in `OrganisationData`, empty for AS numbers."""

    holders: list[Holder]
    rows: list[Row]
    registered: Sequence[int] = ()


class _Columns(msgspec.Struct, frozen=True):
    """The table as it is stored: columns compress better than rows."""

    asns: list[int]
    names: list[str]
    homes: list[str]
    ipv4_networks: list[int]
    ipv4_addresses: list[int]
    ipv6_networks: list[int]
    row_holders: list[int]
    row_countries: list[str]
    registered: list[int] = []


@dataclass(frozen=True, slots=True)
class OrganisationData:
    """An open organisation file. ``row_holders[row]`` leads to ``holders``; a network's value is a row.

    At the level of companies ``registered`` tells by holder whether a registry made the assignment
    out to it (1) or its carrier did (0).
    """

    reader: maxminddb.Reader
    holders: list[Holder]
    row_holders: list[int]
    row_countries: list[str]
    source: str
    licence: str
    as_of: date
    level: Level = Level.AS_NUMBER
    registered: list[int] = field(default_factory=list)

    def close(self) -> None:
        self.reader.close()


def encode_table(table: Table) -> bytes:
    """Return the compressed bytes of ``table``."""
    columns = _Columns(
        *(list(column) for column in zip(*table.holders, strict=True)),
        *(list(column) for column in zip(*table.rows, strict=True)),
        list(table.registered),  # type: ignore[call-arg]  # How many come before it cannot be told.
    )
    return zlib.compress(msgspec.json.encode(columns), 9)


def encode_companies(
    names: list[str], countries: list[str], sizes: Sequence[Sequence[int]], registered: Sequence[int]
) -> bytes:
    """Return the compressed table of holders that are a row each and have no AS number.

    ``sizes`` are IPv4 networks, IPv4 addresses and IPv6 networks. Made of columns: a million rows
    as objects would take a gigabyte.
    """
    count = len(names)
    ipv4_networks, ipv4_addresses, ipv6_networks = (list(column) for column in sizes)
    columns = _Columns(
        asns=[0] * count,
        names=names,
        homes=countries,
        ipv4_networks=ipv4_networks,
        ipv4_addresses=ipv4_addresses,
        ipv6_networks=ipv6_networks,
        row_holders=list(range(count)),
        row_countries=countries,
        registered=list(registered),
    )
    return zlib.compress(msgspec.json.encode(columns), 6)


def open_bundled() -> OrganisationData:
    """Open the file that ships with Firmly."""
    path = Path(str(resources.files("firmly.organisations").joinpath("data", BUNDLED_NAME)))
    return read_data(maxminddb.open_database(path, maxminddb.MODE_MMAP_EXT), path)


def read_data(reader: maxminddb.Reader, path: Path) -> OrganisationData:
    """Read the table of a file that `build` made and that ``reader`` has open.

    Raises:
        FirmlyError: when it is damaged.
    """
    metadata = reader.metadata()
    description = metadata.description
    try:
        level = Level(description.get("level", Level.AS_NUMBER))
        columns = msgspec.json.decode(zlib.decompress(read_blob(path.read_bytes(), description)), type=_Columns)
    except (ValueError, zlib.error, msgspec.MsgspecError) as error:
        raise FirmlyError("the table of organisations is damaged; build the file again") from error
    return OrganisationData(
        reader=reader,
        holders=[
            Holder(*holder)
            for holder in zip(
                columns.asns,
                columns.names,
                map(sys.intern, columns.homes),
                columns.ipv4_networks,
                columns.ipv4_addresses,
                columns.ipv6_networks,
                strict=True,
            )
        ],
        row_holders=columns.row_holders,
        row_countries=list(map(sys.intern, columns.row_countries)),
        source=description.get("source", ""),
        licence=description.get("licence", ""),
        as_of=datetime.fromtimestamp(metadata.build_epoch, UTC).date(),
        level=level,
        registered=columns.registered,
    )
