"""What a holder most likely is: a fitted linear model over marks of its name and its networks.

Owns the file of weights and its arithmetic, in plain Python. `holder_facts.marks` makes the marks,
`scripts/fit_holders.py` the weights. A mark is kept only where many names bear it, so that no
single name can be read out of the file.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

WEIGHTS_NAME = "holders.weights"
_UNIT = 1000
_SHORTEST_WORD = 4
_OF_PUBLIC_BODIES = frozenset(("in:education", "in:government"))
_READABLE = {
    "formed": "a legal form",
    "formless": "no legal form",
    "form:": "no legal form",
    "handle": "a registry handle",
    "one16": "one /16",
    "single": "one word",
    "short": "one short word",
}
_READABLE_PREFIX = {
    "w": "",
    "b": "",
    "first": "",
    "h": "handle ",
    "form": "legal form ",
    "in": "a word of ",
    "head": "begins as ",
    "cc": "country ",
    "n4": "IPv4 networks 2^",
    "n6": "IPv6 networks 2^",
    "a4": "IPv4 addresses 2^",
    "per": "addresses per network 2^",
    "len": "words ",
}


class Estimate(NamedTuple):
    """Probabilities, in the order of the weights; they add up to one."""

    education: float
    government: float
    business: float
    carrier: float
    hosting: float
    person: float

    @property
    def public_body(self) -> float:
        return self.education + self.government


@dataclass(frozen=True, slots=True)
class Weights:
    """The fitted weights: per mark one for each class of `Estimate`."""

    bias: tuple[float, ...]
    by_mark: dict[str, tuple[float, ...]]

    @classmethod
    def bundled(cls) -> "Weights":
        """Read the weights that ship with Firmly."""
        text = resources.files("firmly.organisations.words").joinpath(f"{WEIGHTS_NAME}.txt").read_text("utf-8")
        return cls.of(text.splitlines())

    @classmethod
    def of(cls, lines: Iterable[str]) -> "Weights":
        """Read lines of a mark, a tab and thousandths; ``#`` starts a comment line."""
        table = dict[str, tuple[float, ...]]()
        for line in lines:
            if line and not line.startswith("#"):
                mark, _, numbers = line.partition("\t")
                table[mark] = tuple(int(number) / _UNIT for number in numbers.split())
        return cls(table.pop("bias"), table)

    def estimate(self, marks: Iterable[str]) -> Estimate:
        """Return how likely each class is for a holder with these ``marks``."""
        known = (self.by_mark[mark] for mark in marks if mark in self.by_mark)
        sums = [math.fsum(column) for column in zip(self.bias, *known, strict=True)]
        most = max(sums)
        shares = [math.exp(one - most) for one in sums]
        total = math.fsum(shares)
        return Estimate(*(share / total for share in shares))

    def reasons(self, marks: Iterable[str], place: int, most: int = 3) -> str:
        """Return what speaks most for the class at ``place``, as a person may read it."""
        found = ((self._speaks_for(mark, place), mark) for mark in marks if mark in self.by_mark)
        strongest = sorted(((weight, mark) for weight, mark in found if weight > 0), reverse=True)
        told = dict.fromkeys(_readable(mark) for _, mark in strongest)
        return ", ".join(list(told)[:most])

    def said_in_a_word(self, marks: Iterable[str], place: int) -> float:
        """Return how much the strongest whole word, or list of public bodies' words, speaks for the class."""
        in_words = (mark for mark in marks if mark in self.by_mark and _is_a_word(mark))
        return max((self._speaks_for(mark, place) for mark in in_words), default=0.0)

    def _speaks_for(self, mark: str, place: int) -> float:
        weights = self.by_mark[mark]
        return weights[place] - math.fsum(weights) / len(weights)


def _is_a_word(mark: str) -> bool:
    kind, _, word = mark.partition(":")
    return mark in _OF_PUBLIC_BODIES or (kind == "w" and len(word) >= _SHORTEST_WORD)


def _readable(mark: str) -> str:
    kind, _, rest = mark.partition(":")
    if not rest:
        return _READABLE.get(mark, mark)
    if kind == "g":
        return rest.replace("<", "").replace(">", "") if rest[0] == "<" or rest[-1] == ">" else f"..{rest}.."
    return _READABLE_PREFIX.get(kind, f"{kind} ") + rest
