"""Feeds by programs."""

from collections.abc import Callable
from datetime import UTC, datetime

from firmly.accounts.roles import Role, TokenScope
from firmly.leads.service import Leads
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, store, visit
from tests.town import Firm, Town
from tests.unit.web.api.conftest import Program

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
FINNISH = '{"field":"country","op":"eq","value":"FI"}'


def test_feed_is_kept_changed_counted_and_removed(
    program: Callable[..., Program], firm: Firm, warehouse: Warehouse
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON))
    client = program(firm, TokenScope.READ_LEADS, TokenScope.WRITE_LEADS)
    made = client.ask("POST", "/feeds", json={"name": "Finnish", "filter": FINNISH, "folder": "Sales"})
    number = made.json()["id"]
    kept = {
        "id": number,
        "name": "Finnish",
        "folder": "Sales",
        "filter": FINNISH,
        "says": "country is FI",
        "days": 30,
        "sort": "-last_visit",
    }
    assert (made.status_code, client.json("/feeds")) == (201, {"items": [kept]})
    assert client.json(f"/feeds/{number}/count") == {"companies": 1}
    changed = client.ask("PUT", f"/feeds/{number}", json={"name": "All", "days": 7, "sort": "name"})
    kept |= {"name": "All", "folder": "", "filter": "", "says": "", "days": 7, "sort": "name"}
    assert (changed.status_code, changed.json()) == (200, kept)
    assert client.json(f"/feeds/{number}/count") == {"companies": 2}
    assert client.ask("DELETE", f"/feeds/{number}").status_code == 204
    for method, path in (("PUT", ""), ("DELETE", ""), ("GET", "/count")):
        assert client.ask(method, f"/feeds/{number}{path}", json={"name": "x"}).status_code == 404


def test_feed_of_another_workspace_is_not_there(
    program: Callable[..., Program], town: Town, firm: Firm, leads: Leads
) -> None:
    client = program(town.firm(), TokenScope.READ_LEADS, TokenScope.WRITE_LEADS)
    number = program(firm, TokenScope.WRITE_LEADS).ask("POST", "/feeds", json={"name": "Ours"}).json()["id"]
    assert client.json("/feeds") == {"items": []}
    for method, path in (("PUT", ""), ("DELETE", ""), ("GET", "/count")):
        assert client.ask(method, f"/feeds/{number}{path}", json={"name": "x"}).status_code == 404
    assert [feed.name for feed in leads.feeds.of(firm.scope)] == ["Ours"]


def test_feed_that_limits_a_member_is_not_changed_by_a_token(
    program: Callable[..., Program], firm: Firm, leads: Leads
) -> None:
    client = program(firm, TokenScope.READ_LEADS, TokenScope.WRITE_LEADS)
    number = client.ask("POST", "/feeds", json={"name": "Finnish", "filter": FINNISH}).json()["id"]
    firm.accounts.team.invite(firm.scope, "sanna@firm.example", Role.SALES, [number])
    assert client.ask("PUT", f"/feeds/{number}", json={"name": "Wider"}).status_code == 403
    assert client.ask("DELETE", f"/feeds/{number}").status_code == 403
    assert [feed.name for feed in leads.feeds.of(firm.scope)] == ["Finnish"]


def test_wrong_feed_is_refused_by_its_key(program: Callable[..., Program], firm: Firm) -> None:
    client = program(firm, TokenScope.WRITE_LEADS)
    for given, status, key in (
        ({"name": ""}, 400, "name"),
        ({"name": "a", "days": 31}, 422, "days"),
        ({"name": "a", "sort": "money"}, 400, "sort"),
        ({"name": "a", "filter": "{"}, 422, "filter"),
        ({"name": "a", "colour": "red"}, 400, "colour"),
    ):
        answer = client.ask("POST", "/feeds", json=given)
        assert answer.status_code == status, answer.text
        assert [problem["key"] for problem in answer.json()["problems"]] == [key]
