"""Which organisations stand behind leads that somebody may change: only what they may see."""

from collections.abc import Iterable

from firmly.accounts.scope import Scope
from firmly.leads.corrections import HIDDEN
from firmly.leads.days import DayRange
from firmly.leads.filter import LeadFilter
from firmly.leads.record import Groups
from firmly.leads.service import Leads
from firmly.model import OrgId
from firmly.warehouse.conditions import Among

LONGEST = 760
"""Days: as long as any event is kept."""


def groups_of(leads: Leads, scope: Scope, org_ids: Iterable[OrgId]) -> Groups | None:
    """Return what stands for these leads, with all that it stands for; None unless every one may be shown to them.

    The guards are those of the list: the workspace, what is kept, small organisations, corrections and feeds.
    """
    corrections = leads.rule_book.corrections(scope)
    shown = sorted({corrections.follow(one) for one in org_ids})
    if not shown or HIDDEN in shown:
        return None
    days = DayRange.until(leads.today(), LONGEST)
    wanted = LeadFilter(days, condition=Among(tuple(shown)), with_hidden=True)
    if leads.count(scope, wanted) != len(shown):
        return None
    return {one: tuple({one: None} | dict.fromkeys(corrections.members([one]))) for one in shown}
