"""What a workspace says of itself, who may change it, what no bill may hold, and its end with a way back."""

import random
import zoneinfo
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from firmly.accounts.directory import SiteDirectory
from firmly.accounts.roles import Right, Role, TokenScope
from firmly.accounts.scope import WHILE_CANCELLED, MemberScope, NotAllowedError, State
from firmly.accounts.tables import WorkspaceRow
from firmly.accounts.workspaces import (
    BILLING,
    Workspace,
    Workspaces,
    WorkspaceState,
    _problems,
    looks_like_card_number,
)
from firmly.model import FirmlyError, InvalidInputError
from firmly.organisations.legal_forms import LegalForms
from tests.unit.accounts.conftest import raised

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

MIA, BO = "mia@example.com", "bo@example.com"
FULL = Workspace(
    name="Acme Finland",
    time_zone="Europe/Stockholm",
    controller="Acme Oy",
    contact="privacy@acme.example",
    region="Finland",
    plan="Team, yearly",
    vat_id="FI 12345678",
    billing_address="Acme Oy\nMannerheimintie 12 A 5\n00100 Helsinki",
    billing_reference="cus_9s6XKzkNRiz8i3",
    requires_second_factor=True,
    counts_usage=False,
)

# Source: the test numbers that payment processors publish for each scheme.
CARDS = {
    "visa": "4111111111111111",
    "visa, 13 digits": "4222222222222",
    "mastercard": "5555555555554444",
    "mastercard, 2-series": "2223003122003222",
    "american express": "378282246310005",
    "discover": "6011111111111117",
    "diners": "30569309025904",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "unionpay, 19 digits": "6205500000000000004",
    "maestro": "6759649826438453",
}
NO_CARDS = {
    "nothing": "",
    "finnish vat id": "FI12345678",
    "german vat id": "DE136695976",
    "swedish vat id": "SE556703748501",
    "dutch vat id": "NL004495445B01",
    "phone": "+358 40 123 4567",
    "phone in groups": "(09) 4242-4242",
    "iban in groups": "FI21 1234 5600 0007 86",
    "iban": "DE89370400440532013000",
    "wrong check digit": "4111111111111112",
    "12 digits that pass": "424242424242",
    "12 digits that pass in groups": "4242 4242 4242",
    "20 digits that pass": "42424242424242424242",
    "postal code and street": "Mannerheimintie 12 A 5\n00100 Helsinki",
    "reference": "cus_9s6XKzkNRiz8i3",
    "dates": "2026-03-01 to 2027-02-28",
    "letters between": "4111a1111b1111c1111",
    "words between": "4111 and 1111 and 1111 and 1111",
}


@pytest.fixture
def mia(office: "Office") -> MemberScope:
    """The owner."""
    return office.member(MIA)


@pytest.fixture
def workspaces(office: "Office", mia: MemberScope) -> Workspaces:
    return office.accounts.workspaces


def written(number: str) -> Iterator[str]:
    """Yield the ways in which people write a card's number, with text around it."""
    groups = [number[at : at + 4] for at in range(0, len(number), 4)]
    yield number
    yield from (
        between.join(groups) for between in (" ", "-", ".", "/", "  ", " - ", "\u00a0", "\u2011", "\u2013", "\n")
    )
    yield "-".join([number[:4], number[4:10], number[10:]])
    yield f"Visa {number}, valid 12/29"
    yield f"12 {' '.join(groups)} 123"
    yield f"FI{number}"
    yield f"card{number}x"
    yield "".join(chr(0xFF10 + int(digit)) for digit in number)
    yield "".join(chr(0x0660 + int(digit)) for digit in number)


@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS.keys())
def test_card_number_is_seen_however_it_is_written(number: str) -> None:
    assert [text for text in written(number) if not looks_like_card_number(text)] == []


@pytest.mark.parametrize("text", NO_CARDS.values(), ids=NO_CARDS.keys())
def test_what_is_no_card_number_is_let_pass(text: str) -> None:
    assert not looks_like_card_number(text)


@given(st.text(st.sampled_from("0123456789 -./a"), max_size=60))
def test_card_number_is_looked_for_in_any_text(text: str) -> None:
    """Against the plain reading: every run of digits that begins and ends with a group, 13 to 19 in all, by Luhn."""
    parts = "".join(sign if sign.isdigit() else "|" if sign == "a" else " " for sign in text).split("|")
    # Four signs between two groups are two numbers.
    numbers = [number.split() for part in parts for number in part.replace("    ", "|").split("|")]
    runs = [
        "".join(groups[a:b]) for groups in numbers for a in range(len(groups)) for b in range(a + 1, len(groups) + 1)
    ]
    assert looks_like_card_number(text) == any(13 <= len(run) <= 19 and luhn(run) for run in runs)


def luhn(digits: str) -> bool:
    """Source: ISO/IEC 7812-1, annex B, by hand: every second digit from the right doubled, its digits added."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += sum(map(int, str(int(digit) * (place % 2 + 1))))
    return total % 10 == 0


def test_workspace_is_read_back_as_it_was_changed_and_the_change_is_logged(
    office: "Office", workspaces: Workspaces, mia: MemberScope
) -> None:
    before = workspaces.of(mia)
    workspaces.change(mia, FULL)
    assert before == Workspace("Acme", "Europe/Helsinki")
    assert workspaces.of(mia) == FULL
    assert office.actions()[-1] == "workspace_changed"


def test_change_that_changes_nothing_is_not_logged(office: "Office", workspaces: Workspaces, mia: MemberScope) -> None:
    workspaces.change(mia, workspaces.of(mia))
    assert "workspace_changed" not in office.actions()


def test_time_zone_is_every_name_of_the_iana_database_and_nothing_else() -> None:
    accepted = {name for name in zoneinfo.available_timezones() if fits(name)}
    # The machine's own zone, which some systems list, would be another one elsewhere.
    assert accepted == zoneinfo.available_timezones() - {"localtime"}
    others = (
        "",
        "utc",
        "Europe",
        "Mars/Base",
        "/etc/localtime",
        "../etc/passwd",
        "posix/UTC",
        "UTC\0",
        "X" * 300,
        "UTC ",
    )
    assert [name for name in others if fits(name)] == []


def fits(time_zone: str) -> bool:
    return not any(problem.key == "time_zone" for problem in _problems(replace(FULL, time_zone=time_zone)))


def test_change_reaches_the_own_workspace_only(office: "Office", workspaces: Workspaces, mia: MemberScope) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    workspaces.change(mia, FULL)
    workspaces.cancel(mia)
    assert workspaces.of(bo) == Workspace("Other", "UTC")
    assert workspaces.state(bo) == WorkspaceState(State.ACTIVE, None)
    assert office.actions(bo.workspace_id) == ["workspace_made", "member_added", "signed_in"]


BAD: dict[str, dict[str, str]] = {
    "name": {"name": ""},
    "time_zone": {"time_zone": "Mars/Base"},
    "contact": {"contact": "nobody\r\nBcc: a@example.com"},
    "controller": {"controller": "a\nb"},
    "region": {"region": "a" * 101},
    "plan": {"plan": "a" * 101},
    "vat_id": {"vat_id": "12345678"},
    "billing_address": {"billing_address": "a\0b"},
    "billing_reference": {"billing_reference": "\ud800"},
}


def test_change_bad_values_are_told_together_and_write_nothing(
    office: "Office", workspaces: Workspaces, mia: MemberScope
) -> None:
    before = workspaces.of(mia)
    for key, values in BAD.items():
        with pytest.raises(InvalidInputError) as caught:
            workspaces.change(mia, replace(FULL, **values))  # type: ignore[arg-type]
        assert [problem.key for problem in caught.value.problems] == [key]
    with pytest.raises(InvalidInputError) as caught:
        workspaces.change(mia, replace(FULL, **{k: v for one in BAD.values() for k, v in one.items()}))  # type: ignore[arg-type]
    assert {problem.key for problem in caught.value.problems} == set(BAD)
    assert workspaces.of(mia) == before


@pytest.mark.parametrize("key", sorted(BILLING))
def test_billing_field_with_a_card_number_is_refused_and_the_number_kept_nowhere(
    office: "Office", workspaces: Workspaces, mia: MemberScope, key: str
) -> None:
    number = "4242 4242 4242 4242"
    with pytest.raises(InvalidInputError, match="no card number") as caught:
        workspaces.change(mia, replace(FULL, **{key: number}))  # type: ignore[arg-type]
    assert "4242" not in str(caught.value)
    assert "4242" not in office.stored()


def test_billing_is_changed_by_owners_only(office: "Office", workspaces: Workspaces, mia: MemberScope) -> None:
    admin = office.member(BO, Role.ADMIN)
    token = office.accounts.tokens.scope(office.accounts.tokens.make(mia, "Robot", TokenScope, 1))
    for scope in (admin, token):
        assert scope is not None
        for key in sorted(BILLING):
            asked = replace(workspaces.of(scope), name="Renamed", **{key: getattr(FULL, key)})
            assert raised(workspaces.change, scope, asked) is NotAllowedError, key
        assert workspaces.of(mia).name == "Acme"
    workspaces.change(admin, replace(workspaces.of(admin), name="Renamed"))
    workspaces.change(mia, replace(workspaces.of(mia), vat_id="FI12345678"))
    workspaces.change(admin, replace(workspaces.of(admin), region="Finland"))  # Billing as it stands is no change.
    assert workspaces.of(mia) == Workspace("Renamed", "Europe/Helsinki", region="Finland", vat_id="FI12345678")


def test_workspace_is_changed_and_ended_by_who_may(office: "Office", workspaces: Workspaces, mia: MemberScope) -> None:
    for role in (Role.SALES, Role.PRIVACY_OFFICER, Role.VIEWER):
        scope = office.member(f"{role}@example.com", role)
        assert raised(workspaces.change, scope, replace(workspaces.of(scope), name="Mine")) is NotAllowedError
    for role in set(Role) - {Role.OWNER}:
        scope = office.member(f"{role}2@example.com", role)
        assert raised(workspaces.cancel, scope) is raised(workspaces.reactivate, scope) is NotAllowedError
    assert (workspaces.of(mia).name, workspaces.state(mia).state) == ("Acme", State.ACTIVE)


def test_cancelled_workspace_tells_when_its_data_goes_and_may_come_back(
    office: "Office", workspaces: Workspaces, mia: MemberScope
) -> None:
    cancelled_at = office.clock.now
    workspaces.cancel(mia)
    office.clock.advance(days=1)
    workspaces.cancel(office.scope_of(MIA))
    cancelled = workspaces.state(mia)
    workspaces.reactivate(office.scope_of(MIA))
    workspaces.reactivate(office.scope_of(MIA))
    assert cancelled == WorkspaceState(State.CANCELLED, cancelled_at + timedelta(days=30))
    assert workspaces.state(mia) == WorkspaceState(State.ACTIVE, None)
    assert office.actions().count("workspace_cancelled") == office.actions().count("workspace_reactivated") == 1


def test_cancelled_workspace_leaves_few_rights_until_it_is_back(
    office: "Office", workspaces: Workspaces, mia: MemberScope
) -> None:
    office.member(BO, Role.ADMIN)
    workspaces.cancel(mia)
    owner, admin = office.scope_of(MIA), office.scope_of(BO)
    workspaces.reactivate(owner)
    assert (owner.state, owner.rights) == (State.CANCELLED, WHILE_CANCELLED)
    assert admin.rights == {Right.READ_LEADS, Right.READ_ALL_LEADS, Right.READ_AUDIT}
    assert (office.scope_of(MIA).state, office.scope_of(MIA).rights) == (State.ACTIVE, frozenset(Right))


def test_cancelled_workspace_is_not_collected_for(office: "Office", workspaces: Workspaces, mia: MemberScope) -> None:
    """Its sites leave the collector's snapshot; those of others stay."""
    bo = office.member(BO, workspace_id=office.other_workspace())
    ours, theirs = (office.accounts.sites.add(one, office.site(one.workspace_id)) for one in (mia, bo))
    directory, served = SiteDirectory(office.control_plane, LegalForms()), []
    for act in (lambda _: None, workspaces.cancel, workspaces.reactivate):
        act(office.scope_of(MIA))
        directory.refresh()
        served.append([directory.get(site.key) == site for site in (ours, theirs)])
    assert served == [[True, True], [False, True], [True, True]]


def test_purged_workspace_is_nobodys_and_stays_gone(office: "Office", workspaces: Workspaces, mia: MemberScope) -> None:
    with office.control_plane.session() as db:
        db.execute(update(WorkspaceRow).where(WorkspaceRow.id == mia.workspace_id).values(state=State.PURGED))
    signed_in = office.signed_in(MIA)
    assert (signed_in.scope, signed_in.workspaces) == (None, ())
    with pytest.raises(FirmlyError, match="is gone"):
        workspaces.reactivate(mia)


def test_workspace_may_be_said_in_any_language(workspaces: Workspaces, mia: MemberScope) -> None:
    """What passes the checks can be stored, read back and logged, on both databases."""
    signs = random.Random(5)
    for _ in range(20):
        text = "".join(chr(signs.choice((0x41, 0xE4, 0x4E2D, 0x1F600, 0x5D0, 0x27, 0x22, 0x5C))) for _ in range(30))
        asked = replace(
            FULL, name=text, controller=text, billing_address=f"{text}\r\n{text}", requires_second_factor=False
        )
        workspaces.change(mia, asked)
        assert workspaces.of(mia) == asked
