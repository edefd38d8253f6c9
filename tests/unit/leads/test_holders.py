"""What the operator's rules would change in recent history, on a real warehouse."""

from datetime import UTC, datetime, timedelta

from firmly.leads.holders import Change, Holder, by_network, changes, own_holders, recent_holders
from firmly.model import DropReason, OrgId, OrgKind
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.overrides import Matcher, OverrideRule, Overrides, Target
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, store, visit
from tests.town import Firm

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
TODAY = NOON.date()


def rules(*listed: OverrideRule) -> Overrides:
    return Overrides(listed, TODAY, LegalForms())


def test_holders_of_recent_history_are_a_workspaces_own(firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON),
        visit(firm.id, NOKIA, NOON - timedelta(days=2)),
        visit(firm.id, MIT, NOON - timedelta(days=120)),
        visit(firm.id + 1000, MIT, NOON),
    )
    assert recent_holders(warehouse.rows, firm.id, TODAY) == [
        Holder(OrgId(NOKIA.id), "Nokia", "FI", 1248, "Nokia as registered", 2)
    ]


HOLDERS = [
    Holder(OrgId(1), "Nokia", "FI", 1248, "Nokia Oyj", 9),
    Holder(OrgId(2), "Other", "SE", 1248, "Other AB", 5),
    Holder(OrgId(3), "Third", "SE", 7, "Third AB", 1),
]


def test_a_name_goes_before_a_number_and_what_stays_is_no_change() -> None:
    renamed = OverrideRule(Matcher.NAME, "nokia oyj", "", Target("Nokia Group", OrgKind.BUSINESS, "FI", ""))
    hidden = OverrideRule(Matcher.ASN, "1248", "", DropReason.OWN_STAFF)
    same = OverrideRule(Matcher.ASN, "7", "", Target("Third", OrgKind.BUSINESS, "SE", ""))

    assert changes(HOLDERS, rules(hidden, renamed, same)) == [
        Change(HOLDERS[0], renamed, "Nokia Group"),
        Change(HOLDERS[1], hidden, None),
    ]


def test_workspaces_own_rules_decide_first() -> None:
    by_id = OverrideRule(Matcher.ORGANISATION, f"{3:016x}", "", DropReason.OWN_STAFF)
    by_name = OverrideRule(Matcher.NAME, "Nokia Oyj", "FI", DropReason.OWN_STAFF)
    assert own_holders(HOLDERS, rules(by_id, by_name)) == [HOLDERS[0], HOLDERS[2]]


def test_rules_by_network_change_no_history() -> None:
    network = OverrideRule(Matcher.NETWORK, "192.0.2.0/24", "", DropReason.OWN_STAFF)
    assert (changes(HOLDERS, rules(network)), by_network(rules(network))) == ([], 1)
