"""A forgotten password, signed-in browsers, the cookies that are set, and signing in through a provider."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from firmly.accounts.roles import Role
from firmly.mail.letter import Template
from firmly.model import system_clock
from tests.browser.installation import (
    NEW_PASSWORD,
    PASSWORD,
    Installation,
    enter,
    link_of,
    open_page,
    running_installation,
    text_of,
)
from tests.browser.test_first_light import EVERY_STORE, NOTHING
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, running_provider

pytestmark = pytest.mark.browser


def test_forgotten_password_is_replaced_through_the_mail_and_every_browser_signed_out(
    chromium: Browser, installation: Installation
) -> None:
    household = installation.workspace()
    elsewhere, here = chromium.new_context(locale="en-GB"), chromium.new_context(locale="en-GB")
    other, _ = open_page(elsewhere, installation)
    enter(other, installation, household.email)
    other.wait_for_url("**/app/welcome")

    page, watch = open_page(here, installation)
    enter(page, installation, household.email, "not the right one")
    expect(page.get_by_role("alert")).to_contain_text("do not match a member")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("aria-describedby", "error")
    watch.looks_right("sign-in refused")
    page.get_by_role("link", name="Forgotten your password?").click()
    watch.looks_right("forgotten")
    page.get_by_label("E-mail address").fill(household.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading")).to_have_text("Look into your mail")
    watch.looks_right("sent")
    link = link_of(installation.letters_to(household.email)[0], "reset")
    page.goto(link)
    watch.looks_right("reset")
    page.get_by_label("New password").fill(household.email)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("expected")
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    page.wait_for_url("**/app/welcome")  # The link has proved more than a password does.

    other.reload()
    other.wait_for_url("**/app/sign-in?next=/app/welcome")
    page.goto(link)
    expect(page.get_by_role("heading")).to_have_text("This link does not work any more")
    page.context.clear_cookies()
    enter(page, installation, household.email, NEW_PASSWORD)
    page.wait_for_url("**/app/welcome")
    assert "password" in text_of(installation.letters_to(household.email, 2)[1])
    elsewhere.close()
    here.close()


def test_signed_in_browsers_are_listed_and_ended(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    elsewhere, here = chromium.new_context(locale="en-GB"), chromium.new_context(locale="en-GB")
    other, _ = open_page(elsewhere, installation)
    enter(other, installation, household.email)
    other.wait_for_url("**/app/welcome")
    page, _ = open_page(here, installation)
    enter(page, installation, household.email, to="/app/account")
    sessions = page.get_by_role("region", name="Signed-in browsers").get_by_role("row")
    expect(sessions).to_have_count(3)
    expect(sessions.filter(has_text="this one")).to_have_count(1)
    sessions.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("Signed out.")
    expect(sessions).to_have_count(2)
    other.reload()
    other.wait_for_url("**/app/sign-in?next=/app/welcome")
    elsewhere.close()
    here.close()


def test_members_get_the_session_and_the_form_cookie_and_nothing_else(
    chromium: Browser, installation: Installation
) -> None:
    """LD3."""
    household = installation.workspace()
    context = chromium.new_context(locale="en-GB")
    page, _ = open_page(context, installation)
    enter(page, installation, household.email)
    for path in ("account", "team", "settings", "audit", "sites/new"):
        page.goto(f"{installation.url}/app/{path}")
    kept = {cookie["name"]: cookie for cookie in context.cookies()}
    assert kept.keys() == {"firmly_session", "firmly_csrf"}
    for cookie in kept.values():
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
        assert cookie["domain"] == "127.0.0.1"
        assert cookie["secure"] is False, "this installation has no TLS; with it see the unit tests"
    assert kept["firmly_csrf"]["expires"] == -1
    assert page.evaluate(EVERY_STORE) == NOTHING
    context.close()


def test_token_is_shown_once_works_and_is_revoked(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    context = chromium.new_context(locale="en-GB")
    page, watch = open_page(context, installation)
    enter(page, installation, household.email, to="/app/tokens")
    page.get_by_label("What it is for").fill("Our CRM")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("alert")).to_contain_text("May")
    expect(page.get_by_label("What it is for")).to_have_value("Our CRM")
    page.get_by_label("Read leads").check()
    page.get_by_role("button", name="Make the token").click()
    token = page.locator("#made-token").inner_text()
    watch.looks_right("made")

    def answered(path: str) -> int:
        return httpx.get(f"{installation.url}/api/v1{path}", headers={"authorization": f"Bearer {token}"}).status_code

    assert answered("/leads") == 200
    assert answered("/audit") == 403
    page.goto(f"{installation.url}/app/tokens")
    expect(page.get_by_text(token)).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="Our CRM")).to_contain_text("just now")
    page.get_by_label("Revoke Our CRM").click()
    expect(page.get_by_role("row").filter(has_text="Our CRM")).to_contain_text("Revoked")
    assert answered("/leads") == 401
    context.close()


def test_one_press_unsubscribes_without_signing_in(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    scope = installation.scope(household)
    secret = installation.accounts.wishes.unsubscribe_secret(household.id, scope.member_id, Template.AUDIT_REPORT)
    context = chromium.new_context(locale="en-GB")
    page, watch = open_page(context, installation)
    page.goto(f"{installation.url}/app/unsubscribe/{secret}")
    watch.looks_right("unsubscribe")
    assert installation.accounts.wishes.of(scope)[Template.AUDIT_REPORT], "looking at the page changes nothing"
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("heading")).to_have_text("You get it no more")
    assert not installation.accounts.wishes.of(scope)[Template.AUDIT_REPORT]
    enter(page, installation, household.email, to="/app/account")
    page.get_by_label("Monthly audit report").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Monthly audit report")).to_be_checked()
    context.close()


def test_member_signs_in_through_the_provider_and_nobody_else_does(chromium: Browser, tmp_path: Path) -> None:
    with running_provider(system_clock) as provider:
        environ = {
            "FIRMLY_OIDC_ISSUER": provider.issuer,
            "FIRMLY_OIDC_CLIENT_ID": CLIENT_ID,
            "FIRMLY_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "FIRMLY_OIDC_DOMAINS": "example.com",
            "FIRMLY_OIDC_NAME": "Example Login",
        }
        with running_installation(tmp_path, environ) as installation:
            provider.redirect_uri = f"{installation.url}/app/provider/back"
            context = chromium.new_context(locale="en-GB")
            page, watch = open_page(context, installation)
            page.goto(f"{installation.url}/app/account")
            watch.looks_right("sign-in")
            page.get_by_role("link", name="Sign in with Example Login").click()
            expect(page.get_by_role("alert")).to_contain_text("belongs to no member here")
            household = installation.workspace()
            installation.join(household, "mia@example.com", Role.SALES)
            page.goto(f"{installation.url}/app/account")
            page.get_by_role("link", name="Sign in with Example Login").click()
            page.wait_for_url("**/app/account")
            expect(page.locator(".page-head")).to_contain_text("mia@example.com")
            # Ports share cookies: "person" is the provider's own.
            names = {cookie["name"] for cookie in context.cookies(installation.url)}
            assert names == {"firmly_session", "firmly_csrf", "person"}
            context.close()


def test_password_is_changed_by_who_knows_the_old_one(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    context = chromium.new_context(locale="en-GB")
    page, _ = open_page(context, installation)
    enter(page, installation, household.email, to="/app/account")
    form = page.get_by_role("region", name="Password")
    form.get_by_label("Current password").fill("not the right one")
    form.get_by_label("New password").fill(NEW_PASSWORD)
    form.get_by_role("button", name="Change the password").click()
    expect(form.get_by_role("alert")).to_contain_text("Current password")
    form.get_by_label("Current password").fill(PASSWORD)
    form.get_by_label("New password").fill(NEW_PASSWORD)
    form.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is changed")
    context.close()
