"""The audit log and the log of mail, as programs read them."""

from typing import Any

import pytest

from firmly.mail.letter import Letter, Template
from tests.town import Firm, Town
from tests.unit.web.api.conftest import Program


def actions(page: Any) -> list[str]:
    return [entry["action"] for entry in page["items"]]


def test_entries_are_newest_first_and_tell_who(ours: Program, firm: Firm) -> None:
    firm.accounts.workspaces.cancel(firm.scope)
    newest, before, *_ = ours.json("/audit")["items"]
    assert (newest["action"], newest["actor"], newest["actor_name"]) == ("audit_read", "token", None)
    assert (before["action"], before["actor"], before["actor_name"]) == (
        "workspace_cancelled",
        "member",
        "Anna Virtanen",
    )


@pytest.mark.parametrize("path", ["/audit", "/letters"])
def test_each_reading_is_logged_wherever_it_starts(ours: Program, path: str) -> None:
    """A program that begins in the middle leaves a trace, too."""
    before = len(ours.json("/audit?limit=200")["items"])
    ours.get(path)
    ours.get(f"{path}?cursor=999999999")
    ours.get(f"{path}?cursor=1")
    assert len(ours.json("/audit?limit=200")["items"]) == before + 4


def test_entries_are_filtered(ours: Program, firm: Firm, town: Town) -> None:
    member = firm.scope.member_id
    town.clock.advance(hours=1)
    firm.accounts.workspaces.cancel(firm.scope)
    assert actions(ours.json("/audit?action=workspace_cancelled")) == ["workspace_cancelled"]
    assert "workspace_cancelled" in actions(ours.json(f"/audit?member={member}"))
    assert {one["actor"] for one in ours.json(f"/audit?member={member}")["items"]} == {"member"}
    since = {"since": "2026-03-31T16:00:00+03:00"}
    assert "workspace_made" not in actions(ours.json("/audit", params=since))
    assert actions(ours.json("/audit", params={"until": "2026-03-31T13:00:00Z"}))[-1] == "workspace_made"


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"since": "0001-01-01T00:00:00+14:00"}, 422),
        ({"until": "9999-12-31T23:59:59-14:00"}, 422),
        ({"since": "2026-03-31"}, 400),
        ({"since": "2026-03-31T12:00:00"}, 400),
        ({"action": "nothing"}, 400),
        ({"member": "2147483648"}, 400),
        ({"cursor": "1; drop"}, 400),
    ],
)
def test_filters_that_cannot_be_are_refused(ours: Program, parameters: dict[str, str], status: int) -> None:
    assert ours.get("/audit", params=parameters).status_code == status


def test_pages_follow_each_other(ours: Program) -> None:
    first = ours.json("/audit?limit=2")
    second = ours.json(f"/audit?limit=200&cursor={first['next']}")
    numbers = [entry["number"] for entry in first["items"] + second["items"]]
    assert numbers == list(range(numbers[0], 0, -1))
    assert second["next"] is None


def test_the_chain_is_computed_anew(ours: Program) -> None:
    newest = ours.json("/audit?limit=1")["items"][0]
    assert ours.json("/audit/chain") == {"entries": newest["number"], "head": newest["digest"], "broken_at": None}


def test_letters_tell_to_whom_and_how_it_ended_and_no_link(ours: Program, firm: Firm, town: Town) -> None:
    link = {"link": "https://firmly.example/app/secret"}
    entry = town.accounts.letters.queued(Letter(Template.TEST, "new@firm.example", link, firm.id))
    town.accounts.letters.ended(entry, "sent")
    answer = ours.get("/letters")
    (letter,) = answer.json()["items"]
    assert (letter["recipient"], letter["template"], letter["result"]) == ("new@firm.example", "test", "sent")
    assert "secret" not in answer.text
