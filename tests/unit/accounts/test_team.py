"""Who comes in, as what, and goes: invitations once and for one address, owners by owners, nobody of elsewhere."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from itsdangerous import Signer
from sqlalchemy import func, select, update

from firmly.accounts.database import ControlPlane
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import RIGHTS_OF_ROLE, Right, Role, TokenScope
from firmly.accounts.scope import MemberScope, NotAllowedError, Scope, State
from firmly.accounts.service import Accounts
from firmly.accounts.tables import (
    ApiTokenRow,
    AuditEntryRow,
    InvitationRow,
    MemberRow,
    MembershipRow,
    SessionRow,
    SiteChangeRow,
    WorkspaceRow,
)
from firmly.accounts.team import MAX_INVITATIONS, InvitationId, Team, TeamMember
from firmly.model import FirmlyError, InvalidInputError, MemberId, NotFoundError, WorkspaceId
from tests.unit.accounts.conftest import PASSWORD, at_once, raised

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office, SetClock

MIA, BO, AL = "mia@example.com", "bo@example.com", "al@example.com"
LAST_OWNER = "at least one owner"


@pytest.fixture
def mia(office: "Office") -> MemberScope:
    """The owner."""
    return office.member(MIA)


@pytest.fixture
def team(office: "Office", mia: MemberScope) -> Team:
    return office.accounts.team


def token_scope(office: "Office", owner: MemberScope, *scopes: TokenScope) -> Scope:
    scope = office.accounts.tokens.scope(office.accounts.tokens.make(owner, "Robot", scopes, 1))
    assert scope is not None
    return scope


def roles(office: "Office", workspace_id: WorkspaceId | None = None) -> dict[str, Role]:
    query = select(MemberRow.email, MembershipRow.role).join(MembershipRow, MembershipRow.member_id == MemberRow.id)
    with office.control_plane.reading() as db:
        found = db.execute(query.where(MembershipRow.workspace_id == (workspace_id or office.workspace_id)))
        return {email: role for email, role in found}  # noqa: C416  # Rows are no pairs to mypy.


def is_open(office: "Office", token: str) -> bool:
    return office.accounts.sign_in.signed_in(token) is not None


def test_invitation_leads_in_with_its_role(office: "Office", team: Team, mia: MemberScope) -> None:
    invited = team.invite(mia, " Bo@Example.com", Role.SALES, feeds=[3, 1])
    welcome = team.welcome(invited.secret)
    email = team.join(invited.secret, "Bo Jones", PASSWORD)
    assert welcome is not None
    assert (welcome.workspace_name, welcome.invited_by, welcome.email, welcome.role, welcome.has_account) == (
        "Acme",
        "Mia Smith",
        BO,
        Role.SALES,
        False,
    )
    assert email == BO
    scope = office.scope_of(BO)
    assert (scope.role, scope.feeds, scope.member_name) == (Role.SALES, frozenset({1, 3}), "Bo Jones")
    assert team.invitations(mia) == ()


def test_invitation_that_was_used_is_spent(office: "Office", team: Team, mia: MemberScope) -> None:
    """Replay: the link in the mailbox opens nothing a second time, also once the first member is gone."""
    secret = office.invited(mia, BO)
    team.join(secret, "Bo Jones", PASSWORD)
    again = team.join(secret, "Bo Again", PASSWORD)
    team.remove(mia, office.scope_of(BO).member_id)
    assert (again, team.welcome(secret), team.join(secret, "Bo Later", PASSWORD)) == (None, None, None)
    assert roles(office) == {MIA: Role.OWNER}


def test_invitation_works_for_seven_days(office: "Office", team: Team, mia: MemberScope) -> None:
    office.member(AL, workspace_id=office.other_workspace())
    secrets = [office.invited(mia, BO), office.invited(mia, AL)]
    office.clock.advance(days=6, hours=23, minutes=59)
    standing = [len(team.invitations(mia)), *(team.welcome(secret) is not None for secret in secrets)]
    office.clock.advance(minutes=1)
    assert standing == [2, True, True]
    assert (team.invitations(mia), team.welcome(secrets[0]), team.join(secrets[0], "Bo Jones", PASSWORD)) == (
        (),
        None,
        None,
    )
    assert team.accept(office.signed_in(AL), secrets[1]) is None


def test_invitation_that_was_changed_or_made_up_is_none(office: "Office", team: Team, mia: MemberScope) -> None:
    secret = office.invited(mia, BO)
    raw, _, signature = secret.rpartition(".")
    with office.control_plane.reading() as db:
        kept = db.scalars(select(InvitationRow.secret_hash)).one()
    signer = Signer("x" * 32, salt="firmly.accounts.invitation", key_derivation="hmac")
    for forged in (
        raw,
        kept,
        f"{kept}.{signature}",
        f"{raw}.{signature[:-1]}",
        f"{raw}.{signature[::-1]}",
        f"A{raw[1:]}.{signature}" if raw[0] != "A" else f"B{raw[1:]}.{signature}",
        signer.sign(raw).decode(),
        f".{signature}",
        f"{secret}.{signature}",
        "",
        ".",
        "\ud800",
        "\0",
        "é.é",
    ):
        assert team.welcome(forged) is None, ascii(forged)
        assert team.join(forged, "Bo Jones", PASSWORD) is None, ascii(forged)
        assert team.accept(office.signed_in(MIA), forged) is None, ascii(forged)
    assert team.welcome(secret) is not None


def test_invitation_link_of_older_keys_is_read_and_of_others_is_not(
    control_plane: ControlPlane, clock: "SetClock", passwords: Passwords, office: "Office", mia: MemberScope
) -> None:
    secret = office.invited(mia, BO)
    rotated, foreign = (
        Accounts(control_plane, clock, keys, passwords).team for keys in (("x" * 32, "n" * 32), ("x" * 32, "y" * 32))
    )
    assert rotated.welcome(secret) is not None
    assert foreign.welcome(secret) is None


def test_invitation_secret_is_stored_nowhere(office: "Office", team: Team, mia: MemberScope) -> None:
    secret = office.invited(mia, BO)
    stored = office.stored()
    assert BO in stored
    assert secret not in stored
    assert secret.partition(".")[0] not in stored


def test_invitation_taken_back_ends_and_taking_it_back_again_is_harmless(
    office: "Office", team: Team, mia: MemberScope
) -> None:
    invited = team.invite(mia, BO, Role.VIEWER)
    assert [team.revoke(mia, invited.id), team.revoke(mia, invited.id)] == [True, False]
    assert team.join(invited.secret, "Bo Jones", PASSWORD) is None
    assert office.actions().count("invitation_revoked") == 1


def test_invitation_to_the_same_address_ends_the_older_one(team: Team, mia: MemberScope) -> None:
    first = team.invite(mia, BO, Role.ADMIN)
    second = team.invite(mia, BO, Role.VIEWER)
    third = team.renew(mia, second.id)
    assert third is not None
    assert (third.email, third.role) == (BO, Role.VIEWER)
    assert [team.welcome(one.secret) is not None for one in (first, second, third)] == [False, False, True]
    assert [one.id for one in team.invitations(mia)] == [third.id]


def test_invitation_renewed_starts_its_seven_days_anew_and_keeps_its_feeds(
    office: "Office", team: Team, mia: MemberScope
) -> None:
    invited = team.invite(mia, BO, Role.SALES, feeds=[7])
    office.clock.advance(days=5)
    renewed = team.renew(mia, invited.id)
    office.clock.advance(days=5)
    assert renewed is not None
    assert team.join(renewed.secret, "Bo Jones", PASSWORD) == BO
    assert office.scope_of(BO).feeds == frozenset({7})


def test_invite_what_is_no_address_is_refused_and_not_repeated(team: Team, mia: MemberScope) -> None:
    for email in ("", "bo", "bo@", "bo@a b.fi", "bo@a.fi\r\nBcc: al@a.fi", "Bo <bo@a.fi>", "\ud800@a.fi", "bo@a.fi\0"):
        with pytest.raises(InvalidInputError) as caught:
            team.invite(mia, email, Role.VIEWER)
        assert [(problem.key, problem.value) for problem in caught.value.problems] == [("email", "(withheld)")]
    assert team.invitations(mia) == ()


def test_invite_a_member_of_the_workspace_is_refused(office: "Office", team: Team, mia: MemberScope) -> None:
    with pytest.raises(InvalidInputError, match="no member of this workspace yet"):
        team.invite(mia, "MIA@example.com", Role.VIEWER)


def test_invitations_that_stand_are_limited(office: "Office", team: Team, mia: MemberScope) -> None:
    now = office.clock.now

    def row(number: int) -> InvitationRow:
        return InvitationRow(
            workspace_id=mia.workspace_id,
            email=f"nr{number}@example.com",
            role=Role.VIEWER,
            feeds=None,
            secret_hash=f"{number:064}",
            invited_by=mia.member_id,
            created_at=now,
            expires_at=now.replace(day=2),
        )

    with office.control_plane.session() as db:
        db.add_all(row(number) for number in range(MAX_INVITATIONS))
    with pytest.raises(InvalidInputError, match="200 that stand"):
        team.invite(mia, BO, Role.VIEWER)
    team.invite(mia, "nr7@example.com", Role.VIEWER)  # It takes the place of an older one.
    office.clock.advance(days=1)
    team.invite(mia, BO, Role.VIEWER)
    assert [one.email for one in team.invitations(mia)] == [BO, "nr7@example.com"]


def test_join_with_values_that_cannot_be_used_leaves_the_invitation(
    office: "Office", team: Team, mia: MemberScope
) -> None:
    secret = office.invited(mia, BO)
    for name, password, keys in (
        ("", PASSWORD, ["name"]),
        ("Bo\nJones", "short", ["name", "password"]),
        ("Bo Jones", BO, ["password"]),
    ):
        with pytest.raises(InvalidInputError) as caught:
            team.join(secret, name, password)
        assert [problem.key for problem in caught.value.problems] == keys
    assert team.join(secret, "Bo Jones", PASSWORD) == BO


def test_join_who_has_an_account_signs_in_instead(office: "Office", team: Team, mia: MemberScope) -> None:
    """The holder of a link does not set the password of an account that stands."""
    office.member(BO, workspace_id=office.other_workspace())
    secret = office.invited(mia, BO, Role.ADMIN)
    welcome = team.welcome(secret)
    assert welcome is not None
    assert welcome.has_account
    assert team.join(secret, "Bo Jones", "another long phrase") is None
    token = office.token(BO)
    assert team.accept(office.who(token), secret) == mia.workspace_id
    renewed = office.accounts.sign_in.switch(token, mia.workspace_id)
    assert renewed is not None
    scope = office.accounts.sign_in.scope(renewed)
    assert scope is not None
    assert scope.role is Role.ADMIN


def test_accept_is_for_the_address_that_was_invited_only(office: "Office", team: Team, mia: MemberScope) -> None:
    other = office.other_workspace()
    office.member(BO, workspace_id=other)
    office.member(AL, workspace_id=other)
    secret = office.invited(mia, BO, Role.OWNER)
    assert team.accept(office.signed_in(AL), secret) is None
    assert roles(office) == {MIA: Role.OWNER}
    assert team.accept(office.signed_in(BO), secret) == mia.workspace_id


def test_accept_waits_for_the_second_factor(office: "Office", team: Team, mia: MemberScope) -> None:
    office.member(BO, workspace_id=office.other_workspace())
    office.enrol(BO)
    secret, waiting = office.invited(mia, BO), office.token(BO)
    refused = team.accept(office.who(waiting), secret)
    confirmed = office.accounts.sign_in.confirm(waiting, office.next_code(BO))
    assert refused is None
    assert confirmed is not None
    assert team.accept(office.who(confirmed.token), secret) == mia.workspace_id


def test_accept_twice_gives_one_place(office: "Office", team: Team, mia: MemberScope) -> None:
    office.member(BO, workspace_id=office.other_workspace())
    secret, signed_in = office.invited(mia, BO), office.signed_in(BO)
    assert team.accept(signed_in, secret) == mia.workspace_id
    team.remove(mia, signed_in.member_id)
    assert team.accept(office.signed_in(BO), secret) is None
    assert roles(office) == {MIA: Role.OWNER}


def test_invitations_of_a_cancelled_workspace_lead_nowhere_until_it_is_back(
    office: "Office", team: Team, mia: MemberScope
) -> None:
    secret = office.invited(mia, BO)
    office.accounts.workspaces.cancel(mia)
    while_cancelled = (team.welcome(secret), team.join(secret, "Bo Jones", PASSWORD))
    office.accounts.workspaces.reactivate(office.scope_of(MIA))
    assert while_cancelled == (None, None)
    assert team.join(secret, "Bo Jones", PASSWORD) == BO


@pytest.mark.parametrize("state", [State.CANCELLED, State.PURGED])
def test_accept_into_a_workspace_that_is_not_active_is_nothing(
    office: "Office", team: Team, mia: MemberScope, state: State
) -> None:
    office.member(BO, workspace_id=office.other_workspace())
    secret = office.invited(mia, BO)
    with office.control_plane.session() as db:
        db.execute(update(WorkspaceRow).where(WorkspaceRow.id == mia.workspace_id).values(state=state))
    assert team.accept(office.signed_in(BO), secret) is None


def test_invitation_outlives_who_sent_it_without_their_name(office: "Office", team: Team, mia: MemberScope) -> None:
    bo = office.member(BO, Role.ADMIN)
    secret = office.invited(bo, AL)
    team.remove(mia, bo.member_id)
    welcome = team.welcome(secret)
    assert welcome is not None
    assert welcome.invited_by is None
    assert [one.invited_by for one in team.invitations(mia)] == [None]


def test_join_two_at_once_exactly_one_comes_in(office: "Office", team: Team, mia: MemberScope) -> None:
    secret = office.invited(mia, BO)
    done = at_once(*(lambda name=name: team.join(secret, name, PASSWORD) for name in ("Bo One", "Bo Two")))
    assert sorted(done, key=str) == [None, BO]
    assert office.actions().count("invitation_accepted") == 1


def test_accept_two_at_once_gives_one_place(office: "Office", team: Team, mia: MemberScope) -> None:
    office.member(BO, workspace_id=office.other_workspace())
    secret, people = office.invited(mia, BO), [office.signed_in(BO), office.signed_in(BO)]
    done = at_once(*(lambda who=who: team.accept(who, secret) for who in people))
    assert sorted(done, key=str) == [mia.workspace_id, None]
    assert office.actions().count("invitation_accepted") == 1


_Call = Callable[[Team, Any, MemberId], object]
METHODS: dict[str, _Call] = {
    "members": lambda team, scope, _id: team.members(scope),
    "invitations": lambda team, scope, _id: team.invitations(scope),
    "invite": lambda team, scope, _id: team.invite(scope, AL, Role.VIEWER),
    "renew": lambda team, scope, _id: team.renew(scope, InvitationId(1)),
    "revoke": lambda team, scope, _id: team.revoke(scope, InvitationId(1)),
    "change_role": lambda team, scope, id_: team.change_role(scope, id_, Role.ADMIN),
    "remove": lambda team, scope, id_: team.remove(scope, id_),
}


def test_team_is_managed_by_who_holds_the_right_only(office: "Office", team: Team, mia: MemberScope) -> None:
    lesser = [role for role in Role if Right.MANAGE_TEAM not in RIGHTS_OF_ROLE[role]]
    scopes: list[Scope] = [office.member(f"{role}@example.com", role) for role in lesser]
    scopes.append(token_scope(office, mia, *(scope for scope in TokenScope if scope is not TokenScope.ADMINISTER)))
    target, before = office.member(BO, Role.VIEWER).member_id, roles(office)
    done = {name: [raised(call, team, scope, target) for scope in scopes] for name, call in METHODS.items()}
    assert done == dict.fromkeys(METHODS, [NotAllowedError] * 4)
    assert (roles(office), team.invitations(mia)) == (before, ())


OWNERS_ONLY: dict[str, _Call] = {
    "invite an owner": lambda team, scope, _id: team.invite(scope, AL, Role.OWNER),
    "make an owner of oneself": lambda team, scope, _id: team.change_role(scope, scope.member_id, Role.OWNER),
    "unmake an owner": lambda team, scope, id_: team.change_role(scope, id_, Role.VIEWER),
    "leave an owner as one": lambda team, scope, id_: team.change_role(scope, id_, Role.OWNER),
    "remove an owner": lambda team, scope, id_: team.remove(scope, id_),
}


def test_owners_are_made_and_unmade_by_owners_only(office: "Office", team: Team, mia: MemberScope) -> None:
    office.member("second@example.com")
    bo = office.member(BO, Role.ADMIN)
    before = roles(office)
    done = {name: raised(call, team, bo, mia.member_id) for name, call in OWNERS_ONLY.items()}
    assert done == dict.fromkeys(OWNERS_ONLY, NotAllowedError)
    assert (roles(office), team.invitations(mia)) == (before, ())


def test_invitation_of_an_owner_is_renewed_by_owners_only(office: "Office", team: Team, mia: MemberScope) -> None:
    bo = office.member(BO, Role.ADMIN)
    invited = team.invite(mia, AL, Role.OWNER)
    with pytest.raises(NotAllowedError):
        team.renew(bo, invited.id)
    assert team.welcome(invited.secret) is not None


def test_token_gives_no_role_with_more_rights_than_its_own(office: "Office", team: Team, mia: MemberScope) -> None:
    """Else whoever finds a leaked token makes themselves a member, who outlives it and makes new tokens."""
    target = office.member(BO, Role.VIEWER).member_id
    administer = token_scope(office, mia, TokenScope.ADMINISTER)
    reads_too = token_scope(office, mia, TokenScope.ADMINISTER, TokenScope.READ_LEADS)
    every = token_scope(office, mia, *TokenScope)
    given = {}
    for name, scope in (("administer", administer), ("reads too", reads_too), ("every", every)):
        refused = {role for role in Role if raised(team.invite, scope, AL, role) is NotAllowedError}
        assert refused == {role for role in Role if raised(team.change_role, scope, target, role)}
        given[name] = set(Role) - refused
    assert given == {
        "administer": set(),
        "reads too": {Role.VIEWER},
        "every": {Role.SALES, Role.VIEWER, Role.PRIVACY_OFFICER},
    }


def test_token_that_administers_takes_members_away_but_no_owners(
    office: "Office", team: Team, mia: MemberScope
) -> None:
    bo, second = office.member(BO, Role.ADMIN), office.member("second@example.com")
    administer = token_scope(office, mia, TokenScope.ADMINISTER)
    with pytest.raises(NotAllowedError):
        team.remove(administer, second.member_id)
    team.remove(administer, bo.member_id)
    assert set(roles(office)) == {MIA, "second@example.com"}


def test_change_role_ends_the_sessions_in_this_workspace_only(office: "Office", team: Team, mia: MemberScope) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    office.place(BO, mia, Role.ADMIN)
    here = office.accounts.sign_in.switch(office.token(BO), mia.workspace_id)
    there = office.accounts.sign_in.switch(office.token(BO), bo.workspace_id)
    mias = office.token(MIA)
    assert here is not None
    assert there is not None
    team.change_role(mia, bo.member_id, Role.VIEWER)
    assert [is_open(office, token) for token in (here, there, mias)] == [False, True, True]
    assert office.scope_in(BO, mia.workspace_id).role is Role.VIEWER
    assert office.scope_in(BO, bo.workspace_id).role is Role.OWNER


def test_change_role_to_the_same_one_does_nothing(office: "Office", team: Team, mia: MemberScope) -> None:
    bo, token = office.member(BO, Role.SALES), office.token(BO)
    team.change_role(mia, bo.member_id, Role.SALES)
    assert is_open(office, token)
    assert "role_changed" not in office.actions()


def test_change_role_is_logged_before_and_after(office: "Office", team: Team, mia: MemberScope) -> None:
    bo = office.member(BO, Role.SALES)
    team.change_role(mia, bo.member_id, Role.ADMIN)
    (entry, *_) = office.accounts.audit.page(mia)[1:]
    assert (entry.action, entry.object, entry.detail, entry.actor_id) == (
        "role_changed",
        f"member {bo.member_id}",
        {"role": ["sales", "admin"]},
        mia.member_id,
    )


def test_last_owner_stays_an_owner_and_a_member(office: "Office", team: Team, mia: MemberScope) -> None:
    office.member(BO, Role.ADMIN)
    office.member(AL, workspace_id=office.other_workspace())  # An owner of elsewhere does not count.
    with pytest.raises(FirmlyError, match=LAST_OWNER):
        team.change_role(mia, mia.member_id, Role.ADMIN)
    with pytest.raises(FirmlyError, match=LAST_OWNER):
        team.remove(mia, mia.member_id)
    with pytest.raises(FirmlyError, match=LAST_OWNER):
        team.leave(mia)
    assert roles(office)[MIA] is Role.OWNER


def test_owner_of_two_may_go_and_the_other_then_stays(office: "Office", team: Team, mia: MemberScope) -> None:
    bo = office.member(BO)
    team.change_role(mia, mia.member_id, Role.VIEWER)
    with pytest.raises(FirmlyError, match=LAST_OWNER):
        team.leave(bo)
    assert roles(office) == {MIA: Role.VIEWER, BO: Role.OWNER}


BOTH_AT_ONCE: dict[str, Callable[[Team, MemberScope, MemberScope], object]] = {
    "unmake each other": lambda team, one, other: team.change_role(one, other.member_id, Role.VIEWER),
    "remove each other": lambda team, one, other: team.remove(one, other.member_id),
    "leave": lambda team, one, _other: team.leave(one),
    "step down": lambda team, one, _other: team.change_role(one, one.member_id, Role.VIEWER),
}


@pytest.mark.parametrize("act", BOTH_AT_ONCE.values(), ids=BOTH_AT_ONCE.keys())
def test_last_two_owners_at_once_leave_exactly_one(
    office: "Office", team: Team, mia: MemberScope, act: Callable[[Team, MemberScope, MemberScope], object]
) -> None:
    bo = office.member(BO)
    done = at_once(lambda: act(team, mia, bo), lambda: act(team, bo, mia))
    assert sorted(isinstance(one, FirmlyError) for one in done) == [False, True]
    assert list(roles(office).values()).count(Role.OWNER) == 1


def test_remove_ends_sessions_here_and_keeps_the_account_for_other_workspaces(
    office: "Office", team: Team, mia: MemberScope
) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    office.place(BO, mia)
    here = office.accounts.sign_in.switch(office.token(BO), mia.workspace_id)
    there = office.accounts.sign_in.switch(office.token(BO), bo.workspace_id)
    assert here is not None
    assert there is not None
    team.remove(mia, bo.member_id)
    assert [is_open(office, token) for token in (here, there)] == [False, True]
    assert [name for _, name in office.signed_in(BO).workspaces] == ["Other"]


@pytest.mark.parametrize("how", ["removed", "left"])
def test_member_without_a_place_is_erased_and_what_they_did_stays_under_their_number(
    office: "Office", team: Team, mia: MemberScope, how: str
) -> None:
    bo = office.member(BO)
    office.enrol(BO)
    office.accounts.sign_in.with_provider("https://id.example 1", BO)
    office.accounts.sites.add(bo, office.site())
    office.accounts.tokens.make(bo, "Robot", [TokenScope.READ_LEADS], 1)
    office.invited(bo, AL)
    team.remove(mia, bo.member_id) if how == "removed" else team.leave(bo)
    assert BO not in office.stored()
    assert not signs_in(office, BO)
    with office.control_plane.reading() as db:
        assert db.scalar(select(func.count()).where(SessionRow.member_id == bo.member_id)) == 0
        assert db.scalars(select(SiteChangeRow.member_id)).all() == [bo.member_id]
        assert db.scalars(select(ApiTokenRow.author)).all() == [None]
        theirs = select(AuditEntryRow.action).where(AuditEntryRow.actor_id == bo.member_id)
        done = set(db.scalars(theirs))
    assert {"signed_in", "site_made", "token_made", "member_invited", "second_factor_on"} <= done
    assert office.accounts.audit.verify(mia.workspace_id).broken_at is None


def signs_in(office: "Office", email: str) -> bool:
    return office.accounts.sign_in.with_password(email, PASSWORD) is not None


def test_number_of_an_erased_member_is_not_given_again(office: "Office", team: Team, mia: MemberScope) -> None:
    bo = office.member(BO)
    team.remove(mia, bo.member_id)
    assert office.member(AL).member_id > bo.member_id


def test_member_and_invitation_of_another_workspace_are_not_there(
    office: "Office", team: Team, mia: MemberScope
) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    office.member(AL, Role.VIEWER, bo.workspace_id)
    als = next(one.id for one in team.members(bo) if one.email == AL)
    theirs = team.invite(bo, "new@example.com", Role.VIEWER)
    for member_id in (als, bo.member_id, MemberId(10**6)):
        with pytest.raises(NotFoundError, match="no such member"):
            team.change_role(mia, member_id, Role.SALES)
        with pytest.raises(NotFoundError, match="no such member"):
            team.remove(mia, member_id)
    assert (team.renew(mia, theirs.id), team.revoke(mia, theirs.id)) == (None, False)
    assert team.welcome(theirs.secret) is not None
    assert roles(office, bo.workspace_id) == {BO: Role.OWNER, AL: Role.VIEWER}
    assert [one.email for one in team.members(mia)] == [MIA]
    assert team.invitations(mia) == ()


def test_members_are_told_with_what_colleagues_may_know(office: "Office", team: Team, mia: MemberScope) -> None:
    joined_at = office.clock.now
    office.clock.advance(hours=1)
    bo = office.member(BO, Role.SALES)
    office.enrol(BO)
    office.accounts.sign_in.sign_out(office.token(MIA))
    office.clock.advance(hours=1)
    office.scope_of(MIA)
    found = {one.email: one for one in team.members(mia)}
    assert found == {
        MIA: TeamMember(mia.member_id, "Mia Smith", MIA, Role.OWNER, False, joined_at, office.clock.now, None),
        BO: TeamMember(
            bo.member_id,
            "Mia Smith",
            BO,
            Role.SALES,
            True,
            found[BO].joined_at,
            found[BO].joined_at,
            None,
        ),
    }
    assert office.actions()[-1] == "members_read"


def test_members_last_seen_is_of_this_workspace(office: "Office", team: Team, mia: MemberScope) -> None:
    """Another customer's workspace does not learn when somebody works for this one."""
    bo = office.member(BO, workspace_id=office.other_workspace())
    office.place(BO, mia)
    office.clock.advance(days=20)
    office.scope_in(BO, bo.workspace_id)
    office.clock.advance(hours=1)
    office.token(MIA)
    seen = {one.email: one.last_seen_at for one in team.members(mia)}
    assert seen == {MIA: office.clock.now, BO: None}


@pytest.mark.parametrize("how", ["removed", "viewer", "admin"])
def test_tokens_of_who_may_make_none_any_more_end(office: "Office", how: str) -> None:
    mia, bo = office.member(MIA), office.member(BO, Role.ADMIN)
    theirs = office.accounts.tokens.make(bo, "theirs", [TokenScope.ADMINISTER], 30)
    mine = office.accounts.tokens.make(mia, "mine", [TokenScope.READ_LEADS], 30)
    if how == "removed":
        office.accounts.team.remove(mia, bo.member_id)
    else:
        office.accounts.team.change_role(mia, bo.member_id, Role(how))
    assert (office.accounts.tokens.scope(theirs) is None) is (how != "admin")
    assert office.accounts.tokens.scope(mine) is not None
    assert ("token_revoked" in office.actions()) is (how != "admin")
