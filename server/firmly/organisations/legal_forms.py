"""Legal forms of companies by country: which name bears one, and the name without it.

A short form (``as``, ``ou``, ``ab``) counts only in its country and at its place: "Nordic Data OÜ"
is a company in Estonia, "Chun Ming Ou" is a person.
"""

from dataclasses import dataclass, field

from firmly.organisations.word_lists import read_lines

_ANYWHERE = "*"
_LONGEST_FORM = 6


@dataclass(frozen=True, slots=True)
class LegalForms:
    """The forms before and after a name, per country."""

    before: dict[str, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    after: dict[str, frozenset[tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def bundled(cls) -> "LegalForms":
        """Read the table that ships with Firmly."""
        before, after = dict[str, frozenset[tuple[str, ...]]](), dict[str, frozenset[tuple[str, ...]]]()
        for line in read_lines("legal_forms"):
            country, _, forms = line.partition(":")
            listed = [form.strip() for form in forms.split(",")]
            before[country] = frozenset(tuple(form[:-1].split()) for form in listed if form.endswith("-"))
            after[country] = frozenset(tuple(form.split()) for form in listed if not form.endswith("-"))
        return cls(before, after)

    def length_after(self, words: tuple[str, ...], country: str) -> int:
        """Return how many words at the end of ``words`` are a legal form in ``country``; 0: none."""
        for length in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
            if self.is_form(words[-length:], country, is_before=False):
                return length
        return 0

    def length_before(self, words: tuple[str, ...], country: str) -> int:
        """Return how many words at the start of ``words`` are a legal form in ``country``; 0: none."""
        for length in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
            if self.is_form(words[:length], country, is_before=True):
                return length
        return 0

    def is_borne_by(self, words: tuple[str, ...], country: str) -> bool:
        return bool(self.length_after(words, country) or self.length_before(words, country))

    def is_form(self, form: tuple[str, ...], country: str, *, is_before: bool) -> bool:
        table = self.before if is_before else self.after
        return form in table.get(_ANYWHERE, ()) or form in table.get(country, ())
