"""Signing in and out, the cookies, and the guard of forms."""

from collections.abc import Callable

import pytest

from firmly.leads.service import Leads
from firmly.web.sessions import safe_next
from tests.town import KEYS, PASSWORD, Firm, Town
from tests.unit.web.conftest import Client, Visitor


def form(visitor: Visitor, firm: Firm, **more: str) -> dict[str, str]:
    return {"csrf_token": visitor.csrf_token(), "email": firm.email, "password": PASSWORD, **more}


def set_cookies(client: Client, path: str, data: dict[str, str]) -> list[str]:
    return client.post(path, data=data).headers.get_list("set-cookie")


def test_sign_in_leads_to_the_list(visitor: Visitor, firm: Firm) -> None:
    answer = visitor.client.post("/app/sign-in", data=form(visitor, firm))
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/leads")
    assert "Firm" in visitor.text("/app/leads")


@pytest.mark.parametrize("path", ["/app/leads", "/app/leads/000000000000000a", "/app/coverage", "/app/sites"])
def test_pages_ask_to_sign_in_and_come_back(visitor: Visitor, firm: Firm, path: str) -> None:
    answer = visitor.client.get(path + "?days=7")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/app/sign-in?next={path}%3Fdays%3D7")


def test_sign_in_goes_on_to_the_page_asked_for(visitor: Visitor, firm: Firm) -> None:
    answer = visitor.client.post("/app/sign-in", data=form(visitor, firm, next="/app/coverage?days=7"))
    assert answer.headers["location"] == "/app/coverage?days=7"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/app/",
        "//evil.example/app/",
        "/\\evil.example/app/",
        "/app/\\evil.example",
        "javascript:alert(1)",
        "/elsewhere",
        "app/leads",
        "/app/leads\r\nset-cookie: a=b",
        "http://[/app/",
        "",
    ],
)
def test_next_never_leaves_the_pages(visitor: Visitor, firm: Firm, target: str) -> None:
    assert safe_next(target) == "/app/leads"
    answer = visitor.client.post("/app/sign-in", data=form(visitor, firm, next=target))
    assert answer.headers["location"] == "/app/leads"


def test_part_of_a_page_makes_the_whole_page_sign_in(visitor: Visitor) -> None:
    headers = {"hx-request": "true", "hx-current-url": "http://127.0.0.1:8000/app/leads?q=nokia"}
    answer = visitor.client.get("/app/leads?q=nokia", headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/app/sign-in?next=/app/leads%3Fq%3Dnokia")


def test_failure_does_not_tell_whether_the_address_is_known(visitor: Visitor, firm: Firm) -> None:
    def answer(email: str) -> str:
        data = form(visitor, firm, email=email, password="wrong " + PASSWORD)
        refused = visitor.client.post("/app/sign-in", data=data)
        assert refused.status_code == 422
        return refused.text.replace(email, "").replace(data["csrf_token"], "")

    assert answer(firm.email) == answer("nobody@firm.example")


def test_failure_keeps_the_address_and_never_the_password(visitor: Visitor, firm: Firm) -> None:
    text = visitor.client.post("/app/sign-in", data=form(visitor, firm, password="my secret guess")).text
    assert firm.email in text
    assert "my secret guess" not in text


def test_what_was_entered_is_escaped(visitor: Visitor, firm: Firm) -> None:
    text = visitor.client.post("/app/sign-in", data=form(visitor, firm, email='"><script>', password="x")).text
    assert "<script>" not in text


def test_empty_fields_are_named(visitor: Visitor, firm: Firm) -> None:
    answer = visitor.client.post("/app/sign-in", data=form(visitor, firm, password=""))
    assert answer.status_code == 422
    assert "Enter your e-mail address and your password" in answer.text


@pytest.mark.parametrize("token", ["", "x", "Ä", "A" * 43])
def test_form_with_a_wrong_token_is_refused(visitor: Visitor, firm: Firm, token: str) -> None:
    answer = visitor.client.post("/app/sign-in", data=form(visitor, firm) | {"csrf_token": token})
    assert answer.status_code == 403
    assert "firmly_session" not in visitor.client.cookies


def test_form_without_the_browsers_cookie_is_refused(visitor: Visitor, firm: Firm) -> None:
    data = form(visitor, firm)
    visitor.client.cookies.clear()
    assert visitor.client.post("/app/sign-in", data=data).status_code == 403


def test_another_browsers_token_is_refused(visitor_at: Callable[[str], Visitor], firm: Firm) -> None:
    one, other = visitor_at("http://127.0.0.1:8000"), visitor_at("http://127.0.0.1:8000")
    data = form(one, firm)
    other.csrf_token()
    assert other.client.post("/app/sign-in", data=data).status_code == 403


def test_token_of_before_signing_in_is_refused_after_it(visitor: Visitor, firm: Firm) -> None:
    early = visitor.csrf_token()
    visitor.sign_in(firm)
    assert visitor.client.post("/app/sign-out", data={"csrf_token": early}).status_code == 403
    assert "Sign out" in visitor.text("/app/leads")


def test_token_signed_with_the_older_key_is_valid_after_a_rotation(town: Town, leads: Leads, firm: Firm) -> None:
    before = Visitor(town, leads, "http://127.0.0.1:8000", keys=("o" * 32,))
    after = Visitor(town, leads, "http://127.0.0.1:8000", keys=KEYS)
    data = form(before, firm)
    after.client.cookies.update(before.client.cookies)
    assert after.client.post("/app/sign-in", data=data).status_code == 303


def test_sign_out_ends_the_session(member: Visitor) -> None:
    session = member.client.cookies["firmly_session"]
    answer = member.client.post("/app/sign-out", data={"csrf_token": member.csrf_token("/app/leads")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/sign-in")

    member.client.cookies.set("firmly_session", session)
    assert member.client.get("/app/leads").status_code == 303


def test_sign_out_needs_a_post(member: Visitor) -> None:
    assert member.client.get("/app/sign-out").status_code == 405
    assert member.client.get("/app/leads").status_code == 200


def test_cookies_over_https_are_host_only_and_travel_encrypted(
    visitor_at: Callable[[str], Visitor], firm: Firm
) -> None:
    visitor = visitor_at("https://firmly.example")
    cookies = set_cookies(visitor.client, "/app/sign-in", form(visitor, firm))
    [session] = [cookie for cookie in cookies if cookie.startswith("__Host-firmly_session=")]
    assert {part.strip().lower() for part in session.split(";")[1:]} == {
        "httponly",
        "max-age=2592000",
        "path=/",
        "samesite=lax",
        "secure",
    }


def test_cookies_over_http_are_still_no_scripts_to_read(visitor: Visitor, firm: Firm) -> None:
    cookies = set_cookies(visitor.client, "/app/sign-in", form(visitor, firm))
    [session] = [cookie for cookie in cookies if cookie.startswith("firmly_session=")]
    flags = {part.strip().lower() for part in session.split(";")[1:]}
    assert {"httponly", "path=/", "samesite=lax"} <= flags
    assert "secure" not in flags


def test_only_the_two_cookies_are_ever_set(member: Visitor) -> None:
    for path in ("/app/leads", "/app/coverage", "/app/sites", "/app/nowhere"):
        member.client.get(path)
    assert set(member.client.cookies) == {"firmly_session", "firmly_csrf"}


def test_an_ended_session_asks_to_sign_in(member: Visitor, town: Town) -> None:
    town.clock.advance(days=31)
    assert member.client.get("/app/leads").status_code == 303


def test_too_large_a_form_is_refused(visitor: Visitor, firm: Firm) -> None:
    answer = visitor.client.post("/app/sign-in", data=form(visitor, firm, password="x" * 40_000))
    assert answer.status_code == 413
