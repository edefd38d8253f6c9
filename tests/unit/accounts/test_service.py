"""Members: made, signed in, slowed down, signed out. Whatever is stored gives no password and no token away."""

from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher
from sqlalchemy import delete, func, select, update

from firmly.accounts.database import Base, ControlPlane
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role
from firmly.accounts.service import Accounts
from firmly.accounts.tables import MemberRow, MembershipRow, SessionRow
from firmly.model import FirmlyError, InvalidInputError, WorkspaceId
from tests.town import KEYS

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office, SetClock

PASSWORD = "a long enough phrase"
MIA = "mia@example.com"


def count_sessions(control_plane: ControlPlane) -> int:
    with control_plane.reading() as db:
        return db.scalar(select(func.count()).select_from(SessionRow)) or 0


@pytest.mark.parametrize(
    ("name", "time_zone", "keys"),
    [("", "UTC", ["name"]), ("Acme", "Mars/Base", ["time_zone"]), ("a\nb", "../etc", ["name", "time_zone"])],
)
def test_create_workspace_bad_values_are_named(accounts: Accounts, name: str, time_zone: str, keys: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        accounts.create_workspace(name, time_zone)
    assert [problem.key for problem in caught.value.problems] == keys


def test_has_members_after_the_first(office: "Office") -> None:
    before = office.accounts.has_members()
    office.member(MIA)
    assert (before, office.accounts.has_members()) == (False, True)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "mia",
        "mia@",
        "@example.com",
        "mia smith@example.com",
        "mia@example.com\r\nBcc: other@example.com",
        "mia@exam@ple.com",
        "Mia <mia@example.com>",
        "mia\u200b@example.com",
        "a" * 65 + "@example.com",
    ],
)
def test_add_member_email_that_is_none_is_refused_and_not_repeated(office: "Office", email: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        office.accounts.add_member(office.workspace_id, email, "Mia Smith", Role.OWNER, PASSWORD)
    assert [(problem.key, problem.value) for problem in caught.value.problems] == [("email", "(withheld)")]


def test_add_member_problems_are_told_together(office: "Office") -> None:
    with pytest.raises(InvalidInputError) as caught:
        office.accounts.add_member(office.workspace_id, "mia", "", Role.OWNER, "short")
    assert [problem.key for problem in caught.value.problems] == ["email", "name", "password"]
    assert "short" not in str(caught.value)


def test_add_member_same_address_in_another_spelling_is_refused_and_not_repeated(office: "Office") -> None:
    office.member(MIA)
    other = office.accounts.create_workspace("Other", "UTC")
    with pytest.raises(InvalidInputError, match="has no member yet") as caught:
        office.accounts.add_member(other, " MIA@Example.COM ", "Mia Again", Role.OWNER, PASSWORD)
    assert "mia" not in str(caught.value).lower()
    assert caught.value.__suppress_context__


def test_add_member_workspace_that_does_not_exist_is_refused(office: "Office") -> None:
    with pytest.raises(InvalidInputError, match="a workspace that exists"):
        office.accounts.add_member(WorkspaceId(99), MIA, "Mia Smith", Role.OWNER, PASSWORD)


def test_sign_in_with_another_spelling_of_the_address(office: "Office") -> None:
    office.member(MIA)
    assert office.accounts.sign_in.with_password(" Mia@EXAMPLE.com", PASSWORD) is not None


@pytest.mark.parametrize(
    ("email", "password"),
    [(MIA, "a wrong password"), (MIA, ""), ("nobody@example.com", PASSWORD), ("", ""), ("\ud800", "\ud800" * 12)],
)
def test_sign_in_wrong_gives_nothing(office: "Office", email: str, password: str) -> None:
    office.member(MIA)
    assert office.accounts.sign_in.with_password(email, password) is None


def test_sign_in_token_is_long_random_and_not_stored(office: "Office", control_plane: ControlPlane) -> None:
    office.member(MIA)
    first, second = office.token(MIA), office.token(MIA)
    with control_plane.connection() as connection:
        tables = [table.select() for table in Base.metadata.sorted_tables]
        stored = "".join(str(row) for table in tables for row in connection.execute(table))
    assert len(first) == len(second) == 43
    assert first != second
    assert MIA in stored
    assert not any(secret in stored for secret in (first, second, PASSWORD))


def test_sign_in_too_often_wrong_waits_even_with_the_right_password(office: "Office") -> None:
    office.member(MIA)
    for _ in range(5):
        office.accounts.sign_in.with_password(MIA, "a wrong password")
    closed = office.accounts.sign_in.with_password(MIA, PASSWORD)
    office.clock.advance(seconds=30)
    assert closed is None
    assert office.accounts.sign_in.with_password(MIA, PASSWORD) is not None


def test_sign_in_success_starts_the_count_afresh(office: "Office") -> None:
    office.member(MIA)
    for _ in range(3):
        for _ in range(4):
            office.accounts.sign_in.with_password(MIA, "a wrong password")
        assert office.accounts.sign_in.with_password(MIA, PASSWORD) is not None


def test_sign_in_renews_an_outdated_hash(office: "Office", control_plane: ControlPlane) -> None:
    office.member(MIA)
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    later = Accounts(control_plane, office.clock, KEYS, stronger)
    assert later.sign_in.with_password(MIA, PASSWORD) is not None
    with control_plane.reading() as db:
        kept = db.scalars(select(MemberRow.password_hash)).one()
    assert "t=2" in kept
    assert later.sign_in.with_password(MIA, PASSWORD) is not None


def test_sign_in_clears_out_ended_sessions(office: "Office", control_plane: ControlPlane) -> None:
    office.member(MIA)
    office.clock.advance(days=14)
    office.token(MIA)
    assert count_sessions(control_plane) == 1


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "a" * 44, "é" * 43, "' or 1=1 --", "\ud800"])
def test_scope_of_what_is_no_token_is_nothing(office: "Office", token: str) -> None:
    office.member(MIA)
    assert office.accounts.sign_in.scope(token) is None


def test_scope_stored_id_is_no_token(office: "Office", control_plane: ControlPlane) -> None:
    """Who reads the table cannot sign in with what is in it."""
    office.member(MIA)
    with control_plane.reading() as db:
        stored = db.scalars(select(SessionRow.id)).first()
    assert stored is not None
    assert office.accounts.sign_in.scope(stored) is None
    assert office.accounts.sign_in.scope(stored[:43]) is None


def test_scope_ends_after_fourteen_idle_days(office: "Office") -> None:
    office.member(MIA)
    token = office.token(MIA)
    office.clock.advance(days=13, hours=23)
    used = office.accounts.sign_in.scope(token)
    office.clock.advance(days=14)
    assert used is not None
    assert office.accounts.sign_in.scope(token) is None


def test_scope_ends_after_thirty_days_although_used(office: "Office") -> None:
    office.member(MIA)
    token = office.token(MIA)
    open_on_day = []
    for _ in range(33):
        open_on_day.append(office.accounts.sign_in.scope(token) is not None)
        office.clock.advance(days=1)
    assert open_on_day == [True] * 30 + [False] * 3


def test_scope_seen_time_is_written_every_ten_minutes_only(office: "Office", control_plane: ControlPlane) -> None:
    office.member(MIA)
    token, seen = office.token(MIA), []
    with control_plane.session() as db:
        db.execute(delete(SessionRow).where(SessionRow.id.not_in(select(func.max(SessionRow.id)))))
    token = office.token(MIA)
    for minutes in (9, 1):
        office.clock.advance(minutes=minutes)
        office.accounts.sign_in.scope(token)
        with control_plane.reading() as db:
            seen.append(db.scalars(select(func.max(SessionRow.last_seen_at))).one())
    assert [(office.clock.now - at).total_seconds() / 60 for at in seen] == [10, 0]


def test_scope_follows_a_changed_role_at_once(office: "Office", control_plane: ControlPlane) -> None:
    office.member(MIA)
    token = office.token(MIA)
    with control_plane.session() as db:
        db.execute(update(MembershipRow).values(role=Role.VIEWER))
    scope = office.accounts.sign_in.scope(token)
    assert scope is not None
    assert scope.role is Role.VIEWER


def test_scope_of_a_removed_member_is_nothing(office: "Office", control_plane: ControlPlane) -> None:
    office.member(MIA)
    token = office.token(MIA)
    with control_plane.session() as db:
        db.execute(delete(MemberRow))
    assert office.accounts.sign_in.scope(token) is None
    assert count_sessions(control_plane) == 0


def test_sign_out_ends_this_session_only(office: "Office") -> None:
    office.member(MIA)
    here, there = office.token(MIA), office.token(MIA)
    office.accounts.sign_in.sign_out(here)
    office.accounts.sign_in.sign_out(here)
    office.accounts.sign_in.sign_out("no token")
    assert office.accounts.sign_in.scope(here) is None
    assert office.accounts.sign_in.scope(there) is not None


def test_reset_password_replaces_it_and_signs_out_everywhere(office: "Office") -> None:
    office.member(MIA)
    office.member("bo@example.com")
    mias, bos = office.token(MIA), office.token("bo@example.com")
    for _ in range(6):
        office.accounts.sign_in.with_password(MIA, "a wrong password")
    office.accounts.credentials.reset_by_operator("MIA@example.com", "another long phrase")
    assert office.accounts.sign_in.scope(mias) is None
    assert office.accounts.sign_in.scope(bos) is not None
    assert office.accounts.sign_in.with_password(MIA, PASSWORD) is None
    assert office.accounts.sign_in.with_password(MIA, "another long phrase") is not None


def test_reset_password_refuses_unknown_members_and_bad_passwords(office: "Office") -> None:
    office.member(MIA)
    with pytest.raises(FirmlyError, match="no member"):
        office.accounts.credentials.reset_by_operator("nobody@example.com", "another long phrase")
    with pytest.raises(InvalidInputError, match="password"):
        office.accounts.credentials.reset_by_operator(MIA, "mia smith")
    assert office.accounts.sign_in.with_password(MIA, PASSWORD) is not None


def test_accounts_default_parts_sign_in(control_plane: ControlPlane, clock: "SetClock") -> None:
    accounts = Accounts(control_plane, clock, KEYS)
    workspace_id = accounts.create_workspace("Acme", "UTC")
    accounts.add_member(workspace_id, MIA, "Mia Smith", Role.OWNER, PASSWORD)
    token = accounts.sign_in.with_password(MIA, PASSWORD)
    assert token is not None
    assert accounts.sign_in.scope(token) is not None
