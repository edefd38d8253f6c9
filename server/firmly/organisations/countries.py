"""Tells whether an address is in one of some countries. Which country it is leaves this module in no form.

Source: the record of MaxMind's and DB-IP's country files, ``country.iso_code`` (dev.maxmind.com, read 2026-11).
"""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import maxminddb

from firmly.model import FirmlyError
from firmly.organisations.address import Address
from firmly.organisations.readers.record import Record, country, flag, part
from firmly.organisations.sources import Key

OLD_AFTER_DAYS = 30
"""MaxMind's GeoLite2 licence asks for newer files by then; DB-IP's come out every month."""

_SAMPLE = 300
_PARTS = ("country", "registered_country", "represented_country")


class Reader(Protocol):
    """What is needed of an open file."""

    def get(self, key: Any, /) -> object: ...


class Countries:
    """An open country file. ``as_of`` is the day it was made."""

    def __init__(self, reader: Reader, sizes: frozenset[int], as_of: date) -> None:
        self._reader = reader
        self._sizes = sizes
        self.as_of = as_of

    def holds(self, address: Address, among: frozenset[str]) -> bool:
        """Tell whether an address is in one of these countries (ISO 3166-1 alpha-2) beyond doubt.

        In doubt it is not: an address that is refused or unknown, a network that is registered for or represents
        another country, one that the file counts to the European Union, a damaged file. Does not drop the address.
        """
        packed = address.packed()
        if len(packed) not in self._sizes:
            return False
        try:
            record = self._reader.get(Key(packed))
        except Exception:  # noqa: BLE001  # Whatever the error is, its text has the address in it.
            return False
        return isinstance(record, dict) and _is_surely_in(record, among)


def _is_surely_in(record: Record, among: frozenset[str]) -> bool:
    parts = [part(record, name) for name in _PARTS]
    said = {country(one, "iso_code") for one in parts if one}
    return bool(country(parts[0], "iso_code")) and said <= among and not any(_is_in_union(one) for one in parts)


def _is_in_union(place: Record) -> bool:
    return flag(place, "is_in_european_union")


def open_countries(path: Path) -> Countries:
    """Open a country file. It may be changed or deleted from then on.

    Raises:
        FirmlyError: when it cannot be read, or tells no countries; the message says which file.
    """
    # A copy that nobody else can reach, since a reader maps its file into memory (as `sources` does).
    with tempfile.NamedTemporaryFile(suffix=".mmdb") as copy:
        try:
            shutil.copyfile(path, copy.name)
            reader = maxminddb.open_database(copy.name, maxminddb.MODE_MMAP_EXT)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise FirmlyError(f"{path}: not a readable MMDB file") from error
    if not any(country(part(record, "country"), "iso_code") for record in _first_of(reader, path)):
        reader.close()
        raise FirmlyError(f"{path}: its records tell no countries (country.iso_code)")
    metadata = reader.metadata()
    sizes = frozenset((4, 16) if metadata.ip_version == 6 else (4,))
    return Countries(reader, sizes, datetime.fromtimestamp(metadata.build_epoch, UTC).date())


def _first_of(reader: maxminddb.Reader, path: Path) -> Iterator[Record]:
    try:
        for _network, record in islice(reader, _SAMPLE):
            if isinstance(record, dict):
                yield record
    except (maxminddb.InvalidDatabaseError, ValueError) as error:
        raise FirmlyError(f"{path}: its records cannot be read: the file is damaged") from error
