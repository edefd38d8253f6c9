"""An account that nobody uses is warned after 23 months and erased after 24; whoever comes back keeps it (LD5)."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from firmly.accounts.database import ControlPlane
from firmly.accounts.dormant import DormantAccounts, Looked, months_after
from firmly.accounts.roles import Role
from firmly.accounts.tables import MemberRow
from firmly.mail.letter import Letter, Template

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

MIA, BO = "mia@example.com", "bo@example.com"


@pytest.fixture
def letters() -> list[Letter]:
    return []


@pytest.fixture
def dormant(office: "Office", control_plane: ControlPlane, letters: list[Letter]) -> DormantAccounts:
    return DormantAccounts(control_plane, letters.append, office.clock, sign_in_url="https://f.example/app/sign-in")


def emails(control_plane: ControlPlane) -> set[str]:
    with control_plane.reading() as db:
        return set(db.scalars(select(MemberRow.email)))


def at(office: "Office", day: str) -> None:
    office.clock.now = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)


def test_unused_account_is_warned_and_a_month_later_erased(
    office: "Office", control_plane: ControlPlane, dormant: DormantAccounts, letters: list[Letter]
) -> None:
    at(office, "2026-03-01")
    office.member(MIA)
    office.member(BO, Role.SALES)
    at(office, "2028-01-31")
    office.token(MIA)
    assert dormant.look() == Looked(0, 0)
    at(office, "2028-02-01")
    assert dormant.look() == Looked(1, 0)
    assert dormant.look() == Looked(0, 0)
    (letter,) = letters
    assert (letter.template, letter.recipient) == (Template.ACCOUNT_ENDS, BO)
    assert (letter.context["last_day"], letter.context["ends_on"]) == (date(2026, 3, 1), date(2028, 3, 1))
    at(office, "2028-02-29")
    assert dormant.look() == Looked(0, 0)
    at(office, "2028-03-01")
    assert dormant.look() == Looked(0, 1)
    assert emails(control_plane) == {MIA}
    assert "account_expired" in [entry.action for entry in office.accounts.audit.page(office.scope_of(MIA))]


def test_whoever_comes_back_keeps_the_account(
    office: "Office", control_plane: ControlPlane, dormant: DormantAccounts, letters: list[Letter]
) -> None:
    at(office, "2026-03-01")
    office.member(MIA)
    office.member(BO, Role.SALES)
    at(office, "2028-02-10")
    dormant.look()
    office.token(BO)
    at(office, "2028-06-01")
    assert dormant.look().erased == 0
    assert BO in emails(control_plane)
    at(office, "2030-01-11")
    letters.clear()
    dormant.look()
    assert BO in [letter.recipient for letter in letters]


def test_no_account_is_erased_without_four_weeks_of_warning(
    office: "Office", control_plane: ControlPlane, dormant: DormantAccounts
) -> None:
    at(office, "2026-03-01")
    office.member(MIA)
    office.member(BO, Role.SALES)
    at(office, "2029-01-01")
    assert dormant.look() == Looked(2, 0)
    at(office, "2029-01-28")
    assert dormant.look() == Looked(0, 0)
    at(office, "2029-01-29")
    assert dormant.look() == Looked(0, 1)
    assert emails(control_plane) == {MIA}


def test_last_owner_stays_until_the_workspace_ends(
    office: "Office", control_plane: ControlPlane, dormant: DormantAccounts
) -> None:
    at(office, "2026-03-01")
    scope = office.member(MIA)
    at(office, "2028-02-10")
    dormant.look()
    at(office, "2028-04-01")
    assert dormant.look() == Looked(0, 0)
    office.accounts.workspaces.cancel(scope)
    assert dormant.look() == Looked(0, 1)
    assert emails(control_plane) == set()


def test_owners_who_must_stay_hold_up_nobody(
    office: "Office", control_plane: ControlPlane, dormant: DormantAccounts
) -> None:
    at(office, "2026-03-01")
    for number in range(101):
        office.member(f"owner{number}@example.com", workspace_id=office.accounts.create_workspace("W", "UTC"))
    office.member(MIA)
    office.member(BO, Role.SALES)
    at(office, "2028-02-10")
    while dormant.look().warned:
        pass
    at(office, "2028-04-01")
    assert dormant.look() == Looked(0, 1)
    assert BO not in emails(control_plane)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -24, date(2024, 1, 15)),
        (date(2028, 2, 29), 24, date(2030, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_months_after(day: date, months: int, expected: date) -> None:
    assert months_after(day, months) == expected
