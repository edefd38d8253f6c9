"""The operator's rules: read with every problem at once, and asked in their order."""

from pathlib import Path

import pytest

from firmly.model import DropReason, FirmlyError, InvalidInputError, OrgKind
from firmly.organisations.address import Address
from firmly.organisations.classify import Lists
from firmly.organisations.overrides import Matcher, OverrideRule, Overrides, Target, read_overrides, read_rule
from tests.unit.organisations.conftest import TODAY

RULES = """
[[rule]]
network = "192.0.2.0/24"
organisation = { name = "Muster GmbH", kind = "government", country = "de", domain = "Muster.Example" }
note = "their office"

[[rule]]
network = "192.0.2.128/25"
is = "own_staff"

[[rule]]
network = "2001:db8::/32"
is = "own_staff"

[[rule]]
asn = 64500
is = "not_a_company"

[[rule]]
name = "Beispiel  AG"
country = "CH"
is = "own_staff"

[[rule]]
name = "beispiel ag"
is = "not_a_company"
"""


@pytest.fixture
def rules(tmp_path: Path, lists: Lists) -> Overrides:
    (tmp_path / "rules.toml").write_text(RULES)
    return read_overrides(tmp_path / "rules.toml", lists.forms, TODAY)


def test_rules_are_read_as_rows(rules: Overrides) -> None:
    target = Target("Muster GmbH", OrgKind.GOVERNMENT, "DE", "muster.example")
    assert rules.rules[0] == OverrideRule(Matcher.NETWORK, "192.0.2.0/24", "", target, "their office")
    assert rules.rules[3] == OverrideRule(Matcher.ASN, "64500", "", DropReason.NOT_A_COMPANY)


def test_the_longest_network_decides(rules: Overrides) -> None:
    texts = ("192.0.2.1", "192.0.2.129", "192.0.3.1", "2001:db8::1", "2001:db9::1")
    found = [rules.by_network(Address.parse(text).packed()) for text in texts]
    assert [rule and rule.value for rule in found] == ["192.0.2.0/24", "192.0.2.128/25", None, "2001:db8::/32", None]


def test_a_name_is_found_however_it_is_spelt_and_its_country_first(rules: Overrides) -> None:
    asked = [("BEISPIEL AG", "CH"), ("Beispiel Ag", "DE"), ("Beispiel", "CH")]
    found = [rules.by_name(*one) for one in asked]
    assert [rule and rule.outcome for rule in found] == [DropReason.OWN_STAFF, DropReason.NOT_A_COMPANY, None]


BAD = [
    ("[[rule]]\nis = 'own_staff'", "one of network, asn, name"),
    ("[[rule]]\nasn = 1\nname = 'x'\nis = 'own_staff'", "one of network, asn, name"),
    ("[[rule]]\nasn = 0\nis = 'own_staff'", "a whole number from 1"),
    ("[[rule]]\nasn = true\nis = 'own_staff'", "a whole number from 1"),
    ("[[rule]]\nnetwork = '192.0.2.1/24'\nis = 'own_staff'", "a network such as"),
    ("[[rule]]\nname = ' - '\nis = 'own_staff'", "a registered name"),
    ("[[rule]]\nasn = 1", "either organisation or is"),
    ("[[rule]]\nasn = 1\nis = 'own_staff'\norganisation = {name = 'x'}", "either organisation or is"),
    ("[[rule]]\nasn = 1\nis = 'competitor'", "one of not_a_company, own_staff"),
    ("[[rule]]\nasn = 1\norganisation = {name = ''}", "a name of one line"),
    ("[[rule]]\nasn = 1\norganisation = {name = 'x', kind = 'person'}", "one of business"),
    ("[[rule]]\nasn = 1\norganisation = {name = 'x', country = 'Germany'}", "two letters"),
    ("[[rule]]\nasn = 1\norganisation = {name = 'x', email = 'y'}", "a table with name"),
    ("[[rule]]\nasn = 1\nis = 'own_staff'\nsite = 'x'", "keys among"),
    ("[[rules]]\nasn = 1", "tables named"),
]


@pytest.mark.parametrize(("text", "expected"), BAD, ids=[f"{number}-{row[1]}" for number, row in enumerate(BAD)])
def test_a_rule_that_cannot_be_used_is_named(text: str, expected: str, tmp_path: Path, lists: Lists) -> None:
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(InvalidInputError, match=expected) as failure:
        read_overrides(tmp_path / "rules.toml", lists.forms, TODAY)
    assert "192.0.2.1" not in str(failure.value)


def test_all_problems_are_reported_at_once(tmp_path: Path, lists: Lists) -> None:
    (tmp_path / "rules.toml").write_text("[[rule]]\nasn = 0\nis = 'x'\n[[rule]]\nasn = 2\n")
    with pytest.raises(InvalidInputError) as failure:
        read_overrides(tmp_path / "rules.toml", lists.forms, TODAY)
    assert [problem.key for problem in failure.value.problems] == ["rule 1.asn", "rule 1.is", "rule 2"]


def test_what_is_no_toml_is_refused(tmp_path: Path, lists: Lists) -> None:
    (tmp_path / "rules.toml").write_text("[[rule")
    with pytest.raises(FirmlyError, match=r"rules\.toml: not a TOML file"):
        read_overrides(tmp_path / "rules.toml", lists.forms, TODAY)


ORG = "00000000000000ff"
ACME = {"name": "Acme", "kind": "education", "country": "fi", "domain": " WWW.Acme.example "}


def test_rule_of_a_workspace_has_the_form_of_a_file() -> None:
    target = Target("Acme", OrgKind.EDUCATION, "FI", "acme.example")
    assert read_rule(Matcher.ORGANISATION, ORG, {"organisation": ACME, "note": "told us"}) == OverrideRule(
        Matcher.ORGANISATION, ORG, "", target, "told us"
    )
    assert read_rule(Matcher.ASN, 7, {"is": "own_staff"}) == OverrideRule(Matcher.ASN, "7", "", DropReason.OWN_STAFF)


BAD_ROWS = [
    (Matcher.ORGANISATION, "ff", {"is": "own_staff"}, "organisation='ff': expected the id of an organisation"),
    (Matcher.ORGANISATION, 255, {"is": "own_staff"}, "expected the id of an organisation"),
    (Matcher.ASN, "7", {"is": "own_staff"}, "asn='7': expected a whole number"),
    (Matcher.NAME, "x" * 301, {"is": "own_staff"}, "expected a registered name"),
    (Matcher.NAME, "a\nb", {"is": "own_staff"}, "expected a registered name"),
    (Matcher.ASN, 7, {}, "outcome='': expected either organisation or is"),
    (Matcher.ASN, 7, {"is": "bot"}, "is='bot': expected one of not_a_company, own_staff"),
    (Matcher.ASN, 7, {"is": "own_staff", "note": "a\nb"}, "note='a\\\\nb': expected one line"),
    (Matcher.ASN, 7, {"organisation": ACME | {"domain": "javascript:alert(1)"}}, "expected a domain such as"),
    (Matcher.ASN, 7, {"organisation": ACME | {"domain": "acme"}}, "expected a domain such as"),
    (Matcher.NETWORK, "192.0.2.1", {"organisation": ACME}, "expected a network from /12"),
    (Matcher.NETWORK, "0.0.0.0/0", {"organisation": ACME}, "expected a network from /12 to"),
    (Matcher.NETWORK, "2001:db8::/49", {"organisation": ACME}, "expected a network from /12 to /29, or"),
    (Matcher.NETWORK, "2001::/16", {"organisation": ACME}, "expected a network from /12 to /29, or of"),
    (Matcher.NETWORK, "fe80::1%" + "e" * 400, {"is": "own_staff"}, "expected a network such as"),
    (Matcher.NETWORK, "::ffff:192.0.2.0/120", {"is": "own_staff"}, "expected a network such as 192"),
    (Matcher.ASN, 7, {"organisation": ACME | {"name": "???"}}, "expected a name of one line"),
]


@pytest.mark.parametrize(("matcher", "value", "said", "expected"), BAD_ROWS, ids=[row[3][:40] for row in BAD_ROWS])
def test_rule_of_a_workspace_that_cannot_be_used_is_named(
    matcher: Matcher, value: object, said: dict[str, object], expected: str
) -> None:
    with pytest.raises(InvalidInputError, match=expected) as failure:
        read_rule(matcher, value, said)
    assert "192.0.2." not in str(failure.value).replace("such as 192.0.2.0/24", "")
    assert "2001" not in str(failure.value)


def test_network_of_one_person_may_be_hidden_but_not_named() -> None:
    assert read_rule(Matcher.NETWORK, "192.0.2.1", {"is": "own_staff"}).value == "192.0.2.1/32"
    assert read_rule(Matcher.NETWORK, "192.0.2.0/29", {"organisation": ACME}).value == "192.0.2.0/29"


def test_file_cannot_name_an_organisation_by_its_id(tmp_path: Path, lists: Lists) -> None:
    (tmp_path / "rules.toml").write_text(f"[[rule]]\norganisation = '{ORG}'\n")
    with pytest.raises(InvalidInputError, match="one of network, asn, name"):
        read_overrides(tmp_path / "rules.toml", lists.forms, TODAY)
