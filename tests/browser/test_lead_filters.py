"""The filter above the list, in a real browser: added, kept while searching, taken off."""

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.looks import look_in_light_and_dark
from tests.browser.test_first_light import sign_in
from tests.served import Served

pytestmark = pytest.mark.browser

COMPANY = "Nokia Solutions and Networks"


def add(page: Page, what: str, how: str, value: str | None = None) -> None:
    if not page.locator("#field").is_visible():
        page.get_by_text("Add a filter").click()
    page.locator("#field").select_option(label=what)
    page.locator("#op").select_option(label=how)
    if value is not None:
        page.locator("#value").fill(value)
    page.get_by_role("button", name="Add", exact=True).click()


def test_filter_is_added_kept_while_searching_and_taken_off(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    lead = page.get_by_role("link", name=COMPANY)
    expect(lead).to_be_visible()
    add(page, "Visited a page", "starts with", "/pricing")
    chip = page.get_by_text("visited a page that starts with /pricing")
    expect(chip).to_be_visible()
    expect(lead).to_be_visible()

    page.locator("#search").press_sequentially("nok")
    page.wait_for_url("**/app/leads?q=nok&filter=*")
    expect(chip).to_be_visible()

    add(page, "Country", "is not", "Finland")
    expect(page.get_by_role("heading", name="No company passes the filter")).to_be_visible()
    assert "q=nok" in page.url
    page.get_by_role("link", name="Remove the filter: country is not Finland").click()
    expect(lead).to_be_visible()
    page.get_by_role("link", name="Remove the filter: visited").click()
    page.wait_for_url("**/app/leads?q=nok")
    expect(page.locator(".filter-chip")).to_have_count(0)


def test_only_what_fits_a_field_is_offered(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    page.get_by_text("Add a filter").click()
    offered = page.locator("#op option:not([hidden])")
    page.locator("#field").select_option("visits")
    expect(offered).to_have_text(["is", "is not", "more than", "fewer than", "between"])
    expect(page.locator("#times")).to_be_hidden()
    page.locator("#field").select_option("domain")
    page.locator("#op").select_option("not_set")
    expect(page.locator("#value")).to_be_hidden()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("domain is not known")).to_be_visible()


def test_list_is_downloaded_as_it_is_filtered(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download this company as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["company", COMPANY]


@pytest.mark.parametrize("width", [1280, 390])
def test_filter_fits_and_has_no_accessibility_violation(chromium: Browser, firm: Served, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844})
    page = sign_in(context, firm)

    page.get_by_text("Add a filter").click()
    look_in_light_and_dark(page, "filters-open")
    add(
        page,
        "Name",
        "is none of",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, " * 2,
    )
    expect(page.locator(".filter-chip")).to_have_count(1)
    look_in_light_and_dark(page, "filters-chips")
    add(page, "Visits", "more than", "many")
    expect(page.get_by_role("alert")).to_contain_text("expected: a whole number")
    look_in_light_and_dark(page, "filters-refused")
    context.close()
