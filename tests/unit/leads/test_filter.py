"""Cursors, ids and ranges as text and back."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.leads.days import DayRange
from firmly.leads.filter import Cursor, org_id_of, org_id_text
from firmly.model import InvalidInputError, OrgId


@given(value=st.integers(-(2**63), 2**63 - 1) | st.text(max_size=200), identity=st.integers(0, 2**64 - 1))
def test_cursor_reads_what_it_writes(value: int | str, identity: int) -> None:
    cursor = Cursor(value, identity)
    assert Cursor.parse(str(cursor), is_text=isinstance(value, str)) == cursor
    with pytest.raises(InvalidInputError):
        Cursor.parse(str(cursor), is_text=not isinstance(value, str))


@given(text=st.text(max_size=40))
def test_cursor_of_any_text_is_a_cursor_or_a_clear_refusal(text: str) -> None:
    with contextlib.suppress(InvalidInputError):
        assert str(Cursor.parse(text)) == text


@pytest.mark.parametrize("text", ["", "zzz", "WyJcdWQ4MDAiLCIxIl0", "A" * 15, "A" * 17, "Ä" * 16, "AAAA AAAA AAAA AA"])
def test_cursor_refusal_names_the_field(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Cursor.parse(text)
    assert [problem.key for problem in caught.value.problems] == ["after"]


@given(number=st.integers(0, 2**64 - 1))
def test_org_id_reads_what_it_writes(number: int) -> None:
    assert org_id_of(org_id_text(OrgId(number))) == number


@pytest.mark.parametrize(
    "text", ["", "a", "0x00000000000000", "000000000000000g", "+00000000000000a", "A" * 16, "a" * 17, "١" * 16]
)
def test_org_id_of_anything_else_is_none(text: str) -> None:
    assert org_id_of(text) is None


def test_day_range_holds_both_ends() -> None:
    span = DayRange.until(date(2026, 3, 2), 3)
    assert list(span) == [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)]


def test_day_range_never_runs_backwards() -> None:
    with pytest.raises(ValueError, match="after the last"):
        DayRange(date(2026, 3, 2), date(2026, 3, 1))
