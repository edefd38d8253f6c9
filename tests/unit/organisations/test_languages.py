"""Nouns of organisations in the languages of docs/ORGANISATIONS.md, in made-up names."""

import pytest

from benchmarks.orgs_languages import Example, examples, is_told, recall
from firmly.organisations.classify import Lists

LANGUAGES = [
    "fi", "sv", "da", "no", "et", "lv", "lt", "de", "nl", "fr",
    "es", "pt", "it", "pl", "cs", "hu", "ro", "el", "tr", "en",
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_nearly_every_noun_of_a_language_tells_its_kind(language: str, lists: Lists) -> None:
    missed = [example.name for example in examples() if example.language == language and not is_told(example, lists)]

    assert len(missed) <= 1, missed


def test_recall_is_the_share_of_names_told_rightly(lists: Lists) -> None:
    shares, finnish = recall(lists), [example for example in examples() if example.language == "fi"]

    assert list(shares) == LANGUAGES
    assert shares["fi"] == round(sum(is_told(example, lists) for example in finnish) / len(finnish), 3)


def test_a_name_of_another_kind_is_not_told(lists: Lists) -> None:
    university = next(examples())
    ministry = next(example for example in examples() if example.kind is not university.kind)

    assert is_told(university, lists)
    assert not is_told(Example(university.language, university.country, ministry.kind, university.name), lists)
