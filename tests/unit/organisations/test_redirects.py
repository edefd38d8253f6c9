"""Merges of organisations: chains end, circles are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.model import FirmlyError, OrgId
from firmly.organisations.lists import Lists
from firmly.organisations.names import name_key, organisation_id
from firmly.organisations.redirects import Redirects, alias_merge

A, B, C, D = map(OrgId, range(1, 5))


def test_a_chain_of_merges_leads_to_its_end() -> None:
    redirects = Redirects.of([(A, B), (B, C)])

    assert [redirects.follow(one) for one in (A, B, C, D)] == [C, C, C, D]
    assert redirects.merged_into(C) == {A, B}
    assert redirects.merged_into(D) == frozenset()


def test_a_later_merge_moves_what_was_merged_before() -> None:
    redirects = Redirects.of([(A, B)]).with_merge(B, D)

    assert redirects.follow(A) == D


@pytest.mark.parametrize("merges", [[(A, A)], [(A, B), (B, A)], [(D, A), (A, B), (B, C), (C, A)]])
def test_merges_in_a_circle_are_refused(merges: list[tuple[OrgId, OrgId]]) -> None:
    with pytest.raises(FirmlyError, match="lead back"):
        Redirects.of(merges)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(31, 60))))
def test_following_twice_changes_nothing(pairs: list[tuple[int, int]]) -> None:
    redirects = Redirects.of((OrgId(merged), OrgId(kept)) for merged, kept in pairs)

    assert all(redirects.follow(redirects.follow(OrgId(one))) == redirects.follow(OrgId(one)) for one in range(61))


def test_an_alias_leads_to_the_organisation_of_the_name(lists: Lists) -> None:
    merge = alias_merge("Beispiel Deutschland GmbH", "Beispiel AG", "DE", lists.forms)

    kept = organisation_id(name_key("Beispiel", "DE", lists.forms), "DE")
    assert Redirects.of([merge]).follow(merge[0]) == kept
    assert merge[0] != kept
