"""The team's own data: imported, undone, deleted, asked for; on both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from firmly.accounts.members import delete_membership, find_membership
from firmly.accounts.roles import Role, TokenScope
from firmly.accounts.scope import MemberScope, NotAllowedError, Scope
from firmly.leads.company_data.facts import CompanyFacts, Fact
from firmly.leads.company_data.service import UNDOABLE, CompanyImport, ImportId
from firmly.leads.tables import CompanyImportChangeRow, CompanyUploadRow
from firmly.model import InvalidInputError, NotFoundError
from tests.examples import examples
from tests.unit.leads.desk import Desk, NewDesk

HEADS = "domain,industry,size,icp,owner,crm_id"
WHOLE = {fact: index for index, fact in enumerate(Fact)}


def csv_of(*lines: str) -> bytes:
    return "\n".join([HEADS, *lines]).encode()


def bring(
    desk: Desk, scope: Scope, *lines: str, columns: dict[Fact, int] = WHOLE, name: str = "crm.csv"
) -> CompanyImport:
    upload = desk.company_data.upload(scope, name, csv_of(*lines))
    return desk.company_data.bring(scope, upload, columns)


def counts(made: CompanyImport) -> tuple[int, int, int, int]:
    return made.added, made.changed, made.unchanged, made.refused


def facts(desk: Desk, scope: Scope, *domains: str) -> dict[str, CompanyFacts]:
    return desk.company_data.of(scope, domains)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(InvalidInputError) as error:
        call()
    return error.value.problems[0].expected


def kept_rows(desk: Desk, table: Any) -> int:
    with desk.control_plane.reading() as db:
        return db.scalar(select(func.count()).select_from(table).where(table.workspace_id == desk.workspace_id)) or 0


def test_import_says_what_it_did_and_the_facts_are_there(desk: Desk) -> None:
    mia = desk.member("Mia")
    first = bring(
        desk, mia, f"Nokia.com,Telecoms,10k+,yes,{desk.email('Mia')},=1+1", "mit.edu,Science,,no,Sid", "bad domain"
    )
    assert counts(first) == (2, 0, 0, 1)
    assert facts(desk, mia, "nokia.com", "https://www.MIT.edu/x", "absent.example", "no domain") == {
        "nokia.com": CompanyFacts("Telecoms", "10k+", True, "Mia", "=1+1"),
        "https://www.MIT.edu/x": CompanyFacts("Science", "", False, "Sid", ""),
    }
    second = bring(desk, mia, "nokia.com,Telecoms,10k+,yes,,=1+1", "mit.edu,Science,,no,Sid", "new.example,,,,,")
    assert counts(second) == (1, 1, 1, 0)
    assert facts(desk, mia, "nokia.com")["nokia.com"].owner == ""
    assert desk.company_data.count(mia) == 3
    assert [(one.id, one.file_name, one.author, one.may_undo) for one in desk.company_data.imports(mia)] == [
        (second.id, "crm.csv", "Mia", True),
        (first.id, "crm.csv", "Mia", True),
    ]
    assert desk.audited() == [
        ("company_data_imported", f"import {first.id}", {"companies": 2}),
        ("company_data_imported", f"import {second.id}", {"companies": 2}),
    ]


def test_columns_that_a_file_lacks_stay_as_they_were(desk: Desk) -> None:
    mia = desk.member("Mia")
    bring(desk, mia, "nokia.com,Telecoms,big,yes,Sid,42")
    made = bring(desk, mia, "nokia.com,Networks,,,,", columns={Fact.DOMAIN: 0, Fact.INDUSTRY: 1})
    assert counts(made) == (0, 1, 0, 0)
    assert facts(desk, mia, "nokia.com") == {"nokia.com": CompanyFacts("Networks", "big", True, "Sid", "42")}


def test_preview_changes_nothing_and_guesses_the_columns(desk: Desk) -> None:
    mia = desk.member("Mia")
    upload = desk.company_data.upload(mia, "x.csv", csv_of("nokia.com,a", "bad"))
    found = desk.company_data.preview(mia, upload)
    assert (found.columns, len(found.reading.companies), found.reading.refused) == (WHOLE, 1, 1)
    nameless = desk.company_data.upload(mia, "y.csv", b"a,b\nnokia.com,c")
    found = desk.company_data.preview(mia, nameless)
    assert (found.columns, found.reading.companies, found.table.heads) == ({}, [], ("a", "b"))
    assert len(desk.company_data.preview(mia, nameless, {Fact.DOMAIN: 0}).reading.companies) == 1
    assert refused(lambda: desk.company_data.preview(mia, nameless, {})) == (
        "the column that holds the companies' domains"
    )
    assert (desk.company_data.count(mia), desk.company_data.imports(mia)) == (0, ())


def test_file_is_there_for_an_hour_for_one_session_and_one_import(desk: Desk, new_desk: NewDesk) -> None:
    mia, bo = desk.member("Mia"), desk.member("Bo")
    gone = "a file that was sent within the last hour; send it again"
    data = desk.company_data
    upload = data.upload(mia, "x.csv", csv_of("nokia.com"))
    elsewhere = new_desk().member("Una")
    for other in (bo, desk.scope_of("Mia"), elsewhere):
        assert refused(lambda scope=other: data.preview(scope, upload)) == gone  # type: ignore[misc]
        assert refused(lambda scope=other: data.bring(scope, upload, WHOLE)) == gone  # type: ignore[misc]
    data.bring(mia, upload, WHOLE)
    assert refused(lambda: data.bring(mia, upload, WHOLE)) == gone
    assert kept_rows(desk, CompanyUploadRow) == 0

    first = data.upload(mia, "x.csv", csv_of("nokia.com"))
    second = data.upload(mia, "x.csv", csv_of("nokia.com"))
    assert refused(lambda: data.preview(mia, first)) == gone
    desk.wait(minutes=59)
    data.preview(mia, second)
    desk.wait(minutes=1)
    assert refused(lambda: data.preview(mia, second)) == gone
    assert kept_rows(desk, CompanyUploadRow) == 1
    data.forget_uploads()
    assert kept_rows(desk, CompanyUploadRow) == 0
    assert refused(lambda: data.preview(mia, "\x00\ud800")) == gone


def test_undo_gives_back_what_was_there_before(desk: Desk) -> None:
    mia = desk.member("Mia")
    first = bring(desk, mia, f"nokia.com,Telecoms,big,yes,{desk.email('Mia')},42", name="one.csv")
    second = bring(desk, mia, "nokia.com,Other,,no,Sid,", "mit.edu,Science", name="two.csv")
    assert refused(lambda: desk.company_data.undo(mia, first.id)) == (
        f'an import whose companies no later one changed; undo "two.csv" (import {second.id}) first'
    )
    desk.wait(minutes=1)
    desk.company_data.undo(mia, second.id)
    assert facts(desk, mia, "nokia.com", "mit.edu") == {"nokia.com": CompanyFacts("Telecoms", "big", True, "Mia", "42")}
    told = [(one.id, one.undone_at, one.may_undo) for one in desk.company_data.imports(mia)]
    assert told == [(second.id, desk.now, False), (first.id, None, True)]
    with pytest.raises(NotFoundError):
        desk.company_data.undo(mia, second.id)
    desk.company_data.undo(mia, first.id)
    assert desk.company_data.count(mia) == 0
    assert kept_rows(desk, CompanyImportChangeRow) == 0
    assert [entry[0] for entry in desk.audited()][2:] == ["company_data_undone"] * 2


def test_undo_of_other_companies_is_not_held_up(desk: Desk) -> None:
    mia = desk.member("Mia")
    first = bring(desk, mia, "nokia.com,a", "mit.edu,b")
    bring(desk, mia, "nokia.com,a", "other.example,c")  # It leaves Nokia as it is.
    desk.company_data.undo(mia, first.id)
    assert set(facts(desk, mia, "nokia.com", "mit.edu", "other.example")) == {"other.example"}


def test_undo_names_no_owner_who_has_left(desk: Desk) -> None:
    mia, bo = desk.member("Mia"), desk.member("Bo")
    bring(desk, mia, f"nokia.com,a,,,{desk.email('Bo')}")
    second = bring(desk, mia, "nokia.com,b,,,Sid")
    with desk.control_plane.session() as db:
        place = find_membership(db, desk.workspace_id, bo.member_id)
        assert place is not None
        delete_membership(db, place)
    desk.company_data.undo(mia, second.id)
    assert facts(desk, mia, "nokia.com") == {"nokia.com": CompanyFacts("a")}


def test_only_the_newest_imports_can_be_undone(desk: Desk) -> None:
    mia = desk.member("Mia")
    made = [bring(desk, mia, f"{number}.example,a") for number in range(UNDOABLE + 1)]
    assert refused(lambda: desk.company_data.undo(mia, made[0].id)) == "one of the last 20 imports that stand"
    desk.company_data.undo(mia, made[1].id)
    assert refused(lambda: desk.company_data.undo(mia, made[0].id)) == "one of the last 20 imports that stand"
    assert set(facts(desk, mia, "0.example", "1.example", "2.example")) == {"0.example", "2.example"}
    assert kept_rows(desk, CompanyImportChangeRow) == UNDOABLE - 1


def test_all_is_deleted_with_its_history(desk: Desk, new_desk: NewDesk) -> None:
    mia, other = desk.member("Mia"), new_desk()
    una = other.member("Una")
    bring(other, una, "nokia.com,theirs")
    bring(desk, mia, "nokia.com,ours", "mit.edu")
    assert desk.company_data.delete_all(mia) == 2
    assert (desk.company_data.count(mia), desk.company_data.imports(mia)) == (0, ())
    assert kept_rows(desk, CompanyImportChangeRow) == 0
    assert facts(other, una, "nokia.com") == {"nokia.com": CompanyFacts("theirs")}
    assert desk.audited()[-1] == ("company_data_deleted", "", {"companies": 2})


def test_domains_are_found_by_what_is_known(desk: Desk, new_desk: NewDesk) -> None:
    mia, other = desk.member("Mia"), new_desk()
    bring(other, other.member("Una"), "theirs.example,Telecoms,big,yes,,42")
    bring(desk, mia, "nokia.com,Telecoms,big,yes,,42", "mit.edu,STRASSE,,no,,x", "empty.example")
    data = desk.company_data
    assert data.domains_with(mia, "industry", ["telecoms", "stra\u00dfe"]) == {"nokia.com", "mit.edu"}
    assert data.domains_with(mia, "size", ["BIG"]) == {"nokia.com"}
    assert data.domains_with(mia, "crm", ["42", ""]) == {"nokia.com", "empty.example"}
    assert data.domains_with(mia, "icp", ["Yes"]) == {"nokia.com"}
    assert data.domains_with(mia, "icp", ["no", "yes"]) == {"nokia.com", "mit.edu"}
    assert data.domains_with(mia, "industry", []) == data.domains_with(mia, "icp", ["maybe"]) == set()
    known = {field: data.domains_with_any(mia, field) for field in ("industry", "size", "crm", "icp")}
    both = {"nokia.com", "mit.edu"}
    assert known == {"industry": both, "size": {"nokia.com"}, "crm": both, "icp": both}
    with pytest.raises(ValueError, match="colour"):
        data.domains_with(mia, "colour", [])


def test_every_call_takes_its_rights(desk: Desk) -> None:
    """Who is restricted to feeds brings no data: a feed by industry would then show them more."""
    owner, data = desk.member("Owner", Role.OWNER), desk.company_data
    made = bring(desk, owner, "nokia.com,a")
    upload = data.upload(owner, "x.csv", csv_of("nokia.com,b"))
    restricted = desk.restricted("Fi")
    object.__setattr__(restricted, "rights", desk.member("Whole").rights - {"read_all_leads"})
    writing: list[Callable[[Scope], object]] = [
        lambda scope: data.upload(scope, "x.csv", csv_of("a.example")),
        lambda scope: data.preview(scope, upload),
        lambda scope: data.bring(scope, upload, WHOLE),
        data.imports,
        lambda scope: data.undo(scope, made.id),
        data.delete_all,
        data.count,
    ]
    viewer = desk.member("Vi", Role.VIEWER)
    for call in writing:
        for scope in (restricted, viewer, desk.token(owner, TokenScope.WRITE_LEADS)):
            with pytest.raises(NotAllowedError):
                call(scope)
    reading: list[Callable[[Scope], object]] = [
        lambda scope: data.of(scope, ["nokia.com"]),
        lambda scope: data.domains_with(scope, "industry", ["a"]),
        lambda scope: data.domains_with_any(scope, "industry"),
    ]
    for call in reading:
        call(viewer)
        call(restricted)
        with pytest.raises(NotAllowedError):
            call(desk.token(owner, TokenScope.READ_CONSENT))


def test_imports_of_another_workspace_are_out_of_reach(desk: Desk, new_desk: NewDesk) -> None:
    mia, other = desk.member("Mia"), new_desk()
    una = other.member("Una")
    made = bring(desk, mia, "nokia.com,ours")
    with pytest.raises(NotFoundError):
        other.company_data.undo(una, made.id)
    assert (facts(other, una, "nokia.com"), other.company_data.imports(una)) == ({}, ())
    assert counts(bring(other, una, "nokia.com,theirs")) == (1, 0, 0, 0)
    assert refused(lambda: bring(other, una, f"nokia.com,,,,{desk.email('Mia')}", columns={Fact.SIZE: 0})) != ""
    assert counts(bring(other, una, f"nokia.com,,,,{desk.email('Mia')}")) == (0, 0, 0, 1)
    desk.company_data.undo(mia, made.id)
    assert facts(other, una, "nokia.com") == {"nokia.com": CompanyFacts("theirs")}


def test_most_lines_are_imported_and_undone_at_once(desk: Desk) -> None:
    mia = desk.member("Mia")
    made = bring(desk, mia, *(f"c{number}.example,i{number % 7}" for number in range(12_000)))
    assert counts(made) == (12_000, 0, 0, 0)
    assert len(desk.company_data.domains_with(mia, "industry", ["i0"])) == 1715
    desk.company_data.undo(mia, made.id)
    assert desk.company_data.count(mia) == 0


DOMAINS = ["a.example", "b.example", "c.example"]
line = st.tuples(st.sampled_from(DOMAINS), st.sampled_from(["", "x", "Y"]), st.sampled_from(["", "1"]))
step = st.one_of(
    st.tuples(st.just("bring"), st.lists(line, max_size=3, unique_by=lambda one: one[0])),
    st.tuples(st.just("partly"), st.lists(line, max_size=3, unique_by=lambda one: one[0])),
    st.tuples(st.just("undo"), st.integers(0, 5)),
)


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(step, max_size=7))
def test_any_imports_and_undos_agree_with_a_plain_model(new_desk: NewDesk, asked: list[Any]) -> None:
    """The model keeps whole states: an import may be undone while no later one that stands changed the same."""
    desk = new_desk()
    mia = desk.member("Mia")
    state: dict[str, tuple[str, str]] = {}
    made: dict[ImportId, dict[str, tuple[str, str] | None]] = {}
    for what, given_ in asked:
        if what == "undo":
            if given_ >= len(made):
                continue
            number = sorted(made)[given_]
            is_held = any(later > number and made[later].keys() & made[number].keys() for later in made)
            if is_held:
                assert "no later one changed" in refused(lambda which=number: desk.company_data.undo(mia, which))  # type: ignore[misc]
            else:
                desk.company_data.undo(mia, number)
                for domain, before in made.pop(number).items():
                    if before is None:
                        del state[domain]
                    else:
                        state[domain] = before
        else:
            columns = WHOLE if what == "bring" else {Fact.DOMAIN: 0, Fact.INDUSTRY: 1}
            changed: dict[str, tuple[str, str] | None] = {}
            for domain, industry, size in given_:
                wanted = (industry, size if what == "bring" else state.get(domain, ("", ""))[1])
                if state.get(domain) != wanted:
                    changed[domain] = state.get(domain)
                    state[domain] = wanted
            done = bring(desk, mia, *(f"{d},{i},{s}" for d, i, s in given_), columns=columns)
            assert done.added + done.changed == len(changed)
            made[done.id] = changed
        assert told(desk, mia) == state


def told(desk: Desk, mia: MemberScope) -> dict[str, tuple[str, str]]:
    return {domain: (one.industry, one.size) for domain, one in facts(desk, mia, *DOMAINS).items()}
