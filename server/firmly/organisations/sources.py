"""Open organisation files: each answers for one address with `Found` facts, or with nothing.

Owns the opening: which file is what, whether its licence still lets it be used, and its date.
"""

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import maxminddb

from firmly.model import FirmlyError
from firmly.organisations.data_file import DATABASE_TYPE, Holder, OrganisationData, read_data
from firmly.organisations.facts import DataSet, Found, Level, NetworkFacts
from firmly.organisations.readers.detect import Form, form_of


class Key:
    """What the reader is asked with: packed bytes alone, so that no text of an address is made."""

    __slots__ = ("packed",)

    def __init__(self, packed: bytes) -> None:
        self.packed = packed


class Age(NamedTuple):
    """How old a data set is, and from how many days on that is worth a warning."""

    data_set: DataSet
    days: int
    old_after_days: int

    @property
    def is_old(self) -> bool:
        return self.days > self.old_after_days


class VendorSource:
    """A vendor's file. Its records are read at each look-up and not kept."""

    def __init__(self, reader: maxminddb.Reader, form: Form) -> None:
        self._reader = reader
        self._lookup = reader.get_with_prefix_len
        self._sizes = (4, 16) if reader.metadata().ip_version == 6 else (4,)
        self._form = form
        self.data_set = DataSet(form.name, _date_of(reader), form.level)
        self.old_after_days = form.old_after_days

    def find(self, key: Key) -> Found | None:
        """Return what the file says. Errors of the reader name the address: the caller contains them."""
        if len(key.packed) not in self._sizes:
            return None
        record, prefix = self._lookup(key)  # type: ignore[arg-type]  # The C reader takes what has ``packed``.
        return Found(self._form.read(record), prefix, self.data_set) if isinstance(record, dict) else None


class FirmlySource:
    """A file that `firmly orgs build` made. Facts are made once per holder and kept."""

    old_after_days = 120

    def __init__(self, data: OrganisationData) -> None:
        self.data = data
        self._lookup = data.reader.get_with_prefix_len
        self._facts: list[NetworkFacts | None] = [None] * len(data.holders)
        self.data_set = DataSet(data.source, data.as_of, data.level)

    def find(self, key: Key) -> Found | None:
        """Return what the file says. Errors of the reader name the address: the caller contains them."""
        row, prefix = self._lookup(key)  # type: ignore[arg-type]  # The C reader takes what has ``packed``.
        if row is None:
            return None
        place = self.data.row_holders[row]  # type: ignore[index]
        facts = self._facts[place] or self.facts_of(place)
        return Found(facts, prefix, self.data_set)

    @property
    def has_holders(self) -> bool:
        """Whether this is a file of AS numbers, with sizes and countries of their holders."""
        return self.data.level is Level.AS_NUMBER

    def holders(self) -> Mapping[int, Holder]:
        """Return the holders by AS number, for their sizes and countries."""
        return {holder.asn: holder for holder in self.data.holders if holder.asn}

    def facts_of(self, place: int) -> NetworkFacts:
        """Return the facts about the holder at ``place``, and keep them."""
        facts = self._facts[place] = self._read(self.data.holders[place], place)
        return facts

    def _read(self, holder: Holder, place: int) -> NetworkFacts:
        if self.has_holders:
            return NetworkFacts(asn=holder.asn, as_name=holder.registered_name, country=holder.home)
        is_registered = bool(self.data.registered and self.data.registered[place])
        return NetworkFacts(
            asn=holder.asn, company=holder.registered_name, country=holder.home, is_registered=is_registered
        )


Source = VendorSource | FirmlySource


def open_source(path: Path, today: date) -> Source:
    """Open a file of organisation data, whoever made it. It may be changed or deleted from then on.

    Raises:
        FirmlyError: when it is damaged, of no known kind, or too old for its licence; says which.
    """
    # A reader maps its file into memory: one that is overwritten in place would change under it, and
    # one that is cut short would end the process. Hence a copy that nobody else can reach.
    with tempfile.NamedTemporaryFile(suffix=".mmdb") as copy:
        try:
            shutil.copyfile(path, copy.name)
            reader = maxminddb.open_database(copy.name, maxminddb.MODE_MMAP_EXT)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise FirmlyError(f"{path}: not a readable MMDB file") from error
        try:
            return _source_of(reader, Path(copy.name), today)
        except FirmlyError as error:
            reader.close()
            raise FirmlyError(f"{path}: {error}") from None


def _source_of(reader: maxminddb.Reader, path: Path, today: date) -> Source:
    if reader.metadata().database_type == DATABASE_TYPE:
        return FirmlySource(read_data(reader, path))
    form = form_of(reader)
    _require_fresh(form, (today - _date_of(reader)).days)
    return VendorSource(reader, form)


def age_of(source: Source, today: date) -> Age:
    return Age(source.data_set, (today - source.data_set.as_of).days, source.old_after_days)


def _require_fresh(form: Form, days: int) -> None:
    if form.refused_after_days is not None and days > form.refused_after_days:
        raise FirmlyError(
            f"{form.name} is {days} days old; its licence ends the use of a file after {form.refused_after_days} days. "
            "Download the current one"
        )


def _date_of(reader: maxminddb.Reader) -> date:
    return datetime.fromtimestamp(reader.metadata().build_epoch, UTC).date()
