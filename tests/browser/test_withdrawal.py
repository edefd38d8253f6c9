"""A withdrawal holds whatever the network and the other tabs do (RULES R18, R24)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.browser.conftest import Website
from tests.browser.test_first_light import layer, open_page
from tests.served import Served

pytestmark = pytest.mark.browser

UNSENT = "localStorage.getItem('firmly_unsent')"


def withdraw(page: Page) -> None:
    page.locator(".firmly-reopen").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Withdraw consent").or_(dialog.get_by_role("button", name="Reject all")).click()


def accept(page: Page) -> None:
    with page.expect_response(lambda response: response.url.endswith("/f/e")):
        layer(page)("Accept all")


def choice_of(context: BrowserContext) -> str:
    """Return the categories of the choice cookie."""
    values = [cookie["value"] for cookie in context.cookies() if cookie["name"] == "firmly_choice"]
    assert len(values) == 1
    return values[0].split(".")[2]


def actions(requests: list[Request]) -> list[str]:
    bodies: list[dict[str, Any]] = [
        json.loads(request.post_data or "{}") for request in requests if request.url.endswith("/f/c")
    ]
    return [str(body["action"]) for body in bodies]


def measured(requests: list[Request]) -> list[str]:
    return [request.url for request in requests if request.url.endswith("/f/e") or "/f/c/token" in request.url]


def held(context: BrowserContext) -> list[Route]:
    """Keep decisions from reaching the collector; the list fills with them."""
    routes: list[Route] = []
    context.route("**/f/c", lambda route: routes.append(route))  # noqa: PLW0108  # Playwright marks its handlers.
    return routes


def wait_for(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen within five seconds")


def test_withdrawal_without_an_answer_is_sent_by_the_next_page_and_nothing_is_measured(
    visitor: BrowserContext, website: Website, served: Served
) -> None:
    page, _ = open_page(visitor, website)
    accept(page)
    routes = held(visitor)
    withdraw(page)
    wait_for(page, lambda: len(routes) == 1)
    assert choice_of(visitor) == "none"
    assert page.evaluate("sessionStorage.length") == 0
    page.close()
    visitor.unroute("**/f/c")
    following = visitor.new_page()
    requests: list[Request] = []
    following.on("request", lambda request: requests.append(request))  # noqa: PLW0108
    with following.expect_response(lambda response: response.url.endswith("/f/c")) as answer:
        following.goto(website.origin + "/next")
    assert answer.value.status == 201
    following.wait_for_timeout(800)
    assert actions(requests) == ["withdraw"]
    assert measured(requests) == []
    assert following.evaluate(UNSENT) is None
    assert following.evaluate("sessionStorage.length") == 0
    assert choice_of(visitor) == "none"
    expect(following.locator(".firmly-layer")).to_be_hidden()


def test_withdrawal_is_kept_before_its_request_leaves(
    visitor: BrowserContext, website: Website, served: Served
) -> None:
    page, _ = open_page(visitor, website)
    accept(page)
    page.locator(".firmly-reopen").click()
    page.get_by_role("dialog").wait_for()
    state = page.evaluate(
        "() => { [...document.querySelectorAll('dialog button')].find(one => one.textContent === 'Withdraw consent')"
        f".click(); return [document.cookie, sessionStorage.length, {UNSENT}] }}"
    )
    assert ".none." in state[0]
    assert state[1] == 0
    assert '"action":"withdraw"' in state[2]
    wait_for(page, lambda: page.evaluate(UNSENT) is None)


def test_late_answer_to_an_acceptance_does_not_override_the_refusal_after_it(
    visitor: BrowserContext, website: Website, served: Served
) -> None:
    page, requests = open_page(visitor, website)
    routes = held(visitor)
    layer(page)("Accept all")
    wait_for(page, lambda: len(routes) == 1)
    withdraw(page)
    wait_for(page, lambda: len(routes) == 2)
    routes[1].fallback()
    page.wait_for_timeout(300)
    assert page.evaluate(UNSENT) is not None
    routes[0].fallback()
    wait_for(page, lambda: len(routes) == 3)
    assert choice_of(visitor) == "none"
    routes[2].fallback()
    wait_for(page, lambda: page.evaluate(UNSENT) is None)
    page.reload()
    page.wait_for_timeout(800)
    assert actions(requests) == ["accept_all", "reject_all", "reject_all"]
    assert measured(requests) == []
    assert choice_of(visitor) == "none"
    assert visitor.request.post(
        f"{served.url}/f/c/token", data=json.dumps({"site": served.site.key}), headers={"origin": website.origin}
    ).status in (404, 410)


def test_acceptance_answered_after_its_page_was_closed_does_not_bring_measuring_back(
    visitor: BrowserContext, website: Website, served: Served
) -> None:
    page, _ = open_page(visitor, website)
    accept(page)
    accepted = next(cookie for cookie in visitor.cookies() if cookie["name"] == "firmly_choice")
    held(visitor)
    withdraw(page)
    page.close()
    # What the late answer does once nobody is there to notice.
    visitor.add_cookies([{"name": "firmly_choice", "value": accepted["value"], "url": website.origin}])
    visitor.unroute("**/f/c")
    following, requests = open_page(visitor, website, "/next")
    wait_for(following, lambda: following.evaluate(UNSENT) is None)
    following.wait_for_timeout(500)
    assert measured(requests) == []
    assert choice_of(visitor) == "none"


def test_withdrawal_in_one_tab_ends_measuring_in_the_other(
    visitor: BrowserContext, website: Website, served: Served
) -> None:
    first, _ = open_page(visitor, website)
    accept(first)
    second, requests = open_page(visitor, website, "/second")
    wait_for(second, lambda: bool(measured(requests)))
    second.wait_for_timeout(300)
    requests.clear()
    withdraw(first)
    wait_for(first, lambda: choice_of(visitor) == "none")
    second.evaluate("history.pushState({}, '', '/after')")
    second.evaluate("firmly.goal('signup')")
    second.wait_for_timeout(800)
    assert measured(requests) == []
    assert second.evaluate("sessionStorage.length") == 0
    assert second.evaluate("firmly.consent().statistics") is False


def test_withdrawal_while_the_other_tab_waits_for_a_token_drops_its_events(
    visitor: BrowserContext, website: Website, served: Served
) -> None:
    first, _ = open_page(visitor, website)
    accept(first)
    renewals: list[Route] = []
    visitor.route("**/f/c/token", lambda route: renewals.append(route))  # noqa: PLW0108
    second, requests = open_page(visitor, website, "/second")
    wait_for(second, lambda: len(renewals) == 1)
    withdraw(first)
    wait_for(first, lambda: first.evaluate(UNSENT) is None)
    renewals[0].fulfill(
        status=200,
        json={"token": "stale", "expires_at": "2099-01-01T00:00:00Z"},
        headers={"access-control-allow-origin": website.origin, "access-control-allow-credentials": "true"},
    )
    second.wait_for_timeout(800)
    assert [url for url in measured(requests) if url.endswith("/f/e")] == []
    assert second.evaluate("sessionStorage.length") == 0
    assert choice_of(visitor) == "none"
