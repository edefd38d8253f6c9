"""Corrections as rows: who may write them, what stands beside what, and what becomes of them."""

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from firmly.accounts.database import ControlPlane
from firmly.accounts.directory import SiteDirectory
from firmly.accounts.roles import Role
from firmly.accounts.rules import MAX_RULES, KeptRule, OrgRules, RuleId, state_of
from firmly.accounts.scope import NotAllowedError
from firmly.accounts.tables import MemberRow, OrgRuleRow, SessionRow
from firmly.model import DropReason, InvalidInputError, OrgKind
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.overrides import Matcher, OverrideRule, Target, read_rule

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office, SetClock

OURS = {"is": "own_staff"}
ACME = {"organisation": {"name": "Acme", "country": "fi", "kind": "nonprofit", "domain": "ACME.example"}}
ORG = "00000000000000ff"


def rule(matcher: Matcher, value: object, said: dict[str, Any] = OURS) -> OverrideRule:
    return read_rule(matcher, value, said)


@pytest.fixture
def rules(control_plane: ControlPlane, clock: "SetClock") -> OrgRules:
    return OrgRules(control_plane, clock, LegalForms.bundled())


def test_rule_comes_back_as_it_was_added(rules: OrgRules, office: "Office", clock: "SetClock") -> None:
    scope = office.member("mia@example.com")
    first = rules.add(scope, rule(Matcher.ORGANISATION, ORG, ACME | {"note": "told us"}), "Acme Oy")
    clock.advance(days=1)
    second = rules.add(scope, rule(Matcher.NETWORK, "192.0.2.0/24"))
    target = Target("Acme", OrgKind.NONPROFIT, "FI", "acme.example")
    assert rules.of(scope) == (
        KeptRule(
            first,
            OverrideRule(Matcher.ORGANISATION, ORG, "", target, "told us", date(2026, 3, 1)),
            "Acme Oy",
            "Mia Smith",
            office.clock.now.replace(day=1),
        ),
        KeptRule(
            second,
            OverrideRule(Matcher.NETWORK, "192.0.2.0/24", "", DropReason.OWN_STAFF, "", date(2026, 3, 2)),
            "",
            "Mia Smith",
            office.clock.now,
        ),
    )


def test_removed_rule_is_gone_and_removing_again_is_harmless(rules: OrgRules, office: "Office") -> None:
    scope = office.member("mia@example.com")
    added = rules.add(scope, rule(Matcher.ASN, 7))
    rules.remove(scope, added)
    rules.remove(scope, added)
    assert rules.of(scope) == ()


def test_rules_belong_to_their_workspace(rules: OrgRules, office: "Office") -> None:
    scope = office.member("mia@example.com")
    elsewhere = office.accounts.create_workspace("Other", "UTC")
    other = office.member("bo@example.com", workspace_id=elsewhere)
    added = rules.add(scope, rule(Matcher.ASN, 7))
    rules.add(other, rule(Matcher.ASN, 7))
    rules.remove(other, added)
    assert [kept.id for kept in rules.of(scope)] == [added]
    assert len(rules.of(other)) == 1


@pytest.mark.parametrize("role", list(Role))
def test_owners_and_admins_may_correct(rules: OrgRules, office: "Office", role: Role) -> None:
    scope = office.member("mia@example.com", role)
    if role in (Role.OWNER, Role.ADMIN):
        rules.remove(scope, rules.add(scope, rule(Matcher.ASN, 7)))
        return
    with pytest.raises(NotAllowedError):
        rules.add(scope, rule(Matcher.ASN, 7))
    with pytest.raises(NotAllowedError):
        rules.remove(scope, RuleId(1))
    assert rules.of(scope) == ()


def test_rule_outlives_its_author(rules: OrgRules, office: "Office", control_plane: ControlPlane) -> None:
    scope = office.member("mia@example.com")
    rules.add(scope, rule(Matcher.ASN, 7))
    with control_plane.session() as db:
        db.execute(delete(SessionRow))
        db.execute(delete(MemberRow).where(MemberRow.id == scope.member_id))
    assert [(kept.rule.value, kept.author) for kept in rules.of(scope)] == [("7", None)]


SAME = [
    (rule(Matcher.ASN, 7), rule(Matcher.ASN, 7, ACME)),
    (rule(Matcher.NAME, "Beispiel AG"), rule(Matcher.NAME, "BEISPIEL  ag", ACME)),
    (rule(Matcher.NETWORK, "192.0.2.0/24"), rule(Matcher.NETWORK, "192.0.2.0/24", ACME)),
    (rule(Matcher.ORGANISATION, ORG), rule(Matcher.ORGANISATION, ORG, ACME)),
]


@pytest.mark.parametrize(("first", "second"), SAME, ids=[pair[0].matcher.value for pair in SAME])
def test_second_rule_about_the_same_is_refused(
    rules: OrgRules, office: "Office", first: OverrideRule, second: OverrideRule
) -> None:
    scope = office.member("mia@example.com")
    rules.add(scope, first)
    with pytest.raises(InvalidInputError, match="not corrected yet") as refused:
        rules.add(scope, second)
    assert "192.0.2" not in str(refused.value)
    assert len(rules.of(scope)) == 1


def test_name_of_one_country_stands_beside_the_name_of_any(rules: OrgRules, office: "Office") -> None:
    scope = office.member("mia@example.com")
    rules.add(scope, rule(Matcher.NAME, "Beispiel AG"))
    rules.add(scope, rule(Matcher.NAME, "Beispiel AG", OURS | {"country": "CH"}))
    assert len(rules.of(scope)) == 2


def test_number_of_rules_is_bounded(rules: OrgRules, office: "Office", control_plane: ControlPlane) -> None:
    scope = office.member("mia@example.com")
    rules.add(scope, rule(Matcher.ASN, 1))
    with control_plane.session() as db:
        [row] = db.query(OrgRuleRow).all()
        columns = {each.name: getattr(row, each.name) for each in OrgRuleRow.__table__.columns if each.name != "id"}
        db.add_all(OrgRuleRow(**columns | {"value": str(number)}) for number in range(2, MAX_RULES + 1))
    with pytest.raises(InvalidInputError, match=f"at most {MAX_RULES}"):
        rules.add(scope, rule(Matcher.ASN, MAX_RULES + 1))


def test_directory_takes_rules_up_and_lets_them_go(
    rules: OrgRules, office: "Office", control_plane: ControlPlane
) -> None:
    directory = SiteDirectory(control_plane, LegalForms.bundled())
    scope = office.member("mia@example.com")
    directory.refresh()
    assert dict(directory.rules) == {}
    added = rules.add(scope, rule(Matcher.ASN, 7, ACME))
    assert dict(directory.rules) == {}
    directory.refresh()
    [(workspace, overrides)] = directory.rules.items()
    assert (workspace, [each.value for each in overrides.rules]) == (office.workspace_id, ["7"])
    directory.refresh()
    assert directory.rules[workspace] is overrides
    rules.remove(scope, added)
    directory.refresh()
    assert dict(directory.rules) == {}


def test_every_change_of_rules_shows_in_their_state(
    rules: OrgRules, office: "Office", control_plane: ControlPlane
) -> None:
    scope = office.member("mia@example.com")
    seen = []

    def look() -> None:
        with control_plane.reading() as db:
            seen.append(state_of(db))

    look()
    first = rules.add(scope, rule(Matcher.ASN, 1))
    look()
    second = rules.add(scope, rule(Matcher.ASN, 2))
    look()
    rules.remove(scope, first)
    look()
    rules.remove(scope, second)
    rules.add(scope, rule(Matcher.ASN, 3))
    look()
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    "damage", [{"matcher": "newer"}, {"outcome": "newer"}, {"value": "x"}], ids=["matcher", "outcome", "value"]
)
def test_damaged_rule_is_left_out_and_named(
    rules: OrgRules, office: "Office", control_plane: ControlPlane, damage: dict[str, str]
) -> None:
    scope = office.member("mia@example.com")
    damaged = rules.add(scope, rule(Matcher.ASN, 7))
    sound = rules.add(scope, rule(Matcher.ASN, 8))
    with control_plane.session() as db:
        db.execute(update(OrgRuleRow).where(OrgRuleRow.id == damaged).values(**damage))
    directory = SiteDirectory(control_plane, LegalForms.bundled())
    directory.refresh()
    assert directory.damaged_rules == (damaged,)
    assert [each.value for each in directory.rules[office.workspace_id].rules] == ["8"]
    assert [kept.id for kept in rules.of(scope)] == [sound]
