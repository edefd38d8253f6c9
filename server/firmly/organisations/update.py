"""Renews the operator's downloaded files: fetched whole, checked against the file in use, swapped at once.

Owns the folder of downloads. What is worse than what it would replace is not taken; what it did
replace is kept for `roll_back`. Addresses of downloads hold licence keys and are never told.
"""

import gzip
import os
import random
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import IO

import maxminddb

from firmly.model import Confidence, FirmlyError, Organisation
from firmly.organisations.address import Address
from firmly.organisations.evaluate import Labelled, evaluate, probes_by_asn
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from firmly.organisations.readers.as_facts import read_as_facts
from firmly.organisations.resolve import Resolver
from firmly.organisations.sources import open_source

MAX_BYTES = 4 * 2**30
_LEAST_LEFT = 2 / 3
_MOST_LOST = 0.01
_PROBES = 3_000

PROPOSAL = """No downloads are set. Worth having first: the AS facts file (categories and network roles of AS numbers,
CC0), `as.json` of the public repository ipverse/as-metadata; then the file of a vendor with whom you have a licence.
Set FIRMLY_ORG_DOWNLOADS to NAME=ADDRESS, separated by commas; NAME ends with .json for the AS facts and with .mmdb
for all others."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file to renew: the name it is kept under, and where it comes from (a secret)."""

    name: str
    url: str


Fetch = Callable[[Download], Iterator[bytes]]
"""Yields the bytes of a download. Raises FirmlyError with its name and never its address."""


class Updates:
    """Renews downloads in ``folder`` beside the operator's other files. ``rows`` are labels to score with."""

    def __init__(
        self, folder: Path, files: OrgFiles, fetch: Fetch, today: date, shipped: Shipped, rows: Sequence[Labelled] = ()
    ) -> None:
        self._folder = folder
        self._files = files
        self._fetch = fetch
        self._today = today
        self._shipped = shipped
        self._rows = rows

    def renew(self, download: Download) -> str:
        """Fetch, check and take one file into use; say what became of it.

        Raises:
            FirmlyError: when it cannot be fetched or used, or is worse than the one in use, which stays.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        current, new = self._folder / download.name, self._folder / f"new-{download.name}"
        try:
            _store(self._fetch(download), new)
            _unpack(new)
            size = _entries(new, self._today)
            if current.exists():
                self._require_no_worse(current, new, size)
            self._require_usable(current, new)
            _swap(current, new)
        except (OSError, EOFError, tarfile.TarError) as error:
            raise FirmlyError(f"{download.name}: cannot be stored or unpacked ({type(error).__name__})") from None
        finally:
            new.unlink(missing_ok=True)
        return f"{download.name}: {size:,} entries, in use"

    def roll_back(self, download: Download) -> str:
        """Put the file before the last renewal back into use.

        Raises:
            FirmlyError: when there is none.
        """
        current, previous = self._folder / download.name, _previous(self._folder / download.name)
        if not previous.exists():
            raise FirmlyError(f"{download.name}: nothing to go back to")
        previous.replace(current)
        return f"{download.name}: the file before is in use"

    def _require_no_worse(self, current: Path, new: Path, size: int) -> None:
        try:
            before = _entries(current, self._today)
        except FirmlyError:
            return  # What cannot be used any more, as beyond its licence, is no measure.
        if size < before * _LEAST_LEFT:
            raise FirmlyError(f"{current.name}: shrank from {before:,} to {size:,} entries; the file in use stays")
        old, fresh = (self._resolver(current, one) for one in (current, new))
        named = [_named(resolver) for resolver in (old, fresh)]
        if named[1] < named[0] * _LEAST_LEFT:
            raise FirmlyError(f"{current.name}: names {named[1]} of a sample, not {named[0]}; the file in use stays")
        if self._rows:
            self._require_no_worse_score(current, old, fresh)

    def _require_no_worse_score(self, current: Path, old: Resolver, fresh: Resolver) -> None:
        probes = probes_by_asn(self._shipped.bundled.data, frozenset(row.asn for row in self._rows))
        scores = [evaluate(self._rows, probes, one, Confidence.HIGH).as_json() for one in (old, fresh)]
        for figure, sign in (("precision", 1), ("recall", 1), ("false_company_rate", -1), ("person_leak_rate", -1)):
            before, after = (score[figure] or 0.0 for score in scores)
            if (before - after) * sign > _MOST_LOST:
                raise FirmlyError(
                    f"{current.name}: {figure.replace('_', ' ')} {after:.3f}, not {before:.3f}; the file in use stays"
                )

    def _require_usable(self, current: Path, new: Path) -> None:
        self._resolver(current, new)

    def _resolver(self, current: Path, used: Path) -> Resolver:
        """Open everything with ``used`` in the place of ``current``."""
        known = (*self._files.databases, *(path for path in self._files.downloads if path.exists()))
        others = tuple(path for path in known if path != current)
        files = replace(self._files, databases=(*others, used), downloads=())
        return Resolver(lambda: open_chain(files, self._today, self._shipped))


def _store(parts: Iterator[bytes], path: Path) -> None:
    """Write ``parts`` to ``path``, private and on disk; what unpacks without end is stopped."""
    size = 0
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:  # Only open() takes one.
        for part in parts:
            size += len(part)
            if size > MAX_BYTES:
                raise FirmlyError(f"{path.name.removeprefix('new-')}: more than {MAX_BYTES} bytes")
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _parts(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while part := file.read(1 << 20):
        yield part


def _unpack(path: Path) -> None:
    """Unpack gzip, and out of an archive its one MMDB file; anything else stays as it is."""
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return
    inner = path.with_name(f"{path.stem}.unpacked{path.suffix}")
    try:
        if _is_archive(path):
            _take_member(path, inner)
        else:
            with gzip.open(path) as packed:
                _store(_parts(packed), inner)
        inner.replace(path)
    finally:
        inner.unlink(missing_ok=True)


def _is_archive(path: Path) -> bool:
    try:
        with tarfile.open(path):
            return True
    except tarfile.TarError:
        return False


def _take_member(path: Path, inner: Path) -> None:
    with tarfile.open(path) as archive:
        members = [member for member in archive if member.isfile() and member.name.endswith(".mmdb")]
        if len(members) != 1:
            raise FirmlyError(f"{path.name.removeprefix('new-')}: an archive with {len(members)} MMDB files, not one")
        content = archive.extractfile(members[0])
        if content is not None:
            _store(_parts(content), inner)


def _entries(path: Path, today: date) -> int:
    """Return how much a usable file holds: AS numbers, or nodes of its tree. Raises FirmlyError."""
    if path.suffix == ".json":
        return len(read_as_facts(path).claims)
    open_source(path, today)
    with maxminddb.open_database(path) as reader:
        return reader.metadata().node_count


def _named(resolver: Resolver) -> int:
    """Return how many of a fixed sample of addresses are named."""
    choose = random.Random(7)  # noqa: S311  # The same sample each time; no secret.
    sample = (Address(choose.randbytes(4)) for _ in range(_PROBES))
    return sum(isinstance(resolver.resolve(address), Organisation) for address in sample)


def _previous(path: Path) -> Path:
    return path.with_name(f"previous-{path.name}")


def _swap(current: Path, new: Path) -> None:
    """Put ``new`` in the place of ``current`` in one step, and keep what was there."""
    if current.exists():
        kept = _previous(current)
        kept.unlink(missing_ok=True)
        os.link(current, kept)
    new.replace(current)
    folder = os.open(current.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
