"""The team, as programs manage it."""

from collections.abc import Callable, Iterator

import pytest
from starlette.types import ASGIApp

from firmly.accounts.roles import Role, TokenScope
from firmly.mail.outbox import Outbox
from firmly.mail.transport import Smtp
from firmly.model import MemberId
from tests.smtp import MailServer
from tests.town import PASSWORD, Firm, Town
from tests.unit.web.api.conftest import BASE_URL, Program, token_of


@pytest.fixture
def viewer(town: Town, firm: Firm) -> MemberId:
    return town.accounts.add_member(firm.id, f"viewer{firm.id}@firm.example", "Mia Smith", Role.VIEWER, PASSWORD)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def owner_of(firm: Firm) -> int:
    return firm.scope.member_id


def test_members_are_read_and_the_reading_is_logged(ours: Program, firm: Firm, viewer: MemberId) -> None:
    members = ours.json("/members")["items"]
    assert [(one["id"], one["role"], one["name"]) for one in members] == [
        (owner_of(firm), "owner", "Anna Virtanen"),
        (viewer, "viewer", "Mia Smith"),
    ]
    assert len(ours.json("/audit?action=members_read")["items"]) == 1


def test_addresses_of_invited_people_are_read_and_the_reading_is_logged(ours: Program) -> None:
    ours.ask("POST", "/invitations", json={"email": "bo@firm.example", "role": "viewer"})
    assert [one["email"] for one in ours.json("/invitations")["items"]] == ["bo@firm.example"]
    assert [one["object"] for one in ours.json("/audit?action=members_read")["items"]] == ["invitations"]


def test_a_role_is_changed_and_a_membership_ended(ours: Program, viewer: MemberId) -> None:
    path = f"/members/{viewer}"
    assert ours.ask("PATCH", path, json={"role": "sales"}).status_code == 204
    assert [one["role"] for one in ours.json("/members")["items"] if one["id"] == viewer] == ["sales"]
    assert ours.ask("DELETE", path).status_code == 204
    assert ours.ask("DELETE", path).status_code == 404


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"role": "viewer"}), ("DELETE", None)])
def test_a_token_touches_no_owner(ours: Program, firm: Firm, method: str, body: dict[str, str] | None) -> None:
    answer = ours.ask(method, f"/members/{owner_of(firm)}", **({"json": body} if body else {}))
    assert answer.status_code == 403


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_a_token_gives_no_more_than_it_holds(ours: Program, viewer: MemberId, role: str) -> None:
    answer = ours.ask("PATCH", f"/members/{viewer}", json={"role": role})
    assert (answer.status_code, role in answer.json()["detail"]) == (403, True)
    assert ours.ask("POST", "/invitations", json={"email": "new@firm.example", "role": role}).status_code == 403
    assert ours.json("/invitations")["items"] == []


def test_a_token_that_reads_no_leads_invites_nobody_who_does(program: Callable[..., Program], firm: Firm) -> None:
    client = program(firm, TokenScope.ADMINISTER)
    invitation = {"email": "new@firm.example", "role": "viewer"}
    assert client.ask("POST", "/invitations", json=invitation).status_code == 403


def test_without_a_mail_server_the_link_is_handed_over(ours: Program, firm: Firm) -> None:
    answer = ours.ask("POST", "/invitations", json={"email": " New@Firm.example ", "role": "privacy_officer"})
    made = answer.json()
    assert answer.status_code == 201
    assert made["link"].startswith(f"{BASE_URL}/app/invitation/")
    welcome = firm.accounts.team.welcome(made["link"].rpartition("/")[2])
    assert welcome is not None
    assert (welcome.email, welcome.role) == ("new@firm.example", Role.PRIVACY_OFFICER)
    (listed,) = ours.json("/invitations")["items"]
    assert (listed["id"], listed["email"], listed["invited_by"]) == (made["id"], "new@firm.example", None)
    assert "link" not in listed


def test_with_one_the_link_goes_to_the_invited_person_only(
    new_api: Callable[..., ASGIApp], new_outbox: Callable[..., Outbox], firm: Firm, mail_server: MailServer
) -> None:
    outbox = new_outbox(Smtp.of(mail_server.url, "Firmly <firmly@firm.example>"))
    outbox.start()
    client = Program(new_api(outbox=outbox), token_of(firm))
    answer = client.ask("POST", "/invitations", json={"email": "new@firm.example", "role": "privacy_officer"})
    (letter,) = mail_server.wait_for(1)
    outbox.stop(5)

    assert answer.json()["link"] is None
    text = letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    secret = text.partition("/app/invitation/")[2].split()[0]
    assert firm.accounts.team.welcome(secret) is not None
    assert secret not in answer.text
    assert f"“Firm {firm.id}” invites you" in text
    assert "privacy officer" in text
    (logged,) = client.json("/letters")["items"]
    assert (logged["recipient"], logged["template"], logged["result"]) == ("new@firm.example", "invitation", "sent")


def test_an_invitation_ends_once(ours: Program, firm: Firm) -> None:
    made = ours.ask("POST", "/invitations", json={"email": "new@firm.example", "role": "viewer"}).json()
    path = f"/invitations/{made['id']}"
    assert [ours.ask("DELETE", path).status_code for _ in range(2)] == [204, 404]
    assert firm.accounts.team.welcome(made["link"].rpartition("/")[2]) is None


@pytest.mark.parametrize(
    "email",
    [
        "nobody",
        "a@b.example\r\nbcc: c@d.example",
        "a@b.example, c@d.example",
        "=?utf-8?q?x?=@b.example",
        "a@b_c.example",
        "",
    ],
)
def test_addresses_that_mail_cannot_reach_are_refused_and_not_said_back(ours: Program, email: str) -> None:
    """Header injection."""
    answer = ours.ask("POST", "/invitations", json={"email": email, "role": "viewer"})
    ((key, value),) = [(one["key"], one["value"]) for one in answer.json()["problems"]]
    assert (answer.status_code, key, value) == (422, "email", "(withheld)")
    assert ours.json("/invitations")["items"] == []


def test_whether_somebody_is_a_member_elsewhere_is_not_told(ours: Program, town: Town, firm: Firm) -> None:
    other = town.firm()
    answers = [
        ours.ask("POST", "/invitations", json={"email": email, "role": "viewer"})
        for email in (other.email, "nobody@firm.example")
    ]
    assert [(answer.status_code, set(answer.json())) for answer in answers] == [
        (201, {"id", "role", "expires_at", "link"})
    ] * 2
