"""The tree over the log: RFC 9162's definition, computed the slow way, against what grows by appending."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.consent.merkle import Frontier, fold, frontier_of, leaf_of, path_to

LEAVES = [leaf_of(bytes([number % 256]) * 32) for number in range(130)]


def definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, over leaves that are hashed already."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + definition(leaves[:split]) + definition(leaves[split:])).digest()


def nodes_of(size: int) -> dict[tuple[int, int], bytes]:
    frontier, nodes = Frontier(), {(0, place): leaf for place, leaf in enumerate(LEAVES[:size])}
    for leaf in LEAVES[:size]:
        frontier, made = frontier.append(leaf)
        nodes |= {(node.level, node.position): node.hash for node in made}
    return nodes


@pytest.mark.parametrize("size", range(len(LEAVES)))
def test_root_is_that_of_the_definition(size: int) -> None:
    frontier = frontier_of(LEAVES[:size])
    assert (frontier.root, frontier.size, frontier.is_whole) == (definition(LEAVES[:size]), size, True)


@given(st.integers(1, 129).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_path_leads_from_its_leaf_to_the_root_and_from_no_other(place: tuple[int, int]) -> None:
    size, index = place
    nodes = nodes_of(size)
    path = path_to(index, size, lambda level, position: nodes[level, position])
    assert fold(LEAVES[index], path) == definition(LEAVES[:size])
    assert fold(leaf_of(b"other"), path) != definition(LEAVES[:size])
    assert len(path) <= (size - 1).bit_length()


def test_path_in_a_large_tree_asks_for_few_nodes() -> None:
    asked = []

    def node_at(level: int, position: int) -> bytes:
        asked.append((level, position))
        return b"n" * 32

    path_to(1_000_000 - 2, 1_000_001, node_at)
    assert len(asked) <= 21
    assert len(set(asked)) == len(asked)


def test_leaf_and_node_are_told_apart() -> None:
    """Else two entries could be passed off as one."""
    left, right = LEAVES[:2]
    assert frontier_of(LEAVES[:2]).root != leaf_of(left + right)


@pytest.mark.parametrize(
    "frontier",
    [
        Frontier(-1),
        Frontier(3, (b"x" * 32,)),
        Frontier(0, (b"x" * 32,)),
        Frontier(1, (b"x" * 31,)),
        Frontier(1, (b"",)),
    ],
)
def test_frontier_with_other_peaks_than_its_size_is_not_whole(frontier: Frontier) -> None:
    assert not frontier.is_whole
