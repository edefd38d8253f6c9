"""Everything that the judgement of holders reads: word lists, legal forms, given names, fitted weights."""

from dataclasses import dataclass, replace
from typing import Self

from firmly.organisations.estimate import Weights
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.word_lists import WordList, read_lines, read_list


@dataclass(frozen=True, slots=True)
class Lists:
    """Every list the rules use.

    With ``is_strict`` a firm that seems to bear a person's name is not named either ("X Y Oy").
    """

    pools: WordList
    mobile: WordList
    vpn: WordList
    hosting: WordList
    carriers: WordList
    research: WordList
    education: WordList
    government: WordList
    nonprofit: WordList
    hospitals: WordList
    industries: WordList
    technology: WordList
    firms: WordList
    harmless: frozenset[str]
    ministries: WordList
    teaching: WordList
    general: frozenset[str]
    not_of_companies: frozenset[str]
    persons: WordList
    persons_by_country: dict[str, WordList]
    given_names: frozenset[str]
    never_surnames: WordList
    forms: LegalForms
    weights: Weights
    is_strict: bool = False

    @classmethod
    def bundled(cls) -> Self:
        """Read the lists that ship with Firmly."""
        return cls.with_weights(Weights.bundled())

    @classmethod
    def with_weights(cls, weights: Weights) -> Self:
        """Read the lists, and judge by ``weights``."""
        persons = read_lines("persons")
        return cls(
            pools=read_list("pools"),
            mobile=read_list("mobile"),
            vpn=read_list("vpn"),
            hosting=read_list("hosting"),
            carriers=read_list("carriers"),
            research=read_list("research"),
            education=read_list("education"),
            government=read_list("government"),
            nonprofit=read_list("nonprofit"),
            hospitals=read_list("hospitals"),
            industries=read_list("industries"),
            technology=read_list("technology"),
            firms=read_list("firms"),
            harmless=frozenset(read_lines("harmless")),
            ministries=read_list("ministries"),
            teaching=read_list("teaching"),
            general=frozenset(read_lines("general")),
            not_of_companies=frozenset(read_lines("not_of_companies")),
            persons=WordList.of(line for line in persons if ":" not in line),
            persons_by_country=_by_country(persons),
            given_names=frozenset(name for line in read_lines("given_names") for name in line.split()),
            never_surnames=read_list("never_surnames"),
            forms=LegalForms.bundled(),
            weights=weights,
        )

    def strict(self) -> Self:
        """Return the lists for an operator who names no firm that may be a person's."""
        return replace(self, is_strict=True)


def _by_country(persons: list[str]) -> dict[str, WordList]:
    by_country: dict[str, list[str]] = {}
    for line in persons:
        country, colon, entry = line.partition(":")
        if colon:
            by_country.setdefault(country, []).append(entry.strip())
    return {country: WordList.of(entries) for country, entries in by_country.items()}
