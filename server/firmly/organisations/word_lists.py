"""Lists of words that speak for or against a class of organisation.

Owns the form of the files in `words/`: one entry a line, folded (see `names.words`), `#` starts a
comment. ``word`` is a whole word, ``two words`` a phrase, ``tele*`` the start of a word, ``*net``
its end, ``*kommun*`` any part of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

_LONGEST_PHRASE = 6


@dataclass(frozen=True, slots=True)
class WordList:
    """One list, ready to be searched. `find` answers the entry that matched, or ``""``."""

    phrases: frozenset[str]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    parts: tuple[str, ...]

    @classmethod
    def of(cls, entries: Iterable[str]) -> "WordList":
        phrases, starts, ends, parts = set[str](), list[str](), list[str](), list[str]()
        for entry in entries:
            match entry.startswith("*"), entry.endswith("*"):
                case True, True:
                    parts.append(entry.strip("*"))
                case True, False:
                    ends.append(entry[1:])
                case False, True:
                    starts.append(entry[:-1])
                case _:
                    phrases.add(entry)
        return cls(frozenset(phrases), tuple(starts), tuple(ends), tuple(parts))

    def find(self, words: tuple[str, ...]) -> str:
        """Return the first entry that occurs in ``words`` (made by `names.words`), or ``""``."""
        for place, word in enumerate(words):
            if found := self._phrase_at(words, place) or self._part_of(word):
                return found
        return ""

    def starts_with(self, words: tuple[str, ...]) -> str:
        """Return the phrase with which ``words`` begin, or ``""``."""
        return self._phrase_at(words, 0)

    def _phrase_at(self, words: tuple[str, ...], place: int) -> str:
        for length in range(min(_LONGEST_PHRASE, len(words) - place), 0, -1):
            phrase = " ".join(words[place : place + length])
            if phrase in self.phrases:
                return phrase
        return ""

    def _part_of(self, word: str) -> str:
        if word.startswith(self.starts):
            return next(start for start in self.starts if word.startswith(start)) + "*"
        if word.endswith(self.ends):
            return "*" + next(end for end in self.ends if word.endswith(end))
        return next((f"*{part}*" for part in self.parts if part in word), "")


def read_list(name: str) -> WordList:
    """Read the list ``name`` that ships with Firmly."""
    return WordList.of(read_lines(name))


def read_lines(name: str) -> list[str]:
    """Return the lines of the list ``name`` without comments and blank lines."""
    text = resources.files("firmly.organisations.words").joinpath(f"{name}.txt").read_text("utf-8")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
