"""API tokens: shown once, kept as a hash, ended by time or hand, each for its workspace and its scopes only."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from firmly.accounts.api_tokens import MAX_DAYS, MAX_TOKENS, ApiToken, ApiTokens, TokenId
from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import RIGHTS_OF_TOKEN, Right, Role, TokenScope
from firmly.accounts.scope import WHILE_CANCELLED, ActorKind, MemberScope, NotAllowedError, State
from firmly.accounts.tables import ApiTokenRow, WorkspaceRow
from firmly.model import InvalidInputError
from tests.unit.accounts.conftest import raised

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

MIA, BO = "mia@example.com", "bo@example.com"
READ = (TokenScope.READ_LEADS,)


@pytest.fixture
def mia(office: "Office") -> MemberScope:
    """The owner."""
    return office.member(MIA)


@pytest.fixture
def tokens(office: "Office", mia: MemberScope) -> ApiTokens:
    return office.accounts.tokens


def raw_bytes(control_plane: ControlPlane) -> bytes:
    """Return what lies in the files of SQLite, journal included; nothing for a server."""
    with control_plane.connection() as connection:
        url = connection.engine.url
    if url.get_backend_name() != "sqlite":
        return b""
    files = sorted(Path(str(url.database)).parent.iterdir())
    assert b"Robot" in b"".join(file.read_bytes() for file in files)
    return b"".join(file.read_bytes() for file in files)


def test_token_gives_the_rights_of_its_scopes_in_its_workspace(tokens: ApiTokens, mia: MemberScope) -> None:
    held = {}
    for wanted in TokenScope:
        scope = tokens.scope(tokens.make(mia, "Robot", [wanted], 1))
        assert scope is not None
        assert (scope.workspace_id, scope.author, scope.actor.kind) == (mia.workspace_id, None, ActorKind.TOKEN)
        held[wanted] = scope.rights
    both = tokens.scope(tokens.make(mia, "Robot", [TokenScope.READ_LEADS, TokenScope.WRITE_LEADS], 1))
    assert both is not None
    assert held == RIGHTS_OF_TOKEN
    assert both.rights == RIGHTS_OF_TOKEN[TokenScope.READ_LEADS] | RIGHTS_OF_TOKEN[TokenScope.WRITE_LEADS]


def test_token_of_all_scopes_neither_owns_nor_makes_tokens(tokens: ApiTokens, mia: MemberScope) -> None:
    """One that leaked cannot make another that outlives it."""
    scope = tokens.scope(tokens.make(mia, "Robot", TokenScope, 1))
    assert scope is not None
    assert not scope.rights & {Right.OWN, Right.MANAGE_TOKENS}
    assert raised(tokens.make, scope, "Another", READ, 1) is NotAllowedError
    assert raised(tokens.of, scope) is NotAllowedError
    assert raised(tokens.revoke, scope, TokenId(1)) is NotAllowedError


def test_token_is_shown_once_and_stored_nowhere(office: "Office", tokens: ApiTokens, mia: MemberScope) -> None:
    token = tokens.make(mia, "Robot", READ, 1)
    secret = token.removeprefix("firmly_")
    assert tokens.scope(token) is not None
    assert len(secret) == 43
    stored = office.stored()
    assert "Robot" in stored
    assert secret not in stored
    assert secret.encode() not in raw_bytes(office.control_plane)
    assert not any(secret in repr(shown) for shown in tokens.of(mia))


def test_token_is_random(tokens: ApiTokens, mia: MemberScope) -> None:
    assert len({tokens.make(mia, "Robot", READ, 1) for _ in range(20)}) == 20


def test_token_stored_hash_is_no_token(tokens: ApiTokens, mia: MemberScope, control_plane: ControlPlane) -> None:
    tokens.make(mia, "Robot", READ, 1)
    with control_plane.reading() as db:
        kept = db.scalars(select(ApiTokenRow.token_hash)).one()
    assert [tokens.scope(text) for text in (kept, f"firmly_{kept}", f"firmly_{kept[:43]}")] == [None] * 3


def test_what_is_no_token_is_nothing(tokens: ApiTokens, mia: MemberScope) -> None:
    token = tokens.make(mia, "Robot", READ, 1)
    wrong = [
        "",
        "firmly_",
        token[:-1],
        f"{token}a",
        f"{token}\n",
        f" {token}",
        token.upper(),
        token.replace("firmly_", ""),
        f"firmly_{'é' * 43}",
        "firmly_' or 1=1 --",
        "\ud800",
        "\0",
    ]
    assert [tokens.scope(text) for text in wrong] == [None] * len(wrong)


def test_token_ends_with_its_days(office: "Office", tokens: ApiTokens, mia: MemberScope) -> None:
    token, held = tokens.make(mia, "Robot", READ, 2), []
    for seconds in (0, 2 * 86_400 - 1, 1):
        office.clock.advance(seconds=seconds)
        held.append(tokens.scope(token) is not None)
    assert held == [True, True, False]


def test_token_revoked_ends_at_once_and_again_is_harmless(
    office: "Office", tokens: ApiTokens, mia: MemberScope
) -> None:
    token, other = tokens.make(mia, "Robot", READ, 1), tokens.make(mia, "Other", READ, 1)
    listed = {one.name: one.id for one in tokens.of(mia)}
    revoked_at = office.clock.now
    tokens.revoke(mia, listed["Robot"])
    office.clock.advance(minutes=1)
    tokens.revoke(mia, listed["Robot"])
    tokens.revoke(mia, TokenId(10**6))
    assert (tokens.scope(token), tokens.scope(other) is not None) == (None, True)
    assert [one.revoked_at for one in tokens.of(mia)] == [None, revoked_at]
    assert office.actions().count("token_revoked") == 1


def test_token_of_another_workspace_is_neither_listed_nor_revoked(
    office: "Office", tokens: ApiTokens, mia: MemberScope
) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    theirs = tokens.make(bo, "Theirs", READ, 1)
    (shown,) = tokens.of(bo)
    tokens.revoke(mia, shown.id)
    assert tokens.of(mia) == ()
    assert tokens.scope(theirs) is not None
    assert "token_revoked" not in office.actions() + office.actions(bo.workspace_id)


def test_token_last_use_is_known_to_ten_minutes(office: "Office", tokens: ApiTokens, mia: MemberScope) -> None:
    token, seen = tokens.make(mia, "Robot", READ, 1), []
    start = office.clock.now
    before = tokens.of(mia)[0].last_used_at
    for seconds in (0, 599, 1, 599, 2):
        office.clock.advance(seconds=seconds)
        tokens.scope(token)
        used = tokens.of(mia)[0].last_used_at
        seen.append(used and (used - start).total_seconds())
    assert before is None
    assert seen == [0, 0, 600, 600, 1201]


def test_token_listed_with_what_may_be_known(office: "Office", tokens: ApiTokens, mia: MemberScope) -> None:
    first = tokens.make(mia, "Robot", [TokenScope.READ_LEADS, TokenScope.ADMINISTER], 30)
    made_at = office.clock.now
    office.clock.advance(days=40)
    second = tokens.make(office.scope_of(MIA), "Other", READ, 366)
    listed = tokens.of(office.scope_of(MIA))
    ids = [one.id for one in listed]
    assert ids == sorted(ids, reverse=True)
    assert listed[1] == ApiToken(
        ids[1],
        "Robot",
        frozenset({TokenScope.READ_LEADS, TokenScope.ADMINISTER}),
        first[-4:],
        "Mia Smith",
        made_at,
        made_at.replace(day=31),
        None,
        None,
    )
    assert (listed[0].name, listed[0].hint) == ("Other", second[-4:])


def test_token_ends_with_its_author_and_stays_in_the_list_without_their_name(
    office: "Office", tokens: ApiTokens, mia: MemberScope
) -> None:
    bo = office.member(BO, Role.ADMIN)
    token = tokens.make(bo, "Robot", READ, 1)
    office.accounts.team.remove(mia, bo.member_id)
    assert tokens.scope(token) is None
    assert [(one.author, one.revoked_at) for one in tokens.of(mia)] == [(None, office.clock.now)]


def test_token_bad_values_are_told_together(tokens: ApiTokens, mia: MemberScope) -> None:
    with pytest.raises(InvalidInputError) as caught:
        tokens.make(mia, "a\nb", [], 0)
    assert [problem.key for problem in caught.value.problems] == ["name", "scopes", "days"]
    for name, days in (("", 1), (" ", 1), ("a" * 101, 1), ("Robot", MAX_DAYS + 1), ("Robot", -1)):
        assert raised(tokens.make, mia, name, READ, days) is InvalidInputError, (name, days)
    assert tokens.of(mia) == ()


def test_tokens_that_stand_are_limited(office: "Office", tokens: ApiTokens, mia: MemberScope) -> None:
    tokens.make(mia, "First", READ, 1)
    with office.control_plane.session() as db:
        first = db.scalars(select(ApiTokenRow)).one()
        values = {c.name: getattr(first, c.name) for c in ApiTokenRow.__table__.columns if c.name != "id"}
        db.add_all(ApiTokenRow(**values | {"token_hash": f"{number:064}"}) for number in range(1, MAX_TOKENS))
    with pytest.raises(InvalidInputError, match="at most 100 that stand"):
        tokens.make(mia, "One more", READ, 1)
    bo = office.member(BO, workspace_id=office.other_workspace())
    assert tokens.make(bo, "Elsewhere", READ, 1)
    tokens.revoke(mia, TokenId(first.id))
    assert tokens.make(mia, "In its place", READ, 1)
    office.clock.advance(days=1)  # Expired ones do not count either.
    assert all(tokens.make(mia, "Later", READ, 1) for _ in range(3))


def test_tokens_are_for_who_manages_them(office: "Office", tokens: ApiTokens, mia: MemberScope) -> None:
    token = tokens.make(mia, "Robot", READ, 1)
    (shown,) = tokens.of(mia)
    for role in (Role.SALES, Role.PRIVACY_OFFICER, Role.VIEWER):
        scope = office.member(f"{role}@example.com", role)
        assert raised(tokens.make, scope, "Mine", READ, 1) is NotAllowedError
        assert raised(tokens.of, scope) is NotAllowedError
        assert raised(tokens.revoke, scope, shown.id) is NotAllowedError
    assert tokens.scope(token) is not None


@pytest.mark.parametrize("state", [State.CANCELLED, State.PURGED])
def test_token_of_a_workspace_that_ends_loses_its_rights(
    office: "Office", tokens: ApiTokens, mia: MemberScope, state: State
) -> None:
    token = tokens.make(mia, "Robot", TokenScope, 1)
    with office.control_plane.session() as db:
        db.execute(update(WorkspaceRow).where(WorkspaceRow.id == mia.workspace_id).values(state=state))
    scope = tokens.scope(token)
    if state is State.PURGED:
        assert scope is None
    else:
        assert scope is not None
        assert scope.rights == {Right.READ_LEADS, Right.READ_ALL_LEADS, Right.READ_AUDIT} <= WHILE_CANCELLED


def test_token_scope_that_only_a_newer_release_knows_gives_nothing(
    office: "Office", tokens: ApiTokens, mia: MemberScope
) -> None:
    token = tokens.make(mia, "Robot", READ, 1)
    with office.control_plane.session() as db:
        db.execute(update(ApiTokenRow).values(scopes=["read_leads", "rule_the_world"]))
    scope = tokens.scope(token)
    assert scope is not None
    assert scope.rights == RIGHTS_OF_TOKEN[TokenScope.READ_LEADS]
    assert tokens.of(mia)[0].scopes == {TokenScope.READ_LEADS}
