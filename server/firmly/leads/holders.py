"""The organisations in recent history as the operator's rules would meet them, for `firmly orgs overrides`."""

from dataclasses import dataclass
from datetime import date, timedelta

from firmly.model import DropReason, OrgId, WorkspaceId
from firmly.organisations.overrides import Matcher, OverrideRule, Overrides
from firmly.warehouse.store import Rows

RECENT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Holder:
    """An organisation of one workspace with its visits in the last 90 days. No network is known of it."""

    org_id: OrgId
    name: str
    country: str
    asn: int
    registered_name: str
    visits: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a rule would make of an organisation: another name, or None where it would not be shown."""

    holder: Holder
    rule: OverrideRule
    new_name: str | None


def recent_holders(rows: Rows, workspace_id: WorkspaceId, today: date) -> list[Holder]:
    """Return a workspace's organisations, the most visited first. For the operator's command line."""
    first_day = today - timedelta(days=RECENT_DAYS - 1)
    parameters = {"workspace_id": workspace_id, "first_day": first_day, "today": today}
    return [Holder(**row) for row in rows("holders", parameters)]


def own_holders(holders: list[Holder], own: Overrides) -> list[Holder]:
    """Return those for whom the workspace's own rules decide: the operator's change nothing there."""
    return [holder for holder in holders if own.by_organisation(holder.org_id) or _rule(holder, own)]


def changes(holders: list[Holder], overrides: Overrides) -> list[Change]:
    """Return what the rules by registered name and AS number would change, in the order of ``holders``.

    Rules by network change nothing in history: no network is stored.
    """
    met = ((holder, _rule(holder, overrides)) for holder in holders)
    found = [Change(holder, rule, _new_name(rule)) for holder, rule in met if rule is not None]
    return [change for change in found if change.new_name != change.holder.name]


def by_network(overrides: Overrides) -> int:
    """Return how many rules act from now on only."""
    return sum(rule.matcher is Matcher.NETWORK for rule in overrides.rules)


def _rule(holder: Holder, overrides: Overrides) -> OverrideRule | None:
    return overrides.by_holder(holder.registered_name, holder.country, holder.asn)


def _new_name(rule: OverrideRule) -> str | None:
    return None if isinstance(rule.outcome, DropReason) else rule.outcome.name
