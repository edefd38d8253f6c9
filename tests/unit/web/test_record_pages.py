"""What a team says of leads, as members say it: on a company's page, and of many leads of the list at once."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from firmly.accounts.roles import Role
from firmly.leads.record import LeadRecord, LeadStatus, Owner, RecordChange, each_alone
from firmly.model import OrgId
from firmly.organisations.overrides import Matcher, read_rule
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, Org, store, visit
from tests.town import PASSWORD, Firm, Town
from tests.unit.web.conftest import Visitor

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)


def address(org: Org) -> str:
    return f"/app/leads/{org.id:016x}"


PAGE = address(NOKIA)


def send(member: Visitor, path: str, **given: str) -> tuple[int, str, str]:
    form = {"csrf_token": member.csrf_token("/app/sites"), **given}
    answer = member.client.post(path, form)
    return answer.status_code, answer.headers.get("location", ""), answer.text


def panel(text: str) -> str:
    """Return what the panel says, as plain text."""
    start = text.index('<section class="panel panel-body record"')
    part = text[start : text.index("</section>", start)]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part))


def record_of(town: Town, firm: Firm, org: Org = NOKIA) -> LeadRecord:
    return town.records.of(firm.scope, each_alone([OrgId(org.id)]))[OrgId(org.id)]


@pytest.fixture
def seen(firm: Firm, warehouse: Warehouse) -> Firm:
    """A firm that Nokia and MIT visited, and a small one once only."""
    store(
        warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON), visit(firm.id, SMALL, NOON, detail="counts")
    )
    return firm


def test_company_is_given_status_owner_tags_and_notes(member: Visitor, town: Town, seen: Firm) -> None:
    mia = seen.scope.member_id
    assert send(member, f"{PAGE}/record", status="contacted", owner=str(mia)) == (303, f"{PAGE}#record", "")
    assert send(member, f"{PAGE}/record", tag=" fair <2026> ")[0] == 303
    assert send(member, f"{PAGE}/notes", text="Asks for\r\nprices & <terms>")[0] == 303
    assert record_of(town, seen) == LeadRecord(
        LeadStatus.CONTACTED, Owner(mia, "Anna Virtanen"), ("fair <2026>",), notes=1
    )
    page = member.text(PAGE)
    assert '<option value="contacted" selected>Contacted</option>' in page
    assert f'<option value="{mia}" selected>Anna Virtanen</option>' in page
    assert "Asks for\nprices &amp; &lt;terms&gt;" in page
    assert "Status: New \u2192 Contacted" in panel(page)
    assert "Owner: nobody \u2192 Anna Virtanen" in panel(page)

    note = re.findall(r'name="note" value="(\d+)"', page)
    assert send(member, f"{PAGE}/notes/remove", note=note[0])[0] == 303
    assert send(member, f"{PAGE}/record", untag="FAIR <2026>", owner="", hide_me="on", hide_all="on")[0] == 303
    assert record_of(town, seen) == LeadRecord(LeadStatus.CONTACTED, hidden_for_me=True, hidden_for_all=True)
    assert "Hidden from the list for everybody." in panel(member.text(PAGE))
    assert send(member, f"{PAGE}/record", hide_me="off", hide_all="off")[0] == 303
    assert not record_of(town, seen).is_hidden


REFUSED = [
    ("record", {"status": "great"}, 'Status is "great"; expected: one of new, watching'),
    ("record", {"owner": "999999999"}, "Owner; expected: a member of this workspace"),
    ("record", {"owner": "-1"}, "Owner; expected: a member of this workspace"),
    ("record", {"tag": ""}, "Tag; expected: one line of 1 to 40 characters"),
    ("record", {"tag": "x" * 41}, "expected: one line of 1 to 40 characters"),
    ("notes", {"text": " "}, "Note; expected: about the company, 1 to 2000 characters"),
    ("notes", {"text": "x" * 2001}, "Note; expected: about the company, 1 to 2000 characters"),
]


@pytest.mark.parametrize(("path", "given", "said"), REFUSED, ids=[row[2] + str(row[1])[:30] for row in REFUSED])
def test_what_is_refused_comes_back_with_the_reason(
    member: Visitor, town: Town, seen: Firm, path: str, given: dict[str, str], said: str
) -> None:
    status, _, text = send(member, f"{PAGE}/{path}", **given)
    assert (status, re.sub(r"<[^>]+>", "", text).count(said)) == (422, 1)
    assert record_of(town, seen) == LeadRecord()
    assert f">{given.get('text', '').strip()}</textarea>" in text


@pytest.mark.parametrize("path", ["record", "notes", "notes/remove"])
@pytest.mark.parametrize("org", [SMALL, Org(1, "Nobody"), Org(2**64 - 1, "Nobody")], ids=lambda org: f"{org.id:x}")
def test_company_that_may_not_be_shown_is_not_found(
    member: Visitor, town: Town, seen: Firm, path: str, org: Org
) -> None:
    """Also a small one before its third day: what is said of it would tell that it was here."""
    given = {"status": "customer", "text": "text", "note": "1"}
    assert send(member, f"{address(org)}/{path}", **given)[0] == 404
    assert send(member, "/app/leads/nothing/record", **given)[0] == 404
    assert record_of(town, seen, org) == LeadRecord()


def test_form_of_a_merged_company_speaks_of_what_stands_for_it(member: Visitor, town: Town, seen: Firm) -> None:
    """A page may be open while somebody corrects it."""
    send(member, f"{PAGE}/record", tag="before")
    target = {
        "name": "Massachusetts Institute of Technology",
        "kind": "education",
        "country": "US",
        "domain": "mit.edu",
    }
    town.rules.add(seen.scope, read_rule(Matcher.ORGANISATION, f"{NOKIA.id:016x}", {"organisation": target}))
    status, where, _ = send(member, f"{PAGE}/record", status="customer")
    assert status == 303
    assert where != f"{PAGE}#record"
    text = panel(member.text(where.partition("#")[0]))
    assert "before" in text
    assert "Status: New \u2192 Customer" in text


def test_own_address_of_the_page_is_gone_back_to_and_no_other(member: Visitor, seen: Firm) -> None:
    for back, where in {
        f"{PAGE}?days=7": f"{PAGE}?days=7#record",
        f"{PAGE}?days=7#x": f"{PAGE}?days=7#record",
        "/app/leads": f"{PAGE}#record",
        "https://evil.example/app/leads": f"{PAGE}#record",
        f"//evil.example{PAGE}": f"{PAGE}#record",
        f"{PAGE}\r\nset-cookie: x": f"{PAGE}#record",
    }.items():
        assert send(member, f"{PAGE}/record", status="customer", back=back)[:2] == (303, where)


def change(
    member: Visitor, action: str, value: str, *orgs: str, back: str = "/app/leads?days=7"
) -> tuple[int, str, str]:
    """Send the list's form, in which the field of the companies comes several times."""
    token = member.csrf_token("/app/sites")
    data: dict[str, object] = {"csrf_token": token, "action": action, "value": value, "back": back, "org": list(orgs)}
    answer = member.client.post("/app/leads/change", data)  # type: ignore[arg-type]
    return answer.status_code, answer.headers.get("location", ""), re.sub(r"<[^>]+>", "", answer.text)


BOTH = (f"{NOKIA.id:016x}", f"{MIT.id:016x}")


def test_many_leads_are_changed_at_once(member: Visitor, town: Town, seen: Firm) -> None:
    mia = seen.scope.member_id
    steps = [("status", "watching"), ("owner", str(mia)), ("tag", "a"), ("tag", "b"), ("untag", "A"), ("hide-me", "")]
    for action, value in [*steps, ("hide-all", "")]:
        assert change(member, action, value, *BOTH)[:2] == (303, "/app/leads?days=7")
    expected = LeadRecord(LeadStatus.WATCHING, Owner(mia, "Anna Virtanen"), ("b",), True, True)
    assert (record_of(town, seen), record_of(town, seen, MIT)) == (expected, expected)
    change(member, "show", "", *BOTH)
    change(member, "owner", "", *BOTH)
    expected = LeadRecord(LeadStatus.WATCHING, None, ("b",))
    assert (record_of(town, seen), record_of(town, seen, MIT)) == (expected, expected)


@pytest.mark.parametrize("other", [f"{SMALL.id:016x}", "0" * 15 + "1", "nothing", ""])
def test_leads_that_the_list_does_not_show_are_refused_with_all_others(
    member: Visitor, town: Town, seen: Firm, other: str
) -> None:
    status, _, text = change(member, "status", "customer", *BOTH, other)
    assert status == 400
    assert "companies that the list shows; none was changed" in text
    assert record_of(town, seen) == LeadRecord()


@pytest.mark.parametrize(
    ("action", "value", "said"),
    [
        ("delete", "", "one of status, owner, tag, untag, hide-me, hide-all, show"),
        ("status", "great", "one of new, watching"),
        ("owner", "me", "a member of this workspace"),
        ("tag", "", "one line of 1 to 40 characters"),
    ],
)
def test_bulk_change_that_is_none_is_refused(
    member: Visitor, seen: Firm, town: Town, action: str, value: str, said: str
) -> None:
    status, _, text = change(member, action, value, *BOTH)
    assert (status, said in text) == (400, True)
    assert change(member, "tag", "x")[0] == 400  # No company.
    assert record_of(town, seen) == LeadRecord()


@pytest.mark.parametrize(
    "back", ["", "https://evil.example/app/leads", "/app/team", "/app/leadsx", "/app/leads/../team"]
)
def test_bulk_change_leads_back_to_the_list_only(member: Visitor, seen: Firm, back: str) -> None:
    assert change(member, "tag", "x", *BOTH, back=back)[:2] == (303, "/app/leads")


def test_bulk_change_takes_as_many_as_a_page_may_select(
    member: Visitor, firm: Firm, town: Town, warehouse: Warehouse
) -> None:
    many = [Org(0x1000 + number, f"Firm {number}") for number in range(500)]
    store(warehouse, *(visit(firm.id, org, NOON - timedelta(days=1)) for org in many))
    assert change(member, "tag", "many", *(f"{org.id:016x}" for org in many))[0] == 303
    assert town.records.tags_of(firm.scope)[0].leads == 500


@pytest.mark.parametrize("role", [Role.VIEWER, Role.PRIVACY_OFFICER])
def test_other_roles_read_and_change_nothing(visitor: Visitor, town: Town, seen: Firm, role: Role) -> None:
    owner = seen.scope
    town.records.change(owner, each_alone([OrgId(NOKIA.id)]), RecordChange(LeadStatus.CUSTOMER, add_tags=("a tag",)))
    town.records.add_note(owner, OrgId(NOKIA.id), "a note")
    seen.email = f"{role.value}-{seen.id}@firm.example"
    seen.accounts.add_member(seen.id, seen.email, "Bo", role, PASSWORD)
    visitor.sign_in(seen)
    text = visitor.text(PAGE)
    assert ("a tag" in text, "a note" in text, "Customer" in panel(text)) == (True, True, True)
    assert f'action="{PAGE}/' not in text
    assert send(visitor, f"{PAGE}/record", status="new")[0] == 403
    assert change(visitor, "tag", "x", *BOTH)[0] == 403


def test_other_workspace_says_nothing_of_ours(
    member: Visitor, town: Town, seen: Firm, warehouse: Warehouse, visitor_at: Callable[[str], Visitor]
) -> None:
    send(member, f"{PAGE}/record", status="customer", tag="ours", hide_all="on")
    send(member, f"{PAGE}/notes", text="our note")
    note = re.findall(r'name="note" value="(\d+)"', member.text(PAGE))
    before = record_of(town, seen)
    firm = town.firm()
    store(warehouse, visit(firm.id, NOKIA, NOON))
    other = visitor_at("http://127.0.0.1:8000")
    other.sign_in(firm)
    text = other.text(PAGE)
    assert ("ours" in panel(text), "our note" in text) == (False, False)
    assert send(other, f"{PAGE}/notes/remove", note=note[0])[0] == 303
    assert change(other, "show", "", BOTH[0])[0] == 303
    assert change(other, "status", "new", *BOTH)[0] == 400  # MIT visited us, not them.
    assert record_of(town, seen) == before
