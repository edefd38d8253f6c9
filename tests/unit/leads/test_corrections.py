"""What rules make of the organisations of a history, against a plain account of the same in other words."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from firmly.accounts.rules import KeptRule, RuleId
from firmly.leads.corrections import HIDDEN, NONE, Subject, corrections_of, letters
from firmly.model import DropReason, OrgId, OrgKind
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.names import name_key, organisation_id
from firmly.organisations.overrides import TEAM, Matcher, OverrideRule, Overrides, Target

NAMES = ("Acme", "Beta", "Gamma", "Delta")
ID = {name: organisation_id(name_key(name, "", LegalForms()), "") for name in NAMES}
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)

Said = tuple[Matcher, str, str]
"""A rule in short: what it looks at, its value, and whom it names; ``""`` where it hides."""

values = st.one_of(
    st.tuples(st.just(Matcher.ORGANISATION), st.sampled_from(NAMES)),
    st.tuples(st.just(Matcher.NAME), st.sampled_from(("x", "y"))),
    st.tuples(st.just(Matcher.ASN), st.sampled_from(("1", "2"))),
)
rules = st.lists(st.tuples(values, st.sampled_from(("", *NAMES))), max_size=6, unique_by=lambda rule: rule[0])
histories = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from(("x", "Y ", "z")), st.sampled_from((1, 2, 3)))
)


def kept(number: int, said: Said) -> KeptRule:
    matcher, value, named = said
    outcome = Target(named, OrgKind.BUSINESS, "", "") if named else DropReason.OWN_STAFF
    text = f"{ID[value]:016x}" if matcher is Matcher.ORGANISATION else value
    return KeptRule(RuleId(number), OverrideRule(matcher, text, "", outcome), "", None, NOON)


def walked(name: str, said: list[Said], history: dict[str, tuple[str, int]]) -> set[str]:
    """Return where somebody who follows the rules from ``name``, one after the other, may come by; ``""`` is hidden."""
    passed: list[str] = []
    while name and name not in passed:
        passed.append(name)
        registered, asn = history.get(name, ("", 0))
        wanted = (
            (Matcher.ORGANISATION, name),
            (Matcher.NAME, registered.strip().lower()),
            (Matcher.ASN, str(asn)),
        )
        found = [named for each in wanted for matcher, value, named in said if (matcher, value) == each]
        if not found or (found[0] == name):
            return {name}
        name = found[0]
    return {name} if not name else set(passed)  # In a circle, any place of it may be the last.


@given(rules, histories)
def test_every_organisation_ends_where_its_rules_lead(
    asked: list[tuple[tuple[Matcher, str], str]], history: dict[str, tuple[str, int]]
) -> None:
    said = [(*about, named) for about, named in asked]
    listed = [kept(number, one) for number, one in enumerate(said)]
    overrides = Overrides([one.rule for one in listed], date(2026, 3, 1), LegalForms(), TEAM)
    subjects = [Subject(ID[name], name, "", asn, registered) for name, (registered, asn) in history.items()]

    found = corrections_of(listed, overrides, subjects)

    name_of = {HIDDEN: "", **{org_id: name for name, org_id in ID.items()}}
    for name, org_id in ID.items():
        end = found.follow(org_id)
        assert name_of[end] in walked(name, said, history)
        assert found.follow(end) == end
        assert end == HIDDEN or org_id in found.members([end])
    members = [org_id for end in {found.follow(org_id) for org_id in ID.values()} for org_id in found.members([end])]
    assert sorted(set(members) - {HIDDEN}) == sorted(org_id for org_id in members if org_id != HIDDEN)
    assert all(found.follow(org_id) == org_id for org_id in found.identities)


def test_nothing_is_corrected_without_rules() -> None:
    assert (
        corrections_of([], Overrides([], date(2026, 3, 1), LegalForms()), [Subject(OrgId(1), "A", "", 1, "A")]) == NONE
    )
    assert NONE.parameters() == {"merged": [], "kept": [], "unshown": []}


def test_letters_are_those_that_the_query_compares() -> None:
    assert letters("Möbel-Haus & Söhne_GmbH, 77") == "möbelhaussöhnegmbh77"
