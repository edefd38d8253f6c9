"""The audit log: everything privileged leaves its entry, and whoever changes an entry afterwards is found out."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, update

from firmly.accounts.audit import FIRST, PAGE, Action, AuditFilter, AuditLog, Chain, _digest, record
from firmly.accounts.dormant import DormantAccounts
from firmly.accounts.reports import AuditReports
from firmly.accounts.roles import Role, TokenScope
from firmly.accounts.rules import OrgRules
from firmly.accounts.scope import FIRMLY, OPERATOR, Actor, ActorKind, MemberScope, NotAllowedError, SignedIn
from firmly.accounts.tables import AuditEntryRow, MemberRow
from firmly.leads.company_data.facts import Fact
from firmly.leads.company_data.service import CompanyData, CompanyImport
from firmly.leads.feeds import FeedDraft, Feeds
from firmly.leads.record import RecordChange, each_alone
from firmly.leads.records import LeadRecords
from firmly.leads.scoring import Scoring, Scorings
from firmly.model import OrgId, WorkspaceId
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.overrides import Matcher, OverrideRule, read_rule
from firmly.warehouse.conditions import EVERYTHING
from tests.unit.accounts.conftest import PASSWORD, at_once, raised

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

MIA, BO, NEW = "mia@example.com", "bo@example.com", "another long phrase"
COLUMNS = [column.name for column in AuditEntryRow.__table__.columns if column.name != "id"]


@pytest.fixture
def log(office: "Office") -> AuditLog:
    """A log of twelve entries by three kinds of actors, in the first workspace; one of another beside it."""
    member = Actor(ActorKind.MEMBER, 7, "0a1b2c3d")
    actions = list(Action)
    with office.control_plane.session() as db:
        for number in range(11):
            actor = (member, OPERATOR, FIRMLY)[number % 3]
            office.clock.advance(minutes=7)
            detail = {"role": ["sales", "admin"], "days": number} if number % 2 else {}
            record(db, office.workspace_id, actor, actions[number], office.clock.now, f"site {number}", detail)
    office.other_workspace()
    return office.accounts.audit


@contextmanager
def changed(office: "Office", row_id: int, **values: object) -> Iterator[None]:
    """Change an entry behind the log's back, and put it back."""
    with office.control_plane.session() as db:
        row = db.get_one(AuditEntryRow, row_id)
        before = {key: getattr(row, key) for key in values}
        db.execute(update(AuditEntryRow).where(AuditEntryRow.id == row_id).values(**values))
    yield
    with office.control_plane.session() as db:
        db.execute(update(AuditEntryRow).where(AuditEntryRow.id == row_id).values(**before))


def entries(office: "Office", workspace_id: WorkspaceId | None = None) -> list[AuditEntryRow]:
    wanted = AuditEntryRow.workspace_id == (workspace_id or office.workspace_id)
    with office.control_plane.reading() as db:
        return list(db.scalars(select(AuditEntryRow).where(wanted).order_by(AuditEntryRow.number)))


def other_value(row: AuditEntryRow, column: str, other_workspace: int) -> object:
    """Return what a forger might write instead."""
    value = getattr(row, column)
    match column:
        case "workspace_id":
            return other_workspace
        case "number":
            return value + 100
        case "at":
            return value + timedelta(microseconds=1)
        case "actor_id":
            return 8 if value == 7 else 7
        case "actor":
            return "operator" if value == "member" else "member"
        case "action":
            return "audit_read"
        case "detail":
            return {**value, "days": 99}
        case "previous" | "digest":
            return "f" * 64
        case _:
            return f"{value} " if value else "x"


def test_log_that_nobody_touched_is_whole(office: "Office", log: AuditLog) -> None:
    kept = entries(office)
    assert log.verify(office.workspace_id) == Chain(12, kept[-1].digest, None)
    assert [row.number for row in kept] == list(range(1, 13))
    assert (kept[0].previous, [row.previous for row in kept[1:]]) == (FIRST, [row.digest for row in kept[:-1]])


def test_log_of_nothing_is_whole(office: "Office") -> None:
    assert office.accounts.audit.verify(WorkspaceId(10**6)) == Chain(0, FIRST, None)


def test_verify_finds_an_edit_of_any_column_of_any_entry(office: "Office", log: AuditLog) -> None:
    kept, other, pick = entries(office), int(office.workspace_id) + 1, random.Random(5)
    found, expected = [], []
    for column in COLUMNS:
        # The first keeps clear of the other workspace's first; the last leaves no gap: see the deletion at the end.
        targets = kept[1:-1] if column == "workspace_id" else kept
        for row in pick.sample(targets, 3):
            with changed(office, row.id, **{column: other_value(row, column, other)}):
                chain = log.verify(office.workspace_id)
            found.append((column, chain.broken_at, chain.entries, chain.head))
            expected.append((column, row.number, row.number - 1, row.previous))
    assert found == expected
    assert log.verify(office.workspace_id).broken_at is None


def test_verify_finds_what_is_missing_in_the_middle_or_at_the_front(office: "Office", log: AuditLog) -> None:
    kept = entries(office)
    for row in (kept[6], kept[0]):
        with office.control_plane.session() as db:
            db.execute(delete(AuditEntryRow).where(AuditEntryRow.id == row.id))
        assert log.verify(office.workspace_id).broken_at == row.number


def test_verify_finds_a_gap_that_was_closed_by_new_numbers(office: "Office", log: AuditLog) -> None:
    kept = entries(office)
    with office.control_plane.session() as db:
        db.execute(delete(AuditEntryRow).where(AuditEntryRow.id == kept[4].id))
        for row in kept[5:]:
            db.execute(update(AuditEntryRow).where(AuditEntryRow.id == row.id).values(number=row.number - 1))
    assert log.verify(office.workspace_id).broken_at == 5


def test_verify_finds_a_gap_at_the_end_that_was_computed_anew(office: "Office", log: AuditLog) -> None:
    """Whoever moves the last entry and its digest along has room for another: the numbers tell."""
    with office.control_plane.session() as db:
        last = db.scalars(select(AuditEntryRow).where(AuditEntryRow.number == 12)).one()
        last.number = 14
        last.digest = _digest(last)
    assert log.verify(office.workspace_id).broken_at == 12


def test_verify_finds_two_entries_that_changed_places(office: "Office", log: AuditLog) -> None:
    third, ninth = entries(office)[2], entries(office)[8]
    with office.control_plane.session() as db:
        for row, number in ((third, 1000), (ninth, 3), (third, 9)):
            db.execute(update(AuditEntryRow).where(AuditEntryRow.id == row.id).values(number=number))
    assert log.verify(office.workspace_id).broken_at == 3


def test_verify_finds_an_entry_that_was_put_in(office: "Office", log: AuditLog) -> None:
    """Also one that fits the entry before it: the next one does not fit it."""
    kept = entries(office)
    with office.control_plane.session() as db:
        db.execute(delete(AuditEntryRow).where(AuditEntryRow.number > 5))
        record(db, office.workspace_id, OPERATOR, Action.SITE_MADE, office.clock.now, "site made up")
        for row in kept[6:]:
            values = {column: getattr(row, column) for column in COLUMNS}
            db.add(AuditEntryRow(**values))
    assert log.verify(office.workspace_id) == Chain(6, entries(office)[5].digest, 7)


def test_verify_looks_at_one_workspace(office: "Office", log: AuditLog) -> None:
    other = WorkspaceId(int(office.workspace_id) + 1)
    with changed(office, entries(office, other)[0].id, object="forged"):
        assert (log.verify(office.workspace_id).broken_at, log.verify(other).broken_at) == (None, 1)


def test_deletion_at_the_end_shows_only_against_a_digest_that_left_the_house(office: "Office", log: AuditLog) -> None:
    """`verify` alone does not find it, nor a whole new chain: the report's digest is in no entry any more."""
    reported = log.verify(office.workspace_id)
    with office.control_plane.session() as db:
        db.execute(delete(AuditEntryRow).where(AuditEntryRow.number > 9))
    shortened = log.verify(office.workspace_id)
    assert shortened.broken_at is None
    assert (shortened.entries, reported.entries) == (9, 12)
    assert reported.head not in {row.digest for row in entries(office)}
    with office.control_plane.session() as db:
        for _ in range(5):
            record(db, office.workspace_id, OPERATOR, Action.SITE_MADE, office.clock.now)
    regrown = log.verify(office.workspace_id)
    assert (regrown.broken_at, regrown.entries) == (None, 14)
    assert reported.head not in {row.digest for row in entries(office)}


def test_digest_of_a_report_stays_in_the_log_as_it_grows(office: "Office", log: AuditLog) -> None:
    reported = log.verify(office.workspace_id)
    with office.control_plane.session() as db:
        record(db, office.workspace_id, OPERATOR, Action.SITE_MADE, office.clock.now)
    assert entries(office)[reported.entries - 1].digest == reported.head


def test_verify_what_was_logged_is_read_back_with_the_same_digest(office: "Office") -> None:
    """Both databases give back what was digested: other signs, nested values, long objects, the microsecond."""
    details: list[dict[str, Any]] = [
        {},
        {"name": ["Acme", 'Ä中😀"\\\n\x00']},
        {"z": 1, "a": {"y": None, "b": [True, 1.5, -0.0, 10**18]}},
        {"": ""},
    ]
    with office.control_plane.session() as db:
        for detail in details:
            office.clock.advance(microseconds=1)
            record(db, office.workspace_id, OPERATOR, Action.SITE_MADE, office.clock.now, "ä" * 500, detail)
    assert office.accounts.audit.verify(office.workspace_id) == Chain(5, entries(office)[-1].digest, None)
    assert [row.detail for row in entries(office)[1:]] == details


def test_record_in_a_transaction_that_fails_leaves_nothing(office: "Office") -> None:
    """And the number is given to the next entry: what did not happen leaves no gap."""

    def fail() -> None:
        with office.control_plane.session() as db:
            record(db, office.workspace_id, OPERATOR, Action.SITE_MADE, office.clock.now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    office.accounts.sites.create(office.site())
    assert office.actions() == ["workspace_made", "site_made"]
    assert office.accounts.audit.verify(office.workspace_id).broken_at is None


def test_record_from_several_threads_keeps_the_chain(office: "Office") -> None:
    mia, audit = office.member(MIA), office.accounts.audit

    def note() -> None:
        for _ in range(5):
            audit.note(mia, Action.LETTERS_READ)

    at_once(note, note, note, note)
    chain = audit.verify(office.workspace_id)
    assert (chain.broken_at, office.actions().count("letters_read")) == (None, 20)


class Scene:
    """Mia owns the workspace of an office; Bo is its privacy officer, in a workspace of his own too."""

    def __init__(self, office: "Office") -> None:
        self.office = office
        self.mia = office.member(MIA)
        self.bos = office.member(BO, workspace_id=office.other_workspace())
        office.place(BO, self.mia, Role.PRIVACY_OFFICER)
        self.accounts = office.accounts
        self.token = office.token(MIA)
        self.me: SignedIn = office.who(self.token)

    def enrolled(self) -> tuple[str, ...]:
        codes = self.office.enrol(MIA)
        self.office.clock.advance(minutes=1)
        return codes

    def confirmed(self) -> str:
        self.enrolled()
        done = self.accounts.sign_in.confirm(self.office.token(MIA), self.office.code(MIA))
        assert done is not None
        return done.token

    def rules(self) -> OrgRules:
        return OrgRules(self.office.control_plane, self.office.clock, LegalForms())

    def records(self) -> LeadRecords:
        return LeadRecords(self.office.control_plane, self.office.clock)

    def feeds(self) -> Feeds:
        return Feeds(self.office.control_plane, self.office.clock)

    def data(self) -> CompanyData:
        return CompanyData(self.office.control_plane, self.office.clock)

    def report(self) -> None:
        self.office.clock.advance(days=40)
        audit, wishes = self.accounts.audit, self.accounts.wishes
        reports = AuditReports(
            self.office.control_plane,
            audit,
            wishes,
            lambda _letter: None,
            self.office.clock,
            log_url="https://firmly.example/app/audit",
            unsubscribe_url=lambda secret: f"https://firmly.example/u/{secret}",
            title=str,
            checkpoints=lambda _workspace_id: (),
        )
        reports.send_due()


def own_rule() -> OverrideRule:
    return read_rule(Matcher.ORGANISATION, "00000000000000ff", {"is": "own_staff"})


def with_provider(scene: Scene) -> object:
    return scene.accounts.sign_in.with_provider("https://id.example 1", MIA)


def removed_rule(scene: Scene) -> object:
    rule_id = scene.rules().add(scene.mia, own_rule())
    return scene.rules().remove(scene.mia, rule_id)


def changed_lead(scene: Scene) -> object:
    return scene.records().change(scene.mia, each_alone([OrgId(1)]), RecordChange(add_tags=("tag",)))


FEED = FeedDraft("Everybody", EVERYTHING)


def changed_feed(scene: Scene) -> object:
    return scene.feeds().change(scene.mia, scene.feeds().add(scene.mia, FEED), replace(FEED, name="All"))


def removed_feed(scene: Scene) -> object:
    return scene.feeds().remove(scene.mia, scene.feeds().add(scene.mia, FEED))


def imported(scene: Scene) -> CompanyImport:
    upload = scene.data().upload(scene.mia, "x.csv", b"domain\nnokia.com")
    return scene.data().bring(scene.mia, upload, {Fact.DOMAIN: 0})


def undone(scene: Scene) -> object:
    return scene.data().undo(scene.mia, imported(scene).id)


def revoked_token(scene: Scene) -> None:
    scene.accounts.tokens.make(scene.mia, "Robot", [TokenScope.READ_LEADS], 1)
    (shown,) = scene.accounts.tokens.of(scene.mia)
    scene.accounts.tokens.revoke(scene.mia, shown.id)


def reactivated(scene: Scene) -> None:
    scene.accounts.workspaces.cancel(scene.mia)
    scene.accounts.workspaces.reactivate(scene.mia)


def changed_site(scene: Scene) -> None:
    site = scene.accounts.sites.add(scene.mia, scene.office.site())
    scene.accounts.sites.change(scene.mia, replace(site, name="Store"))


def accepted(scene: Scene) -> object:
    scene.office.member("al@example.com", workspace_id=scene.bos.workspace_id)
    secret = scene.office.invited(scene.mia, "al@example.com")
    return scene.accounts.team.accept(scene.office.signed_in("al@example.com"), secret)


def confirmed_first(scene: Scene) -> object:
    token, credentials = scene.token, scene.accounts.credentials
    scene.office._secrets[MIA] = credentials.begin_second_factor(scene.me).secret
    return credentials.confirm_second_factor(scene.me, token, scene.office.code(MIA))


def renewed_codes(scene: Scene) -> object:
    token = scene.confirmed()
    return scene.accounts.credentials.renew_recovery_codes(scene.office.who(token), token, PASSWORD)


def switched(scene: Scene) -> object:
    return scene.accounts.sign_in.switch(scene.office.token(BO), scene.mia.workspace_id)


def reset(scene: Scene) -> object:
    return scene.accounts.credentials.reset(scene.accounts.credentials.begin_reset(MIA) or "", NEW)


def renewed_invitation(scene: Scene) -> object:
    invited = scene.accounts.team.invite(scene.mia, "new@example.com", Role.VIEWER)
    return scene.accounts.team.renew(scene.mia, invited.id)


def revoked_invitation(scene: Scene) -> object:
    invited = scene.accounts.team.invite(scene.mia, "new@example.com", Role.VIEWER)
    return scene.accounts.team.revoke(scene.mia, invited.id)


def joined(scene: Scene) -> object:
    return scene.accounts.team.join(scene.office.invited(scene.mia, "new@example.com"), "New Smith", PASSWORD)


def left(scene: Scene) -> None:
    scene.accounts.team.leave(scene.office.scope_in(BO, scene.mia.workspace_id))


def use_recovery_code(scene: Scene) -> object:
    code = scene.enrolled()[0]
    return scene.accounts.sign_in.confirm(scene.office.token(MIA), code)


def expired(scene: Scene) -> object:
    scene.office.member("al@example.com", Role.VIEWER)
    dormant = DormantAccounts(
        scene.office.control_plane, lambda _letter: None, scene.office.clock, sign_in_url="https://firmly.example/"
    )
    done = []
    for days in (800, 40):
        scene.office.clock.advance(days=days)
        with scene.office.control_plane.session() as db:
            used = update(MemberRow).where(MemberRow.email != "al@example.com")
            db.execute(used.values(last_seen_on=scene.office.clock.now.date()))
        done.append(dormant.look())
    return done


Act = Callable[[Scene], object]
PRIVILEGED: dict[str, tuple[Action, ActorKind, Act]] = {
    "sign in": (Action.SIGNED_IN, ActorKind.MEMBER, lambda s: s.office.token(MIA)),
    "sign in by a provider": (Action.SIGNED_IN, ActorKind.MEMBER, with_provider),
    "sign in by a code": (Action.SIGNED_IN, ActorKind.MEMBER, lambda s: s.confirmed()),
    "sign in by a recovery code": (Action.RECOVERY_CODE_USED, ActorKind.MEMBER, use_recovery_code),
    "switch": (Action.SIGNED_IN, ActorKind.MEMBER, switched),
    "end a session": (Action.SESSIONS_ENDED, ActorKind.MEMBER, lambda s: s.accounts.sign_in.end(s.me, s.me.session)),
    "change the password": (
        Action.PASSWORD_CHANGED,
        ActorKind.MEMBER,
        lambda s: s.accounts.credentials.change_password(s.me, s.token, PASSWORD, NEW),
    ),
    "reset the password": (Action.PASSWORD_CHANGED, ActorKind.MEMBER, reset),
    "reset by the operator": (
        Action.PASSWORD_CHANGED,
        ActorKind.OPERATOR,
        lambda s: s.accounts.credentials.reset_by_operator(MIA, NEW),
    ),
    "second factor on": (Action.SECOND_FACTOR_ON, ActorKind.MEMBER, confirmed_first),
    "renew recovery codes": (Action.RECOVERY_CODES_RENEWED, ActorKind.MEMBER, renewed_codes),
    "second factor off": (
        Action.SECOND_FACTOR_OFF,
        ActorKind.MEMBER,
        lambda s: s.accounts.credentials.remove_second_factor(s.me, s.token, PASSWORD),
    ),
    "second factor off by the operator": (
        Action.SECOND_FACTOR_OFF,
        ActorKind.OPERATOR,
        lambda s: s.accounts.credentials.remove_second_factor_by_operator(MIA),
    ),
    "change the workspace": (
        Action.WORKSPACE_CHANGED,
        ActorKind.MEMBER,
        lambda s: s.accounts.workspaces.change(s.mia, replace(s.accounts.workspaces.of(s.mia), name="Renamed")),
    ),
    "cancel": (Action.WORKSPACE_CANCELLED, ActorKind.MEMBER, lambda s: s.accounts.workspaces.cancel(s.mia)),
    "reactivate": (Action.WORKSPACE_REACTIVATED, ActorKind.MEMBER, reactivated),
    "read the members": (Action.MEMBERS_READ, ActorKind.MEMBER, lambda s: s.accounts.team.members(s.mia)),
    "add a member": (
        Action.MEMBER_ADDED,
        ActorKind.OPERATOR,
        lambda s: s.accounts.add_member(s.mia.workspace_id, "new@example.com", "New", Role.VIEWER, PASSWORD),
    ),
    "invite": (Action.MEMBER_INVITED, ActorKind.MEMBER, lambda s: s.office.invited(s.mia, "new@example.com")),
    "invite again": (Action.MEMBER_INVITED, ActorKind.MEMBER, renewed_invitation),
    "take an invitation back": (Action.INVITATION_REVOKED, ActorKind.MEMBER, revoked_invitation),
    "join": (Action.INVITATION_ACCEPTED, ActorKind.MEMBER, joined),
    "accept": (Action.INVITATION_ACCEPTED, ActorKind.MEMBER, accepted),
    "change a role": (
        Action.ROLE_CHANGED,
        ActorKind.MEMBER,
        lambda s: s.accounts.team.change_role(s.mia, s.bos.member_id, Role.VIEWER),
    ),
    "remove": (Action.MEMBER_REMOVED, ActorKind.MEMBER, lambda s: s.accounts.team.remove(s.mia, s.bos.member_id)),
    "leave": (Action.MEMBER_REMOVED, ActorKind.MEMBER, left),
    "make a site": (Action.SITE_MADE, ActorKind.MEMBER, lambda s: s.accounts.sites.add(s.mia, s.office.site())),
    "make a site by the operator": (
        Action.SITE_MADE,
        ActorKind.OPERATOR,
        lambda s: s.accounts.sites.create(s.office.site()),
    ),
    "change a site": (Action.SITE_CHANGED, ActorKind.MEMBER, changed_site),
    "add a correction": (Action.CORRECTION_ADDED, ActorKind.MEMBER, lambda s: s.rules().add(s.mia, own_rule())),
    "remove a correction": (Action.CORRECTION_REMOVED, ActorKind.MEMBER, removed_rule),
    "make a token": (
        Action.TOKEN_MADE,
        ActorKind.MEMBER,
        lambda s: s.accounts.tokens.make(s.mia, "Robot", [TokenScope.READ_LEADS], 1),
    ),
    "revoke a token": (Action.TOKEN_REVOKED, ActorKind.MEMBER, revoked_token),
    "read the log": (Action.AUDIT_READ, ActorKind.MEMBER, lambda s: s.accounts.audit.page(s.mia)),
    "export leads": (
        Action.LEADS_EXPORTED,
        ActorKind.MEMBER,
        lambda s: s.accounts.audit.note(s.mia, Action.LEADS_EXPORTED),
    ),
    "keep a feed": (Action.FEED_ADDED, ActorKind.MEMBER, lambda s: s.feeds().add(s.mia, FEED)),
    "change a feed": (Action.FEED_CHANGED, ActorKind.MEMBER, changed_feed),
    "remove a feed": (Action.FEED_REMOVED, ActorKind.MEMBER, removed_feed),
    "change the score": (
        Action.SCORING_CHANGED,
        ActorKind.MEMBER,
        lambda s: Scorings(s.office.control_plane, s.office.clock).change(s.mia, Scoring()),
    ),
    "restrict a member": (
        Action.MEMBER_RESTRICTED,
        ActorKind.MEMBER,
        lambda s: s.accounts.team.restrict(s.mia, s.office.member("vi@example.com", Role.VIEWER).member_id, [1]),
    ),
    "export the overview": (
        Action.OVERVIEW_EXPORTED,
        ActorKind.MEMBER,
        lambda s: s.accounts.audit.note(s.mia, Action.OVERVIEW_EXPORTED),
    ),
    "change leads": (Action.LEADS_CHANGED, ActorKind.MEMBER, changed_lead),
    "write a note": (Action.LEADS_CHANGED, ActorKind.MEMBER, lambda s: s.records().add_note(s.mia, OrgId(1), "text")),
    "import company data": (Action.COMPANY_DATA_IMPORTED, ActorKind.MEMBER, imported),
    "undo an import": (Action.COMPANY_DATA_UNDONE, ActorKind.MEMBER, undone),
    "delete company data": (Action.COMPANY_DATA_DELETED, ActorKind.MEMBER, lambda s: s.data().delete_all(s.mia)),
    "export visits": (
        Action.VISITS_EXPORTED,
        ActorKind.MEMBER,
        lambda s: s.accounts.audit.note(s.mia, Action.VISITS_EXPORTED),
    ),
    "export the log": (Action.AUDIT_EXPORTED, ActorKind.MEMBER, lambda s: s.accounts.audit.export(s.mia)),
    "read the disclosures": (Action.DISCLOSURES_READ, ActorKind.MEMBER, lambda s: s.accounts.disclosures.of(s.mia)),
    "add a disclosure": (
        Action.DISCLOSURE_ADDED,
        ActorKind.MEMBER,
        lambda s: s.accounts.disclosures.add(s.mia, date(2026, 2, 1), "The police", "§ 1", "Nothing"),
    ),
    "erase an unused account": (Action.ACCOUNT_EXPIRED, ActorKind.FIRMLY, expired),
    "give a place": (
        Action.MEMBER_ADDED,
        ActorKind.OPERATOR,
        lambda s: (
            s.office.member("al@example.com", workspace_id=s.bos.workspace_id)
            and s.accounts.add_place(s.mia.workspace_id, "al@example.com", Role.VIEWER)
        ),
    ),
    "read the letters": (Action.LETTERS_READ, ActorKind.MEMBER, lambda s: s.accounts.letters.page(s.mia)),
    "report": (Action.REPORT_SENT, ActorKind.FIRMLY, lambda s: s.report()),
}


def test_privileged_every_action_is_exercised() -> None:
    elsewhere = {Action.WORKSPACE_MADE, Action.PROVIDER_TIED}  # Below, and in test_sign_in.
    assert {action for action, _, _ in PRIVILEGED.values()} | elsewhere == set(Action)


def test_workspace_begins_with_who_made_it(office: "Office") -> None:
    (first,) = entries(office)
    assert (first.action, first.actor, first.actor_id) == ("workspace_made", "operator", None)


@pytest.mark.parametrize("control_plane", ["sqlite"], indirect=True)  # The table is long; entries are as entries are.
@pytest.mark.parametrize(("action", "actor", "act"), PRIVILEGED.values(), ids=PRIVILEGED.keys())
def test_privileged_leaves_its_entry_by_its_actor_and_no_secret(
    office: "Office", action: Action, actor: ActorKind, act: Act
) -> None:
    scene = Scene(office)
    before, elsewhere = len(entries(office)), office.actions(scene.bos.workspace_id)
    act(scene)
    last = entries(office)[-1]
    assert (last.action, last.actor, len(entries(office)) > before) == (action, actor, True)
    assert (last.actor_id is not None, bool(last.session)) == (actor is ActorKind.MEMBER,) * 2 or action in NO_SESSION
    said = json.dumps([last.object, last.detail])
    assert not any(word in said for word in ("@", "Smith", PASSWORD, NEW))
    # Al comes out of Bo's workspace; a report is written for each.
    others = {"signed_in", "member_added", "report_sent" if action is Action.REPORT_SENT else ""}
    assert set(office.actions(scene.bos.workspace_id)[len(elsewhere) :]) <= others
    assert office.accounts.audit.verify(office.workspace_id).broken_at is None


NO_SESSION = {Action.PASSWORD_CHANGED, Action.INVITATION_ACCEPTED}
"""Done by a link of a mail, before there is a session."""


def test_page_is_newest_first_in_parts_and_each_is_logged(office: "Office") -> None:
    mia, audit = office.member(MIA), office.accounts.audit
    for _ in range(PAGE):
        audit.note(mia, Action.MEMBERS_READ)
    first = audit.page(mia)
    second = audit.page(mia, before=first[-1].number)
    numbers = [entry.number for entry in first + second]
    assert (len(first), first[0].action) == (PAGE, Action.AUDIT_READ)
    assert numbers == list(range(PAGE + 4, 0, -1))
    assert audit.page(mia, before=1) == ()
    assert [entry.number for entry in audit.page(mia, before=10, limit=2)] == [9, 8]
    assert office.actions().count("audit_read") == 4


def test_page_names_who_did_it_today_and_their_number_later(office: "Office") -> None:
    mia, bo = office.member(MIA), office.member(BO)
    office.accounts.sites.add(bo, office.site())
    made = AuditFilter(action=Action.SITE_MADE)
    (before,) = office.accounts.audit.page(mia, made)
    office.accounts.team.remove(mia, bo.member_id)
    (after,) = office.accounts.audit.page(mia, made)
    assert (before.actor_name, before.actor_id, before.session) == ("Mia Smith", bo.member_id, bo.actor.session)
    assert after == replace(before, actor_name=None)


def test_filter_narrows_by_action_member_and_time(office: "Office") -> None:
    mia, bo = office.member(MIA), office.member(BO)
    start = office.clock.now
    for scope in (mia, bo, mia):
        office.clock.advance(hours=1)
        office.accounts.audit.note(scope, Action.MEMBERS_READ)
    token = office.accounts.tokens.scope(office.accounts.tokens.make(mia, "Robot", [TokenScope.ADMINISTER], 1))
    assert token is not None
    office.accounts.audit.note(token, Action.MEMBERS_READ)  # The token's number is the same as Mia's.
    assert token.actor.id == mia.member_id

    def hours(**wanted: Any) -> list[float]:
        asked = AuditFilter(**({"action": Action.MEMBERS_READ} | wanted))
        found = office.accounts.audit.page(mia, asked)
        assert list(office.accounts.audit.export(mia, asked)) == list(found)
        return [(entry.at - start).total_seconds() / 3600 for entry in found]

    two = start + timedelta(hours=2)
    assert hours() == [3, 3, 2, 1]
    assert hours(member_id=mia.member_id) == [3, 1]
    assert hours(member_id=bo.member_id, action=None)[0] == 2
    assert hours(since=two) == [3, 3, 2]
    assert hours(until=two) == [1]
    assert hours(since=two, until=two) == []
    assert hours(action=Action.SITE_MADE) == []


def test_export_gives_everything_newest_first_and_itself(office: "Office") -> None:
    """In parts of a thousand, which nobody sees."""
    mia, audit = office.member(MIA), office.accounts.audit
    last = entries(office)[-1]
    with office.control_plane.session() as db:
        for number in range(4, 1004):
            values = {column: getattr(last, column) for column in COLUMNS}
            last = AuditEntryRow(**values | {"number": number, "previous": last.digest})
            last.digest = _digest(last)
            db.add(last)
    exported = list(audit.export(mia))
    assert [entry.number for entry in exported] == list(range(1004, 0, -1))
    assert exported[0].action is Action.AUDIT_EXPORTED
    assert audit.chain(mia) == Chain(1004, exported[0].digest, None)


def test_export_is_logged_although_nobody_reads_on(office: "Office") -> None:
    office.accounts.audit.export(office.member(MIA))
    assert office.actions()[-1] == "audit_exported"


def test_counts_are_of_the_range_and_the_workspace(office: "Office") -> None:
    mia, bo = office.member(MIA), office.member(BO, workspace_id=office.other_workspace())
    since = office.clock.now + timedelta(hours=1)
    for scope in (mia, mia, bo):
        office.clock.advance(hours=1)
        office.accounts.audit.note(scope, Action.LETTERS_READ)
    until = office.clock.now
    assert office.accounts.audit.counts(mia, since, until) == {Action.LETTERS_READ: 2}
    assert office.accounts.audit.counts(bo, since, until) == {}


def test_log_is_read_by_who_may_and_of_the_own_workspace(office: "Office") -> None:
    mia, bo = office.member(MIA), office.member(BO, workspace_id=office.other_workspace())
    audit = office.accounts.audit
    lesser: list[MemberScope] = [office.member(f"{role}@example.com", role) for role in (Role.SALES, Role.VIEWER)]
    officer = office.member("officer@example.com", Role.PRIVACY_OFFICER)
    for scope in lesser:
        assert raised(audit.page, scope) is raised(audit.export, scope) is raised(audit.chain, scope) is NotAllowedError
    before = office.actions()
    audit.note(bo, Action.LETTERS_READ)
    mine = audit.page(officer)
    assert {entry.digest for entry in mine} == {row.digest for row in entries(office)}
    assert not {entry.digest for entry in audit.export(bo)} & {entry.digest for entry in mine}
    assert office.actions() == [*before, "audit_read"]
    assert audit.page(mia, AuditFilter(member_id=bo.member_id)) == ()
