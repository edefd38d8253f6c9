"""From a page that embeds the script to a lead in the dashboard, in a real browser."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.browser.conftest import Website
from tests.browser.looks import look_in_light_and_dark
from tests.served import EMAIL, PASSWORD, Served

pytestmark = pytest.mark.browser

EVERY_STORE = """async () => ({
  cookies: document.cookie,
  local: localStorage.length,
  session: sessionStorage.length,
  databases: (await indexedDB.databases()).length,
  caches: (await caches.keys()).length,
})"""
NOTHING = {"cookies": "", "local": 0, "session": 0, "databases": 0, "caches": 0}


def recorded(page: Page) -> list[Request]:
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108  # Playwright marks its handlers.
    return requests


def open_page(context: BrowserContext, website: Website, path: str = "/") -> tuple[Page, list[Request]]:
    page = context.new_page()
    requests = recorded(page)
    page.goto(website.origin + path)
    return page, requests


def layer(page: Page) -> Callable[[str], object]:
    return lambda name: page.locator(".firmly-layer").get_by_role("button", name=name, exact=True).click()


def sign_in(context: BrowserContext, served: Served) -> Page:
    page = context.new_page()
    page.goto(f"{served.url}/app/")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/app/leads**")
    return page


def test_before_a_choice_there_is_nothing_but_the_script(
    visitor: BrowserContext, website: Website, served: Served
) -> None:
    """RULES R12."""
    page, requests = open_page(visitor, website)
    expect(page.locator(".firmly-layer")).to_be_visible()
    page.mouse.wheel(0, 500)
    page.keyboard.press("Escape")
    page.wait_for_timeout(1500)
    assert [request.url for request in requests if request.url != website.origin + "/favicon.ico"] == [
        website.origin + "/",
        website.script,
    ]
    assert page.evaluate(EVERY_STORE) == NOTHING
    assert visitor.cookies() == []


def test_refused_nothing_is_measured_also_on_the_next_page(visitor: BrowserContext, website: Website) -> None:
    page, requests = open_page(visitor, website)
    layer(page)("Reject all")
    expect(page.locator(".firmly-layer")).to_be_hidden()
    page.locator("#next").click()
    page.wait_for_timeout(1000)
    expect(page.locator(".firmly-layer")).to_be_hidden()
    assert not any(request.url.endswith("/f/e") for request in requests)
    assert page.evaluate("sessionStorage.length") == 0


def test_accepted_visit_is_in_the_dashboard_within_two_seconds(
    visitor: BrowserContext, member: BrowserContext, website: Website, served: Served
) -> None:
    dashboard = sign_in(member, served)
    page, requests = open_page(visitor, website)
    with page.expect_response(lambda response: response.url.endswith("/f/e")) as sent:
        layer(page)("Accept all")
    answered = time.monotonic()
    assert sent.value.status == 202
    assert sent.value.request.all_headers().get("cookie") is None
    assert sent.value.header_value("x-firmly-dropped") is None
    lead = dashboard.get_by_role("link", name="Nokia").first
    expect(lead).to_be_visible(timeout=5000)
    assert time.monotonic() - answered < 2.0
    lead.click()
    expect(dashboard.get_by_role("heading", level=1)).to_contain_text("Nokia")
    assert any(request.url.endswith("/f/c") for request in requests)


def test_page_changes_inside_an_application_are_page_views(visitor: BrowserContext, website: Website) -> None:
    page, _ = open_page(visitor, website)
    with page.expect_request(lambda request: request.url.endswith("/f/e")):
        layer(page)("Accept all")
    with page.expect_request(lambda request: request.url.endswith("/f/e") and "/step-2" in (request.post_data or "")):
        page.evaluate("history.pushState({}, '', '/step-2')")


def test_withdrawn_consent_ends_measuring_without_a_reload(visitor: BrowserContext, website: Website) -> None:
    """RULES R17, R18."""
    page, requests = open_page(visitor, website)
    with page.expect_response(lambda response: response.url.endswith("/f/e")):
        layer(page)("Accept all")
    page.evaluate("window.stillTheSamePage = true")
    page.locator(".firmly-reopen").click()
    with page.expect_response(lambda response: response.url.endswith("/f/c")):
        page.get_by_role("dialog").get_by_role("button", name="Withdraw consent").click()
    requests.clear()
    page.evaluate("history.pushState({}, '', '/after')")
    page.wait_for_timeout(800)
    assert page.evaluate("window.stillTheSamePage")
    assert not any(request.url.endswith("/f/e") for request in requests)
    assert page.evaluate("sessionStorage.length") == 0


def test_reject_is_a_button_like_accept(visitor: BrowserContext, website: Website) -> None:
    """RULES R3, R4."""
    page, _ = open_page(visitor, website)
    for width, height in ((1280, 900), (390, 844), (320, 568)):
        page.set_viewport_size({"width": width, "height": height})
        answers = page.locator(".firmly-answer")
        looks = answers.evaluate_all(
            "all => all.map(one => { const s = getComputedStyle(one), b = one.getBoundingClientRect();"
            "return [one.tagName, s.color, s.backgroundColor, s.fontSize, s.fontWeight, Math.round(b.width),"
            " Math.round(b.height), b.bottom <= innerHeight && b.right <= innerWidth] })"
        )
        assert len(looks) == 2
        assert looks[0] == looks[1]
        assert looks[0][-1] is True


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_and_banner_have_no_accessibility_violation(
    chromium: Browser, website: Website, served: Served, width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844})
    page = sign_in(context, served)
    for path in ("/app/leads", "/app/coverage", "/app/corrections", "/app/sites"):
        page.goto(served.url + path)
        look_in_light_and_dark(page, f"first-light-{path.rpartition('/')[2]}")
    context.close()


def test_dashboard_sets_one_session_cookie_and_one_csrf_cookie(member: BrowserContext, served: Served) -> None:
    """PROMISES LD3."""
    sign_in(member, served)
    cookies = {cookie["name"]: cookie for cookie in member.cookies()}
    assert len(cookies) <= 2
    assert cookies["firmly_session"]["httpOnly"]
    assert cookies["firmly_session"]["sameSite"] == "Lax"
