"""Correcting a company and a network as a member does, and taking it back."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from firmly.accounts.roles import Role
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, store, visit
from tests.town import PASSWORD, Firm, Town
from tests.unit.web.conftest import Visitor
from tests.unit.web.test_lead_pages import PART, shown

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
COMPANY = f"/app/leads/{NOKIA.id:016x}"
PAGE = "/app/corrections"
_RULE = re.compile(r'name="rule" value="(\d+)"')


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text).replace("&#34;", '"')).replace("\N{NO-BREAK SPACE}", " ")


def correct(member: Visitor, **given: str) -> tuple[int, str, str]:
    """Send a company's form; return the status, where it leads, and the text."""
    form = {"csrf_token": member.csrf_token(PAGE), "org": f"{NOKIA.id:016x}", "about": "organisation", **given}
    answer = member.client.post(PAGE, {key: value for key, value in form.items() if value != "-"})
    return answer.status_code, answer.headers.get("location", ""), answer.text


def remove(member: Visitor) -> None:
    for rule in _RULE.findall(member.text(PAGE)):
        answer = member.client.post(f"{PAGE}/remove", {"csrf_token": member.csrf_token(PAGE), "rule": rule})
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE)


def test_company_is_corrected_and_back_again(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON))
    before = member.text(COMPANY)
    given = {"is": "another", "name": "Acme", "country": "SE", "kind": "business", "domain": "Acme.example"}

    assert correct(member, note="said so <on> the phone", **given)[:2] == (303, COMPANY)

    assert sorted(shown(member.text("/app/leads"))) == ["Acme", MIT.name]
    moved = member.client.get(f"{COMPANY}?days=7")
    assert moved.status_code == 303
    page = plain(member.text(moved.headers["location"]))
    assert moved.headers["location"].endswith("?days=7")
    assert "Nokia is Acme (business, Sweden). Anna Virtanen, 31 March 2026" in page
    assert "your team's rule" in page.replace("&#39;", "'")
    listed = member.text(PAGE)
    assert "said so &lt;on&gt; the phone" in listed
    assert "1 company, 1 visit " in plain(listed)

    remove(member)
    strip = re.compile(r'value="[^"]{20,}"')
    assert strip.sub("", member.text(COMPANY)) == strip.sub("", before)
    assert "Nothing is corrected yet" in member.text(PAGE)


@pytest.mark.parametrize(("outcome", "said"), [("own_staff", "own staff"), ("not_a_company", "not a company")])
def test_hidden_company_is_listed_among_the_corrections_only(
    member: Visitor, firm: Firm, warehouse: Warehouse, outcome: str, said: str
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON))
    assert correct(member, **{"is": outcome, "about": "name"})[:2] == (303, PAGE)
    assert shown(member.text("/app/leads")) == [MIT.name]
    assert member.client.get(COMPANY).status_code == 404
    assert f"Everything registered as Nokia as registered {said}" in plain(member.text(PAGE))
    remove(member)
    assert NOKIA.name in shown(member.text("/app/leads"))


REFUSED = [
    ({"is": "-"}, "It is: expected what it is: one of the choices."),
    ({"is": "competitor"}, 'It is "competitor": expected one of not_a_company, own_staff.'),
    ({"is": "another", "name": "", "kind": "business"}, "Name: expected a name of one line."),
    ({"is": "another", "name": "x", "kind": "business", "domain": "http://x.example/"}, 'Domain "http://x.example/"'),
    ({"is": "another", "name": "x", "kind": "person"}, 'Kind "person": expected one of business'),
    ({"is": "own_staff", "about": "everything"}, "For: expected this company, its registered name or its AS number."),
    ({"is": "own_staff", "note": "x" * 301}, "expected one line of at most 300 characters."),
]


@pytest.mark.parametrize(("given", "said"), REFUSED, ids=[row[1] for row in REFUSED])
def test_form_that_cannot_be_used_comes_back_with_the_reason(
    member: Visitor, firm: Firm, warehouse: Warehouse, given: dict[str, str], said: str
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    status, _, text = correct(member, **given)
    assert (status, said in plain(text)) == (422, True)
    assert '<details class="wrong" id="wrong" open>' in text
    assert "Nothing is corrected yet" in member.text(PAGE)


def test_preview_says_what_would_change(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON))
    part = plain(member.client.get(f"{COMPANY}/reach", PART).text)
    assert "this company only 1 company, 1 visit in the last 30 days" in part
    assert "everything of AS1248 2 companies, 2 visits in the last 30 days" in part
    assert member.client.get("/app/leads/0000000000000001/reach", PART).status_code == 404


def test_network_is_corrected_from_now_on(member: Visitor) -> None:
    form = {"csrf_token": member.csrf_token(PAGE), "network": "192.0.2.0/24", "is": "own_staff", "note": "Helsinki"}
    assert member.client.post(PAGE, form).status_code == 303
    assert "The network 192.0.2.0/24Helsinki own staff From now on Anna Virtanen" in plain(member.text(PAGE))
    again = member.client.post(PAGE, form)
    assert again.status_code == 422
    assert "Already corrected: expected something that is not corrected yet: remove that" in plain(again.text)
    single = form | {"network": "198.51.100.7", "is": "another", "name": "Acme", "kind": "business"}
    assert "Network: expected a network from /12 to /29" in plain(member.client.post(PAGE, single).text)


def test_forms_of_another_origin_change_nothing(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    assert correct(member, csrf_token="forged", **{"is": "own_staff"})[0] == 403
    assert member.client.post(f"{PAGE}/remove", {"rule": "1"}).status_code == 403
    assert NOKIA.name in shown(member.text("/app/leads"))


def test_rules_of_another_workspace_are_out_of_reach(
    member: Visitor, town: Town, visitor_at: Callable[[str], Visitor], firm: Firm, warehouse: Warehouse
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    correct(member, **{"is": "own_staff"})
    [rule] = _RULE.findall(member.text(PAGE))
    other = visitor_at("http://127.0.0.1:8000")
    other.sign_in(town.firm())
    other.client.post(f"{PAGE}/remove", {"csrf_token": other.csrf_token(PAGE), "rule": rule})
    assert _RULE.findall(other.text(PAGE)) == []
    assert _RULE.findall(member.text(PAGE)) == [rule]
    assert correct(other, **{"is": "own_staff"})[0] == 404


@pytest.mark.parametrize("role", [Role.SALES, Role.VIEWER, Role.PRIVACY_OFFICER])
def test_other_roles_see_corrections_and_change_none(
    visitor: Visitor, firm: Firm, warehouse: Warehouse, role: Role
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    firm.email = f"{role.value}-{firm.id}@firm.example"
    firm.accounts.add_member(firm.id, firm.email, "Bo", role, PASSWORD)
    visitor.sign_in(firm)
    assert "Owners and admins of this workspace can correct it." in visitor.text(COMPANY)
    assert 'name="network"' not in visitor.text(PAGE)
    assert correct(visitor, **{"is": "own_staff"})[0] == 403


def test_who_is_not_signed_in_is_asked_to(visitor: Visitor) -> None:
    token = visitor.csrf_token()
    for path in (PAGE, f"{PAGE}/remove"):
        answer = visitor.client.post(path, {"csrf_token": token, "rule": "1"})
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/app/sign-in")
    assert visitor.client.get(PAGE).status_code == 303
