"""Writes MaxMind DB files from networks that come in order, in one pass.

Owns the file format only; what the values mean is the caller's. Source: MaxMind DB File Format
Specification 2.0 (maxmind.github.io/MaxMind-DB, read 2026-09).
"""

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

ADDRESS_BITS = 128
_SEPARATOR = bytes(16)
_METADATA_MARKER = b"\xab\xcd\xefMaxMind.com"
_EMPTY = 0
_LARGEST_BLOB = 65_821 + 0xFF_FFFF


class Leaf(NamedTuple):
    """One network: its first address as a 128-bit number, its prefix length and its value.

    IPv4 lies under ``::/96``, so that ``1.0.0.0/24`` has a prefix length of 120.
    """

    start: int
    prefix: int
    value: int


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes as pairs of references, the root last; a reference is 0 (nothing), n > 0 (the value
    n - 1) or n < 0 (the node -n - 1)."""

    left: "array[int]"
    right: "array[int]"


def build_tree(leaves: Iterable[Leaf], *, shares_subtrees: bool = True) -> Tree:
    """Build the search tree of ``leaves``, which must be sorted and must not overlap.

    Siblings of equal value become one network, and equal subtrees are stored once - which needs
    150 bytes of memory a node, and gains nothing where few values occur twice.

    Raises:
        ValueError: when the networks are out of order or overlap.
    """
    builder = _TreeBuilder(shares_subtrees=shares_subtrees)
    for leaf in leaves:
        builder.add(leaf)
    return builder.finish()


class _TreeBuilder:
    """Holds the path to the newest leaf; whatever lies to the left of it is finished."""

    def __init__(self, *, shares_subtrees: bool) -> None:
        self._shares_subtrees = shares_subtrees
        self._left = array("q")
        self._right = array("q")
        self._known: dict[int, int] = {}
        self._waiting = [_EMPTY] * (ADDRESS_BITS + 1)
        self._start = 0
        self._end = -1
        self._depth = 0
        self._current = _EMPTY

    def add(self, leaf: Leaf) -> None:
        start, prefix, value = leaf
        if start <= self._end:
            raise ValueError("networks must be sorted and must not overlap")
        if self._end >= 0:
            shared = ADDRESS_BITS - (self._start ^ start).bit_length()
            self._fold(shared + 1)
            self._waiting[shared + 1] = self._current
        self._start, self._depth, self._current = start, prefix, value + 1
        self._end = start + (1 << (ADDRESS_BITS - prefix)) - 1

    def _fold(self, depth: int) -> None:
        """Close the path of the newest leaf up to ``depth``: nothing more comes below it."""
        node = self._current
        for level in range(self._depth, depth, -1):
            if self._start >> (ADDRESS_BITS - level) & 1:
                node = self._join(self._waiting[level], node)
                self._waiting[level] = _EMPTY
            else:
                node = self._join(node, _EMPTY)
        self._current = node

    def _join(self, left: int, right: int) -> int:
        if left == right and left >= 0:
            return left
        if not self._shares_subtrees:
            return self._node(left, right)
        key = (left + (1 << 40)) << 42 | right + (1 << 40)
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = self._node(left, right)
        return node

    def _node(self, left: int, right: int) -> int:
        self._left.append(left)
        self._right.append(right)
        return -len(self._left)

    def finish(self) -> Tree:
        self._fold(0)
        if self._current >= 0:  # No network at all, or one that covers everything: a root is needed.
            self._left.append(self._current)
            self._right.append(self._current)
        return Tree(self._left, self._right)


def encode_file(
    tree: Tree, blob: bytes, *, database_type: str, build_epoch: int, description: Mapping[str, str]
) -> bytes:
    """Return the bytes of a file whose values are unsigned 32-bit numbers.

    ``blob`` is kept as the last entry of the data section, as a value of type bytes to which no
    network leads; `read_blob` finds it again. Equal input gives equal bytes.

    Raises:
        ValueError: when the blob or the tree is larger than the format can hold.
    """
    if len(blob) > _LARGEST_BLOB:
        raise ValueError(f"a table of {len(blob)} bytes does not fit: at most {_LARGEST_BLOB}")
    offsets, data = _values(tree)
    blob_at = len(data)
    data += _control(4, len(blob)) + blob
    count = len(tree.left)
    left, right = (array("Q", (_record(ref, count, offsets) for ref in side)) for side in (tree.left, tree.right))
    size = _record_size(max(chain(left, right)))
    nodes = _pack_nodes(left, right, size)
    metadata = _metadata(
        {
            "binary_format_major_version": (2, 5),
            "binary_format_minor_version": (0, 5),
            "build_epoch": (build_epoch, 9),
            "ip_version": (6, 5),
            "node_count": (count, 6),
            "record_size": (size, 5),
        },
        database_type,
        {**description, "table": f"{len(nodes) + len(_SEPARATOR) + blob_at + len(_control(4, len(blob)))}+{len(blob)}"},
    )
    return bytes(nodes) + _SEPARATOR + bytes(data) + _METADATA_MARKER + metadata


def _values(tree: Tree) -> tuple[dict[int, int], bytearray]:
    """Return the data section of a tree's values in order, and where each begins."""
    values = array("q", {ref - 1 for side in (tree.left, tree.right) for ref in side if ref > 0})
    offsets: dict[int, int] = {}
    data = bytearray()
    for value in sorted(values):
        offsets[value] = len(data)
        data += _unsigned(value, 6)
    return offsets, data


def read_blob(file: bytes, description: Mapping[str, str]) -> bytes:
    """Return the blob of a file that `encode_file` made, by the place its description names.

    Raises:
        ValueError: when the description names no place within the file.
    """
    at, _, length = description.get("table", "").partition("+")
    if not (at.isdecimal() and length.isdecimal() and int(at) + int(length) <= len(file)):
        raise ValueError("the description names no table")
    return file[int(at) : int(at) + int(length)]


def _record(ref: int, count: int, offsets: Mapping[int, int]) -> int:
    """Turn a reference into the number in the file; nodes are reversed so that the root is 0."""
    if ref < 0:
        return count + ref
    if ref == _EMPTY:
        return count
    return count + len(_SEPARATOR) + offsets[ref - 1]


def _record_size(largest: int) -> int:
    for size in (24, 28, 32):
        if largest < 1 << size:
            return size
    raise ValueError("too many networks for the file format")


def _pack_nodes(left: Sequence[int], right: Sequence[int], size: int) -> bytearray:
    left_bytes, right_bytes = (_big_endian(side[::-1]) for side in (left, right))
    width = size // 4
    packed = bytearray(width * len(left))
    if size == 32:
        for place in range(4):
            packed[place::8] = left_bytes[place::4]
            packed[place + 4 :: 8] = right_bytes[place::4]
        return packed
    for place in range(3):
        packed[place::width] = left_bytes[place + 1 :: 4]
        packed[width - 3 + place :: width] = right_bytes[place + 1 :: 4]
    if size == 28:
        tops = zip(left_bytes[::4], right_bytes[::4], strict=True)
        packed[3::width] = bytes(high << 4 | low for high, low in tops)
    return packed


def _big_endian(numbers: Sequence[int]) -> bytes:
    words = array("I", numbers)
    if sys.byteorder == "little":
        words.byteswap()
    return words.tobytes()


def _control(kind: int, size: int) -> bytes:
    if size < 29:
        head, tail = size, b""
    elif size < 285:
        head, tail = 29, bytes([size - 29])
    elif size < 65_821:
        head, tail = 30, (size - 285).to_bytes(2, "big")
    else:
        head, tail = 31, (size - 65_821).to_bytes(3, "big")
    first = bytes([kind << 5 | head]) if kind < 8 else bytes([head, kind - 7])
    return first + tail


def _unsigned(value: int, kind: int) -> bytes:
    """Encode for the types 5 (16 bits), 6 (32 bits) and 9 (64 bits), without leading zeros."""
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(raw)) + raw


def _text(value: str) -> bytes:
    raw = value.encode()
    return _control(2, len(raw)) + raw


def _metadata(numbers: Mapping[str, tuple[int, int]], database_type: str, description: Mapping[str, str]) -> bytes:
    entries = {name: _unsigned(value, kind) for name, (value, kind) in numbers.items()}
    entries["database_type"] = _text(database_type)
    entries["languages"] = _control(11, 0)
    entries["description"] = _map({key: _text(value) for key, value in description.items()})
    return _map(entries)


def _map(entries: Mapping[str, bytes]) -> bytes:
    body = b"".join(_text(key) + entries[key] for key in sorted(entries))
    return _control(7, len(entries)) + body
