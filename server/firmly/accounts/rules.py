"""Corrections of organisations as a workspace's rows: added, removed, listed.

Owns who may and which rows stand. What a rule does is the matter of `organisations.overrides` (from
now on) and of `leads.corrections` (over history).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NewType

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.accounts.tables import MemberRow, OrgRuleRow
from firmly.model import Clock, DropReason, FirmlyError, InvalidInputError, OrgId, OrgKind, Problem, WorkspaceId
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.names import words
from firmly.organisations.overrides import TEAM, Matcher, OverrideRule, Overrides, Target
from firmly.organisations.redirects import Redirects

MAX_RULES = 1000
"""Of one workspace; more are an operator's file."""

_AN_ORGANISATION = "organisation"

RuleId = NewType("RuleId", int)


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule of a workspace. ``subject`` is the name that the organisation bore when it was corrected,
    ``""`` where the rule is about no single one; ``author`` is None once their membership has ended."""

    id: RuleId
    rule: OverrideRule
    subject: str
    author: str | None
    created_at: datetime


class OrgRules:
    """The corrections of every workspace. Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane, clock: Clock, forms: LegalForms) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._forms = forms

    def add(self, scope: Scope, rule: OverrideRule, subject: str = "") -> RuleId:
        """Write a rule that `overrides.read_rule` has checked.

        Raises:
            InvalidInputError: a rule about the same stands, it would lead round in a circle, or there are
                too many.
            NotAllowedError: the member may not.
        """
        scope.require(Right.CORRECT)
        with self._control_plane.session() as db:
            standing = [kept.rule for kept in rules_of(db, scope.workspace_id)]
            problems = _problems(rule, standing, self.overrides([*standing, rule]))
            if problems:
                raise InvalidInputError("this correction cannot be added", problems)
            row = _row(scope, rule, subject, self._clock())
            db.add(row)
            db.flush()
            self._log(db, scope, Action.CORRECTION_ADDED, row.id)
            return RuleId(row.id)

    def remove(self, scope: Scope, rule_id: RuleId) -> bool:
        """Delete a rule of the member's workspace; False, and harmless, where there is none. Raises NotAllowedError."""
        scope.require(Right.CORRECT)
        with self._control_plane.session() as db:
            own = (OrgRuleRow.workspace_id == scope.workspace_id) & (OrgRuleRow.id == rule_id)
            if db.execute(delete(OrgRuleRow).where(own).returning(OrgRuleRow.id)).one_or_none() is None:
                return False
            self._log(db, scope, Action.CORRECTION_REMOVED, rule_id)
            return True

    def of(self, scope: Scope) -> tuple[KeptRule, ...]:
        """Return the workspace's rules, oldest first."""
        with self._control_plane.reading() as db:
            return rules_of(db, scope.workspace_id)

    def every(self) -> dict[int, list[OverrideRule]]:
        """Return the rules of all workspaces that have some: for the operator's command line."""
        with self._control_plane.reading() as db:
            return all_rules(db)[0]

    def _log(self, db: Session, scope: Scope, action: Action, rule_id: int) -> None:
        record(db, scope.workspace_id, scope.actor, action, self._clock(), f"correction {rule_id}")

    def overrides(self, rules: list[OverrideRule]) -> Overrides:
        """Return a workspace's rules ready to be asked."""
        return as_overrides(rules, self._forms)


def as_overrides(rules: list[OverrideRule], forms: LegalForms) -> Overrides:
    return Overrides(rules, date.min, forms, TEAM)


def rules_of(db: Session, workspace_id: WorkspaceId) -> tuple[KeptRule, ...]:
    """Return a workspace's rules, oldest first; a row that this release cannot read is left out."""
    rows = db.execute(
        select(OrgRuleRow, MemberRow.name)
        .outerjoin(MemberRow, OrgRuleRow.author == MemberRow.id)
        .where(OrgRuleRow.workspace_id == workspace_id)
        .order_by(OrgRuleRow.id)
    )
    return tuple(
        KeptRule(RuleId(row.id), rule, row.subject, author, row.created_at)
        for row, author in rows
        if (rule := read_row(row)) is not None
    )


def all_rules(db: Session) -> tuple[dict[int, list[OverrideRule]], tuple[RuleId, ...]]:
    """Return every workspace's rules, oldest first, and the ids of the rows that cannot be read."""
    found: dict[int, list[OverrideRule]] = {}
    damaged: list[RuleId] = []
    for row in db.scalars(select(OrgRuleRow).order_by(OrgRuleRow.id)):
        rule = read_row(row)
        if rule is None:
            damaged.append(RuleId(row.id))
        else:
            found.setdefault(row.workspace_id, []).append(rule)
    return found, tuple(damaged)


def state_of(db: Session) -> tuple[int, int, int]:
    """Return what changes whenever a rule is added or removed; rules are never altered."""
    found = db.execute(select(func.count(), func.max(OrgRuleRow.id), func.sum(OrgRuleRow.id)).select_from(OrgRuleRow))
    rules, last, total = found.one()
    return rules, last or 0, int(total or 0)


def read_row(row: OrgRuleRow) -> OverrideRule | None:
    """Return the rule of a row; None where only another release knows its words."""
    try:
        outcome: Target | DropReason = (
            Target(row.org_name, OrgKind(row.org_kind), row.org_country, row.org_domain)
            if row.outcome == _AN_ORGANISATION
            else DropReason(row.outcome)
        )
        rule = OverrideRule(
            Matcher(row.matcher), row.value, row.country, outcome, row.note, row.created_at.astimezone(UTC).date()
        )
        as_overrides([rule], LegalForms())  # A value that somebody damaged is found here, not by a request.
    except ValueError:
        return None
    return rule


def _row(scope: Scope, rule: OverrideRule, subject: str, now: datetime) -> OrgRuleRow:
    target = rule.outcome if isinstance(rule.outcome, Target) else None
    return OrgRuleRow(
        workspace_id=scope.workspace_id,
        matcher=rule.matcher.value,
        value=rule.value,
        country=rule.country,
        outcome=_AN_ORGANISATION if isinstance(rule.outcome, Target) else rule.outcome.value,
        org_name=target.name if target else "",
        org_kind=target.kind.value if target else "",
        org_country=target.country if target else "",
        org_domain=target.domain if target else "",
        subject=subject[:200],
        note=rule.note,
        author=scope.author,
        created_at=now,
    )


def _problems(rule: OverrideRule, standing: list[OverrideRule], overrides: Overrides) -> list[Problem]:
    if len(standing) >= MAX_RULES:
        return [Problem("rules", str(len(standing)), f"at most {MAX_RULES}; remove some first")]
    if _about(rule) in map(_about, standing):
        return [Problem("corrected", "", "something that is not corrected yet: remove that correction first")]
    try:
        Redirects.of(merges_of([*standing, rule], overrides))
    except FirmlyError:
        name = rule.outcome.name if isinstance(rule.outcome, Target) else ""
        expected = "an organisation that is not itself corrected to this one; remove that correction first"
        return [Problem("organisation", name, expected)]
    return []


def merges_of(rules: list[OverrideRule], overrides: Overrides) -> list[tuple[OrgId, OrgId]]:
    """Return ``(merged, kept)`` of the rules by organisation; an organisation that is only renamed is no merge."""
    pairs = [
        (OrgId(int(rule.value, 16)), overrides.target_id(rule.outcome))
        for rule in rules
        if rule.matcher is Matcher.ORGANISATION and isinstance(rule.outcome, Target)
    ]
    return [(merged, kept) for merged, kept in pairs if merged != kept]


def _about(rule: OverrideRule) -> tuple[str, object, str]:
    """Return by what two rules are recognised as being about the same."""
    value: object = words(rule.value) if rule.matcher is Matcher.NAME else rule.value
    return rule.matcher.value, value, rule.country
