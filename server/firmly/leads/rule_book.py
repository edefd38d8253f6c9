"""A workspace's corrections together with the history that they are about. Blocking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from firmly.accounts.rules import KeptRule, OrgRules, RuleId
from firmly.accounts.scope import Scope
from firmly.leads.corrections import HIDDEN, MAX_REACHED, NONE, Corrections, Subject, corrections_of, letters
from firmly.leads.filter import org_id_text
from firmly.leads.lead import Identity
from firmly.model import Clock, DropReason, InvalidInputError, OrgId, Problem, WorkspaceId
from firmly.organisations.overrides import Matcher, OverrideRule, Overrides, Target
from firmly.warehouse.store import Warehouse

PREVIEW_DAYS = 30


@dataclass(frozen=True, slots=True)
class Reach:
    """What a rule would change: companies as the list has them now, and their visits of the last 30 days."""

    matcher: Matcher
    value: str
    companies: int
    visits: int


class RuleBook:
    """Safe to share between threads. A workspace without rules costs one small query of the control plane.

    ``operators`` returns the rules of the operator's file, which hold in every workspace after its own.
    """

    def __init__(
        self, warehouse: Warehouse, rules: OrgRules, clock: Clock, operators: Callable[[], Overrides] | None = None
    ) -> None:
        self._warehouse = warehouse
        self._rules = rules
        self._clock = clock
        self._operators = operators

    def corrections(self, scope: Scope) -> Corrections:
        """Return what the workspace's rules make of its history as it is now."""
        rules = self._rules.of(scope)
        operators = self._operators() if self._operators else None
        by_holder = [*(kept.rule for kept in rules), *(operators.rules if operators else ())]
        if all(rule.matcher is Matcher.NETWORK for rule in by_holder):
            return NONE
        subjects, is_complete = self._subjects(scope.workspace_id, rules, operators)
        return self._corrections(rules, subjects, operators, is_complete=is_complete)

    def effects(self, scope: Scope) -> tuple[tuple[KeptRule, Reach], ...]:
        """Return the workspace's rules, newest first, each with what it decides for in the last 30 days."""
        rules = self._rules.of(scope)
        subjects, _ = self._subjects(scope.workspace_id, rules)
        corrections = self._corrections(rules, subjects)
        visits = self._visits(scope.workspace_id, [one.org_id for one in subjects])
        found = []
        for kept in reversed(rules):
            decided = [
                one.org_id for one in subjects if one.may_be_shown and corrections.deciding.get(one.org_id) == kept.id
            ]
            seen = sum(visits.get(org_id, 0) for org_id in decided)
            found.append((kept, Reach(kept.rule.matcher, kept.rule.value, len(decided), seen)))
        return tuple(found)

    def reach(self, scope: Scope, identity: Identity) -> tuple[Reach, ...]:
        """Return what rules about this company, its registered name and its AS number would change."""
        asked = [(Matcher.ORGANISATION, org_id_text(identity.org_id))]
        if letters(identity.registered_name):
            asked.append((Matcher.NAME, identity.registered_name))
        if identity.asn:
            asked.append((Matcher.ASN, str(identity.asn)))
        rules = self._rules.of(scope)
        tried = [self._trial(OverrideRule(*one, "", DropReason.NOT_A_COMPANY)) for one in asked]
        subjects, _ = self._subjects(scope.workspace_id, [*rules, *tried])
        now = self._corrections(rules, subjects)
        visits = self._visits(scope.workspace_id, [one.org_id for one in subjects])
        return tuple(self._reach(rules, one, subjects, now, visits) for one in tried)

    def add(self, scope: Scope, rule: OverrideRule, subject: str = "") -> RuleId:
        """Add a rule; see `OrgRules.add`, which refuses in the same way.

        Raises:
            InvalidInputError: the workspace's rules would be about more companies than are followed.
        """
        rules = [*self._rules.of(scope), self._trial(rule)]
        _, is_complete = self._subjects(scope.workspace_id, rules)
        if not is_complete:
            expected = f"corrections that are about at most {MAX_REACHED} companies together"
            raise InvalidInputError("this correction cannot be added", [Problem("for", rule.matcher.value, expected)])
        return self._rules.add(scope, rule, subject)

    def remove(self, scope: Scope, rule_id: RuleId) -> bool:
        """Remove a rule: what it changed in history is as before. False where there is none.

        Raises NotAllowedError: the member may not.
        """
        return self._rules.remove(scope, rule_id)

    def _reach(
        self,
        rules: Sequence[KeptRule],
        tried: KeptRule,
        subjects: Sequence[Subject],
        now: Corrections,
        visits: dict[OrgId, int],
    ) -> Reach:
        then = self._corrections((tried, *rules), subjects)
        ids = [one.org_id for one in subjects if one.may_be_shown]
        changed = [org_id for org_id in ids if now.follow(org_id) != HIDDEN and then.follow(org_id) == HIDDEN]
        companies = {now.follow(org_id) for org_id in changed}
        rule = tried.rule
        return Reach(rule.matcher, rule.value, len(companies), sum(visits.get(org_id, 0) for org_id in changed))

    def _trial(self, rule: OverrideRule) -> KeptRule:
        """Return a rule as if it had been added."""
        return KeptRule(RuleId(0), rule, "", None, self._clock())

    def _corrections(
        self,
        rules: Sequence[KeptRule],
        subjects: Sequence[Subject],
        operators: Overrides | None = None,
        *,
        is_complete: bool = True,
    ) -> Corrections:
        return corrections_of(rules, self._overrides(rules), subjects, operators, is_complete=is_complete)

    def _overrides(self, rules: Sequence[KeptRule]) -> Overrides:
        return self._rules.overrides([kept.rule for kept in rules])

    def _subjects(
        self, workspace_id: WorkspaceId, rules: Sequence[KeptRule], operators: Overrides | None = None
    ) -> tuple[tuple[Subject, ...], bool]:
        """Return the organisations of the history that rules may be about, and whether these are all."""
        overrides = self._overrides(rules)
        org_ids, asns, names = set[int](), set[int](), set[str]()
        for rule in (*overrides.rules, *(operators.rules if operators else ())):
            if isinstance(rule.outcome, Target):
                org_ids.add(overrides.target_id(rule.outcome))
            match rule.matcher:
                case Matcher.ORGANISATION:
                    org_ids.add(int(rule.value, 16))
                case Matcher.ASN:
                    asns.add(int(rule.value))
                case Matcher.NAME:
                    names.add(letters(rule.value))
                case Matcher.NETWORK:
                    """No network is stored: nothing in history can be told by it."""
        parameters = {
            "workspace_id": workspace_id,
            "today": self._today(),
            "org_ids": sorted(org_ids),
            "asns": sorted(asns),
            "names": sorted(names),
            "max_rows": MAX_REACHED + 1,
        }
        rows = self._warehouse.rows("corrected", parameters)
        shown = self._showable(workspace_id, [row["org_id"] for row in rows[:MAX_REACHED]])
        subjects = (Subject(**row, may_be_shown=row["org_id"] in shown) for row in rows[:MAX_REACHED])
        return tuple(subjects), len(rows) <= MAX_REACHED

    def _showable(self, workspace_id: WorkspaceId, org_ids: Sequence[int]) -> set[int]:
        if not org_ids:
            return set()
        parameters = {"workspace_id": workspace_id, "org_ids": list(org_ids), "today": self._today()}
        return {row["org_id"] for row in self._warehouse.rows("showable", parameters)}

    def _visits(self, workspace_id: WorkspaceId, org_ids: Sequence[OrgId]) -> dict[OrgId, int]:
        if not org_ids:
            return {}
        parameters = {
            "workspace_id": workspace_id,
            "org_ids": list(org_ids),
            "first_day": self._today() - timedelta(days=PREVIEW_DAYS - 1),
            "today": self._today(),
        }
        return {OrgId(row["org_id"]): row["visits"] for row in self._warehouse.rows("recent_visits", parameters)}

    def _today(self) -> date:
        return self._clock().date()
