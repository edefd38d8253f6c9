"""The list as sales people live in it: ordered, chosen, kept as a feed, changed in bulk, by keyboard."""

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.looks import look_in_light_and_dark
from tests.browser.test_first_light import sign_in
from tests.served import Served

pytestmark = pytest.mark.browser

COMPANY = "Nokia Solutions and Networks"


def test_list_is_ordered_and_its_columns_chosen(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    page.get_by_role("link", name="Score", exact=True).last.click()
    page.wait_for_url("**sort=-score**")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Score")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Kind", exact=True).check()
    page.get_by_role("button", name="Kind earlier").click()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="Kind")).to_be_visible()
    page.wait_for_url("**sort=-score**")


def test_companies_are_picked_by_keyboard_and_changed_together(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    page.goto(f"{firm.url}/app/leads?q=Nokia")  # Other tests' visits may come first.
    expect(page.get_by_role("link", name=COMPANY)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name=COMPANY)).to_be_focused()
    page.keyboard.press("x")
    bar = page.get_by_role("form", name="The selected companies")
    expect(bar.get_by_text("1 selected")).to_be_visible()
    bar.get_by_label("What to do").select_option("tag")
    bar.get_by_label("Tag", exact=True).fill("fair")
    bar.get_by_role("button", name="Change", exact=True).click()
    expect(bar).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    bar.get_by_label("What to do").select_option("hide-all")
    bar.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("link", name=COMPANY)).to_have_count(0)
    page.get_by_role("link", name="Show hidden").click()
    page.get_by_label(f"Select {COMPANY}").check()
    with page.expect_download() as download:
        bar.get_by_role("button", name="Download CSV").click()
    assert COMPANY in download.value.path().read_text()
    page.get_by_role("button", name="Clear the selection").click()
    page.get_by_label(f"Select {COMPANY}").check()
    bar.get_by_label("What to do").select_option("show")
    bar.get_by_role("button", name="Change", exact=True).click()
    page.get_by_role("link", name="Leave hidden companies out").click()
    expect(page.get_by_role("link", name=COMPANY)).to_be_visible()


def test_filter_is_kept_as_a_feed_and_counted(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    page.goto(f'{firm.url}/app/leads?filter={{"field":"page","op":"starts","value":"/"}}')
    [found] = page.locator("#found").all_inner_texts()  # Other tests' visits count, too.
    page.get_by_text("Keep as a feed").click()
    page.get_by_label("Name", exact=True).fill("Everybody with a page")
    page.get_by_label("Folder").fill("Sales")
    page.get_by_role("button", name="Keep as a new feed").click()
    expect(page.get_by_role("link", name="Sales / Everybody with a page")).to_have_attribute("aria-current", "true")
    page.goto(f"{firm.url}/app/feeds")
    row = page.get_by_role("row").filter(has_text="Everybody with a page")
    expect(row.get_by_role("cell").nth(1)).to_have_text(found.removesuffix(" found"))
    row.get_by_label("Change Everybody with a page").click()
    row.get_by_role("button", name="Remove Everybody with a page").click()
    expect(page.get_by_role("heading", name="No feed yet")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_have_no_accessibility_violation(chromium: Browser, firm: Served, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844})
    page = sign_in(context, firm)

    look_in_light_and_dark(page, "leads")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_text("Keep as a feed").click()
    look_in_light_and_dark(page, "leads-tools")
    for place in ("feeds", "score", "team"):
        page.goto(f"{firm.url}/app/{place}")
        look_in_light_and_dark(page, place)
    context.close()
