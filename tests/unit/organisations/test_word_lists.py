"""How the entries of a word list match."""

import pytest

from firmly.organisations.word_lists import WordList, read_lines

LISTED = WordList.of(["bank", "city of", "tele*", "*net", "*kommun*"])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("bank",), "bank"),
        (("banker",), ""),
        (("the", "city", "of", "york"), "city of"),
        (("city", "york"), ""),
        (("telecom",), "tele*"),
        (("skynet",), "*net"),
        (("samkommunen",), "*kommun*"),
        ((), ""),
    ],
)
def test_an_entry_matches_as_it_is_written(words: tuple[str, ...], found: str) -> None:
    assert LISTED.find(words) == found


def test_only_phrases_count_as_a_beginning() -> None:
    assert LISTED.starts_with(("city", "of", "york")) == "city of"
    assert LISTED.starts_with(("old", "bank")) == ""


@pytest.mark.parametrize(
    "name",
    ["pools", "mobile", "vpn", "hosting", "carriers", "research", "education", "government", "nonprofit",
     "industries", "firms", "persons", "harmless", "ministries", "not_of_companies",
     "hospitals", "given_names", "never_surnames", "teaching", "general"],
)  # fmt: skip
def test_every_list_is_folded_and_free_of_blanks(name: str) -> None:
    entries = read_lines(name)

    assert entries
    assert [
        entry for entry in entries if entry.partition(":")[2].strip() != entry.partition(":")[2].strip().lower()
    ] == []
    assert "*" not in entries
    assert "" not in entries
