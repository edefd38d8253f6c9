"""A Merkle tree that only grows: its root, what an append adds, and the path from one leaf to the root.

Source: RFC 9162, 2.1. A leaf is the hash of an entry's own hash, so that leaves and nodes cannot be mistaken.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

LEFT, RIGHT = "left", "right"
HASH_BYTES = 32

Path = tuple[tuple[str, bytes], ...]
"""From the leaf upwards: on which side a neighbour stands, and its hash."""


def leaf_of(entry_hash: bytes) -> bytes:
    return sha256(b"\x00" + entry_hash).digest()


def node_of(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Node:
    """A perfect subtree: ``level`` 0 is a leaf, ``position`` counts the subtrees of a level from the left."""

    level: int
    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """The perfect subtrees of a tree with ``size`` leaves, the largest first: all that an append has to know."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Tell whether there are as many subtrees as a tree of this size has, each with a whole hash."""
        is_wide = all(len(peak) == HASH_BYTES for peak in self.peaks)
        return self.size >= 0 and len(self.peaks) == self.size.bit_count() and is_wide

    def append(self, leaf: bytes) -> tuple["Frontier", tuple[Node, ...]]:
        """Return the tree with one more leaf, and the nodes above leaves that this completed."""
        peaks, made, level, position = list(self.peaks), list[Node](), 0, self.size
        while position & 1:
            leaf = node_of(peaks.pop(), leaf)
            level, position = level + 1, position >> 1
            made.append(Node(level, position, leaf))
        return Frontier(self.size + 1, (*peaks, leaf)), tuple(made)

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return sha256(b"").digest()
        *others, root = self.peaks
        for peak in reversed(others):
            root = node_of(peak, root)
        return root


def frontier_of(leaves: Iterable[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in leaves:
        frontier, _ = frontier.append(leaf)
    return frontier


NodeAt = Callable[[int, int], bytes]
"""Returns the hash of a perfect subtree by level and position."""


def path_to(index: int, size: int, node_at: NodeAt) -> Path:
    """Return the inclusion path of a leaf in the tree of ``size`` leaves; asks for O(log² size) nodes at most."""
    return tuple(_path(index, 0, size, node_at))


def fold(leaf: bytes, path: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the root to which a leaf and its path lead."""
    for side, neighbour in path:
        leaf = node_of(neighbour, leaf) if side == LEFT else node_of(leaf, neighbour)
    return leaf


def _path(index: int, first: int, end: int, node_at: NodeAt) -> list[tuple[str, bytes]]:
    if end - first == 1:
        return []
    middle = first + _split(end - first)
    if index < middle:
        return [*_path(index, first, middle, node_at), (RIGHT, _subtree(middle, end, node_at))]
    return [*_path(index, middle, end, node_at), (LEFT, _subtree(first, middle, node_at))]


def _subtree(first: int, end: int, node_at: NodeAt) -> bytes:
    width = end - first
    if width.bit_count() == 1:
        level = width.bit_length() - 1
        return node_at(level, first >> level)
    middle = first + _split(width)
    return node_of(_subtree(first, middle, node_at), _subtree(middle, end, node_at))


def _split(width: int) -> int:
    """Return the largest power of two that is smaller than ``width``."""
    return 1 << ((width - 1).bit_length() - 1)
