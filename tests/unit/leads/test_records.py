"""What teams say of leads: kept, merged, hidden, told again; on both databases."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from firmly.accounts.members import delete_membership, find_membership
from firmly.accounts.roles import Role, TokenScope
from firmly.accounts.scope import ActorKind, MemberScope, NotAllowedError, Scope
from firmly.leads.record import (
    MAX_NOTE,
    MAX_TAGS,
    NOBODY,
    NOTHING_SAID,
    LeadChange,
    LeadRecord,
    LeadStatus,
    NoteId,
    Owner,
    RecordChange,
    Said,
    TagUse,
    each_alone,
    folded,
)
from firmly.model import InvalidInputError, MemberId, OrgId
from tests.examples import examples
from tests.unit.leads.desk import Desk, NewDesk

ONE, TWO, LAST = OrgId(1), OrgId(0x0A), OrgId(2**64 - 1)
"""Ids without a sign: the last fits no whole number of either database."""


def of_one(desk: Desk, scope: Scope, org_id: OrgId = ONE) -> LeadRecord:
    return desk.records.of(scope, each_alone([org_id]))[org_id]


def say(desk: Desk, scope: Scope, *org_ids: OrgId, **change: Any) -> int:
    return desk.records.change(scope, each_alone(org_ids or [ONE]), RecordChange(**change))


def expected_of(call: Callable[[], object]) -> str:
    """Return what was expected instead, of what is refused."""
    with pytest.raises(InvalidInputError) as error:
        call()
    return error.value.problems[0].expected


def test_lead_of_which_nothing_is_said_is_new(desk: Desk) -> None:
    assert desk.records.of(desk.member("Mia"), each_alone([ONE, LAST])) == {ONE: NOTHING_SAID, LAST: NOTHING_SAID}


def test_record_holds_what_was_said_last(desk: Desk) -> None:
    mia = desk.member("Mia")
    say(desk, mia, LAST, status=LeadStatus.CONTACTED, owner=mia.member_id, add_tags=("Fair 2026", "big"))
    desk.wait(minutes=1)
    say(desk, mia, LAST, status=LeadStatus.QUALIFIED, remove_tags=("BIG",), hidden_for_all=True)
    desk.records.add_note(mia, LAST, "Asks for prices\r\nin spring")
    assert desk.records.of(mia, each_alone([LAST, ONE])) == {
        LAST: LeadRecord(
            LeadStatus.QUALIFIED, Owner(mia.member_id, "Mia"), ("Fair 2026",), hidden_for_all=True, notes=1
        ),
        ONE: NOTHING_SAID,
    }


def test_owner_and_tags_are_taken_off_again(desk: Desk) -> None:
    mia = desk.member("Mia")
    say(desk, mia, owner=mia.member_id, add_tags=("a",))
    say(desk, mia, owner=NOBODY, remove_tags=("A",))
    assert of_one(desk, mia) == NOTHING_SAID
    assert desk.records.tags_of(mia) == ()


def test_all_tags_are_said_at_once(desk: Desk) -> None:
    mia = desk.member("Mia")
    say(desk, mia, TWO, add_tags=("kept", "gone"))
    say(desk, mia, ONE, add_tags=("b",))
    groups = {ONE: (ONE, TWO)}
    assert desk.records.change(mia, groups, RecordChange(tags=("KEPT", "new"))) == 1
    assert desk.records.of(mia, groups)[ONE].tags == ("kept", "new")
    assert desk.records.change(mia, groups, RecordChange(tags=("new", "Kept"))) == 0
    assert desk.records.change(mia, groups, RecordChange(tags=())) == 1
    assert desk.records.tags_of(mia) == ()
    assert [(one.before, one.after) for one in desk.records.history(mia, [ONE])] == [
        ("kept, new", ""),
        ("b, gone", "new"),
        ("", "b"),
    ]


def test_hidden_for_me_is_hidden_for_nobody_else(desk: Desk) -> None:
    mia, bo = desk.member("Mia"), desk.member("Bo")
    assert say(desk, mia, hidden_for_me=True) == 1
    assert say(desk, mia, hidden_for_me=True) == 0
    assert (of_one(desk, mia).hidden_for_me, of_one(desk, bo).is_hidden) == (True, False)
    assert desk.records.hidden_ids(mia) == {ONE}
    assert desk.records.hidden_ids(bo) == set()
    assert desk.records.history(mia, [ONE]) == ()
    say(desk, bo, hidden_for_all=True)
    assert desk.records.hidden_ids(bo) == {ONE}
    say(desk, mia, hidden_for_me=False, hidden_for_all=False)
    assert desk.records.hidden_ids(mia) == desk.records.hidden_ids(bo) == set()


def test_merged_leads_have_the_newest_word_and_all_tags(desk: Desk) -> None:
    mia, bo = desk.member("Mia"), desk.member("Bo")
    say(desk, mia, TWO, status=LeadStatus.CUSTOMER, owner=bo.member_id, add_tags=("x", "Same"), hidden_for_me=True)
    desk.wait(minutes=1)
    say(desk, mia, ONE, status=LeadStatus.CONTACTED, add_tags=("y", "same"), hidden_for_all=True)
    desk.records.add_note(mia, TWO, "one")
    desk.records.add_note(mia, ONE, "two")
    groups = {ONE: [ONE, TWO]}
    merged = desk.records.of(mia, groups)[ONE]
    assert replace(merged, tags=()) == LeadRecord(
        LeadStatus.CONTACTED, Owner(bo.member_id, "Bo"), hidden_for_me=True, hidden_for_all=True, notes=2
    )
    assert [folded(tag) for tag in merged.tags] == ["same", "x", "y"]

    desk.wait(minutes=1)
    change = RecordChange(owner=NOBODY, remove_tags=("x",), hidden_for_me=False, hidden_for_all=False)
    assert desk.records.change(mia, groups, change) == 1
    merged = desk.records.of(mia, groups)[ONE]
    assert (merged.owner, merged.is_hidden, [folded(tag) for tag in merged.tags]) == (None, False, ["same", "y"])
    # Taken apart again, who had said something alone keeps what was not taken back.
    assert of_one(desk, mia, TWO).status == LeadStatus.CUSTOMER
    assert of_one(desk, mia, TWO).owner == Owner(bo.member_id, "Bo")


def test_owner_who_leaves_the_workspace_owns_nothing_there(desk: Desk, new_desk: NewDesk) -> None:
    """Also where their account goes on elsewhere; and what they had hidden for themselves is gone."""
    mia, bo = desk.member("Mia", Role.OWNER), desk.member("Bo")
    elsewhere = new_desk()
    secret = elsewhere.accounts.team.invite(elsewhere.member("Una", Role.OWNER), desk.email("Bo"), Role.SALES).secret
    signed_in = desk.accounts.sign_in.signed_in(
        desk.accounts.sign_in.with_password(desk.email("Bo"), "a long enough phrase") or ""
    )
    assert signed_in is not None
    assert elsewhere.accounts.team.accept(signed_in, secret) == elsewhere.workspace_id
    say(desk, mia, owner=bo.member_id, status=LeadStatus.WATCHING)
    say(desk, bo, hidden_for_me=True)
    with desk.control_plane.session() as db:
        place = find_membership(db, desk.workspace_id, bo.member_id)
        assert place is not None
        delete_membership(db, place)
    assert of_one(desk, mia) == LeadRecord(LeadStatus.WATCHING)
    assert desk.records.owners(mia) == (Owner(mia.member_id, "Mia"),)
    assert "Bo" in [change.after for change in desk.records.history(mia, [ONE])]


def test_history_tells_who_changed_what(desk: Desk) -> None:
    mia, bo = desk.member("Mia", Role.OWNER), desk.member("Bo")
    program = desk.token(mia, TokenScope.READ_LEADS, TokenScope.WRITE_LEADS)
    say(desk, mia, status=LeadStatus.CONTACTED)
    desk.wait(minutes=1)
    say(desk, bo, owner=bo.member_id, add_tags=("b", "a"))
    desk.wait(minutes=1)
    say(desk, program, remove_tags=("A",), hidden_for_all=True, status=LeadStatus.CONTACTED)
    number = program.actor.id
    told = [
        (each.actor, each.actor_id, each.actor_name, each.what, each.before, each.after)
        for each in desk.records.history(mia, [ONE])
    ]
    by_mia, by_bo = (ActorKind.MEMBER, mia.member_id, "Mia"), (ActorKind.MEMBER, bo.member_id, "Bo")
    assert sorted(told, key=str) == sorted(
        [
            (*by_mia, Said.STATUS, "new", "contacted"),
            (*by_bo, Said.OWNER, "", "Bo"),
            (*by_bo, Said.TAGS, "", "b, a"),
            (ActorKind.TOKEN, number, None, Said.TAGS, "a", ""),
            (ActorKind.TOKEN, number, None, Said.HIDDEN, "shown", "hidden"),
        ],
        key=str,
    )
    assert [each.at for each in desk.records.history(mia, [ONE])] == sorted(
        (each.at for each in desk.records.history(mia, [ONE])), reverse=True
    )
    assert isinstance(desk.records.history(mia, [ONE])[0], LeadChange)


def test_bulk_change_is_whole_and_counted_once_in_the_audit_log(desk: Desk) -> None:
    mia = desk.member("Mia")
    many = [OrgId(number) for number in range(1, 1001)]
    assert say(desk, mia, *many[:10], add_tags=("fair",)) == 10
    assert say(desk, mia, *many, add_tags=("fair",), status=LeadStatus.WATCHING) == 1000
    assert say(desk, mia, *many, status=LeadStatus.WATCHING) == 0
    assert desk.audited() == [("leads_changed", "", {"leads": 10}), ("leads_changed", "", {"leads": 1000})]
    assert desk.records.tags_of(mia) == (TagUse("fair", 1000),)
    assert expected_of(lambda: say(desk, mia, *many, OrgId(5000), add_tags=("x",))) == "at most 1000 companies at once"


def test_change_that_is_refused_for_one_lead_changes_none(desk: Desk) -> None:
    mia = desk.member("Mia")
    say(desk, mia, ONE, add_tags=tuple(f"tag {number}" for number in range(MAX_TAGS)))
    before = desk.records.history(mia, [ONE, TWO])
    assert expected_of(lambda: say(desk, mia, TWO, ONE, add_tags=("more",))) == "at most 20 of a lead"
    assert of_one(desk, mia, TWO) == NOTHING_SAID
    assert desk.records.history(mia, [ONE, TWO]) == before
    assert say(desk, mia, ONE, add_tags=("more", "TAG 3"), remove_tags=("tag 0",)) == 1
    assert len(of_one(desk, mia).tags) == MAX_TAGS


REFUSED = [
    ({"add_tags": ("",)}, "one line of 1 to 40 characters"),
    ({"add_tags": ("x" * 41,)}, "one line of 1 to 40 characters"),
    ({"add_tags": ("two\nlines",)}, "one line of 1 to 40 characters"),
    ({"add_tags": ("\x00",)}, "one line of 1 to 40 characters"),
    ({"add_tags": ("\ufdfa" * 40,)}, "one line of 1 to 40 characters"),
    ({"add_tags": ("\ud800",)}, "one line of 1 to 40 characters"),
    ({"remove_tags": ("",)}, "one line of 1 to 40 characters"),
    ({"add_tags": tuple(map(str, range(21)))}, "at most 20 of a lead"),
    ({"owner": MemberId(2**31 - 1)}, "a member of this workspace"),
]


@pytest.mark.parametrize(("change", "expected"), REFUSED, ids=[str(row[0])[:40] for row in REFUSED])
def test_what_cannot_be_said_is_refused(desk: Desk, change: dict[str, Any], expected: str) -> None:
    mia = desk.member("Mia")
    assert expected_of(lambda: say(desk, mia, **change)) == expected
    assert of_one(desk, mia) == NOTHING_SAID


def test_member_of_another_workspace_is_no_owner(desk: Desk, new_desk: NewDesk) -> None:
    stranger = new_desk().member("Sid")
    assert expected_of(lambda: say(desk, desk.member("Mia"), owner=stranger.member_id)) == "a member of this workspace"


def test_program_hides_nothing_for_itself(desk: Desk) -> None:
    program = desk.token(desk.member("Mia", Role.OWNER), TokenScope.WRITE_LEADS)
    assert expected_of(lambda: say(desk, program, hidden_for_me=True)) == "a member who hides it for themselves"


def test_notes_are_told_newest_first_and_removed_by_who_may(desk: Desk) -> None:
    owner, mia, bo = desk.member("Owner", Role.OWNER), desk.member("Mia"), desk.member("Bo")
    program = desk.token(owner, TokenScope.READ_LEADS, TokenScope.WRITE_LEADS)
    other = desk.token(owner, TokenScope.READ_LEADS, TokenScope.WRITE_LEADS)
    first = desk.records.add_note(mia, ONE, "  first ")
    desk.wait(minutes=1)
    second = desk.records.add_note(program, TWO, "second")
    groups = [ONE, TWO]
    assert [(note.id, note.text, note.author, note.token) for note in desk.records.notes(mia, groups)] == [
        (second, "second", None, program.actor.id),
        (first, "first", "Mia", None),
    ]
    who: dict[str, Scope] = {"owner": owner, "mia": mia, "bo": bo, "program": program, "other": other}
    may = {name: [note.may_remove for note in desk.records.notes(scope, groups)] for name, scope in who.items()}
    assert may == {
        "owner": [True, True],
        "mia": [False, True],
        "bo": [False, False],
        "program": [True, False],
        "other": [False, False],
    }
    for scope, note in ((bo, first), (mia, second), (other, second), (program, first)):
        with pytest.raises(NotAllowedError):
            desk.records.remove_note(scope, groups, note)
    assert desk.records.remove_note(mia, [TWO], first) is False  # It is about another company.
    assert desk.records.remove_note(mia, groups, first) is True
    assert desk.records.remove_note(mia, groups, first) is False
    assert desk.records.remove_note(program, groups, second) is True
    assert desk.records.notes(mia, groups) == ()
    assert [(each.what, each.before, each.after) for each in desk.records.history(mia, groups)] == [
        (Said.NOTE, "note", ""),
        (Said.NOTE, "note", ""),
        (Said.NOTE, "", "note"),
        (Said.NOTE, "", "note"),
    ]
    assert desk.audited() == [("leads_changed", "", {"leads": 1})] * 4


@pytest.mark.parametrize("text", ["", " \n\t", "x" * (MAX_NOTE + 1), "a\x00b", "\x1b[0m", "\ud800"])
def test_note_that_is_none_is_refused_without_its_text(desk: Desk, text: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        desk.records.add_note(desk.member("Mia"), ONE, text)
    assert error.value.problems[0].value == "(withheld)"


def test_every_call_takes_its_right(desk: Desk) -> None:
    owner = desk.member("Owner", Role.OWNER)
    note = desk.records.add_note(owner, ONE, "text")
    records = desk.records
    reading: list[Callable[[Scope], object]] = [
        lambda scope: records.of(scope, each_alone([ONE])),
        lambda scope: records.notes(scope, [ONE]),
        lambda scope: records.history(scope, [ONE]),
        lambda scope: records.ids_with(scope, "tag", ["a"]),
        lambda scope: records.ids_with(scope, "status", ["customer"]),
        lambda scope: records.ids_with_any(scope, "owner"),
        lambda scope: records.ids_with_any(scope, "note"),
        records.hidden_ids,
        records.tags_of,
        records.owners,
    ]
    writing: list[Callable[[Scope], object]] = [
        lambda scope: records.change(scope, each_alone([ONE]), RecordChange(status=LeadStatus.CUSTOMER)),
        lambda scope: records.add_note(scope, ONE, "text"),
        lambda scope: records.remove_note(scope, [ONE], note),
    ]
    viewer, officer = desk.member("Vi", Role.VIEWER), desk.member("Po", Role.PRIVACY_OFFICER)
    consent = desk.token(owner, TokenScope.READ_CONSENT)
    for call in reading:
        call(viewer)
        with pytest.raises(NotAllowedError):
            call(consent)
    for call in writing:
        for scope in (viewer, officer, consent, desk.token(owner, TokenScope.READ_LEADS)):
            with pytest.raises(NotAllowedError):
                call(scope)
    assert (of_one(desk, owner).status, of_one(desk, owner).notes) == (LeadStatus.NEW, 1)


def test_workspaces_are_sealed_from_each_other(desk: Desk, new_desk: NewDesk) -> None:
    mia, other = desk.member("Mia", Role.OWNER), new_desk()
    una = other.member("Una", Role.OWNER)
    say(desk, mia, status=LeadStatus.CUSTOMER, owner=mia.member_id, add_tags=("ours",), hidden_for_all=True)
    say(desk, mia, hidden_for_me=True)
    note = desk.records.add_note(mia, ONE, "ours")
    before = (of_one(desk, mia), desk.records.history(mia, [ONE]), desk.records.notes(mia, [ONE]))

    assert of_one(other, una) == NOTHING_SAID
    assert (other.records.notes(una, [ONE]), other.records.history(una, [ONE])) == ((), ())
    assert other.records.tags_of(una) == ()
    assert other.records.owners(una) == (Owner(una.member_id, "Una"),)
    found = [other.records.hidden_ids(una)]
    found += [other.records.ids_with_any(una, field) for field in ("tag", "note", "status", "owner")]
    found += [other.records.ids_with(una, "tag", ["ours"]), other.records.ids_with(una, "status", ["customer"])]
    found.append(other.records.ids_with(una, "owner", [str(mia.member_id)]))
    assert found == [frozenset()] * 8
    assert other.records.remove_note(una, [ONE], note) is False
    say(other, una, remove_tags=("ours",), hidden_for_all=False, hidden_for_me=False, owner=NOBODY)
    say(other, una, status=LeadStatus.NOT_RELEVANT, add_tags=("ours", "other"), hidden_for_all=True, hidden_for_me=True)
    say(other, una, remove_tags=("ours",), hidden_for_all=False, hidden_for_me=False)
    say(other, una, tags=())
    assert (of_one(desk, mia), desk.records.history(mia, [ONE]), desk.records.notes(mia, [ONE])) == before


def test_restricted_member_learns_no_counts_of_tags(desk: Desk) -> None:
    mia = desk.member("Mia")
    say(desk, mia, ONE, TWO, add_tags=("often",))
    say(desk, mia, ONE, add_tags=("Once",))
    assert desk.records.tags_of(mia) == (TagUse("often", 2), TagUse("Once", 1))
    restricted = replace_rights(desk, "Fi")
    assert desk.records.tags_of(restricted) == ()


def replace_rights(desk: Desk, name: str) -> MemberScope:
    """Return a member restricted to a feed who may read: what such a scope will be."""
    restricted, whole = desk.restricted(name), desk.member("Whole")
    object.__setattr__(restricted, "rights", whole.rights)
    return restricted


def test_ids_are_found_by_what_is_said_of_them(desk: Desk) -> None:
    mia, bo = desk.member("Mia"), desk.member("Bo")
    say(desk, mia, ONE, status=LeadStatus.CUSTOMER, owner=mia.member_id, add_tags=("Straße",))
    say(desk, mia, TWO, status=LeadStatus.WATCHING, owner=bo.member_id, add_tags=("other",))
    say(desk, mia, LAST, status=LeadStatus.WATCHING, owner=bo.member_id)
    say(desk, mia, LAST, status=LeadStatus.NEW, owner=NOBODY)
    desk.records.add_note(mia, LAST, "text")
    ids_with, any_of = desk.records.ids_with, desk.records.ids_with_any
    assert ids_with(mia, "status", ["CUSTOMER", "watching"]) == {ONE, TWO}
    assert ids_with(mia, "status", ["new"]) == set()
    assert ids_with(mia, "tag", ["STRASSE"]) == {ONE}
    assert ids_with(mia, "tag", []) == set()
    assert ids_with(mia, "owner", ["me"]) == {ONE}
    assert ids_with(bo, "owner", ["Me", str(mia.member_id)]) == {ONE, TWO}
    assert any_of(mia, "status") == any_of(mia, "owner") == any_of(mia, "tag") == {ONE, TWO}
    assert any_of(mia, "note") == {LAST}
    with pytest.raises(ValueError, match="colour"):
        any_of(mia, "colour")


def test_nobody_is_me_to_a_program(desk: Desk) -> None:
    mia = desk.member("Mia", Role.OWNER)
    say(desk, mia, owner=mia.member_id)
    assert desk.records.ids_with(desk.token(mia, TokenScope.READ_LEADS), "owner", ["me"]) == set()


def test_record_of_fifty_leads_takes_two_statements(desk: Desk) -> None:
    mia, asked = desk.member("Mia"), list[str]()
    many = [OrgId(number) for number in range(1, 51)]
    say(desk, mia, *many, add_tags=("a", "b"), status=LeadStatus.WATCHING, owner=mia.member_id)
    with desk.control_plane.reading() as db:
        engine = db.get_bind().engine
    note = lambda _c, _u, statement, *_: asked.append(statement)  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    desk.records.of(mia, each_alone(many))
    event.remove(engine, "before_cursor_execute", note)
    assert len([statement for statement in asked if statement.lower().startswith("select")]) == 2


IDS = [OrgId(1), OrgId(2), OrgId(3), LAST]
TAGS = ["a", "A", "b", "ß", "SS"]
steps = st.tuples(
    st.lists(st.sampled_from(range(4)), min_size=4, max_size=4),  # Who stands for each id.
    st.sets(st.sampled_from(range(4)), min_size=1),
    st.sampled_from([None, *LeadStatus]),
    st.sampled_from([None, "me", "nobody"]),
    st.lists(st.sampled_from(TAGS), max_size=2),
    st.lists(st.sampled_from(TAGS), max_size=2),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, True, False]),
)


class Model:
    """What should be known, in plain Python."""

    def __init__(self) -> None:
        self.status: dict[OrgId, tuple[int, str]] = {}
        self.owner: dict[OrgId, tuple[int, str]] = {}
        self.tags: dict[OrgId, set[str]] = {one: set() for one in IDS}
        self.hidden: dict[str, set[OrgId]] = {"me": set(), "all": set()}

    def record(self, members: Sequence[OrgId]) -> tuple[object, ...]:
        def newest(said: dict[OrgId, tuple[int, str]]) -> str:
            return max((said[one] for one in members if one in said), default=(0, ""))[1]

        tags = sorted({tag for one in members for tag in self.tags[one]})
        hidden = tuple(bool(self.hidden[whose] & set(members)) for whose in ("me", "all"))
        return newest(self.status) or "new", newest(self.owner), tags, *hidden


def shown_groups(stands_for: Sequence[int]) -> dict[OrgId, list[OrgId]]:
    """Return a partition: every id stands by itself or behind one that does."""
    ends = [end if stands_for[end] == end else index for index, end in enumerate(stands_for)]
    shown = {IDS[end]: [IDS[end]] for index, end in enumerate(ends) if end == index}
    for index, end in enumerate(ends):
        if index != end:
            shown.setdefault(IDS[end], [IDS[end]]).append(IDS[index])
    return shown


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=5))
def test_any_changes_under_any_merges_agree_with_a_plain_model(new_desk: NewDesk, asked: list[Any]) -> None:
    desk = new_desk()
    mia, model = desk.member("Mia"), Model()
    for now, (stands_for, chosen, status, owner, add, remove, for_me, for_all) in enumerate(asked, 1):
        desk.wait(minutes=1)
        groups = shown_groups(stands_for)
        picked = {IDS[one]: groups[IDS[one]] for one in chosen if IDS[one] in groups}
        number = {None: None, "me": mia.member_id, "nobody": NOBODY}[owner]
        change = RecordChange(status, number, tuple(add), tuple(remove), for_me, for_all)
        before = {shown: model.record(members) for shown, members in picked.items()}
        changed = desk.records.change(mia, picked, change)
        for shown, members in picked.items():
            was = before[shown]
            if status and was[0] != status:
                model.status[shown] = now, status.value
            if owner and was[1] != (owner if owner == "me" else ""):
                model.owner[shown] = now, owner if owner == "me" else ""
            for whose, wanted, is_hidden in (("me", for_me, was[3]), ("all", for_all, was[4])):
                if wanted is True and not is_hidden:
                    model.hidden[whose].add(shown)
                if wanted is False:
                    model.hidden[whose] -= set(members)
            for one in members:
                model.tags[one] -= {folded(tag) for tag in remove} - {folded(tag) for tag in add}
            have = {tag for one in members for tag in model.tags[one]}
            model.tags[shown] |= {folded(tag) for tag in add} - have
        assert changed == sum(model.record(members) != before[shown] for shown, members in picked.items())
        assert told(desk, mia, groups) == {shown: model.record(members) for shown, members in groups.items()}
        follow = {one: shown for shown, members in groups.items() for one in members}.__getitem__
        found = {shown: model.record(members) for shown, members in groups.items()}
        for value in ("watching", "customer"):
            expected = {shown for shown, record in found.items() if record[0] == value}
            assert desk.records.ids_with(mia, "status", [value], follow) == expected
        assert desk.records.ids_with(mia, "tag", ["ss"], follow) == {one for one in found if "ss" in found[one][2]}  # type: ignore[operator]
        assert desk.records.ids_with_any(mia, "owner", follow) == {one for one in found if found[one][1]}
        assert desk.records.hidden_ids(mia, follow) == {one for one in found if found[one][3] or found[one][4]}


def told(desk: Desk, mia: MemberScope, groups: dict[OrgId, list[OrgId]]) -> dict[OrgId, tuple[object, ...]]:
    return {
        shown: (
            one.status,
            "me" if one.owner else "",
            [folded(tag) for tag in one.tags],
            one.hidden_for_me,
            one.hidden_for_all,
        )
        for shown, one in desk.records.of(mia, groups).items()
    }


def test_note_of_no_number_is_none(desk: Desk) -> None:
    assert desk.records.remove_note(desk.member("Mia"), [ONE], NoteId(1)) is False
