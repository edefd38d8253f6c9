"""Replaces, in a filter, what the warehouse does not know: the team's records and data, feeds, the keys of sites.

Also says which leads somebody may see at all, where their membership is restricted to feeds.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from firmly.accounts.database import ControlPlane
from firmly.accounts.scope import Scope
from firmly.accounts.site import Site
from firmly.leads.company_data.facts import CompanyFacts
from firmly.leads.company_data.service import CompanyData
from firmly.leads.corrections import HIDDEN, Corrections
from firmly.leads.feeds import Feed, Feeds
from firmly.leads.ideal import fits
from firmly.leads.lead import NO_FACTS, Identity
from firmly.leads.list_columns import ListColumns
from firmly.leads.record import NOTHING_SAID, LeadRecord, LeadStatus
from firmly.leads.records import LeadRecords
from firmly.leads.scoring import Scorings
from firmly.model import Clock, InvalidInputError, OrgId, Problem
from firmly.warehouse.conditions import (
    EVERYTHING,
    FIELDS,
    Among,
    Comparison,
    Condition,
    FieldKind,
    Group,
    Not,
    OfDomains,
    Op,
    Visited,
    Within,
    both,
)

NOTHING = Among(())
"""Passed by no lead."""

_NEGATIVE = frozenset({Op.NE, Op.NOT_IN, Op.NOT_SET})
_ANY = frozenset({Op.SET, Op.NOT_SET})


class SaidOf(NamedTuple):
    """What a team says of a company."""

    record: LeadRecord
    facts: CompanyFacts
    is_ideal: bool


@dataclass(frozen=True, slots=True)
class Resolver:
    """Safe to share between threads. ``sites`` returns a workspace's sites."""

    records: LeadRecords
    company_data: CompanyData
    feeds: Feeds
    scorings: Scorings
    columns: ListColumns
    sites: Callable[[Scope], Iterable[Site]]

    @classmethod
    def over(cls, control_plane: ControlPlane, clock: Clock, sites: Callable[[Scope], Iterable[Site]]) -> "Resolver":
        """Return one over everything that a control plane holds."""
        return cls(
            LeadRecords(control_plane, clock),
            CompanyData(control_plane, clock),
            Feeds(control_plane, clock),
            Scorings(control_plane, clock),
            ListColumns(control_plane),
            sites,
        )

    def said(
        self, scope: Scope, identities: Iterable[Identity], corrections: Corrections, ideal: Condition
    ) -> dict[OrgId, SaidOf]:
        """Return what the team says of some companies: a few questions for all of them together."""
        found = list(identities)
        groups = {one.org_id: [one.org_id, *corrections.members([one.org_id])] for one in found}
        records = self.records.of(scope, groups)
        facts = self.company_data.of(scope, {one.domain for one in found if one.domain})
        said = {}
        for one in found:
            record, fact = records.get(one.org_id, NOTHING_SAID), facts.get(one.domain, NO_FACTS)
            said[one.org_id] = SaidOf(record, fact, _is_ideal(ideal, one, record, fact))
        return said

    def resolved(self, scope: Scope, condition: Condition, corrections: Corrections) -> Condition:
        """Return the condition as the warehouse understands it.

        Raises:
            InvalidInputError: it names a site, a feed or a status that is not there.
        """
        return _Resolving(self, scope, corrections).resolved(condition)

    def visible(self, scope: Scope, corrections: Corrections) -> Condition:
        """Return what a lead has to pass to be seen by somebody at all: to be in one of their feeds."""
        if scope.feeds is None:
            return EVERYTHING
        resolving, parts = _Resolving(self, scope, corrections), list[Condition]()
        for feed in self.feeds.of(scope):
            # One that asks for what is no longer there shows nothing, and takes none of the others with it.
            with contextlib.suppress(InvalidInputError):
                parts.append(Within(resolving.resolved(feed.condition), feed.days))
        return Group(is_any=True, parts=tuple(parts)) if parts else NOTHING

    def unhidden(self, scope: Scope, corrections: Corrections) -> Condition:
        """Return what leaves out the leads that the team, or this member, has hidden."""
        hidden = self.records.hidden_ids(scope, corrections.shown_as) - {HIDDEN}
        return Among(tuple(sorted(hidden)), is_in=False) if hidden else EVERYTHING


def _is_ideal(ideal: Condition, one: Identity, record: LeadRecord, facts: CompanyFacts) -> bool:
    """What the team's own data says goes before the definition; without one nobody is."""
    if facts.icp is not None:
        return facts.icp
    known = {
        "name": (one.name,),
        "domain": (one.domain,),
        "country": (one.country,),
        "kind": (one.kind,),
        "industry": (facts.industry,),
        "size": (facts.size,),
        "tag": record.tags,
    }
    return ideal != EVERYTHING and fits(ideal, known)


@dataclass(frozen=True, slots=True)
class _Resolving:
    parts: Resolver
    scope: Scope
    corrections: Corrections

    def resolved(self, condition: Condition) -> Condition:
        match condition:
            case Comparison():
                return self._comparison(condition)
            case Group():
                return Group(condition.is_any, tuple(map(self.resolved, condition.parts)))
            case _:
                return condition

    def in_any(self, feeds: Iterable[Feed], *, is_in: bool) -> Condition:
        within = tuple(Within(self.resolved(feed.condition), feed.days, is_in) for feed in feeds)
        if not within:
            return NOTHING if is_in else EVERYTHING
        return Group(is_any=is_in, parts=within)

    def _comparison(self, one: Comparison) -> Condition:
        values, is_in = [str(value) for value in one.values], one.op not in _NEGATIVE
        match FIELDS[one.field]:
            case FieldKind.RECORD | FieldKind.NOTE:
                return self._record(one, values, is_in=is_in)
            case FieldKind.FACTS:
                return OfDomains(self._domains(one, values), is_in)
            case FieldKind.ICP:
                return self._ideal(is_ideal=values == ["yes"])
            case FieldKind.FEED:
                return self.in_any(self._feeds(values), is_in=is_in)
            case FieldKind.SITE:
                return Visited(self._sites(values), is_in)
            case _:
                return one

    def _record(self, one: Comparison, values: Sequence[str], *, is_in: bool) -> Condition:
        records, follow = self.parts.records, self.corrections.shown_as
        if one.op in _ANY:
            found = records.ids_with_any(self.scope, one.field, follow)
        elif one.field == "status" and LeadStatus.NEW in _statuses(values):
            # Nothing is kept of what is new: it is what has none of the other states.
            others = [status.value for status in LeadStatus if status not in _statuses(values)]
            found, is_in = records.ids_with(self.scope, one.field, others, follow), not is_in
        else:
            found = records.ids_with(self.scope, one.field, values, follow)
        return Among(_ordered(found), is_in)

    def _domains(self, one: Comparison, values: Sequence[str]) -> tuple[str, ...]:
        data = self.parts.company_data
        found = (
            data.domains_with_any(self.scope, one.field)
            if one.op in _ANY
            else data.domains_with(self.scope, one.field, values)
        )
        return tuple(sorted(found))

    def _ideal(self, *, is_ideal: bool) -> Condition:
        """What the team's own data says of a company goes before the definition."""
        data = self.parts.company_data
        said = {value: tuple(sorted(data.domains_with(self.scope, "icp", [value]))) for value in ("yes", "no")}
        defined = self.parts.scorings.of(self.scope).ideal
        fits = NOTHING if defined == EVERYTHING else self.resolved(defined)
        ideal = Group(is_any=True, parts=(OfDomains(said["yes"]), both(fits, OfDomains(said["no"], is_in=False))))
        return ideal if is_ideal else Not(ideal)

    def _feeds(self, values: Sequence[str]) -> list[Feed]:
        known = {str(feed.id): feed for feed in self.parts.feeds.of(self.scope)}
        _require_known("feed", values, known)
        return [known[value] for value in values]

    def _sites(self, values: Sequence[str]) -> tuple[int, ...]:
        known = {str(site.key): site.id for site in self.parts.sites(self.scope)}
        _require_known("site", values, known)
        return tuple(known[value] for value in values)


def _statuses(values: Sequence[str]) -> set[str]:
    given = {value.lower() for value in values}
    _require_known("status", given, set(LeadStatus))
    return given


def _require_known(field: str, values: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    wrong = [value for value in values if value not in known]
    if wrong:
        expected = f"one of {', '.join(known[:20])}" if known else f"a {field} that is there: now there is none"
        raise InvalidInputError("this filter cannot be used", [Problem(field, wrong[0][:40], expected)])


def _ordered(org_ids: Iterable[OrgId]) -> tuple[int, ...]:
    return tuple(sorted(set(org_ids) - {HIDDEN}))
