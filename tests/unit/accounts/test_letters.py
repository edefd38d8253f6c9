"""The log of mail without bodies and links; what members want to get, and the link that ends it."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from firmly.accounts.letters import PAGE, WAITING, LetterWishes, SentLetter
from firmly.accounts.roles import Role, TokenScope
from firmly.accounts.scope import MemberScope, NotAllowedError, jobs_scope
from firmly.accounts.tables import LetterWishRow, WorkspaceRow
from firmly.mail.letter import Letter, Template, Value
from firmly.model import MemberId, WorkspaceId
from tests.town import KEYS
from tests.unit.accounts.conftest import raised

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

MIA, BO = "mia@example.com", "bo@example.com"
LINK = "https://firmly.example/app/invitation/a-secret-of-the-link"
REPORT = Template.AUDIT_REPORT


@pytest.fixture
def mia(office: "Office") -> MemberScope:
    """The owner."""
    return office.member(MIA)


@pytest.fixture
def wishes(office: "Office", mia: MemberScope) -> LetterWishes:
    return office.accounts.wishes


def invitation(office: "Office", workspace_id: WorkspaceId | None = None, recipient: str = BO) -> Letter:
    said: dict[str, Value] = {
        "workspace": "Acme",
        "inviter": "Mia Smith",
        "role": "viewer",
        "link": LINK,
        "expires_at": office.clock.now,
    }
    return Letter(Template.INVITATION, recipient, said, workspace_id or office.workspace_id)


def wanted_by(office: "Office", wishes: LetterWishes) -> list[str]:
    with office.control_plane.reading() as db:
        scope = jobs_scope(db, office.workspace_id)
    return [email for _, email in wishes.recipients(scope, REPORT)]


def test_log_says_to_whom_which_when_and_how_it_ended(office: "Office", mia: MemberScope) -> None:
    log, queued_at = office.accounts.letters, office.clock.now
    first, second = log.queued(invitation(office)), log.queued(invitation(office, recipient="al@example.com"))
    office.clock.advance(seconds=3)
    log.ended(first, "sent" + "x" * 300)
    assert log.page(mia) == (
        SentLetter(second, "al@example.com", "invitation", queued_at, None, WAITING),
        SentLetter(first, BO, "invitation", queued_at, queued_at + timedelta(seconds=3), ("sent" + "x" * 300)[:200]),
    )
    assert office.actions()[-1] == "letters_read"


def test_log_holds_neither_body_nor_link(office: "Office") -> None:
    office.accounts.letters.queued(invitation(office))
    stored = office.stored()
    assert BO in stored
    assert not any(word in stored for word in ("a-secret-of-the-link", "firmly.example", "Mia Smith"))


def test_log_of_another_workspace_and_of_none_is_not_shown(office: "Office", mia: MemberScope) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    log = office.accounts.letters
    theirs = log.queued(invitation(office, bo.workspace_id))
    log.queued(Letter(Template.PASSWORD_RESET, MIA, {"link": LINK, "hours": 1}))
    assert log.page(mia) == ()
    assert log.page(mia, before=10**6) == ()
    assert [one.id for one in log.page(bo)] == [theirs]


def test_log_comes_in_parts_newest_first(office: "Office", mia: MemberScope) -> None:
    log = office.accounts.letters
    ids = [log.queued(invitation(office)) for _ in range(PAGE + 2)]
    first = log.page(mia)
    assert [one.id for one in first] == ids[:1:-1]
    assert [one.id for one in log.page(mia, before=first[-1].id)] == [ids[1], ids[0]]
    assert len(log.page(mia, limit=3)) == 3


def test_log_is_read_by_who_reads_the_audit_log(office: "Office", mia: MemberScope) -> None:
    for role in (Role.SALES, Role.VIEWER):
        assert raised(office.accounts.letters.page, office.member(f"{role}@example.com", role)) is NotAllowedError
    for role in (Role.ADMIN, Role.PRIVACY_OFFICER):
        assert raised(office.accounts.letters.page, office.member(f"{role}@example.com", role)) is None


def test_report_goes_to_owners_unless_they_decline_and_to_others_who_ask(
    office: "Office", wishes: LetterWishes, mia: MemberScope
) -> None:
    officer = office.member(BO, Role.PRIVACY_OFFICER)
    before = wanted_by(office, wishes)
    wishes.set(mia, REPORT, is_wanted=False)
    wishes.set(officer, REPORT, is_wanted=True)
    after = wanted_by(office, wishes)
    wishes.set(mia, REPORT, is_wanted=True)
    assert (before, after, wanted_by(office, wishes)) == ([MIA], [BO], [MIA, BO])
    assert (wishes.of(mia), wishes.of(officer)) == ({REPORT: True}, {REPORT: True})


def test_report_is_not_for_who_may_not_read_what_it_says(
    office: "Office", wishes: LetterWishes, mia: MemberScope
) -> None:
    """Also where they asked for it in a role they had before."""
    bo = office.member(BO, Role.PRIVACY_OFFICER)
    wishes.set(bo, REPORT, is_wanted=True)
    office.accounts.team.change_role(mia, bo.member_id, Role.VIEWER)
    viewer = office.scope_of(BO)
    assert (wanted_by(office, wishes), wishes.of(viewer)) == ([MIA], {})
    wishes.set(viewer, REPORT, is_wanted=True)
    assert wanted_by(office, wishes) == [MIA]


def test_wish_is_of_one_workspace(office: "Office", wishes: LetterWishes, mia: MemberScope) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    there = office.place(MIA, bo)
    wishes.set(there, REPORT, is_wanted=False)
    assert (wishes.of(mia), wishes.of(there)) == ({REPORT: True}, {REPORT: False})
    assert wanted_by(office, wishes) == [MIA]


def test_wish_of_who_must_enrol_first_is_not_told(office: "Office", wishes: LetterWishes) -> None:
    with office.control_plane.session() as db:
        db.execute(update(WorkspaceRow).values(requires_second_factor=True))
    assert wishes.of(office.scope_of(MIA)) == {}


def test_unsubscribe_by_link_works_without_signing_in_and_again(
    office: "Office", wishes: LetterWishes, mia: MemberScope
) -> None:
    office.member(BO)
    secret = wishes.unsubscribe_secret(mia.workspace_id, mia.member_id, REPORT)
    assert wishes.holds(secret) is REPORT
    assert [wishes.unsubscribe(secret), wishes.unsubscribe(secret)] == [True, True]
    assert wanted_by(office, wishes) == [BO]
    wishes.set(mia, REPORT, is_wanted=True)  # A change of mind, and the old mail's link once more.
    assert wanted_by(office, wishes) == [MIA, BO]
    assert wishes.unsubscribe(secret)
    assert wanted_by(office, wishes) == [BO]


def test_unsubscribe_link_that_was_changed_or_made_up_does_nothing(
    office: "Office", wishes: LetterWishes, mia: MemberScope
) -> None:
    secret = wishes.unsubscribe_secret(mia.workspace_id, mia.member_id, REPORT)
    head, _, tail = secret.rpartition(".")
    foreign = LetterWishes(office.control_plane, ["x" * 32])
    forged = [
        foreign.unsubscribe_secret(mia.workspace_id, mia.member_id, REPORT),
        *(f"{secret[:at]}{'A' if secret[at] != 'A' else 'B'}{secret[at + 1 :]}" for at in range(0, len(secret) - 1, 5)),
        head,
        f".{tail}",
        f".{secret}",
        office.accounts.credentials.begin_reset(MIA) or "",
        office.invited(mia, BO),
        "",
        "\ud800",
        "é",
        "\0",
    ]
    assert [wishes.unsubscribe(one) for one in forged] == [False] * len(forged)
    assert [wishes.holds(one) for one in forged] == [None] * len(forged)
    assert wanted_by(office, wishes) == [MIA]


def test_unsubscribe_link_of_an_older_key_still_works(office: "Office", wishes: LetterWishes, mia: MemberScope) -> None:
    """Mails lie in mailboxes for years: a link has no end, and a rotation of keys does not break it."""
    secret = LetterWishes(office.control_plane, KEYS[1:]).unsubscribe_secret(mia.workspace_id, mia.member_id, REPORT)
    office.clock.advance(days=3000)
    assert wishes.unsubscribe(secret)
    assert wanted_by(office, wishes) == []


def test_unsubscribe_of_who_has_left_is_harmless(office: "Office", wishes: LetterWishes, mia: MemberScope) -> None:
    bo = office.member(BO)
    gone = wishes.unsubscribe_secret(mia.workspace_id, bo.member_id, REPORT)
    office.accounts.team.remove(mia, bo.member_id)
    nobody = wishes.unsubscribe_secret(WorkspaceId(10**6), MemberId(10**6), REPORT)
    assert [wishes.unsubscribe(gone), wishes.unsubscribe(nobody)] == [True, True]
    with office.control_plane.reading() as db:
        assert db.query(LetterWishRow).count() == 0


def test_wish_is_erased_with_the_account(office: "Office", wishes: LetterWishes, mia: MemberScope) -> None:
    bo = office.member(BO)
    wishes.set(bo, REPORT, is_wanted=False)
    office.accounts.team.remove(mia, bo.member_id)
    with office.control_plane.reading() as db:
        assert db.query(LetterWishRow).count() == 0


def test_letters_are_no_tokens_matter(office: "Office", mia: MemberScope) -> None:
    """A token that administers reads the log; one that reads leads does not."""
    tokens = office.accounts.tokens
    reader, admin = (
        tokens.scope(tokens.make(mia, "Robot", [scope], 1)) for scope in (TokenScope.READ_LEADS, TokenScope.ADMINISTER)
    )
    assert raised(office.accounts.letters.page, reader) is NotAllowedError
    assert raised(office.accounts.letters.page, admin) is None
