"""The table inside Firmly's own organisation file: holders of networks, and the rows that lead to them.

Owns its form and the opening of such files; `build` makes them, `resolve` reads them.
"""

import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import maxminddb
import msgspec

from firmly.model import FirmlyError
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
    holders: list[Holder]
    rows: list[Row]


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


@dataclass(frozen=True, slots=True)
class OrganisationData:
    """An open organisation file. ``row_holders[row]`` leads to ``holders``; a network's value is a row."""

    reader: maxminddb.Reader
    holders: list[Holder]
    row_holders: list[int]
    row_countries: list[str]
    source: str
    licence: str
    as_of: date

    def close(self) -> None:
        self.reader.close()


def encode_table(table: Table) -> bytes:
    """Return the compressed bytes of ``table``."""
    columns = _Columns(
        *(list(column) for column in zip(*table.holders, strict=True)),
        *(list(column) for column in zip(*table.rows, strict=True)),
    )
    return zlib.compress(msgspec.json.encode(columns), 9)


def open_bundled() -> OrganisationData:
    """Open the file that ships with Firmly."""
    return _open(Path(str(resources.files("firmly.organisations").joinpath("data", BUNDLED_NAME))))


def open_databases(paths: tuple[Path, ...]) -> OrganisationData:
    """Open the operator's file; without any, the bundled one.

    Raises:
        FirmlyError: when a file is not one that `build` made, or there are several.
    """
    if len(paths) > 1:
        raise FirmlyError("FIRMLY_ORG_DATABASES names several files; one file made by `firmly orgs build` is supported")
    return _open(paths[0]) if paths else open_bundled()


def _open(path: Path) -> OrganisationData:
    try:
        reader = maxminddb.open_database(path, maxminddb.MODE_AUTO)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise FirmlyError(f"{path}: not a readable MMDB file; expected one made by `firmly orgs build`") from error
    metadata = reader.metadata()
    if metadata.database_type != DATABASE_TYPE:
        reader.close()
        raise FirmlyError(
            f"{path}: of type {metadata.database_type!r}; supported is {DATABASE_TYPE!r}, made by `firmly orgs build`"
        )
    description = metadata.description
    try:
        columns = msgspec.json.decode(zlib.decompress(read_blob(path.read_bytes(), description)), type=_Columns)
    except (ValueError, zlib.error, msgspec.MsgspecError) as error:
        reader.close()
        raise FirmlyError(f"{path}: the table of organisations is damaged; build the file again") from error
    return OrganisationData(
        reader=reader,
        holders=[
            Holder(*holder)
            for holder in zip(
                columns.asns,
                columns.names,
                columns.homes,
                columns.ipv4_networks,
                columns.ipv4_addresses,
                columns.ipv6_networks,
                strict=True,
            )
        ],
        row_holders=columns.row_holders,
        row_countries=columns.row_countries,
        source=description.get("source", ""),
        licence=description.get("licence", ""),
        as_of=datetime.fromtimestamp(metadata.build_epoch, UTC).date(),
    )
