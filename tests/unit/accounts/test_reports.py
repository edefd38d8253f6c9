"""The monthly report: once for each workspace, to those who want it, with the digest that leaves the house."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from firmly.accounts.audit import Action
from firmly.accounts.reports import AuditReports
from firmly.accounts.roles import Role
from firmly.accounts.scope import MemberScope
from firmly.accounts.tables import AuditEntryRow
from firmly.mail.letter import Letter, Template
from tests.unit.accounts.conftest import at_once

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

MIA, BO = "mia@example.com", "bo@example.com"
UNSUBSCRIBE = "https://firmly.example/app/unsubscribe/"


@pytest.fixture
def mia(office: "Office") -> MemberScope:
    """The owner of a workspace that was made in March."""
    return office.member(MIA)


@pytest.fixture
def letters() -> list[Letter]:
    """What was put into the outbox."""
    return []


@pytest.fixture
def new_reports(office: "Office", letters: list[Letter]) -> Callable[[], AuditReports]:
    """One as each process has it."""
    return lambda: AuditReports(
        office.control_plane,
        office.accounts.audit,
        office.accounts.wishes,
        letters.append,
        office.clock,
        log_url="https://firmly.example/app/audit",
        unsubscribe_url=lambda secret: UNSUBSCRIBE + secret,
        title=lambda action: action.value.replace("_", " "),
        checkpoints=lambda workspace_id: [f'{{"of":{workspace_id}}}'],
    )


@pytest.fixture
def reports(new_reports: Callable[[], AuditReports]) -> AuditReports:
    return new_reports()


def test_report_says_what_was_done_in_the_month_before(
    office: "Office", reports: AuditReports, letters: list[Letter], mia: MemberScope
) -> None:
    office.accounts.audit.note(mia, Action.LETTERS_READ)
    office.clock.now = datetime(2026, 4, 1, tzinfo=UTC)
    office.accounts.audit.note(mia, Action.AUDIT_EXPORTED)  # Of April: the next report's.
    sent = reports.send_due()
    chain = office.accounts.audit.verify(mia.workspace_id)
    (letter,) = letters
    assert sent == 1
    assert (letter.template, letter.recipient, letter.workspace_id) == (Template.AUDIT_REPORT, MIA, mia.workspace_id)
    assert dict(letter.context) == {
        "workspace": "Acme",
        "first_day": date(2026, 3, 1),
        "last_day": date(2026, 3, 31),
        "actions": (("signed in", 1), ("workspace made", 1), ("member added", 1), ("letters read", 1)),
        "entries": chain.entries,
        "head_hash": chain.head,
        "broken_at": 0,
        "checkpoints": (f'{{"of":{mia.workspace_id}}}',),
        "link": "https://firmly.example/app/audit",
    }


def test_report_digest_finds_what_was_taken_off_the_end_afterwards(
    office: "Office", reports: AuditReports, letters: list[Letter], mia: MemberScope
) -> None:
    """Against the operator: `verify` alone would say that all is well."""
    office.clock.advance(days=40)
    reports.send_due()
    with office.control_plane.session() as db:
        db.execute(delete(AuditEntryRow).where(AuditEntryRow.number > 2))
    (letter,) = letters
    chain = office.accounts.audit.verify(mia.workspace_id)
    assert chain.broken_at is None
    assert isinstance(letter.context["entries"], int)
    assert chain.entries < letter.context["entries"]
    assert chain.head != letter.context["head_hash"]


def test_report_is_sent_once_a_month(
    office: "Office", new_reports: Callable[[], AuditReports], letters: list[Letter], mia: MemberScope
) -> None:
    sent = []
    for month, day in ((3, 31), (4, 1), (4, 1), (4, 30), (5, 2), (5, 31), (8, 15), (8, 16)):
        office.clock.now = datetime(2026, month, day, 9, tzinfo=UTC)
        sent.append(new_reports().send_due())
    assert sent == [0, 1, 0, 0, 1, 0, 1, 0]
    assert [letter.context["first_day"] for letter in letters] == [date(2026, month, 1) for month in (3, 4, 7)]
    assert office.actions().count("report_sent") == 3


def test_report_of_two_that_run_at_once_is_sent_once(
    office: "Office", new_reports: Callable[[], AuditReports], letters: list[Letter], mia: MemberScope
) -> None:
    office.member(BO, workspace_id=office.other_workspace())
    office.clock.advance(days=40)
    one, other = new_reports(), new_reports()
    done = at_once(one.send_due, other.send_due)
    assert sum(done) == 2
    assert sorted(letter.recipient for letter in letters) == [BO, MIA]
    assert office.actions().count("report_sent") == 1


def test_report_is_of_its_workspace_for_its_people(
    office: "Office", reports: AuditReports, letters: list[Letter], mia: MemberScope
) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    office.member("viewer@example.com", Role.VIEWER)
    office.member("admin@example.com", Role.ADMIN)
    office.clock.advance(days=40)
    assert reports.send_due() == 2
    said = {letter.recipient: (letter.workspace_id, letter.context["workspace"]) for letter in letters}
    assert said == {MIA: (mia.workspace_id, "Acme"), BO: (bo.workspace_id, "Other")}


def test_report_carries_the_link_that_ends_it_for_its_reader(
    office: "Office", reports: AuditReports, letters: list[Letter], mia: MemberScope
) -> None:
    office.member(BO)
    office.clock.advance(days=40)
    reports.send_due()
    links = {letter.recipient: letter.unsubscribe_url or "" for letter in letters}
    assert links[MIA].startswith(UNSUBSCRIBE)
    assert office.accounts.wishes.unsubscribe(links[MIA].removeprefix(UNSUBSCRIBE))
    letters.clear()
    office.clock.advance(days=31)
    reports.send_due()
    assert [letter.recipient for letter in letters] == [BO]


def test_report_of_a_cancelled_workspace_waits(
    office: "Office", reports: AuditReports, letters: list[Letter], mia: MemberScope
) -> None:
    office.accounts.workspaces.cancel(mia)
    office.clock.now = datetime(2026, 4, 2, tzinfo=UTC)
    while_cancelled = reports.send_due()
    office.accounts.workspaces.reactivate(office.scope_of(MIA))
    assert (while_cancelled, reports.send_due(), len(letters)) == (0, 1, 1)


def test_report_of_a_year_that_ends(
    office: "Office", reports: AuditReports, letters: list[Letter], mia: MemberScope
) -> None:
    office.clock.now = datetime(2027, 1, 1, 0, 0, tzinfo=UTC)
    reports.send_due()
    assert [(one.context["first_day"], one.context["last_day"]) for one in letters] == [
        (date(2026, 12, 1), date(2026, 12, 31))
    ]
