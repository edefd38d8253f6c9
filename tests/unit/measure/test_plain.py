"""Texts come to one form, and what never comes to rest is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.measure.plain import MAX_DEPTH, plain


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("plain-text", "plain-text"),
        ("Ääkkösiä 中文", "Ääkkösiä 中文"),
        ("%4" + "0", "@"),
        ("&#64;", "@"),
        ("&amp;%2364;", "@"),
        ("%\u200b40", "@"),
        ("１２３．４", "123.4"),
        ("١٢٣", "123"),
        ("a\u2014b\u2212c", "a-b-c"),
        ("a\u00a0b\u2028c\td", "a b c d"),
        ("192。168", "192.168"),
        ("a\u202eb\u0000c\ufe0fd", "abcd"),
        ("100%", "100%"),
        ("\ufdfa" * 50, None),
        ("%" + "25" * MAX_DEPTH + "40", None),
    ],
    ids=ascii,
)
def test_plain(text: str, folded: str | None) -> None:
    assert plain(text) == folded


@given(st.text(max_size=200))
def test_what_comes_out_is_at_rest(text: str) -> None:
    folded = plain(text)
    assert folded is None or plain(folded) == folded
