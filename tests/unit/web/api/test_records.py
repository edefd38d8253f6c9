"""What the team says of leads, through the API."""

from collections.abc import Callable
from typing import Any

import pytest

from firmly.accounts.roles import TokenScope
from firmly.leads.company_data.facts import Fact
from firmly.leads.record import LeadStatus
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, store, visit
from tests.town import Firm, Town
from tests.unit.web.api.conftest import Program

ORG = f"{NOKIA.id:016x}"
PATH = f"/leads/{ORG}"
NEW: dict[str, Any] = {
    "org_id": ORG,
    "status": "new",
    "owner": None,
    "tags": [],
    "hidden": False,
    "notes": 0,
    "company_data": None,
}


@pytest.fixture(autouse=True)
def seen(firm: Firm, warehouse: Warehouse, town: Town) -> None:
    now = town.clock.now
    store(warehouse, visit(firm.id, NOKIA, now), visit(firm.id, MIT, now), visit(firm.id, SMALL, now, detail="counts"))


def test_record_is_read_and_changed_by_what_is_given(ours: Program, firm: Firm) -> None:
    mia = firm.scope.member_id
    assert ours.json(f"{PATH}/record") == NEW
    steps: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"status": "contacted", "owner": mia, "tags": ["b", "a"]}, {"status": "contacted", "tags": ["a", "b"]}),
        ({"tags": ["A", "c"], "hidden": True}, {"tags": ["a", "c"], "hidden": True}),
        ({}, {}),
        ({"tags": [], "hidden": False}, {"tags": [], "hidden": False}),
    ]
    expected = {**NEW, "owner": {"id": mia, "name": "Anna Virtanen"}}
    for given, changed in steps:
        answer = ours.ask("PATCH", f"{PATH}/record", json=given)
        assert (answer.status_code, answer.content) == (204, b"")
        expected |= changed
        assert ours.json(f"{PATH}/record") == expected
    ours.ask("PATCH", f"{PATH}/record", json={"owner": None, "status": "new"})
    assert ours.json(f"{PATH}/record") == NEW


def test_record_tells_what_the_teams_own_data_says(ours: Program, town: Town, firm: Firm) -> None:
    data, scope = town.company_data, firm.scope
    upload = data.upload(scope, "x.csv", f"domain,icp,crm\n{NOKIA.domain},no,=42".encode())
    data.bring(scope, upload, {Fact.DOMAIN: 0, Fact.ICP: 1, Fact.CRM_ID: 2})
    known = {"industry": "", "size": "", "icp": False, "owner": "", "crm_id": "=42"}
    assert ours.json(f"{PATH}/record") == {**NEW, "company_data": known}


def test_notes_are_written_listed_and_removed(ours: Program, program: Callable[..., Program], firm: Firm) -> None:
    made = [ours.ask("POST", f"{PATH}/notes", json={"text": text}).json()["id"] for text in ("one", "two", "three")]
    page = ours.json(f"{PATH}/notes", params={"limit": 2})
    assert [(one["id"], one["text"], one["author"]) for one in page["items"]] == [
        (made[2], "three", None),
        (made[1], "two", None),
    ]
    rest = ours.json(f"{PATH}/notes", params={"cursor": page["next"]})
    assert ([one["text"] for one in rest["items"]], rest["next"]) == (["one"], None)
    assert ours.json(f"{PATH}/record")["notes"] == 3

    another = program(firm, TokenScope.WRITE_LEADS)
    assert another.ask("DELETE", f"{PATH}/notes/{made[0]}").status_code == 403
    elsewhere = f"/leads/{MIT.id:016x}"
    assert ours.ask("DELETE", f"{elsewhere}/notes/{made[0]}").status_code == 404
    assert ours.ask("DELETE", f"{PATH}/notes/{made[0]}").status_code == 204
    assert ours.ask("DELETE", f"{PATH}/notes/{made[0]}").status_code == 404


def test_tags_and_statuses_are_listed(ours: Program) -> None:
    for org, tags in ((NOKIA, ["often", "once"]), (MIT, ["Often"])):
        ours.ask("PATCH", f"/leads/{org.id:016x}/record", json={"tags": tags})
    assert ours.json("/tags") == {
        "items": [{"tag": "Often", "leads": 2}, {"tag": "once", "leads": 1}],
        "next": None,
    }
    first = ours.json("/tags", params={"limit": 1})
    assert [one["tag"] for one in ours.json("/tags", params={"cursor": first["next"]})["items"]] == ["once"]
    assert [one["status"] for one in ours.json("/statuses")["items"]] == [status.value for status in LeadStatus]


REFUSED = [
    ("PATCH", "record", {"status": "great"}, 400),
    ("PATCH", "record", {"owner": 2**31 - 1}, 422),
    ("PATCH", "record", {"owner": 0}, 400),
    ("PATCH", "record", {"tags": [""]}, 400),
    ("PATCH", "record", {"tags": ["\n"]}, 422),
    ("PATCH", "record", {"tags": list(map(str, range(21)))}, 422),
    ("PATCH", "record", {"hidden_for_me": True}, 400),
    ("POST", "notes", {"text": ""}, 400),
    ("POST", "notes", {"text": " "}, 422),
    ("POST", "notes", {"text": "x" * 2001}, 400),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED, ids=[str(row[2])[:40] for row in REFUSED])
def test_what_cannot_be_said_is_refused(
    ours: Program, method: str, path: str, body: dict[str, object], status: int
) -> None:
    assert ours.ask(method, f"{PATH}/{path}", json=body).status_code == status
    assert ours.json(f"{PATH}/record") == NEW


def test_company_that_may_not_be_shown_is_not_found(ours: Program) -> None:
    """A small one is not, before its third day."""
    for org in (f"{SMALL.id:016x}", "0" * 15 + "1"):
        answers = [
            ours.get(f"/leads/{org}/record"),
            ours.ask("PATCH", f"/leads/{org}/record", json={"status": "customer"}),
            ours.get(f"/leads/{org}/notes"),
            ours.ask("POST", f"/leads/{org}/notes", json={"text": "text"}),
            ours.ask("DELETE", f"/leads/{org}/notes/1"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 5


def test_program_that_writes_needs_no_right_to_read(program: Callable[..., Program], firm: Firm, ours: Program) -> None:
    writer = program(firm, TokenScope.WRITE_LEADS)
    assert writer.ask("PATCH", f"{PATH}/record", json={"status": "customer"}).status_code == 204
    assert writer.ask("POST", f"{PATH}/notes", json={"text": "text"}).status_code == 201
    assert [writer.get(f"{PATH}/{path}").status_code for path in ("record", "notes")] == [403, 403]
    assert ours.json(f"{PATH}/record") == {**NEW, "status": "customer", "notes": 1}
