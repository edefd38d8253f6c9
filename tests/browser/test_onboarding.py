"""From an empty workspace to the first visit, in three steps."""

import time

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import Website
from tests.browser.installation import Installation, enter, open_page

pytestmark = pytest.mark.browser


def test_empty_workspace_is_set_up_until_its_first_visit_is_seen(
    chromium: Browser, visitor: BrowserContext, installation: Installation, empty_website: Website
) -> None:
    household = installation.workspace()
    context = chromium.new_context(locale="en-GB")
    page, watch = open_page(context, installation)
    enter(page, installation, household.email)
    page.wait_for_url("**/app/welcome")
    step = page.get_by_role("list", name="Steps").locator("[aria-current=step]")
    expect(step).to_have_text("Who you are")
    watch.looks_right("step 1")

    page.get_by_label("Controller").fill("Herons Ltd")
    page.get_by_label("Time zone").fill("Europe/Nowhere")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("Time zone")
    expect(page.get_by_label("Controller")).to_have_value("Herons Ltd")
    page.get_by_label("Time zone").fill("Europe/Helsinki")
    page.get_by_role("button", name="Go on").click()
    expect(step).to_have_text("Your site")
    watch.looks_right("step 2")

    page.get_by_label("Name of the site").fill("Main site")
    page.get_by_label("Pages on").fill(empty_website.origin)
    expect(page.get_by_role("radio", name="Wait for consent")).to_be_checked()
    expect(page.get_by_text("Art. 5(3) of the ePrivacy Directive is not settled")).to_be_visible()
    page.get_by_role("button", name="Add the site").click()
    expect(step).to_have_text("The tag")
    expect(page.get_by_text("Waiting.")).to_be_visible()
    watch.looks_right("step 3")

    tag = page.locator("code").filter(has_text="<script").inner_text()
    empty_website.script = tag.split('"')[1]
    visit = visitor.new_page()
    banner = visit.locator(".firmly-layer")
    for _ in range(100):  # Collectors follow a new site within five seconds.
        if httpx.get(empty_website.script).status_code == 200:
            break
        time.sleep(0.1)
    visit.goto(empty_website.origin)
    banner.get_by_role("button", name="Accept all", exact=True).click()
    expect(page.get_by_text("Seen. Main site: 1 page view.")).to_be_visible(timeout=10_000)
    watch.looks_right("seen")
    page.get_by_role("link", name="Show the leads").click()
    expect(page.get_by_role("link", name="Nokia Solutions and Networks")).to_be_visible()
    context.close()


def test_steps_are_walked_with_the_keyboard_alone(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    context = chromium.new_context(locale="en-GB")
    page, _ = open_page(context, installation)
    enter(page, installation, household.email)
    page.wait_for_url("**/app/welcome")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Skips to the content.
    for key in ("Tab", "Tab"):  # Workspace, controller.
        page.keyboard.press(key)
    page.keyboard.type("Herons Ltd")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name of the site")).to_be_visible()
    context.close()
