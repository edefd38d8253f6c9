"""Merges of organisations: which id stands for which, applied when stored rows are read.

Owns the following of chains. Where merges are kept is for its callers; nothing here is stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from firmly.model import FirmlyError, OrgId
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.names import name_key, organisation_id


@dataclass(frozen=True, slots=True)
class Redirects:
    """A closed set of merges: every id leads straight to the one that stands for it."""

    to: Mapping[OrgId, OrgId] = field(default_factory=dict)

    @classmethod
    def of(cls, merges: Iterable[tuple[OrgId, OrgId]]) -> "Redirects":
        """Return the redirects of ``(merged, kept)`` pairs, later pairs first where they disagree.

        Raises:
            FirmlyError: when merges lead round in a circle, since then nobody is kept.
        """
        given = dict(merges)
        return cls({merged: _end_of(merged, given) for merged in given})

    def follow(self, organisation: OrgId) -> OrgId:
        """Return the id that stands for ``organisation``: itself where it was never merged."""
        return self.to.get(organisation, organisation)

    def merged_into(self, kept: OrgId) -> frozenset[OrgId]:
        """Return every id that leads to ``kept``, without itself: what a read has to gather."""
        return frozenset(merged for merged, end in self.to.items() if end == kept)

    def with_merge(self, merged: OrgId, kept: OrgId) -> "Redirects":
        """Return these redirects with one more merge. Raises FirmlyError, see `of`."""
        return Redirects.of([*self.to.items(), (merged, kept)])


def _end_of(start: OrgId, given: Mapping[OrgId, OrgId]) -> OrgId:
    passed = {start}
    at = given[start]
    while at in given and at not in passed:
        passed.add(at)
        at = given[at]
    if at in passed:
        raise FirmlyError(f"organisation {start}: its merges lead back to itself; undo one of them")
    return at


def alias_merge(alias: str, name: str, country: str, forms: LegalForms) -> tuple[OrgId, OrgId]:
    """Return the merge by which a holder registered as ``alias`` is the organisation called ``name``."""
    merged, kept = (organisation_id(name_key(one, country, forms), country) for one in (alias, name))
    return merged, kept
