"""The second factor: set up, asked for, lost, and asked of everybody."""

import re

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from firmly.accounts.roles import Role
from tests.browser.installation import Installation, enter, open_page

pytestmark = pytest.mark.browser

STEP_S = 30


def shown_key(page: Page) -> pyotp.TOTP:
    return pyotp.TOTP(page.locator(".key-text").inner_text().replace(" ", ""))


def code_of(totp: pyotp.TOTP, page: Page, steps: int = 0) -> str:
    """Return the code of the browser's time, or of so many steps later: each works once."""
    return totp.at(int(page.evaluate("Date.now()")) // 1000 + steps * STEP_S)


def set_up(page: Page, installation: Installation) -> tuple[pyotp.TOTP, list[str]]:
    page.goto(f"{installation.url}/app/account")
    page.get_by_role("link", name="Set it up").click()
    totp = shown_key(page)
    page.get_by_label("Code").fill(code_of(totp, page))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    return totp, page.locator("#codes code").all_inner_texts()


def give(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Go on").click()


def signed_out(context: BrowserContext) -> None:
    context.clear_cookies()


def test_code_or_recovery_code_is_asked_for_at_the_next_sign_in(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    context = chromium.new_context(locale="en-GB")
    page, watch = open_page(context, installation)
    enter(page, installation, household.email)
    page.wait_for_url("**/app/welcome")
    page.goto(f"{installation.url}/app/account/second-factor")
    give_wrong = "000000"
    page.get_by_label("Code").fill(give_wrong)
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("alert")).to_contain_text("Code")
    totp, codes = set_up(page, installation)
    assert len(set(codes)) == len(codes) >= 8
    watch.looks_right("recovery codes")
    page.get_by_role("link", name="I have kept them").click()
    page.goto(f"{installation.url}/app/account")
    expect(page.get_by_text(f"{len(codes)} recovery codes left")).to_be_visible()
    expect(page.get_by_text(codes[0])).to_have_count(0)

    page.get_by_label("Your account:").click()
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    enter(page, installation, household.email)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    watch.looks_right("asked")
    page.goto(f"{installation.url}/app/team")
    page.wait_for_url("**/app/second-factor?next=/app/team")
    give(page, "123456" if code_of(totp, page, 1) != "123456" else "654321")
    expect(page.get_by_role("alert")).to_contain_text("This code does not fit")
    give(page, code_of(totp, page, 1))
    page.wait_for_url("**/app/team")

    signed_out(context)
    enter(page, installation, household.email)
    give(page, codes[0])
    page.wait_for_url("**/app/welcome")
    installation.letters_to(household.email, 2)  # Switched on, and a recovery code used.
    signed_out(context)
    enter(page, installation, household.email)
    give(page, codes[0])
    expect(page.get_by_role("alert")).to_contain_text("This code does not fit")
    context.close()


def test_workspace_that_asks_for_it_sends_members_to_set_it_up(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    installation.join(household, "noa@herons.example", Role.SALES)
    owners, members = chromium.new_context(locale="en-GB"), chromium.new_context(locale="en-GB")
    owner, _ = open_page(owners, installation)
    enter(owner, installation, household.email)
    set_up(owner, installation)
    owner.goto(f"{installation.url}/app/settings")
    owner.get_by_label("Every member needs a second factor").check()
    owner.get_by_role("region", name="Rules").get_by_role("button", name="Save").click()
    expect(owner.get_by_role("status")).to_have_text("Saved.")

    page, watch = open_page(members, installation)
    enter(page, installation, "noa@herons.example")
    page.wait_for_url("**/app/account/second-factor?next=/app/leads")
    expect(page.get_by_role("status")).to_contain_text(f"{household.name} asks every member for a second factor")
    watch.looks_right("asked of everybody")
    page.goto(f"{installation.url}/app/coverage")
    page.wait_for_url(re.compile("second-factor"))
    page.get_by_label("Code").fill(code_of(shown_key(page), page))
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Leads")).to_be_visible()
    owners.close()
    members.close()


def test_it_is_set_up_and_given_with_the_keyboard_alone(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    context = chromium.new_context(locale="en-GB")
    page, _ = open_page(context, installation)
    enter(page, installation, household.email, to="/app/account/second-factor")
    expect(page.get_by_label("Code")).to_be_focused()
    totp = shown_key(page)
    page.keyboard.type(code_of(totp, page))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    signed_out(context)
    page.goto(f"{installation.url}/app/sign-in")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(household.email)
    page.keyboard.press("Tab")
    page.keyboard.type(household.password)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type(code_of(totp, page, 1))
    page.keyboard.press("Enter")
    page.wait_for_url("**/app/welcome")
    context.close()
