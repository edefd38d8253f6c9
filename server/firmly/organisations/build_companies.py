"""Compiles assignments of networks - a registry's, or an operator's own table - into a file of companies.

Owns their nesting: the most specific range wins, and a carrier's or a pool's inside a company's
blanks it. It judges no name beyond words of pools: that is done when the file is read.
"""

import re
import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from firmly.organisations.build import networks_of, write_file
from firmly.organisations.data_file import encode_companies
from firmly.organisations.facts import Level
from firmly.organisations.mmdb_write import Leaf, build_tree
from firmly.organisations.names import words
from firmly.organisations.readers.registry import Assignment, Delegation, Entry, Holding, Standing
from firmly.organisations.word_lists import WordList

_NAME_AT = 3
_TOKEN = re.compile(r"[a-z0-9]+")
_NOT_PLAIN = re.compile(r"[./']")
_IPV4_SPACE = 1 << 32


@dataclass(frozen=True, slots=True)
class CompanyReport:
    """What went into a file: ranges by what became of them, and sizes."""

    ranges: dict[str, int]
    owners: int
    nodes: int
    size_bytes: int


class _Range(NamedTuple):
    """An assignment as it waits, in the order of the sweep: from the left, the broader first."""

    start: int
    minus_end: int
    org: str
    name: str
    country: str
    standing: Standing


class CompanyBuilder:
    """Takes entries in any order, then writes them once. ``pools`` are the words that blank a range.

    A million ranges fit into 600 MB: they are let go of while the sweep passes over them.
    """

    def __init__(self, pools: WordList) -> None:
        self._pools = PoolWords(pools)
        self._waiting: list[_Range] = []
        self._holdings: dict[str, Holding] = {}
        self._delegations: list[Delegation] = []
        self._ranges: Counter[str] = Counter()
        self._rows: dict[str, int] = {}
        self._sizes = (array("Q"), array("Q"), array("Q"))

    def add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            match entry:
                case Assignment():
                    self._waiting.append(self._checked(entry))
                case Holding():
                    self._holdings[entry.org] = entry
                case Delegation():
                    self._delegations.append(entry)

    def write(self, out: Path, *, as_of: date, source: str, licence: str) -> CompanyReport:
        """Write the file ``out``; it appears under its name only when it is complete.

        Raises:
            FirmlyError: when it is more than the format can hold.
        """
        self._delegations.sort()
        self._waiting.sort(reverse=True)
        tree = build_tree(self._leaves(), shares_subtrees=False)
        owners = len(self._rows)
        names = [key[_NAME_AT:] for key in self._rows]
        countries = [sys.intern(key[1:_NAME_AT].strip()) for key in self._rows]
        registered = [int(key[0]) for key in self._rows]
        self._rows.clear()
        table = encode_companies(names, countries, self._sizes, registered)
        size = write_file(out, tree, table, as_of=as_of, source=source, licence=licence, level=Level.COMPANY)
        return CompanyReport(dict(self._ranges), owners, len(tree.left), size)

    def _checked(self, item: Assignment) -> _Range:
        """Note an assignment; one with a word of pools in its names is the carrier's."""
        standing = item.standing
        if standing is not Standing.CARRIER and (self._pools.are_in(item.name) or self._pools.are_in(item.netname)):
            self._ranges["pool"] += 1
            standing = Standing.CARRIER
        elif standing is Standing.CARRIER:
            self._ranges["carrier"] += 1
        country = sys.intern(item.country)
        return _Range(item.start, -item.end, sys.intern(item.org), item.name, country, standing)

    def _leaves(self) -> Iterator[Leaf]:
        networks, addresses, ipv6_networks = self._sizes
        for start, end, owner in self._flat():
            if not owner:
                continue
            row = self._rows.setdefault(owner, len(self._rows))
            if row == len(networks):
                for column in self._sizes:
                    column.append(0)
            if end < _IPV4_SPACE:
                networks[row] += 1
                addresses[row] += end - start + 1
            else:
                ipv6_networks[row] += 1
            for first, prefix in networks_of(start, end):
                yield Leaf(first, prefix, row)

    def _flat(self) -> Iterator[tuple[int, int, str]]:
        """Yield ranges that do not overlap, in order, each with its most specific owner."""
        open_: list[tuple[int, str, str]] = []
        at = 0
        while self._waiting:
            item = self._waiting.pop()
            while open_ and open_[-1][0] < item.start:
                end, owner, _ = open_.pop()
                if at <= end:
                    yield at, end, owner
                    at = end + 1
            last, carrier = -item.minus_end, ""
            if open_:
                last, carrier = min(last, open_[-1][0]), open_[-1][2]
                if at < item.start:
                    yield at, item.start - 1, open_[-1][1]
            at = item.start
            open_.append((last, self._owner(item, carrier), item.org))
        while open_:
            end, owner, _ = open_.pop()
            if at <= end:
                yield at, end, owner
                at = end + 1

    def _owner(self, item: _Range, carrier_org: str) -> str:
        """Return the key of a row - registered, country, name - or ``""`` where nobody is named."""
        if item.standing is Standing.CARRIER:
            return ""
        holding, carrier = self._holdings.get(item.org), self._holdings.get(carrier_org)
        name, is_own = self._named(item, holding, carrier, is_carriers=bool(item.org) and item.org == carrier_org)
        if not name:
            self._ranges["no name"] += 1
            return ""
        self._ranges["registered to itself" if is_own else "customer"] += 1
        country = item.country or (holding.country if holding else "") or self._delegated(item.start)
        return f"{int(is_own)}{country:2}{name}"

    def _named(
        self, item: _Range, holding: Holding | None, carrier: Holding | None, *, is_carriers: bool
    ) -> tuple[str, bool]:
        """Return the name, and whether the registry made the assignment out to it.

        The carrier's handle on a customer's range says who entered it, not whose it is; and a
        customer with the carrier's own name is its pool.
        """
        if holding is not None and not is_carriers and not _same(holding.name, carrier):
            is_pool = self._pools.are_in(holding.name)
            return ("", False) if is_pool else (holding.name, item.standing is Standing.OWN)
        return ("", False) if _same(item.name, carrier) else (item.name, False)

    def _delegated(self, start: int) -> str:
        place = bisect_right(self._delegations, (start, 1 << 128, "")) - 1
        if place < 0 or start > self._delegations[place].end:
            return ""
        return self._delegations[place].country


def _same(name: str, carrier: Holding | None) -> bool:
    return carrier is not None and name.casefold() == carrier.name.casefold()


class PoolWords:
    """Finds words of pools in very many names: plain ones are looked at without folding them."""

    def __init__(self, pools: WordList) -> None:
        self._pools = pools
        self._heads = frozenset(phrase.split()[0] for phrase in pools.phrases)

    def are_in(self, name: str) -> bool:
        if name.isascii() and not _NOT_PLAIN.search(name):
            tokens = _TOKEN.findall(name.lower())
            if self._heads.isdisjoint(tokens) and not any(map(self._is_marked, tokens)):
                return False
        return bool(self._pools.find(words(name)))

    def _is_marked(self, token: str) -> bool:
        pools = self._pools
        return (
            token.startswith(pools.starts) or token.endswith(pools.ends) or any(part in token for part in pools.parts)
        )
