"""What an assistant gets of an answer: bounded, in one line each, without what a person would not see."""

import json

import pytest

from firmly.mcp.bounds import MAX_CHARACTERS, MAX_INNER_ITEMS, MAX_ITEMS, MAX_TEXT, bounded, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nokia Oyj, Ümlaut 日本 🦩", "Nokia Oyj, Ümlaut 日本 🦩"),
        ("a\nb\tc\r", "a b c "),
        ("a\u202eb\u200bc\ufeffd", "abcd"),
        ("a\U000e0041\U000e0042", "a"),
        ("a\x00\x1b[31mb", "a[31mb"),
        ("x" * 301, "x" * 299 + "…"),
        ("x" * 300, "x" * 300),
    ],
    ids=lambda one: ascii(one)[:20],
)
def test_text_is_what_a_person_sees(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert len(plain(text)) <= MAX_TEXT


def test_small_answer_is_as_it_came() -> None:
    answer = {"items": [{"a": 1, "b": None, "c": 1.5, "d": True, "e": ["x"]}], "next": "abc"}
    assert bounded(answer) == answer


def test_long_lists_are_cut_and_that_is_said() -> None:
    found = bounded({"days": list(range(500)), "items": [{"pages": list(range(90))}]})
    assert (len(found["days"]), len(found["items"][0]["pages"])) == (MAX_ITEMS, MAX_INNER_ITEMS)
    assert found["cut"] == [
        f"days: only the first {MAX_ITEMS} of 500",
        f"pages: only the first {MAX_INNER_ITEMS} of 90",
    ]


def test_whole_answer_is_bounded_and_the_next_page_is_not_offered_past_a_gap() -> None:
    visit = {"pages": [{"path": "/" + "é" * 200, "title": "t" * 200}] * 25}
    found = bounded({"items": [visit] * 30, "next": "abc"})
    assert len(json.dumps(found["items"], ensure_ascii=False)) <= MAX_CHARACTERS
    assert 0 < len(found["items"]) < 30
    assert "next" not in found
    assert found["cut"][0].startswith(f"items: only the first {len(found['items'])};")
