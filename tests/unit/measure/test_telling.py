"""Forms that tell; the long tables are in test_reduce, through the functions that the pipeline calls."""

import pytest

from firmly.measure.telling import masked, tells


@pytest.mark.parametrize("text", ["2026-11-22", "(2026-11-22)", "in-2026-11-22-x", "2025-2026", "123456", ""])
def test_date_that_stands_alone_is_excused(text: str) -> None:
    assert not tells(text)


@pytest.mark.parametrize("text", ["2026-11-22-1", "2026-11-22A1", "x2026-11-22", "2026-11-32", "2026-11.22", "1234567"])
def test_date_that_is_half_an_id_is_not(text: str) -> None:
    assert tells(text)


def test_marks_over_several_words_go_together() -> None:
    assert masked("call +358 (40) 123 4567 or jane @ example . com") == "call * or *"
