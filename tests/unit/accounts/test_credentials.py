"""Passwords, resets by mail, authenticators and recovery codes: each link and code once, each change ends the rest."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from firmly.accounts.credentials import Credentials
from firmly.accounts.database import ControlPlane
from firmly.accounts.lockout import FREE_ATTEMPTS
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role
from firmly.accounts.scope import SignedIn
from firmly.accounts.service import Accounts
from firmly.accounts.tables import MemberRow, RecoveryCodeRow, SecondFactorRow
from firmly.mail.letter import Template
from firmly.model import FirmlyError, InvalidInputError
from tests.unit.accounts.conftest import PASSWORD, at_once

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office, SetClock

MIA, BO = "mia@example.com", "bo@example.com"
NEW = "another long phrase"


@pytest.fixture
def credentials(office: "Office") -> Credentials:
    """Mia is the owner."""
    office.member(MIA)
    return office.accounts.credentials


def is_open(office: "Office", token: str) -> bool:
    return office.accounts.sign_in.signed_in(token) is not None


def signs_in(office: "Office", email: str, password: str) -> bool:
    return office.accounts.sign_in.with_password(email, password) is not None


def link(credentials: Credentials, email: str = MIA) -> str:
    secret = credentials.begin_reset(email)
    assert secret is not None
    return secret


def test_change_password_ends_every_other_session_and_renews_this_one(
    office: "Office", credentials: Credentials
) -> None:
    office.member(BO)
    here, there, bos = office.token(MIA), office.token(MIA), office.token(BO)
    new = credentials.change_password(office.who(here), here, PASSWORD, NEW)
    assert [is_open(office, token) for token in (here, there, bos, new)] == [False, False, True, True]
    assert (signs_in(office, MIA, PASSWORD), signs_in(office, MIA, NEW)) == (False, True)


def test_change_password_refused_changes_nothing_and_repeats_nothing(
    office: "Office", credentials: Credentials
) -> None:
    token = office.token(MIA)
    for current, new, key in (
        ("a wrong password", NEW, "current"),
        ("", NEW, "current"),
        (PASSWORD, "short", "password"),
        (PASSWORD, "mia smith", "password"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            credentials.change_password(office.who(token), token, current, new)
        assert [(problem.key, problem.value) for problem in caught.value.problems] == [(key, "(withheld)")]
    assert is_open(office, token)
    assert signs_in(office, MIA, PASSWORD)


def test_change_password_too_often_wrong_waits(office: "Office", credentials: Credentials) -> None:
    """Who found an open browser cannot guess the password there faster than at the door."""
    token = office.token(MIA)
    for _ in range(FREE_ATTEMPTS):
        with pytest.raises(InvalidInputError):
            credentials.change_password(office.who(token), token, "a wrong password", NEW)
    with pytest.raises(InvalidInputError):
        credentials.change_password(office.who(token), token, PASSWORD, NEW)
    office.clock.advance(seconds=30)
    assert credentials.change_password(office.who(token), token, PASSWORD, NEW)


def test_change_password_in_a_session_that_was_ended_meanwhile_changes_nothing(
    office: "Office", credentials: Credentials
) -> None:
    token = office.token(MIA)
    signed_in = office.who(token)
    office.accounts.sign_in.sign_out(token)
    with pytest.raises(FirmlyError, match="has ended"):
        credentials.change_password(signed_in, token, PASSWORD, NEW)
    assert signs_in(office, MIA, PASSWORD)


def test_change_password_of_who_has_none_takes_no_empty_one(office: "Office", credentials: Credentials) -> None:
    """A member who only signs in through a provider."""
    with office.control_plane.session() as db:
        db.execute(update(MemberRow).values(password_hash=""))
    assert not signs_in(office, MIA, "")
    vouched = office.accounts.sign_in.with_provider("https://id.example 1", MIA)
    assert vouched is not None
    with pytest.raises(InvalidInputError):
        credentials.change_password(office.who(vouched.token), vouched.token, "", NEW)


def test_change_password_is_logged_in_every_workspace_of_the_member(office: "Office", credentials: Credentials) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    office.place(MIA, bo)
    token = office.token(MIA)
    credentials.change_password(office.who(token), token, PASSWORD, NEW)
    assert office.actions()[-1] == office.actions(bo.workspace_id)[-1] == "password_changed"


def test_change_name_is_seen_at_once(office: "Office", credentials: Credentials) -> None:
    token = office.token(MIA)
    credentials.change_name(office.who(token), "Mia Jones")
    assert office.who(token).name == "Mia Jones"


def test_change_name_that_is_none_is_refused(office: "Office", credentials: Credentials) -> None:
    token = office.token(MIA)
    for name in ("", " ", "a\nb", "a" * 101, "a\u202eb", "\ud800"):
        with pytest.raises(InvalidInputError, match="name"):
            credentials.change_name(office.who(token), name)
    assert office.who(token).name == "Mia Smith"


def test_reset_for_nobodys_address_has_no_link(credentials: Credentials) -> None:
    assert [credentials.begin_reset(email) for email in (BO, "", "mia", "mia@example.com\0", "\ud800")] == [None] * 5


def test_reset_by_link_sets_the_password_and_signs_out_everywhere(office: "Office", credentials: Credentials) -> None:
    office.member(BO)
    mias, bos = office.token(MIA), office.token(BO)
    assert credentials.reset(link(credentials, " Mia@Example.com"), NEW) == MIA
    assert [is_open(office, token) for token in (mias, bos)] == [False, True]
    assert (signs_in(office, MIA, PASSWORD), signs_in(office, MIA, NEW)) == (False, True)
    assert signs_in(office, BO, PASSWORD)


def test_reset_link_works_once(office: "Office", credentials: Credentials) -> None:
    secret = link(credentials)
    credentials.reset(secret, NEW)
    assert not credentials.holds_reset(secret)
    assert credentials.reset(secret, "a third long phrase") is None
    assert signs_in(office, MIA, NEW)


def test_reset_link_works_for_an_hour(office: "Office", credentials: Credentials) -> None:
    secret, held = link(credentials), []
    for seconds in (0, 3599, 1):
        office.clock.advance(seconds=seconds)
        held.append(credentials.holds_reset(secret))
    assert held == [True, True, False]
    assert credentials.reset(secret, NEW) is None
    assert signs_in(office, MIA, PASSWORD)


def test_reset_link_ends_with_every_change_of_the_password(office: "Office", credentials: Credentials) -> None:
    first, second = link(credentials), link(credentials)
    token = office.token(MIA)
    credentials.change_password(office.who(token), token, PASSWORD, NEW)
    third = link(credentials)
    credentials.reset(third, PASSWORD)
    assert [credentials.holds_reset(secret) for secret in (first, second, third)] == [False, False, False]


def test_reset_link_ends_with_the_account(office: "Office", credentials: Credentials) -> None:
    bo = office.member(BO)
    secret = link(credentials)
    office.accounts.team.remove(bo, office.signed_in(MIA).member_id)
    assert credentials.reset(secret, NEW) is None


def test_reset_refused_password_leaves_the_link(office: "Office", credentials: Credentials) -> None:
    secret = link(credentials)
    with pytest.raises(InvalidInputError, match="password"):
        credentials.reset(secret, "mia@example.com")
    assert credentials.reset(secret, NEW) == MIA


def test_reset_link_that_was_changed_is_none(credentials: Credentials) -> None:
    secret = link(credentials)
    head, _, tail = secret.rpartition(".")
    changed = [
        *(f"{secret[:at]}{'A' if secret[at] != 'A' else 'B'}{secret[at + 1 :]}" for at in range(0, len(secret) - 1, 7)),
        head,
        f"{head}.",
        f".{tail}",
        f".{secret}",
        f"{secret}.{tail}",
        secret[:-1],
        "",
        "\ud800",
        "é",
        "\0",
    ]
    assert not any(credentials.holds_reset(one) for one in changed)
    assert all(credentials.reset(one, NEW) is None for one in changed)
    assert credentials.holds_reset(secret)


def test_reset_takes_no_link_of_another_kind(office: "Office", credentials: Credentials) -> None:
    mia = office.scope_of(MIA)
    invitation = office.invited(mia, BO)
    unsubscribe = office.accounts.wishes.unsubscribe_secret(mia.workspace_id, mia.member_id, Template.AUDIT_REPORT)
    assert not any(credentials.holds_reset(secret) for secret in (invitation, unsubscribe, office.token(MIA)))
    assert office.accounts.wishes.holds(link(credentials)) is None
    assert office.accounts.team.welcome(link(credentials)) is None


def test_reset_link_outlives_a_new_key_but_not_the_end_of_its_own(
    control_plane: ControlPlane, clock: "SetClock", passwords: Passwords
) -> None:
    def with_keys(*keys: str) -> Accounts:
        return Accounts(control_plane, clock, keys, passwords)

    old, rotated, foreign = with_keys("o" * 32), with_keys("n" * 32, "o" * 32), with_keys("n" * 32)
    old.add_member(old.create_workspace("Acme", "UTC"), MIA, "Mia Smith", Role.OWNER, PASSWORD)
    secret, newer = link(old.credentials), link(rotated.credentials)
    assert [one.credentials.holds_reset(secret) for one in (old, rotated, foreign)] == [True, True, False]
    assert [one.credentials.holds_reset(newer) for one in (old, rotated, foreign)] == [False, True, True]


def test_reset_leaves_the_second_factor(office: "Office", credentials: Credentials) -> None:
    office.enrol(MIA)
    credentials.reset(link(credentials), NEW)
    assert office.who(office.token(MIA, NEW)).waits_for_second_factor


def test_reset_opens_a_door_that_wrong_passwords_closed(office: "Office", credentials: Credentials) -> None:
    for _ in range(FREE_ATTEMPTS):
        signs_in(office, MIA, "a wrong password")
    credentials.reset(link(credentials), NEW)
    assert signs_in(office, MIA, NEW)


def test_reset_two_at_once_exactly_one_sets_its_password(office: "Office", credentials: Credentials) -> None:
    secret, phrases = link(credentials), ("the first long phrase", "the second long phrase")
    done = at_once(*(lambda phrase=phrase: credentials.reset(secret, phrase) for phrase in phrases))
    assert sorted(done, key=str) == [None, MIA]
    assert [signs_in(office, MIA, phrase) for phrase in phrases] == [one == MIA for one in done]


def test_remove_second_factor_by_operator_signs_out_and_asks_no_more(
    office: "Office", credentials: Credentials
) -> None:
    office.enrol(MIA)
    waiting = office.token(MIA)
    credentials.remove_second_factor_by_operator(" MIA@example.com")
    assert not is_open(office, waiting)
    assert not office.signed_in(MIA).waits_for_second_factor
    assert credentials.recovery_codes_left(office.signed_in(MIA)) == 0
    with pytest.raises(FirmlyError, match="no member"):
        credentials.remove_second_factor_by_operator(BO)


def test_second_factor_secret_stays_the_same_until_it_is_confirmed(office: "Office", credentials: Credentials) -> None:
    first, again = (credentials.begin_second_factor(office.signed_in(MIA)) for _ in range(2))
    assert first == again
    assert f"secret={first.secret}" in first.uri
    assert first.secret not in repr(first)


def test_second_factor_secret_lies_sealed_in_the_database(office: "Office", credentials: Credentials) -> None:
    secret = credentials.begin_second_factor(office.signed_in(MIA)).secret
    assert secret not in office.stored()


def test_second_factor_that_no_key_opens_any_more_is_begun_anew(
    control_plane: ControlPlane, clock: "SetClock", passwords: Passwords, office: "Office", credentials: Credentials
) -> None:
    old = credentials.begin_second_factor(office.signed_in(MIA))
    later = Accounts(control_plane, clock, ("x" * 32,), passwords)
    assert later.credentials.begin_second_factor(office.signed_in(MIA)) != old


def test_second_factor_confirmed_gives_codes_and_ends_every_other_session(
    office: "Office", credentials: Credentials
) -> None:
    here, there = office.token(MIA), office.token(MIA)
    office._secrets[MIA] = credentials.begin_second_factor(office.who(here)).secret
    codes, new = credentials.confirm_second_factor(office.who(here), here, office.code(MIA))
    assert [is_open(office, token) for token in (here, there, new)] == [False, False, True]
    assert office.who(new).has_second_factor
    assert office.who(office.token(MIA)).waits_for_second_factor
    assert len(set(codes)) == credentials.recovery_codes_left(office.who(new)) == 10


def test_recovery_codes_are_kept_as_hashes(office: "Office", credentials: Credentials) -> None:
    codes, stored = office.enrol(MIA), office.stored()
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_second_factor_wrong_first_code_switches_nothing_on(office: "Office", credentials: Credentials) -> None:
    token = office.token(MIA)
    credentials.begin_second_factor(office.who(token))
    for code in ("", "000000", "\ud800", "0A1B-2C3D-4E5F-6G7H"):
        with pytest.raises(InvalidInputError) as caught:
            credentials.confirm_second_factor(office.who(token), token, code)
        assert [(problem.key, problem.value) for problem in caught.value.problems] == [("code", "(withheld)")]
    assert not office.who(token).has_second_factor


def test_second_factor_guessing_the_first_code_waits(office: "Office", credentials: Credentials) -> None:
    token = office.token(MIA)
    office._secrets[MIA] = credentials.begin_second_factor(office.who(token)).secret
    for code in [*["000000"] * FREE_ATTEMPTS, office.code(MIA)]:
        with pytest.raises(InvalidInputError):
            credentials.confirm_second_factor(office.who(token), token, code)
    assert credentials.confirm_second_factor(office.who(token), token, office.next_code(MIA))


def test_second_factor_confirmed_without_being_begun_is_refused(office: "Office", credentials: Credentials) -> None:
    token = office.token(MIA)
    with pytest.raises(FirmlyError, match="being set up"):
        credentials.confirm_second_factor(office.who(token), token, "000000")


def test_second_factor_that_is_on_is_neither_told_nor_replaced(office: "Office", credentials: Credentials) -> None:
    """Also not to who was known as a member without one a moment ago."""
    stale_token = office.token(MIA)
    stale = office.who(stale_token)
    office.enrol(MIA)
    confirmed = office.accounts.sign_in.confirm(office.token(MIA), office.next_code(MIA))
    assert confirmed is not None
    for signed_in in (stale, office.who(confirmed.token)):
        with pytest.raises(FirmlyError, match="set up already"):
            credentials.begin_second_factor(signed_in)
    with pytest.raises(FirmlyError, match="being set up"):
        credentials.confirm_second_factor(stale, stale_token, office.next_code(MIA))


def test_second_factor_confirmed_by_two_at_once_is_switched_on_once(office: "Office", credentials: Credentials) -> None:
    """Two sets of recovery codes would leave one of them dead in somebody's drawer."""
    tokens = [office.token(MIA), office.token(MIA)]
    office._secrets[MIA] = credentials.begin_second_factor(office.who(tokens[0])).secret
    code, people = office.code(MIA), [office.who(token) for token in tokens]
    done = at_once(
        *(
            lambda who=who, token=token: credentials.confirm_second_factor(who, token, code)
            for who, token in zip(people, tokens, strict=True)
        )
    )
    assert sorted(isinstance(one, FirmlyError) for one in done) == [False, True]
    with office.control_plane.reading() as db:
        assert len(db.scalars(select(RecoveryCodeRow.code_hash)).all()) == 10


def test_recovery_codes_renewed_replace_the_old_ones(office: "Office", credentials: Credentials) -> None:
    old = office.enrol(MIA)
    confirmed = office.accounts.sign_in.confirm(office.token(MIA), office.next_code(MIA))
    assert confirmed is not None
    new, token = credentials.renew_recovery_codes(office.who(confirmed.token), confirmed.token, PASSWORD)
    assert [is_open(office, one) for one in (confirmed.token, token)] == [False, True]
    assert office.accounts.sign_in.confirm(office.token(MIA), old[0]) is None
    assert office.accounts.sign_in.confirm(office.token(MIA), new[0]) is not None


def test_recovery_codes_without_the_password_or_a_second_factor_are_not_renewed(
    office: "Office", credentials: Credentials
) -> None:
    token = office.token(MIA)
    with pytest.raises(FirmlyError, match="no second factor"):
        credentials.renew_recovery_codes(office.who(token), token, PASSWORD)
    codes = office.enrol(MIA)
    confirmed = office.accounts.sign_in.confirm(office.token(MIA), office.next_code(MIA))
    assert confirmed is not None
    with pytest.raises(InvalidInputError):
        credentials.renew_recovery_codes(office.who(confirmed.token), confirmed.token, "a wrong password")
    assert office.accounts.sign_in.confirm(office.token(MIA), codes[0]) is not None


def test_second_factor_removed_with_the_password_ends_every_other_session(
    office: "Office", credentials: Credentials
) -> None:
    office.enrol(MIA)
    confirmed = office.accounts.sign_in.confirm(office.token(MIA), office.next_code(MIA))
    waiting = office.token(MIA)
    assert confirmed is not None
    with pytest.raises(InvalidInputError):
        credentials.remove_second_factor(office.who(confirmed.token), confirmed.token, "a wrong password")
    new = credentials.remove_second_factor(office.who(confirmed.token), confirmed.token, PASSWORD)
    assert [is_open(office, token) for token in (confirmed.token, waiting, new)] == [False, False, True]
    assert not office.signed_in(MIA).waits_for_second_factor
    with office.control_plane.reading() as db:
        assert not db.scalars(select(SecondFactorRow.member_id)).all()
        assert not db.scalars(select(RecoveryCodeRow.member_id)).all()


_Attempt = Callable[[Credentials, SignedIn, str], object]
WHILE_WAITING: dict[str, _Attempt] = {
    "change_password": lambda it, who, token: it.change_password(who, token, PASSWORD, NEW),
    "change_name": lambda it, who, _token: it.change_name(who, "Somebody Else"),
    "begin_second_factor": lambda it, who, _token: it.begin_second_factor(who),
    "confirm_second_factor": lambda it, who, token: it.confirm_second_factor(who, token, "000000"),
    "renew_recovery_codes": lambda it, who, token: it.renew_recovery_codes(who, token, PASSWORD),
    "remove_second_factor": lambda it, who, token: it.remove_second_factor(who, token, PASSWORD),
}


def test_session_that_waits_for_the_second_factor_changes_no_credential(
    office: "Office", credentials: Credentials
) -> None:
    """Who knows the password alone gets no further by it."""
    office.enrol(MIA)
    token = office.token(MIA)
    for attempt in WHILE_WAITING.values():
        with pytest.raises(FirmlyError, match=r"still awaited|set up|no second factor"):
            attempt(credentials, office.who(token), token)
    assert (office.who(token).waits_for_second_factor, office.who(token).name) == (True, "Mia Smith")
    assert signs_in(office, MIA, PASSWORD)


def test_credentials_of_one_member_leave_those_of_another(office: "Office", credentials: Credentials) -> None:
    office.member(BO)
    office.enrol(BO)
    token = office.token(MIA)
    credentials.remove_second_factor(office.who(token), token, PASSWORD)
    credentials.reset_by_operator(MIA, NEW)
    credentials.remove_second_factor_by_operator(MIA)
    waiting = office.signed_in(BO)
    assert waiting.waits_for_second_factor
    assert credentials.recovery_codes_left(waiting) == 10
