"""What a list is ordered by that only the team knows: given to the statement as texts that sort as they are meant."""

import re
from collections.abc import Mapping

from firmly.accounts.scope import Scope
from firmly.leads.corrections import HIDDEN, Corrections
from firmly.leads.record import LeadStatus, folded
from firmly.leads.resolving import Resolver
from firmly.model import OrgId
from firmly.warehouse.ordering import Order

MAX_TEXT = 200
"""Characters of a text that count: a cursor holds the last one."""

_RANKS = {status.value: str(rank) for rank, status in enumerate(LeadStatus)}
_NUMBER = re.compile("[0-9]+")


def team_parameters(resolver: Resolver, scope: Scope, order: Order, corrections: Corrections) -> dict[str, object]:
    """Return ``team_*`` of an order `OF_TEAM` (see `ordering.ordered`); nothing for all others.

    A status stands in the order of sales, a size by its first number, all others from a to z.
    """
    records, data = resolver.records, resolver.company_data
    match order:
        case Order.STATUS:
            said = records.texts(scope, "status", corrections.follow)
            return _parameters({org_id: _RANKS[text] for org_id, text in said.items()}, {})
        case Order.OWNER:
            return _parameters(records.texts(scope, "owner", corrections.follow), data.texts(scope, "owner"))
        case Order.TAGS:
            return _parameters(records.texts(scope, "tag", corrections.follow), {})
        case Order.INDUSTRY:
            return _parameters({}, data.texts(scope, "industry"))
        case Order.SIZE:
            sizes = data.texts(scope, "size")
            return _parameters({}, {domain: _by_number(text) for domain, text in sizes.items()})
        case _:
            return {}


def _by_number(size: str) -> str:
    """Return a size such as "11-50" so that it follows "2-10"."""
    first = _NUMBER.search(size.replace(",", "").replace(".", ""))
    return f"{int(first[0]):020d} {size}" if first else size


def _parameters(of_orgs: Mapping[OrgId, str], of_domains: Mapping[str, str]) -> dict[str, object]:
    of_orgs = {org_id: text for org_id, text in of_orgs.items() if org_id != HIDDEN}
    return {
        "team_orgs": list(of_orgs),
        "team_said_of_orgs": [folded(text)[:MAX_TEXT] for text in of_orgs.values()],
        "team_domains": list(of_domains),
        "team_said_of_domains": [folded(text)[:MAX_TEXT] for text in of_domains.values()],
    }
