"""What is another workspace's: it looks like what does not exist, in path, query and body, and stays as it was."""

from collections.abc import Callable
from typing import Any

import pytest

from firmly.accounts.roles import Role
from firmly.warehouse.store import Warehouse
from tests.history import NOKIA, store, visit
from tests.town import PASSWORD, Firm, Town
from tests.unit.web.api.conftest import Program

NOWHERE: dict[str, Any] = {"key": "0" * 12, "id": 2**31 - 1, "org_id": "0" * 15 + "e"}


@pytest.fixture
def foreign(town: Town, warehouse: Warehouse, program: Callable[..., Program]) -> dict[str, Any]:
    """Return the ids of all that another firm has."""
    other = town.firm()
    store(warehouse, visit(other.id, NOKIA, town.clock.now))
    theirs = program(other)
    rule = {"about": "asn", "value": "64500", "is": "own_staff"}
    return {
        "firm": other,
        "key": other.site.key,
        "org_id": f"{NOKIA.id:016x}",
        "member": town.accounts.add_member(other.id, f"m{other.id}@firm.example", "Mia Smith", Role.VIEWER, PASSWORD),
        "invitation": theirs.ask("POST", "/invitations", json={"email": "new@firm.example", "role": "viewer"}).json()[
            "id"
        ],
        "correction": theirs.ask("POST", "/corrections", json=rule).json()["id"],
        "theirs": theirs,
    }


@pytest.mark.parametrize(
    ("method", "path", "what", "body"),
    [
        ("GET", "/sites/{key}", "key", None),
        ("PATCH", "/sites/{key}", "key", {"name": "Taken over"}),
        ("GET", "/sites/{key}/history", "key", None),
        ("GET", "/leads/{org_id}", "org_id", None),
        ("GET", "/leads/{org_id}/visits", "org_id", None),
        ("GET", "/leads/{org_id}/record", "org_id", None),
        ("PATCH", "/leads/{org_id}/record", "org_id", {"status": "customer"}),
        ("GET", "/leads/{org_id}/notes", "org_id", None),
        ("POST", "/leads/{org_id}/notes", "org_id", {"text": "Taken over"}),
        ("DELETE", "/corrections/{id}", "correction", None),
        ("PATCH", "/members/{id}", "member", {"role": "sales"}),
        ("PATCH", "/members/{id}", "member", {"role": "owner"}),
        ("DELETE", "/members/{id}", "member", None),
        ("DELETE", "/invitations/{id}", "invitation", None),
    ],
)
def test_in_a_path_it_is_like_what_does_not_exist(
    ours: Program, foreign: dict[str, Any], method: str, path: str, what: str, body: dict[str, str] | None
) -> None:
    before = state_of(foreign["theirs"])
    given = {"json": body} if body else {}
    place = path[path.index("{") + 1 : path.index("}")]

    theirs = ours.ask(method, path.format(**{place: foreign[what]}), **given)
    nowhere = ours.ask(method, path.format(**{place: NOWHERE[place]}), **given)

    assert (theirs.status_code, theirs.content) == (nowhere.status_code, nowhere.content)
    assert theirs.status_code == (403 if body == {"role": "owner"} else 404)
    assert state_of(foreign["theirs"]) == before


@pytest.mark.parametrize("path", ["/leads", "/coverage", "/consent/counts"])
def test_in_a_filter_it_is_like_what_does_not_exist(ours: Program, foreign: dict[str, Any], path: str) -> None:
    theirs, nowhere = (ours.get(path, params={"site": key}) for key in (foreign["key"], NOWHERE["key"]))
    assert (theirs.status_code, nowhere.status_code) == (422, 422)
    assert theirs.text.replace(foreign["key"], "") == nowhere.text.replace(NOWHERE["key"], "")


def test_in_a_body_it_is_like_what_does_not_exist(ours: Program, foreign: dict[str, Any]) -> None:
    theirs, nowhere = (
        ours.ask("POST", "/corrections", json={"about": "organisation", "value": org_id, "is": "own_staff"})
        for org_id in (foreign["org_id"], NOWHERE["org_id"])
    )
    assert (theirs.status_code, nowhere.status_code) == (422, 422)
    assert theirs.text.replace(foreign["org_id"], "") == nowhere.text.replace(NOWHERE["org_id"], "")


def test_no_list_holds_it(ours: Program, foreign: dict[str, Any], firm: Firm) -> None:
    other: Firm = foreign["firm"]
    for path in (
        "/workspace",
        "/sites",
        "/leads",
        "/tags",
        "/corrections",
        "/members",
        "/invitations",
        "/audit",
        "/letters",
    ):
        text = ours.get(path).text
        assert foreign["key"] not in text
        assert other.email not in text
        assert f"Firm {other.id}" not in text
    entries = ours.json("/audit", params={"member": foreign["member"]})["items"]
    assert entries == []


@pytest.mark.parametrize("field", ["workspace_id", "id", "key", "author", "state"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/sites"), ("PATCH", "/sites/{key}"), ("PATCH", "/workspace"), ("POST", "/invitations")],
)
def test_no_body_sets_what_it_may_not(ours: Program, firm: Firm, method: str, path: str, field: str) -> None:
    """Mass assignment."""
    answer = ours.ask(method, path.format(key=firm.site.key), json={"name": "New name", field: 1})
    assert answer.status_code == 400
    assert field in [problem["key"] for problem in answer.json()["problems"]]


def state_of(program: Program) -> list[Any]:
    org = f"/leads/{NOKIA.id:016x}"
    paths = ("/sites", "/corrections", "/members", "/invitations", f"{org}/notes")
    return [program.json(f"{org}/record"), *(program.json(path)["items"] for path in paths)]
