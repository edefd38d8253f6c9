"""The workspace, as programs see and change it."""

from collections.abc import Callable

import pytest

from firmly.accounts.roles import TokenScope
from tests.town import Firm
from tests.unit.web.api.conftest import Program


def test_settings_are_for_who_may_change_them(program: Callable[..., Program], firm: Firm) -> None:
    reader = program(firm, TokenScope.READ_LEADS).json("/workspace")
    assert (reader["name"], reader["rights"], reader["settings"]) == (
        f"Firm {firm.id}",
        ["read_all_leads", "read_leads"],
        None,
    )
    assert program(firm).json("/workspace")["settings"]["time_zone"] == "Europe/Helsinki"


def test_a_change_leaves_all_else_and_is_logged(ours: Program, firm: Firm) -> None:
    before = ours.json("/workspace")["settings"]
    answer = ours.ask("PATCH", "/workspace", json={"controller": "Firm Oy", "counts_usage": False})
    assert answer.json() == before | {"controller": "Firm Oy", "counts_usage": False}
    assert ours.json("/workspace")["settings"] == answer.json()
    newest = ours.json("/audit?action=workspace_changed")["items"][0]
    assert (newest["actor"], newest["detail"]["controller"]) == ("token", ["", "Firm Oy"])


@pytest.mark.parametrize("field", ["plan", "vat_id", "billing_address", "billing_reference"])
def test_billing_is_for_owners_in_the_dashboard(ours: Program, field: str) -> None:
    assert ours.ask("PATCH", "/workspace", json={field: "FI12345678"}).status_code == 403
    assert field not in ours.json("/workspace")["settings"]


def test_a_card_number_is_refused_and_not_said_back(ours: Program) -> None:
    answer = ours.ask("PATCH", "/workspace", json={"billing_reference": "4111 1111 1111 1111"})
    assert (answer.status_code, "4111" in answer.text) == (422, False)


def test_what_is_of_no_use_is_named_and_nothing_changes(ours: Program) -> None:
    answer = ours.ask("PATCH", "/workspace", json={"time_zone": "Mars", "contact": "secret person", "name": "New"})
    problems = {problem["key"]: problem["value"] for problem in answer.json()["problems"]}
    assert (answer.status_code, problems) == (422, {"time_zone": "Mars", "contact": "(withheld)"})
    assert ours.json("/workspace")["name"] != "New"
