"""Signing in with all its steps: the second factor, providers, other workspaces, sessions that are listed and ended."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from firmly.accounts.api_tokens import ApiTokens
from firmly.accounts.database import ControlPlane
from firmly.accounts.lockout import FREE_ATTEMPTS
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Right, Role, TokenScope
from firmly.accounts.scope import NotAllowedError, State
from firmly.accounts.service import Accounts
from firmly.accounts.tables import WorkspaceRow
from firmly.model import MemberId, WorkspaceId
from tests.town import KEYS
from tests.unit.accounts.conftest import PASSWORD, at_once

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office, SetClock

MIA, BO = "mia@example.com", "bo@example.com"
SUBJECT = "https://id.example 4711"


@pytest.fixture
def enrolled(office: "Office") -> "Office":
    """Mia, an owner, has a second factor; her last code has passed."""
    office.member(MIA)
    office.enrol(MIA)
    office.clock.advance(minutes=5)
    return office


def is_open(office: "Office", token: str) -> bool:
    return office.accounts.sign_in.signed_in(token) is not None


def require_second_factor(office: "Office", workspace_id: WorkspaceId) -> None:
    with office.control_plane.session() as db:
        db.execute(update(WorkspaceRow).where(WorkspaceRow.id == workspace_id).values(requires_second_factor=True))


def test_sign_in_ends_the_session_that_the_browser_had(office: "Office") -> None:
    office.member(MIA)
    old, elsewhere = office.token(MIA), office.token(MIA)
    new = office.accounts.sign_in.with_password(MIA, PASSWORD, old_token=old)
    assert new is not None
    assert [is_open(office, token) for token in (old, elsewhere, new)] == [False, True, True]


def test_sign_in_old_token_that_is_none_does_no_harm(office: "Office") -> None:
    office.member(MIA)
    for old in ("", "x", "a" * 43, "\ud800"):
        assert office.accounts.sign_in.with_password(MIA, PASSWORD, old_token=old) is not None, ascii(old)


def test_sign_in_that_fails_leaves_the_old_session(office: "Office") -> None:
    office.member(MIA)
    old = office.token(MIA)
    assert office.accounts.sign_in.with_password(MIA, "a wrong password", old_token=old) is None
    assert is_open(office, old)


def test_sign_in_password_replaced_in_this_moment_gives_no_session(
    control_plane: ControlPlane, clock: "SetClock", passwords: Passwords
) -> None:
    """Between the check of the old password and the new session somebody resets the password."""

    class Interrupted(Passwords):
        def verify(self, password_hash: str | None, password: str) -> bool:
            found = super().verify(password_hash, password)
            usual.credentials.reset_by_operator(MIA, "another long phrase")
            return found

    usual = Accounts(control_plane, clock, KEYS, passwords)
    usual.add_member(usual.create_workspace("Acme", "UTC"), MIA, "Mia Smith", Role.OWNER, PASSWORD)
    interrupted = Accounts(control_plane, clock, KEYS, Interrupted(passwords._hasher))
    assert interrupted.sign_in.with_password(MIA, PASSWORD) is None
    assert usual.sign_in.with_password(MIA, "another long phrase") is not None


def test_sign_in_leads_to_the_oldest_workspace_and_names_all(office: "Office") -> None:
    mia = office.member(MIA)
    bo = office.member(BO, workspace_id=office.other_workspace("A younger one"))
    office.place(MIA, bo)
    signed_in = office.signed_in(MIA)
    assert signed_in.scope is not None
    assert signed_in.scope.workspace_id == mia.workspace_id
    assert signed_in.workspaces == ((bo.workspace_id, "A younger one"), (mia.workspace_id, "Acme"))


def test_session_waits_for_the_second_factor_without_any_right(enrolled: "Office") -> None:
    token = enrolled.token(MIA)
    waiting = enrolled.who(token)
    assert (waiting.waits_for_second_factor, waiting.scope, waiting.workspaces) == (True, None, ())
    assert enrolled.accounts.sign_in.scope(token) is None
    assert enrolled.accounts.sign_in.switch(token, enrolled.workspace_id) is None
    for refused in (enrolled.accounts.sign_in.sessions, enrolled.accounts.sign_in.end):
        with pytest.raises(NotAllowedError, match="still awaited"):
            refused(waiting)


def test_session_stops_waiting_after_ten_minutes(enrolled: "Office") -> None:
    early, late = enrolled.token(MIA), enrolled.token(MIA)
    enrolled.clock.advance(minutes=9, seconds=59)
    in_time = enrolled.accounts.sign_in.confirm(early, enrolled.code(MIA))
    enrolled.clock.advance(seconds=31)
    assert in_time is not None
    assert enrolled.accounts.sign_in.confirm(late, enrolled.code(MIA)) is None
    assert not is_open(enrolled, late)


def test_confirm_gives_a_new_token_and_the_one_before_is_worth_nothing(enrolled: "Office") -> None:
    """Session fixation: who planted the token that waits gains nothing by the second factor of another."""
    planted = enrolled.token(MIA)
    confirmed = enrolled.accounts.sign_in.confirm(planted, enrolled.code(MIA))
    assert confirmed is not None
    assert (confirmed.email, confirmed.by_recovery_code, is_open(enrolled, planted)) == (MIA, False, False)
    scope = enrolled.accounts.sign_in.scope(confirmed.token)
    assert scope is not None
    assert scope.role is Role.OWNER


def test_confirm_lasts_thirty_days_like_every_session(enrolled: "Office") -> None:
    confirmed = enrolled.accounts.sign_in.confirm(enrolled.token(MIA), enrolled.code(MIA))
    assert confirmed is not None
    enrolled.clock.advance(days=13)
    assert is_open(enrolled, confirmed.token)
    enrolled.clock.advance(days=13)
    assert is_open(enrolled, confirmed.token)
    enrolled.clock.advance(days=4)
    assert not is_open(enrolled, confirmed.token)


def test_confirm_wrong_code_leaves_the_session_waiting(enrolled: "Office") -> None:
    token = enrolled.token(MIA)
    for code in ("", "000000", "0A1B-2C3D-4E5F-6G7H", "\ud800"):
        assert enrolled.accounts.sign_in.confirm(token, code) is None, ascii(code)
    assert enrolled.who(token).waits_for_second_factor
    assert enrolled.accounts.sign_in.confirm(token, enrolled.code(MIA)) is not None


def test_confirm_where_nothing_waits_is_nothing(enrolled: "Office") -> None:
    enrolled.member(BO)
    done = enrolled.accounts.sign_in.confirm(enrolled.token(MIA), enrolled.code(MIA))
    assert done is not None
    code = enrolled.next_code(MIA)
    for token in (enrolled.token(BO), done.token, "", "a" * 43):
        assert enrolled.accounts.sign_in.confirm(token, code) is None


def test_confirm_same_code_counts_once(enrolled: "Office") -> None:
    """Replay: a code that somebody has read over a shoulder opens no second session."""
    first, second, code = enrolled.token(MIA), enrolled.token(MIA), enrolled.code(MIA)
    assert enrolled.accounts.sign_in.confirm(first, code) is not None
    assert enrolled.accounts.sign_in.confirm(second, code) is None
    assert enrolled.accounts.sign_in.confirm(second, enrolled.next_code(MIA)) is not None


def test_confirm_code_of_the_enrolment_does_not_count_again(office: "Office") -> None:
    office.member(MIA)
    office.enrol(MIA)
    assert office.accounts.sign_in.confirm(office.token(MIA), office.code(MIA)) is None


def test_confirm_with_the_code_of_another_member_is_nothing(enrolled: "Office") -> None:
    enrolled.member(BO)
    codes = enrolled.enrol(BO)
    enrolled.clock.advance(minutes=5)
    for code in (enrolled.code(BO), codes[0]):
        assert enrolled.accounts.sign_in.confirm(enrolled.token(MIA), code) is None
    assert enrolled.accounts.sign_in.confirm(enrolled.token(BO), codes[0]) is not None


def test_confirm_too_often_wrong_waits_even_with_the_right_code_in_another_session(enrolled: "Office") -> None:
    token = enrolled.token(MIA)
    for _ in range(FREE_ATTEMPTS):
        enrolled.accounts.sign_in.confirm(token, "000000")
    other = enrolled.token(MIA)  # The right password does not start the count of codes afresh.
    closed = enrolled.accounts.sign_in.confirm(other, enrolled.code(MIA))
    assert closed is None
    assert enrolled.accounts.sign_in.confirm(other, enrolled.next_code(MIA)) is not None


def test_confirm_is_not_slowed_down_by_who_has_no_password(enrolled: "Office") -> None:
    """Whatever a stranger writes into the field for the e-mail address, it is not the count of somebody's codes."""
    member_id = enrolled.signed_in(MIA).member_id
    for _ in range(2 * FREE_ATTEMPTS):
        for written in (f"second factor of {member_id}", f" second factor of {member_id}"):
            enrolled.accounts.sign_in.with_password(written, "a wrong password")
    assert enrolled.accounts.sign_in.confirm(enrolled.token(MIA), enrolled.code(MIA)) is not None


def test_recovery_code_works_once_in_any_spelling_and_is_logged(office: "Office") -> None:
    office.member(MIA)
    codes = office.enrol(MIA)
    used = office.accounts.sign_in.confirm(office.token(MIA), codes[3].lower().replace("-", " "))
    again = office.accounts.sign_in.confirm(office.token(MIA), codes[3])
    assert used is not None
    assert (used.by_recovery_code, again) == (True, None)
    assert office.actions()[-1] == "recovery_code_used"
    assert office.accounts.credentials.recovery_codes_left(office.who(used.token)) == 9


def test_recovery_code_works_when_the_key_of_the_authenticator_is_lost(
    office: "Office", control_plane: ControlPlane, clock: "SetClock", passwords: Passwords
) -> None:
    office.member(MIA)
    codes = office.enrol(MIA)
    later = Accounts(control_plane, clock, ("x" * 32,), passwords)
    token = later.sign_in.with_password(MIA, PASSWORD)
    assert token is not None
    assert later.sign_in.confirm(token, office.next_code(MIA)) is None
    assert later.sign_in.confirm(token, codes[0]) is not None


@pytest.mark.parametrize("by", ["authenticator", "recovery code"])
def test_confirm_two_at_once_exactly_one_counts(office: "Office", by: str) -> None:
    office.member(MIA)
    codes = office.enrol(MIA)
    code = office.next_code(MIA) if by == "authenticator" else codes[0]
    tokens = [office.token(MIA), office.token(MIA)]
    done = at_once(*(lambda token=token: office.accounts.sign_in.confirm(token, code) for token in tokens))
    assert sorted(one is None for one in done) == [False, True]
    assert [is_open(office, token) for token in tokens] == [one is None for one in done]


def test_member_who_must_enrol_holds_no_right_until_they_have(office: "Office") -> None:
    office.member(MIA)
    require_second_factor(office, office.workspace_id)
    token = office.token(MIA)
    scope = office.accounts.sign_in.scope(token)
    assert scope is not None
    assert (scope.must_enrol, scope.rights) == (True, frozenset())
    for right in Right:
        with pytest.raises(NotAllowedError):
            scope.require(right)
    office.enrol(MIA)
    confirmed = office.accounts.sign_in.confirm(office.token(MIA), office.next_code(MIA))
    assert confirmed is not None
    after = office.accounts.sign_in.scope(confirmed.token)
    assert after is not None
    assert (after.must_enrol, after.rights) == (False, frozenset(Right))


def test_must_enrol_holds_in_the_workspace_that_asks_only(office: "Office") -> None:
    office.member(MIA)
    bo = office.member(BO, workspace_id=office.other_workspace())
    office.place(MIA, bo)
    require_second_factor(office, bo.workspace_id)
    here, there = (office.scope_in(MIA, id_) for id_ in (office.workspace_id, bo.workspace_id))
    assert [(scope.must_enrol, bool(scope.rights)) for scope in (here, there)] == [(False, True), (True, False)]


def test_second_factor_that_is_begun_but_not_confirmed_is_not_asked_for(office: "Office") -> None:
    office.member(MIA)
    office.accounts.credentials.begin_second_factor(office.signed_in(MIA))
    signed_in = office.signed_in(MIA)
    assert (signed_in.waits_for_second_factor, signed_in.has_second_factor) == (False, False)


def test_provider_ties_the_first_subject_to_the_address_and_follows_it(office: "Office") -> None:
    mia = office.member(MIA)
    first = office.accounts.sign_in.with_provider(SUBJECT, " Mia@Example.com")
    moved = office.accounts.sign_in.with_provider(SUBJECT, "mia.jones@example.com")
    assert first is not None
    assert moved is not None
    assert (first.is_first, moved.is_first) == (True, False)
    assert office.who(moved.token).member_id == mia.member_id
    assert (office.who(moved.token).email, moved.email) == (MIA, MIA)


def test_provider_address_that_another_subject_took_over_is_refused(office: "Office") -> None:
    """The address was given to a new colleague: who had it before is another person."""
    office.member(MIA)
    office.accounts.sign_in.with_provider(SUBJECT, MIA)
    assert office.accounts.sign_in.with_provider("https://id.example 4712", MIA) is None
    assert office.accounts.sign_in.with_provider(SUBJECT, MIA) is not None


def test_provider_person_who_is_no_member_is_nobody(office: "Office") -> None:
    office.member(MIA)
    for email in (BO, "", "\0", "mia@example.com\0"):
        assert office.accounts.sign_in.with_provider(SUBJECT, email) is None, ascii(email)
    assert office.accounts.sign_in.with_provider(SUBJECT, MIA) is not None


def test_provider_subject_is_kept_as_a_hash_and_goes_with_the_account(office: "Office") -> None:
    mia, bo = office.member(MIA), office.member(BO)
    office.accounts.sign_in.with_provider(SUBJECT, MIA)
    stored = office.stored()
    office.accounts.team.remove(bo, mia.member_id)
    assert "4711" not in stored
    assert office.accounts.sign_in.with_provider(SUBJECT, MIA) is None


def test_provider_does_not_replace_the_second_factor(enrolled: "Office") -> None:
    vouched = enrolled.accounts.sign_in.with_provider(SUBJECT, MIA)
    assert vouched is not None
    assert enrolled.who(vouched.token).waits_for_second_factor
    assert enrolled.accounts.sign_in.confirm(vouched.token, enrolled.code(MIA)) is not None


def test_provider_ends_the_password_that_somebody_else_may_have_chosen(office: "Office") -> None:
    """Whoever was handed an invitation's link could choose it, and would stay in beside the right person."""
    office.member(MIA)
    theirs = office.token(MIA)
    vouched = office.accounts.sign_in.with_provider(SUBJECT, MIA)
    assert vouched is not None
    assert not is_open(office, theirs)
    assert is_open(office, vouched.token)
    assert office.accounts.sign_in.with_password(MIA, PASSWORD) is None
    assert office.accounts.sign_in.with_password(MIA, "") is None
    assert office.actions()[-2:] == ["provider_tied", "signed_in"]
    again = office.accounts.sign_in.with_provider(SUBJECT, MIA)
    assert again is not None
    assert is_open(office, vouched.token)


def test_password_just_set_by_a_link_is_not_kept_waiting_by_the_guesses_of_others(office: "Office") -> None:
    office.member(MIA)
    for _ in range(6):
        office.accounts.sign_in.with_password(MIA, "a wrong long phrase")
    assert office.accounts.sign_in.with_password(MIA, PASSWORD) is None
    assert office.accounts.sign_in.with_password(MIA, "a wrong long phrase", was_just_set=True) is None
    assert office.accounts.sign_in.with_password(MIA, PASSWORD, was_just_set=True) is not None


def test_sign_in_leads_to_an_active_workspace_first(office: "Office") -> None:
    mia, other = office.member(MIA), office.member(BO, workspace_id=office.other_workspace())
    office.place(MIA, other)
    office.accounts.workspaces.cancel(mia)
    assert office.scope_of(MIA).workspace_id == other.workspace_id


def test_provider_ends_the_session_that_the_browser_had(office: "Office") -> None:
    office.member(MIA)
    old = office.token(MIA)
    assert office.accounts.sign_in.with_provider(SUBJECT, MIA, old_token=old) is not None
    assert not is_open(office, old)


def test_provider_two_subjects_at_once_exactly_one_is_tied(office: "Office") -> None:
    office.member(MIA)
    begin = office.accounts.sign_in.with_provider
    done = at_once(*(lambda subject=subject: begin(f"https://id.example {subject}", MIA) for subject in "ab"))
    assert sorted(one is None for one in done) == [False, True]


def test_switch_goes_on_with_a_new_token_in_the_other_workspace(office: "Office") -> None:
    office.member(MIA)
    bo = office.member(BO, workspace_id=office.other_workspace())
    office.place(MIA, bo, Role.VIEWER)
    old = office.token(MIA)
    new = office.accounts.sign_in.switch(old, bo.workspace_id)
    assert new is not None
    scope = office.accounts.sign_in.scope(new)
    assert scope is not None
    assert (scope.workspace_id, scope.role, is_open(office, old)) == (bo.workspace_id, Role.VIEWER, False)


def test_switch_to_a_foreign_or_purged_workspace_is_nothing(office: "Office") -> None:
    office.member(MIA)
    bo = office.member(BO, workspace_id=office.other_workspace())
    purged = office.member("al@example.com", workspace_id=office.other_workspace("Purged"))
    office.place(MIA, purged)
    with office.control_plane.session() as db:
        row = update(WorkspaceRow).where(WorkspaceRow.id == purged.workspace_id)
        db.execute(row.values(state=State.PURGED))
    token = office.token(MIA)
    for workspace_id in (bo.workspace_id, purged.workspace_id, WorkspaceId(0), WorkspaceId(10**9)):
        assert office.accounts.sign_in.switch(token, workspace_id) is None
    assert is_open(office, token)
    assert office.accounts.sign_in.switch("a" * 43, office.workspace_id) is None


def test_sessions_are_ones_own_that_are_open_the_last_used_first(office: "Office") -> None:
    office.member(MIA)
    office.member(BO)
    office.clock.advance(days=15)
    sign_in = office.accounts.sign_in
    old = sign_in.with_password(MIA, PASSWORD, "Firefox, Windows")
    office.clock.advance(hours=1)
    new = sign_in.with_password(MIA, PASSWORD, "B" * 100)
    assert old is not None
    assert new is not None
    shown = sign_in.sessions(office.who(new))
    assert [(one.browser, one.is_this) for one in shown] == [("B" * 60, True), ("Firefox, Windows", False)]
    assert shown[1].ref == office.who(old).session


def test_sessions_that_wait_for_the_second_factor_are_not_listed(enrolled: "Office") -> None:
    confirmed = enrolled.accounts.sign_in.confirm(enrolled.token(MIA), enrolled.code(MIA))
    enrolled.token(MIA)
    assert confirmed is not None
    shown = enrolled.accounts.sign_in.sessions(enrolled.who(confirmed.token))
    assert [one.is_this for one in shown] == [True, False]  # The other one is that of the enrolment.


def test_end_takes_ones_own_session_only(office: "Office") -> None:
    office.member(MIA)
    office.member(BO)
    here, there, bos = office.token(MIA), office.token(MIA), office.token(BO)
    sign_in, me = office.accounts.sign_in, office.who(here)
    for ref in (office.who(bos).session, "", "nosuchref", "%", "\0", "\ud800"):
        sign_in.end(me, ref)
    assert all(is_open(office, token) for token in (here, there, bos))
    sign_in.end(me, office.who(there).session)
    assert [is_open(office, token) for token in (here, there, bos)] == [True, False, True]


def test_end_without_a_name_takes_all_others(office: "Office") -> None:
    office.member(MIA)
    office.member(BO)
    here, there, bos = office.token(MIA), office.token(MIA), office.token(BO)
    office.accounts.sign_in.end(office.who(here))
    assert [is_open(office, token) for token in (here, there, bos)] == [True, False, True]
    assert office.actions()[-1] == "sessions_ended"


def test_session_in_a_workspace_that_one_left_is_gone_but_not_elsewhere(office: "Office") -> None:
    mia = office.member(MIA)
    office.member("al@example.com")
    bo = office.member(BO, workspace_id=office.other_workspace())
    office.place(MIA, bo)
    here = office.token(MIA)
    there = office.accounts.sign_in.switch(office.token(MIA), bo.workspace_id)
    office.accounts.team.leave(mia)
    assert there is not None
    assert [is_open(office, token) for token in (here, there)] == [False, True]


def test_tokens_of_one_kind_open_nothing_of_another(office: "Office", control_plane: ControlPlane) -> None:
    """A session's token is no API token, and the other way round."""
    mia = office.member(MIA)
    session, tokens = office.token(MIA), ApiTokens(control_plane, office.clock)
    token = tokens.make(mia, "Robot", [TokenScope.READ_LEADS], 1)
    assert tokens.scope(session) is None
    assert tokens.scope(f"firmly_{session}") is None
    assert not is_open(office, token)
    assert not is_open(office, token.removeprefix("firmly_"))


def test_scope_names_the_member_who_acts(office: "Office") -> None:
    mia = office.member(MIA)
    assert (mia.author, MemberId(mia.actor.id or 0)) == (mia.member_id, mia.member_id)
    assert len(mia.actor.session) == 8
