"""What a company's page shows of the team's own words and data about it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.leads.lead import Identity
from firmly.leads.record import LeadStatus
from firmly.model import Problem
from firmly.web.parts import Parts

NOTHING: Mapping[str, str] = MappingProxyType({})


def record_of(
    parts: Parts,
    scope: Scope,
    identity: Identity,
    problems: Sequence[Problem] = (),
    given: Mapping[str, str] = NOTHING,
) -> dict[str, Any]:
    """Return what the panel of a company shows; ``problems`` and ``given`` are those of a form that was refused."""
    shown = identity.org_id
    members = {shown, *parts.leads.rule_book.corrections(scope).members([shown])}
    facts = parts.company_data.of(scope, [identity.domain]) if identity.domain else {}
    return {
        "record": parts.records.of(scope, {shown: sorted(members)})[shown],
        "notes": parts.records.notes(scope, members),
        "history": parts.records.history(scope, members),
        "tags": parts.records.tags_of(scope),
        "owners": parts.records.owners(scope),
        "facts": facts.get(identity.domain),
        "statuses": tuple(LeadStatus),
        "may_edit": scope.may(Right.EDIT_LEADS),
        "may_bring": scope.may(Right.EDIT_LEADS) and scope.may(Right.READ_ALL_LEADS),
        "problems": problems,
        "given": given,
    }
