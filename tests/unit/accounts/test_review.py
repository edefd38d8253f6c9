"""What a second look found: odd references, reports of many workspaces."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from firmly.accounts.reports import AT_ONCE, AuditReports
from firmly.mail.letter import Letter

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office


def reports_of(office: "Office", put: Callable[[Letter], None]) -> AuditReports:
    return AuditReports(
        office.control_plane,
        office.accounts.audit,
        office.accounts.wishes,
        put,
        office.clock,
        log_url="https://firmly.example/app/audit",
        unsubscribe_url=lambda secret: f"https://firmly.example/app/unsubscribe/{secret}",
        title=str,
        checkpoints=lambda _workspace_id: (),
    )


@pytest.mark.parametrize("ref", ["\0", "no such", "\u202e", "f" * 5_000])
def test_ending_a_session_that_nobody_can_have_is_harmless(office: "Office", ref: str) -> None:
    office.member("mia@acme.example")
    signed_in = office.signed_in("mia@acme.example")
    others = len(office.accounts.sign_in.sessions(signed_in))
    office.accounts.sign_in.end(signed_in, ref)
    assert len(office.accounts.sign_in.sessions(signed_in)) == others


def test_reports_of_many_workspaces_leave_room_in_the_outbox(office: "Office") -> None:
    """A turn fills the outbox with a hundred workspaces at most; the next goes on, and none is reported twice."""
    for number in range(AT_ONCE + 3):
        office.other_workspace(f"Firm {number}")
    office.clock.advance(days=40)
    put: list[Letter] = []
    reports = reports_of(office, put.append)
    assert [reports.send_due() for _ in range(3)] == [AT_ONCE, 4, 0]


def test_a_report_that_fails_costs_no_other(office: "Office") -> None:
    office.member("mia@acme.example")
    office.member("bo@other.example", workspace_id=office.other_workspace())
    office.clock.advance(days=40)
    put: list[Letter] = []

    def put_or_fail(letter: Letter) -> None:
        if letter.recipient == "mia@acme.example":
            raise ConnectionError
        put.append(letter)

    reports = reports_of(office, put_or_fail)
    with pytest.raises(ConnectionError):
        reports.send_due()
    assert (reports.send_due(), [letter.recipient for letter in put]) == (1, ["bo@other.example"])
