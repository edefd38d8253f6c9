"""How many nouns of organisations each language tells: made-up holders, judged by their names alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from firmly.model import Confidence, OrgKind
from firmly.organisations.classify import Lists, Named, classify
from firmly.organisations.data_file import Holder


class Example(NamedTuple):
    """A made-up name in a language, the country of its holder and the kind it tells."""

    language: str
    country: str
    kind: OrgKind
    name: str


def examples() -> Iterator[Example]:
    """Yield the names of the file beside this module."""
    for line in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            head, _, names = line.partition(": ")
            language, country, kind = head.split()
            yield from (Example(language, country, OrgKind(kind), name.strip()) for name in names.split(";"))


def is_told(example: Example, lists: Lists) -> bool:
    """Tell whether a holder of this name is named with its kind at the usual confidence."""
    verdict = classify(Holder(64500, example.name, example.country, 1, 512, 0), lists)
    return isinstance(verdict, Named) and verdict.kind is example.kind and verdict.confidence is Confidence.HIGH


def recall(lists: Lists) -> dict[str, float]:
    """Return by language the share of its names that are told."""
    told: dict[str, list[bool]] = {}
    for example in examples():
        told.setdefault(example.language, []).append(is_told(example, lists))
    return {language: round(sum(of_language) / len(of_language), 3) for language, of_language in told.items()}
