"""The overview and the live view in a real browser: the chart and its table, rows that arrive, the keyboard."""

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.browser.conftest import send_visit
from tests.browser.looks import look_in_light_and_dark
from tests.browser.test_first_light import sign_in
from tests.collector import MIT
from tests.served import Served

pytestmark = pytest.mark.browser

NOKIA_NAME = "Nokia Solutions and Networks"
MIT_NAME = "Massachusetts Institute of Technology"


def open_at(context: BrowserContext, firm: Served, path: str) -> Page:
    page = sign_in(context, firm)
    page.goto(f"{firm.url}/app/{path}")
    return page


def test_chart_is_read_out_by_the_keyboard_as_the_table_says(member: BrowserContext, firm: Served) -> None:
    page = open_at(member, firm, "overview")
    expect(page.locator("[data-plot-area] canvas")).to_be_visible()
    page.get_by_text("Show as a table").click()
    newest = page.locator("[data-plot-table] tbody tr").first
    new, companies = (newest.locator("td").nth(index).inner_text() for index in (0, 3))
    assert (int(new), int(companies)) == (int(companies), int(companies))

    page.locator("[data-plot-area]").focus()
    readout = page.locator("[data-plot-readout]")
    resting = readout.inner_text()
    page.keyboard.press("End")
    day = newest.locator("th").inner_text()
    word = "company" if companies == "1" else "companies"
    expect(readout).to_have_text(f"{day}: {companies} {word}, {new} new, 0 returning, 0 re-engaged")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text(": 0 companies")
    page.keyboard.press("Tab")
    expect(readout).to_have_text(resting)


def test_row_of_a_table_leads_to_its_leads_and_the_table_is_a_file(member: BrowserContext, firm: Served) -> None:
    page = open_at(member, firm, "overview?days=7")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download landing pages as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "landing_page,companies,visits"
    assert any(line.startswith("/pricing,") for line in lines)
    page.get_by_role("link", name="/pricing").click()
    expect(page.get_by_role("link", name=NOKIA_NAME)).to_be_visible()
    assert "days=7" in page.url


def test_visit_arrives_in_the_live_view_and_focus_stays(member: BrowserContext, firm: Served) -> None:
    send_visit(firm, "/before")
    page = open_at(member, firm, "live")
    row = page.get_by_role("row").filter(has_text="/before")
    expect(row).to_be_visible(timeout=10_000)
    link = row.get_by_role("link", name=NOKIA_NAME)
    link.focus()
    page.wait_for_timeout(1500)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108  # Playwright marks its handlers.
    page.wait_for_timeout(2500)
    assert [request.url for request in asked] == []  # It hears of news, and does not ask meanwhile.

    send_visit(firm, "/just-now", MIT)

    new = page.get_by_role("row").filter(has_text="/just-now")
    expect(new).to_be_visible(timeout=4000)
    expect(new).to_contain_text(MIT_NAME)
    expect(link).to_be_focused()


def test_page_that_hears_no_news_asks_by_itself(member: BrowserContext, firm: Served) -> None:
    member.route("**/app/news", lambda route: route.abort())
    page = open_at(member, firm, "live")
    page.wait_for_timeout(500)
    send_visit(firm, "/without-news")
    expect(page.get_by_role("row").filter(has_text="/without-news")).to_be_visible(timeout=12_000)


def test_hidden_page_lets_go_of_its_stream(member: BrowserContext, firm: Served) -> None:
    with member.expect_event("request", lambda request: request.url.endswith("/app/news")):
        page = open_at(member, firm, "live")
    page.wait_for_timeout(300)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/app/news")):
        page.evaluate(
            "() => { Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange')) }"
        )
    with page.expect_event("request", lambda request: request.url.endswith("/app/news")):
        page.evaluate(
            "() => { delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange')) }"
        )


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_have_no_accessibility_violation(chromium: Browser, firm: Served, width: int) -> None:
    send_visit(firm, "/" + "long-" * 40)
    context = chromium.new_context(viewport={"width": width, "height": 844})
    page = sign_in(context, firm)

    page.goto(f"{firm.url}/app/live")
    expect(page.get_by_role("link", name=NOKIA_NAME).first).to_be_visible(timeout=10_000)
    look_in_light_and_dark(page, "overview-live")
    page.goto(f"{firm.url}/app/overview")
    expect(page.locator("[data-plot-area] canvas")).to_be_visible()
    page.get_by_text("Show as a table").click()
    look_in_light_and_dark(page, "overview")
    page.goto(f"{firm.url}/app/overview?from=2020-01-01&to=2020-01-07")
    expect(page.get_by_role("heading", name="No company visited")).to_be_visible()
    look_in_light_and_dark(page, "overview-empty")
    context.close()
