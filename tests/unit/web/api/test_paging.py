"""Lists in pages."""

import pytest

from firmly.web.api.paging import Paged, slice_of


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_follow_each_other_without_gap_or_repetition(limit: int, newest_first: bool) -> None:
    items, seen, asked = [5, 3, 9, 1, 7, 2, 8], list[int](), Paged(limit=limit)
    while True:
        shown, more = slice_of(items, asked, int, newest_first=newest_first)
        assert len(shown) <= limit
        seen += shown
        if more is None:
            break
        asked = Paged(cursor=more, limit=limit)
    assert seen == sorted(items, reverse=newest_first)


def test_what_is_gone_between_two_pages_leaves_no_gap() -> None:
    _, more = slice_of([1, 2, 3], Paged(limit=1), int)
    assert slice_of([2, 3], Paged(cursor=more or "", limit=1), int) == ([2], "2")
