"""What attackers try at the doors: planted sessions, replayed links and codes, guesses at who is a member."""

import re
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest
from sqlalchemy import text

from firmly.accounts.roles import Role
from firmly.leads.service import Leads
from firmly.mail.outbox import Outbox
from firmly.mail.templates import LetterTemplates
from firmly.mail.transport import Smtp
from firmly.packaged import dashboards
from tests.smtp import MailServer
from tests.town import PASSWORD, Firm, Town
from tests.unit.web.conftest import Visitor

NEW = "another rather long phrase"
_LINK = re.compile(r"http://127\.0\.0\.1:8000(/app/(?:invitation|reset|unsubscribe)/\S+)")


class Mailed(Visitor):
    """A browser at pages whose letters go to a real mail server."""

    def __init__(self, town: Town, leads: Leads, server: MailServer) -> None:
        self.server = server
        transport = Smtp.of(server.url, "Firmly <firmly@example.com>")
        templates = LetterTemplates(dashboards() / "templates" / "mail")
        super().__init__(
            town, leads, "http://127.0.0.1:8000", outbox=Outbox(transport, templates, town.accounts.letters, town.clock)
        )
        self.outbox.start()

    def post(self, path: str, page: str, **fields: str) -> httpx.Response:
        return self.client.post(path, data={"csrf_token": self.csrf_token(page), **fields})

    def link(self, number: int) -> str:
        """Return the path that the letter of this number leads to."""
        self.server.wait_for(number)
        part = self.server.letters[number - 1].get_body(("plain",))
        assert part is not None
        found = _LINK.search(part.get_content())
        assert found is not None
        return found[1]


@pytest.fixture
def mailed(town: Town, leads: Leads) -> Iterator[Mailed]:
    with MailServer() as server:
        mailed = Mailed(town, leads, server)
        yield mailed
        mailed.outbox.stop(2)


@pytest.fixture
def browser(town: Town, leads: Leads) -> Callable[[], Visitor]:
    return lambda: Visitor(town, leads, "http://127.0.0.1:8000")


def session_of(visitor: Visitor) -> str:
    return visitor.client.cookies["firmly_session"]


def secret_of(visitor: Visitor) -> str:
    """Return the authenticator's key that the set-up page shows."""
    found = re.search(r'class="key-text">([^<]+)<', visitor.text("/app/account/second-factor"))
    assert found is not None
    return found[1].replace(" ", "")


def switch_on(visitor: Visitor, town: Town) -> pyotp.TOTP:
    codes = pyotp.TOTP(secret_of(visitor))
    token = visitor.csrf_token("/app/account/second-factor")
    form = {"csrf_token": token, "code": codes.at(town.clock())}
    answer = visitor.client.post("/app/account/second-factor", data=form)
    assert answer.status_code == 200, answer.text
    return codes


def test_a_planted_session_is_worth_nothing_after_sign_in(browser: Callable[[], Visitor], firm: Firm) -> None:
    """Session fixation: the token changes with every gain of rights, and the one before ends."""
    visitor = browser()
    visitor.sign_in(firm)
    planted = session_of(visitor)
    visitor.client.post("/app/sign-out", data={"csrf_token": visitor.csrf_token("/app/account")})
    visitor.client.cookies.set("firmly_session", planted, domain="127.0.0.1")
    visitor.sign_in(firm)
    assert session_of(visitor) != planted
    assert firm.accounts.sign_in.signed_in(planted) is None


def test_signing_in_ends_the_session_that_was_there(browser: Callable[[], Visitor], firm: Firm) -> None:
    visitor = browser()
    old = firm.token
    visitor.client.cookies.set("firmly_csrf", "n" * 43)
    visitor.client.cookies.set("firmly_session", old)
    token = visitor.csrf_token("/app/account")
    form = {"csrf_token": token, "email": firm.email, "password": PASSWORD}
    assert visitor.client.post("/app/sign-in", data=form).status_code == 303
    assert firm.accounts.sign_in.signed_in(old) is None


def test_the_second_factor_gives_a_new_session_and_a_code_counts_once(
    browser: Callable[[], Visitor], firm: Firm, town: Town
) -> None:
    visitor = browser()
    visitor.sign_in(firm)
    before = session_of(visitor)
    codes = switch_on(visitor, town)
    assert session_of(visitor) != before
    used = codes.at(town.clock())
    other = browser()
    other.sign_in(firm)
    waiting = session_of(other)
    answer = other.client.post(
        "/app/second-factor", data={"csrf_token": other.csrf_token("/app/second-factor"), "code": used}
    )
    assert answer.status_code == 422
    town.clock.advance(seconds=30)
    fresh = {"csrf_token": other.csrf_token("/app/second-factor"), "code": codes.at(town.clock())}
    assert other.client.post("/app/second-factor", data=fresh).status_code == 303
    assert session_of(other) != waiting
    third = browser()
    third.sign_in(firm)
    again = {"csrf_token": third.csrf_token("/app/second-factor"), "code": fresh["code"]}
    assert third.client.post("/app/second-factor", data=again).status_code == 422


def test_guessing_codes_is_slowed_down(browser: Callable[[], Visitor], firm: Firm, town: Town) -> None:
    visitor = browser()
    visitor.sign_in(firm)
    codes = switch_on(visitor, town)
    town.clock.advance(seconds=60)
    other = browser()
    other.sign_in(firm)
    for _ in range(5):
        form = {"csrf_token": other.csrf_token("/app/second-factor"), "code": "000000"}
        assert other.client.post("/app/second-factor", data=form).status_code == 422
    right = {"csrf_token": other.csrf_token("/app/second-factor"), "code": codes.at(town.clock())}
    assert other.client.post("/app/second-factor", data=right).status_code == 422
    town.clock.advance(minutes=1)
    right = {"csrf_token": other.csrf_token("/app/second-factor"), "code": codes.at(town.clock())}
    assert other.client.post("/app/second-factor", data=right).status_code == 303


def test_an_invitation_works_once_and_for_its_address_only(
    mailed: Mailed, browser: Callable[[], Visitor], firm: Firm, town: Town
) -> None:
    mailed.sign_in(firm)
    email = f"invited.{firm.id}@firm.example"
    answer = mailed.post("/app/team/invite", "/app/team", email=email, role="viewer")
    assert answer.status_code == 303
    link = mailed.link(1)
    stranger = browser()
    stranger.sign_in(town.firm())
    assert email in stranger.text(link)
    guest = browser()
    form = {"csrf_token": guest.csrf_token(link), "name": "Ida Guest", "password": NEW, "role": "owner"}
    assert guest.client.post(link, data=form).status_code == 303
    assert "viewer" in guest.text("/app/account")
    assert guest.client.get("/app/team").status_code == 403
    late = browser()
    assert late.client.get(link).status_code == 404
    form = {"csrf_token": late.csrf_token(), "name": "Eve", "password": NEW}
    assert late.client.post(link, data=form).status_code == 404


def test_an_invitation_to_an_account_is_not_accepted_by_another_one(
    mailed: Mailed, browser: Callable[[], Visitor], firm: Firm, town: Town
) -> None:
    invited, eve = town.firm(), town.firm()
    mailed.sign_in(firm)
    mailed.post("/app/team/invite", "/app/team", email=invited.email, role="admin")
    link = mailed.link(1)
    thief = browser()
    thief.sign_in(eve)
    assert thief.client.post(link, data={"csrf_token": thief.csrf_token("/app/account")}).status_code == 403
    right = browser()
    right.sign_in(invited)
    assert right.client.post(link, data={"csrf_token": right.csrf_token(link)}).status_code == 303
    signed_in = town.accounts.sign_in.signed_in(session_of(right))
    assert signed_in is not None
    assert signed_in.scope is not None
    assert (signed_in.scope.workspace_id, signed_in.scope.role) == (firm.id, Role.ADMIN)
    assert dict(signed_in.workspaces).keys() == {firm.id, invited.id}


def test_an_expired_invitation_is_refused(
    mailed: Mailed, browser: Callable[[], Visitor], firm: Firm, town: Town
) -> None:
    mailed.sign_in(firm)
    mailed.post("/app/team/invite", "/app/team", email=f"late.{firm.id}@firm.example", role="sales")
    link = mailed.link(1)
    town.clock.advance(days=7)
    assert browser().client.get(link).status_code == 404


def test_a_reset_link_works_once_signs_in_and_ends_every_other_session(
    mailed: Mailed, browser: Callable[[], Visitor], firm: Firm, town: Town
) -> None:
    signed_in = browser()
    signed_in.sign_in(firm)
    assert mailed.post("/app/forgotten", "/app/forgotten", email=f" {firm.email.upper()} ").status_code == 200
    link = mailed.link(1)
    for _ in range(8):
        town.accounts.sign_in.with_password(firm.email, "a wrong long phrase")
    assert mailed.post(link, link, password=NEW).headers["location"] == "/app/leads"
    assert mailed.client.get("/app/account").status_code == 200
    assert signed_in.client.get("/app/leads").headers["location"].startswith("/app/sign-in")
    assert browser().client.get(link).status_code == 404
    assert mailed.post(link, "/app/account", password="a third rather long phrase").status_code == 404
    town.clock.advance(hours=1)
    browser().sign_in(firm, NEW)
    mailed.server.wait_for(2)  # The letter that says so.


def test_a_reset_link_dies_with_the_hour_and_with_another_change(
    mailed: Mailed, browser: Callable[[], Visitor], firm: Firm, town: Town
) -> None:
    mailed.post("/app/forgotten", "/app/forgotten", email=firm.email)
    link = mailed.link(1)
    town.clock.advance(minutes=59)
    assert browser().client.get(link).status_code == 200
    town.clock.advance(minutes=1)
    assert browser().client.get(link).status_code == 404
    mailed.post("/app/forgotten", "/app/forgotten", email=firm.email)
    link = mailed.link(2)
    town.accounts.credentials.reset_by_operator(firm.email, NEW)
    assert browser().client.get(link).status_code == 404


def test_a_reset_does_not_get_past_the_second_factor(
    mailed: Mailed, browser: Callable[[], Visitor], firm: Firm, town: Town
) -> None:
    owner = browser()
    owner.sign_in(firm)
    switch_on(owner, town)
    mailed.post("/app/forgotten", "/app/forgotten", email=firm.email)
    link = mailed.link(1)
    mailed.post(link, link, password=NEW)
    thief = browser()
    thief.sign_in(firm, NEW)
    assert thief.client.get("/app/leads").headers["location"].startswith("/app/second-factor")


def test_nobody_learns_who_is_a_member(mailed: Mailed, browser: Callable[[], Visitor], firm: Firm) -> None:
    """Signing in and a forgotten password answer the same, and the mail is thought of after the answer."""
    said = []
    for email in (firm.email, "nobody@firm.example"):
        visitor = browser()
        form = {"csrf_token": visitor.csrf_token(), "email": email, "password": "a wrong long phrase"}
        refused = visitor.client.post("/app/sign-in", data=form)
        asked = mailed.post("/app/forgotten", "/app/forgotten", email=email)
        said.append([_plain(refused, email), _plain(asked, email)])
    assert said[0] == said[1]
    mailed.server.wait_for(1)
    assert [letter["To"] for letter in mailed.server.letters] == [firm.email]


def test_letters_of_a_forgotten_password_are_bounded(mailed: Mailed, firm: Firm) -> None:
    for _ in range(12):
        assert mailed.post("/app/forgotten", "/app/forgotten", email=firm.email).status_code == 200
    mailed.server.wait_for(5)
    assert len(mailed.server.letters) == 5


def _plain(answer: httpx.Response, email: str) -> tuple[int, str]:
    return answer.status_code, re.sub(r'value="[^"]{43,}"', "", answer.text.replace(email, ""))


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/app/leads",
        "/\\evil.example",
        "/app/\\evil.example",
        "/app/leads\r\nset-cookie: a=b",
        "javascript:alert(1)",
        "/app/../../evil",
        "http://127.0.0.1:8000@evil.example/app/",
        "/app//evil.example",
    ],
)
def test_signing_in_leads_to_no_other_place(browser: Callable[[], Visitor], firm: Firm, target: str) -> None:
    visitor = browser()
    form = {"csrf_token": visitor.csrf_token(), "email": firm.email, "password": PASSWORD, "next": target}
    answer = visitor.client.post("/app/sign-in", data=form)
    where = urlsplit(answer.headers["location"])
    assert (where.scheme, where.netloc) == ("", "")
    assert where.path.startswith("/app/")
    assert "set-cookie: a=b" not in str(answer.headers)


def test_a_hostile_workspace_name_makes_no_header_and_no_link(mailed: Mailed, town: Town) -> None:
    hostile = town.firm()
    with town.control_plane.session() as db:
        name = "Acme\r\nBcc: eve@evil.example"
        db.execute(text("update workspaces set name = :name where id = :id"), {"name": name, "id": hostile.id})
        db.execute(text("update members set name = :name where email = :email"), {"name": name, "email": hostile.email})
    mailed.sign_in(hostile)
    mailed.post("/app/team/invite", "/app/team", email=f"guest.{hostile.id}@firm.example", role="sales")
    mailed.server.wait_for(1)
    (letter,) = mailed.server.letters
    assert letter["Bcc"] is None
    assert letter["To"] == f"guest.{hostile.id}@firm.example"
    assert mailed.server.deliveries[0].recipients == (letter["To"],)


@pytest.mark.parametrize(
    "email", ["a@b.example\r\nBcc: eve@evil.example", "a@b.example,eve@evil.example", "=?utf-8?q?a?=@b.example"]
)
def test_no_letter_goes_to_an_address_that_is_two(mailed: Mailed, firm: Firm, email: str) -> None:
    mailed.sign_in(firm)
    assert mailed.post("/app/team/invite", "/app/team", email=email, role="sales").status_code == 422


def test_fields_that_a_form_does_not_have_change_nothing(member: Visitor, firm: Firm, town: Town) -> None:
    """Mass assignment: handlers pick what they know by name."""
    more = {
        "role": "owner",
        "workspace_id": "1",
        "key": "taken12345",
        "id": "1",
        "state": "purged",
        "email": "e@e.example",
    }
    for path, page, fields in (
        ("/app/account/name", "/app/account", {"name": "Anna Nieminen"}),
        ("/app/settings", "/app/settings", {"form": "identity", "name": "Renamed", "requires_second_factor": "on"}),
        (
            f"/app/sites/{firm.site.key}",
            f"/app/sites/{firm.site.key}",
            {
                "name": "Main site",
                "origins": "https://www.firm.example",
                "before_consent": "wait",
                "controller": "Firm Oy",
                "language": "en",
                "retention_days": "395",
                "min_confidence": "high",
            },
        ),
    ):
        form = {"csrf_token": member.csrf_token(page), **more, **fields}
        assert member.client.post(path, data=form).status_code == 303
    scope = firm.scope
    assert (scope.role, scope.workspace_id, scope.email, scope.state) == (Role.OWNER, firm.id, firm.email, "active")
    assert not town.accounts.workspaces.of(scope).requires_second_factor
    assert [site.key for site in town.accounts.sites.of(scope)] == [firm.site.key]


def test_two_browsers_at_once_accept_one_invitation_once(town: Town, firm: Firm) -> None:
    invited = town.accounts.team.invite(firm.scope, f"race.{firm.id}@firm.example", Role.SALES)
    made: list[str | None] = []

    def join() -> None:
        made.append(town.accounts.team.join(invited.secret, "Ida", NEW))

    threads = [threading.Thread(target=join) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made, key=str) == sorted([invited.email, None], key=str)
