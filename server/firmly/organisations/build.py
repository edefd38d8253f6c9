"""Compiles organisation data from open files into one compact file of Firmly's own.

Owns the merge of networks, holders and countries and the report about it. It classifies nothing:
what a holder is, is decided when the file is read, so that better rules need no new file.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import NamedTuple

import maxminddb

from firmly.model import FirmlyError
from firmly.organisations.data_file import DATABASE_TYPE, Holder, Row, Table, encode_table
from firmly.organisations.facts import Level
from firmly.organisations.mmdb_write import ADDRESS_BITS, Leaf, Tree, build_tree, encode_file

_IPV4_PREFIX = 96
_IPV4_SPACE = 1 << 32
_ROUTED_IPV4 = ADDRESS_BITS - 8
_ROUTED_IPV6 = 48
_PROGRESS_EVERY = 20_000


class Span(NamedTuple):
    """One network of a source file: first and last address as 128-bit numbers, and its value."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What went into a file: counts, and the size of the result in bytes."""

    networks: int
    holders: int
    rows: int
    nodes: int
    size_bytes: int


@dataclass(slots=True)
class _HolderFacts:
    """What is summed up about one AS number while its networks pass by."""

    name: str
    ipv4_networks: int = 0
    ipv4_addresses: int = 0
    ipv6_networks: int = 0
    weight: dict[str, int] = field(default_factory=dict)

    def count(self, span: Span) -> None:
        if span.end < _IPV4_SPACE:
            self.ipv4_networks += 1
            self.ipv4_addresses += span.end - span.start + 1
        else:
            self.ipv6_networks += 1

    def weigh(self, country: str, start: int, end: int) -> None:
        """Add a piece to its country; any IPv4 outweighs all IPv6."""
        size = (end - start + 1) << 64 if end < _IPV4_SPACE else max(1, (end - start + 1) >> 80)
        self.weight[country] = self.weight.get(country, 0) + size

    def home(self) -> str:
        """Return the country of most of its addresses, ``""`` when no country is known."""
        known = [(size, country) for country, size in self.weight.items() if country]
        return min(known, key=lambda pair: (-pair[0], pair[1]))[1] if known else ""


def build_bundle(
    asn_mmdb: Path,
    country_mmdb: Path,
    out: Path,
    as_of: date,
    *,
    licence: str = "",
    progress: Callable[[int], None] = lambda _networks: None,
) -> BuildReport:
    """Merge holders of networks and countries of networks into the file ``out``.

    The names of the inputs, ``as_of`` and ``licence`` are kept inside the file. It appears under
    its name only when it is complete. Equal input gives equal bytes. ``progress`` is told how many
    more networks were read.

    Raises:
        FirmlyError: when an input has no record of the kind it should have.
    """
    merge = _Merge()
    with maxminddb.open_database(asn_mmdb) as asns, maxminddb.open_database(country_mmdb) as countries:
        holders = _told(_holder_spans(asns, merge), progress)
        tree = build_tree(merge.leaves(holders, _country_spans(countries)))
    table = merge.table()
    source = f"{_data_set(asn_mmdb)} and {_data_set(country_mmdb)}"
    size = write_file(
        out, tree, encode_table(table), as_of=as_of, source=source, licence=licence, level=Level.AS_NUMBER
    )
    return BuildReport(merge.networks, len(table.holders), len(table.rows), len(tree.left), size)


def write_file(out: Path, tree: Tree, table: bytes, *, as_of: date, source: str, licence: str, level: Level) -> int:
    """Write a file of Firmly's own with its encoded ``table`` and provenance inside; return its size in bytes.

    Raises:
        FirmlyError: when it is more than the format can hold.
    """
    description = {
        "en": "Organisations behind networks, for Firmly",
        "as_of": as_of.isoformat(),
        "source": source,
        "licence": licence,
        **({"level": level.value} if level is not Level.AS_NUMBER else {}),
    }
    epoch = int(datetime.combine(as_of, time(), UTC).timestamp())
    try:
        content = encode_file(tree, table, database_type=DATABASE_TYPE, build_epoch=epoch, description=description)
    except ValueError as error:
        raise FirmlyError(f"{out}: {error}; build fewer files into one") from None
    _write_atomically(out, content)
    return len(content)


def _data_set(path: Path) -> str:
    """Return the name of a data set: its file's name without the date, which is kept apart."""
    return re.sub(r"-\d{4}-\d{2}-\d{2}$", "", path.stem)


class _Merge:
    """Joins the two ordered streams and hands out one row id per AS number and country."""

    def __init__(self) -> None:
        self.holders: dict[int, _HolderFacts] = {}
        self.networks = 0
        self._rows: dict[tuple[int, str], int] = {}

    def leaves(self, holders: Iterable[tuple[int, Span]], countries: Iterable[Span]) -> Iterator[Leaf]:
        ahead = _Countries(countries)
        for asn, span in holders:
            self.networks += 1
            facts = self.holders[asn]
            facts.count(span)
            for start, end, country in ahead.within(span):
                facts.weigh(country, start, end)
                row = self._rows.setdefault((asn, country), len(self._rows))
                for first, prefix in networks_of(start, end):
                    yield Leaf(first, prefix, row)

    def table(self) -> Table:
        place = {asn: index for index, asn in enumerate(sorted(self.holders))}
        holders = [
            Holder(asn, facts.name, facts.home(), facts.ipv4_networks, facts.ipv4_addresses, facts.ipv6_networks)
            for asn, facts in sorted(self.holders.items())
        ]
        return Table(holders, [Row(place[asn], country) for asn, country in self._rows])


class _Countries:
    """Walks the countries beside the holders; both are in order, so each is read once."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = iter(spans)
        self._current = next(self._spans, None)

    def within(self, span: Span) -> Iterator[Span]:
        """Yield ``span`` in pieces of one country each, ``""`` where none is known."""
        at = span.start
        while at <= span.end:
            while self._current is not None and self._current.end < at:
                self._current = next(self._spans, None)
            current = self._current
            if current is None or current.start > span.end:
                yield Span(at, span.end, "")
                return
            if current.start > at:
                yield Span(at, current.start - 1, "")
                at = current.start
            end = min(span.end, current.end)
            yield Span(at, end, current.value)
            at = end + 1


def _holder_spans(reader: maxminddb.Reader, merge: _Merge) -> Iterator[tuple[int, Span]]:
    for network, record in reader:
        number = record.get("autonomous_system_number") if isinstance(record, dict) else None
        if not isinstance(number, int):
            raise FirmlyError("the file of AS numbers has a record without autonomous_system_number")
        name = str(record.get("autonomous_system_organization", "")) if isinstance(record, dict) else ""
        merge.holders.setdefault(number, _HolderFacts(name))
        start = int(network.network_address)
        yield number, Span(start, start + network.num_addresses - 1, "")


def _told(spans: Iterable[tuple[int, Span]], progress: Callable[[int], None]) -> Iterator[tuple[int, Span]]:
    for place, span in enumerate(spans, 1):
        yield span
        if place % _PROGRESS_EVERY == 0:
            progress(_PROGRESS_EVERY)


def _country_spans(reader: maxminddb.Reader) -> Iterator[Span]:
    """Yield countries of whole routed blocks: finer pieces count where they begin a /24 or /48.

    Addresses are routed in blocks of at least that size, and the finer a piece, the closer it is
    to a single subscriber.
    """
    last_end = -1
    for network, record in reader:
        country = record.get("country_code") if isinstance(record, dict) else None
        if not isinstance(country, str):
            raise FirmlyError("the file of countries has a record without country_code")
        first = int(network.network_address)
        routed = 1 << (ADDRESS_BITS - (_ROUTED_IPV4 if first < _IPV4_SPACE else _ROUTED_IPV6))
        start = first if first % routed == 0 else first + routed - first % routed
        end = (first + network.num_addresses - 1) // routed * routed + routed - 1
        if start <= first + network.num_addresses - 1 and end > last_end:
            yield Span(max(start, last_end + 1), end, country)
            last_end = end


def networks_of(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the fewest networks (first address, prefix length of 128) that cover a range."""
    while start <= end:
        size = (start & -start).bit_length() - 1 if start else ADDRESS_BITS
        size = min(size, (end - start + 1).bit_length() - 1)
        yield start, ADDRESS_BITS - size
        start += 1 << size


def _write_atomically(out: Path, content: bytes) -> None:
    partial = out.with_name(out.name + ".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(out)
