"""A workspace's corrections over its history: which organisation stands for which, and which are hidden.

Values only: what is kept stays as it was recorded, and is read through these. Without the rule the
history is as before.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from firmly.accounts.rules import KeptRule, RuleId
from firmly.leads.lead import Identity
from firmly.model import Confidence, OrgId
from firmly.organisations.overrides import OPERATOR, TEAM, Matcher, OverrideRule, Overrides, Target
from firmly.organisations.redirects import Redirects

HIDDEN = OrgId(0)
"""What a hidden organisation leads to; no organisation has this id."""

OPERATORS = RuleId(-1)
"""Stands for the rules of the operator's file, which no member can remove."""

MAX_REACHED = 5000
"""Organisations that one workspace's corrections may be about: they travel with each query."""

_NO_LETTERS = re.compile(r"[\W_]")


@dataclass(frozen=True, slots=True)
class Subject:
    """An organisation of the history by what rules look at."""

    org_id: OrgId
    name: str
    country: str
    asn: int
    registered_name: str
    may_be_shown: bool = True
    """By itself: with a route, or on its third day. Else a merge would show it sooner."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """``redirects`` leads every corrected id to what stands for it, or to `HIDDEN`.

    ``identities`` has who the rules say somebody is, where the history does not know them or the rule
    only names them anew. ``rules`` has the rules that lead to an id, ``gathered`` the ids that do,
    ``deciding`` the rule that decides for an id, ``unshown`` the ids of which nothing may be shown yet.
    ``is_complete`` is false where rules reach more organisations than are followed.
    """

    redirects: Redirects = field(default_factory=Redirects)
    identities: Mapping[OrgId, Identity] = field(default_factory=dict)
    rules: Mapping[OrgId, tuple[KeptRule, ...]] = field(default_factory=dict)
    gathered: Mapping[OrgId, tuple[OrgId, ...]] = field(default_factory=dict)
    deciding: Mapping[OrgId, RuleId] = field(default_factory=dict)
    unshown: frozenset[OrgId] = frozenset()
    is_complete: bool = True

    def follow(self, org_id: OrgId) -> OrgId:
        """Return the id that stands for ``org_id``, or `HIDDEN`."""
        return self.redirects.follow(org_id)

    def shown_as(self, org_id: OrgId) -> OrgId:
        """Return the id of which counts what is said of ``org_id``; `HIDDEN` for none.

        What stands for others counts always; what leads to it only once it may be shown itself.
        """
        end = self.follow(org_id)
        return HIDDEN if end != org_id and org_id in self.unshown else end

    def members(self, org_ids: Iterable[OrgId]) -> list[OrgId]:
        """Return these ids, and all that lead to them: what a read has to gather."""
        found = (one for org_id in org_ids for one in (org_id, *self.gathered.get(org_id, ())))
        return [one for one in found if one not in self.unshown]

    def parameters(self) -> dict[str, object]:
        """Return what queries that gather organisations need."""
        to = self.redirects.to
        return {"merged": list(to), "kept": list(to.values()), "unshown": sorted(self.unshown)}

    def identity_parameters(self) -> dict[str, object]:
        """Return who the rules say organisations are, for queries that compare it."""
        said = self.identities.values()
        return {
            "said_ids": list(self.identities),
            "said_name": [one.name for one in said],
            "said_domain": [one.domain for one in said],
            "said_country": [one.country for one in said],
            "said_kind": [str(one.kind) for one in said],
        }


NONE = Corrections()


def letters(registered_name: str) -> str:
    """Return the letters and digits of a name in lower case, as ``corrected.sql`` compares them."""
    return _NO_LETTERS.sub("", registered_name.lower())


def corrections_of(
    rules: Sequence[KeptRule],
    overrides: Overrides,
    subjects: Sequence[Subject],
    operators: Overrides | None = None,
    *,
    is_complete: bool = True,
) -> Corrections:
    """Return what ``rules`` make of ``subjects``; ``overrides`` are the same rules, ready to be asked.

    A rule by organisation goes before one by name, and that before one by AS number; the ``operators``
    file decides where no rule of the workspace does. One that would lead back to where it came from is
    not followed.
    """
    steps = _steps(rules, overrides, subjects)
    if operators is not None:  # After the workspace's own, so that of a circle theirs is not followed.
        steps |= _operators_steps(operators, [one for one in subjects if one.org_id not in steps])
    redirects = Redirects.of(_without_circles(steps))
    leading, gathered = defaultdict[OrgId, list[KeptRule]](list), defaultdict[OrgId, list[OrgId]](list)
    for start, (_end, kept) in steps.items():
        end = redirects.follow(start)
        if kept.id != OPERATORS and kept not in leading[end]:
            leading[end].append(kept)
        if end != start:
            gathered[end].append(start)
    return Corrections(
        redirects,
        _identities(steps, redirects, subjects),
        {end: tuple(found) for end, found in leading.items()},
        {end: tuple(found) for end, found in gathered.items()},
        {start: kept.id for start, (_end, kept) in steps.items()},
        frozenset(one.org_id for one in subjects if not one.may_be_shown),
        is_complete,
    )


_Steps = dict[OrgId, tuple[OrgId, KeptRule]]
"""From an organisation to where its rule leads."""


def _operators_steps(operators: Overrides, subjects: Sequence[Subject]) -> _Steps:
    found: _Steps = {}
    for one in subjects:
        rule = operators.by_holder(one.registered_name, one.country, one.asn)
        if rule is not None:
            since = datetime.combine(operators.date_of(rule), time(), UTC)
            found[one.org_id] = _end_of(rule, operators), KeptRule(OPERATORS, rule, "", None, since)
    return found


def _steps(rules: Sequence[KeptRule], overrides: Overrides, subjects: Sequence[Subject]) -> _Steps:
    by_rule = {id(kept.rule): kept for kept in rules}
    starts = {OrgId(int(kept.rule.value, 16)) for kept in rules if kept.rule.matcher is Matcher.ORGANISATION}
    found = {start: overrides.by_organisation(start) for start in sorted(starts)}
    for one in subjects:
        if one.org_id not in found:
            found[one.org_id] = overrides.by_holder(one.registered_name, one.country, one.asn)
    return {start: (_end_of(rule, overrides), by_rule[id(rule)]) for start, rule in found.items() if rule is not None}


def _end_of(rule: OverrideRule, overrides: Overrides) -> OrgId:
    return overrides.target_id(rule.outcome) if isinstance(rule.outcome, Target) else HIDDEN


def _without_circles(steps: _Steps) -> list[tuple[OrgId, OrgId]]:
    given: dict[OrgId, OrgId] = {}
    for start, (end, _kept) in steps.items():
        at = end
        while at in given:
            at = given[at]
        if at != start:
            given[start] = end
    return list(given.items())


def _identities(steps: _Steps, redirects: Redirects, subjects: Sequence[Subject]) -> dict[OrgId, Identity]:
    """Return who the rules say that ends are: ends that the history does not know, or that a rule names anew."""
    known = {one.org_id: one for one in subjects if one.may_be_shown}
    said: dict[OrgId, KeptRule] = {}
    about = defaultdict[OrgId, list[Subject]](list)
    for start, (end, kept) in steps.items():
        if end == HIDDEN or redirects.follow(end) != end:
            continue
        if start in known:
            about[end].append(known[start])
        if start == end or (end not in known and (end not in said or said[end].id < kept.id)):
            said[end] = kept
    return {end: _identity(end, kept, about[end]) for end, kept in said.items()}


def _identity(org_id: OrgId, kept: KeptRule, about: Sequence[Subject]) -> Identity:
    target = kept.rule.outcome
    assert isinstance(target, Target)
    asns, names = {one.asn for one in about}, {one.registered_name for one in about}
    return Identity(
        org_id=org_id,
        name=target.name,
        kind=target.kind,
        country=target.country,
        domain=target.domain,
        asn=asns.pop() if len(asns) == 1 else 0,
        registered_name=names.pop() if len(names) == 1 else "",
        source=OPERATOR if kept.id == OPERATORS else TEAM,
        as_of=kept.created_at.astimezone(UTC).date(),
        confidence=Confidence.VERY_HIGH,
    )
