"""An owner invites, the mail arrives, and its link lets one person in, once."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from firmly.accounts.roles import Role
from tests.browser.installation import PASSWORD, Household, Installation, enter, link_of, open_page

pytestmark = pytest.mark.browser


def invite(page: Page, installation: Installation, household: Household, email: str, role: str) -> None:
    enter(page, installation, household.email, to="/app/team")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("radio", name=role).check()
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("status")).to_have_text("The invitation is on its way.")


def test_invited_person_joins_with_the_role_that_was_given(chromium: Browser, installation: Installation) -> None:
    household, email = installation.workspace(), "petra@herons.example"
    owners, invited = chromium.new_context(locale="en-GB"), chromium.new_context(locale="en-GB")
    page, _ = open_page(owners, installation)
    invite(page, installation, household, email, "Privacy officer")
    expect(page.get_by_role("row", name=re.compile(email))).to_contain_text("Privacy officer")
    link = link_of(installation.letters_to(email)[0], "invitation")

    join, watch = open_page(invited, installation)
    join.goto(link)
    expect(join.get_by_role("heading", level=1)).to_have_text(f"Join {household.name}")
    expect(join.get_by_text(email)).to_be_visible()
    watch.looks_right("invitation")
    join.get_by_label("Your name").fill("Petra Privacy")
    join.get_by_label("Password").fill("aaaaaaaaaaaaaaaa")
    join.get_by_role("button", name="Join").click()
    expect(join.get_by_role("alert")).to_contain_text("expected")
    expect(join.get_by_label("Your name")).to_have_value("Petra Privacy")
    watch.looks_right("invitation refused")
    join.get_by_label("Password").fill(PASSWORD)
    join.get_by_role("button", name="Join").click()
    join.wait_for_url("**/app/welcome")
    places = join.get_by_role("navigation", name="Places")
    expect(places.get_by_role("link", name="Audit log")).to_be_visible()
    expect(places.get_by_role("link", name="Team")).to_have_count(0)

    page.reload()
    expect(page.get_by_label("Role of Petra Privacy", exact=True)).to_have_value(Role.PRIVACY_OFFICER.value)
    again, _ = open_page(chromium.new_context(), installation)
    again.goto(link)
    expect(again.get_by_role("heading", level=1)).to_have_text("This invitation does not work any more")
    for context in (owners, invited, again.context):
        context.close()


def test_member_of_another_workspace_joins_and_goes_back_and_forth(
    chromium: Browser, installation: Installation
) -> None:
    first, second = installation.workspace(), installation.workspace()
    context = chromium.new_context(locale="en-GB")
    page, _ = open_page(context, installation)
    invite(page, installation, first, second.email, "Sales")
    link = link_of(installation.letters_to(second.email)[0], "invitation")

    page.goto(link)
    expect(page.get_by_text("this invitation is for another address")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(link)
    page.get_by_role("link", name="Sign in to join").click()
    page.get_by_label("E-mail address").fill(second.email)
    page.get_by_label("Password", exact=True).fill(second.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Join as").click()
    expect(page.get_by_text(f"Workspace: {first.name}")).to_be_visible()

    page.get_by_label("Your account:").click()
    page.get_by_role("button", name=second.name).click()
    expect(page.get_by_text(f"Workspace: {second.name}")).to_be_visible()
    page.get_by_label("Your account:").click()
    expect(page.get_by_role("button", name=second.name)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=second.name)).to_be_hidden()
    context.close()


def test_invitation_that_was_taken_back_opens_nothing(chromium: Browser, installation: Installation) -> None:
    household, email = installation.workspace(), "rita@herons.example"
    context = chromium.new_context(locale="en-GB")
    page, _ = open_page(context, installation)
    invite(page, installation, household, email, "Viewer")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_have_text("The invitation no longer works.")
    page.goto(link_of(installation.letters_to(email)[0], "invitation"))
    expect(page.get_by_role("heading", level=1)).to_have_text("This invitation does not work any more")
    context.close()


def test_invitation_is_sent_with_the_keyboard_alone(chromium: Browser, installation: Installation) -> None:
    household, email = installation.workspace(), "kai@herons.example"
    context = chromium.new_context(locale="en-GB")
    page, _ = open_page(context, installation)
    enter(page, installation, household.email, to="/app/team")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Skips to the content.
    page.keyboard.press("Tab")  # The owner alone has no form in the table of members.
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # From sales on.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name=re.compile(email))).to_contain_text("Privacy officer")
    context.close()


def test_member_is_removed_only_after_a_second_press(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    installation.join(household, "max@herons.example", Role.SALES, "Max")
    context = chromium.new_context(viewport={"width": 1280, "height": 844}, locale="en-GB")
    page, watch = open_page(context, installation)
    enter(page, installation, household.email, to="/app/team")
    row = page.get_by_role("row", name=re.compile("max@herons.example"))
    before = row.bounding_box()
    page.get_by_label("Remove Max").click()
    expect(page.get_by_text("Max loses access at once.")).to_be_visible()
    assert row.bounding_box() == before
    watch.looks_right("sure")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Max loses access at once.")).to_be_hidden()
    page.get_by_label("Remove Max").click()
    page.get_by_role("button", name="Remove for good").click()
    expect(page.get_by_role("status")).to_have_text("The member is removed.")
    expect(row).to_have_count(0)
    context.close()
