"""RULES R17 to R19: what was given can be taken back as easily, it ends, and nobody is asked sooner."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.rules.pages import READING
from tests.browser.rules.visitor import (
    Visitor,
    answer,
    choose,
    dialog,
    granted,
    layer,
    open_preferences,
    until,
    withdraw,
)

pytestmark = pytest.mark.browser

DAY_S = 86_400
SCRIPTS = "".join(
    f'<script type="text/plain" nonce="{{nonce}}" data-category="{category}" '
    f'data-src="{{vendor}}/vendor/{category}.js">'
    "</script>"
    for category in ("statistics", "marketing")
)
STORE = """async () => {
  const day = ";max-age=86400";
  for (const variant of [
    "_cnt=1;path=/", "_cnt_page=1;path=/shop/deep", "_cnt_folder=1;path=/shop/", "_cnt_half=1;path=/shop",
    "_cnt_host=1;path=/;domain=www.herons.localhost", "_cnt_all=1;path=/;domain=herons.localhost",
    "_cnt_all_shop=1;path=/shop;domain=.herons.localhost", "_cnt_secure=1;path=/;secure",
    "_cnt_part=1;path=/;secure;samesite=none;partitioned", "_cnt=2;path=/shop;domain=herons.localhost",
    "_ad=1;path=/", "_adverts=other;path=/", "other=1;path=/",
  ]) document.cookie = variant + day;
  for (const name of ["_cnt_visits", "other", "reading_size"]) localStorage.setItem(name, "1");
  sessionStorage.setItem("_cnt_tab", "1"); sessionStorage.setItem("other", "1");
  for (const name of ["_cnt_base", "other"])
    await new Promise((done) => {
      const open = indexedDB.open(name);
      open.onsuccess = () => { open.result.close(); done(); };
    });
}"""


def clicks_until(page: Page, *names: str) -> int:
    for name in names:
        page.get_by_role("button", name=name, exact=True).click()
    return len(names)


def test_r17_withdrawing_takes_at_most_one_click_more_than_accepting_on_every_page(visitor: Visitor) -> None:
    page = visitor.open()
    with page.expect_response(lambda response: response.url.endswith("/f/c")):
        accepting = clicks_until(page, "Accept all")
    expect(layer(page)).to_be_hidden()
    for folder in ("/", "/shop/deep/"):
        visitor.go(page, visitor.website.page(visitor.town.sites["shop"].key, folder=folder))
        expect(page.locator(".firmly-reopen")).to_be_in_viewport()
    page.evaluate("window.stillTheSamePage = true")
    assert clicks_until(page, "Privacy choices", "Withdraw consent") <= accepting + 1
    expect(dialog(page)).to_be_hidden()
    assert granted(page) == []
    assert visitor.choice() == "none"
    assert page.evaluate("window.stillTheSamePage")


@pytest.mark.parametrize("site", ["shop", "corner", "centre"])
def test_r17_the_control_is_reached_and_used_with_the_keyboard_alone(visitor: Visitor, site: str) -> None:
    page = visitor.open(site)
    answer(page, "accept")
    visitor.go(page, page.url)
    page.keyboard.press("Tab")
    expect(page.locator(".firmly-reopen")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_visible()
    withdrawing = page.get_by_role("button", name="Withdraw consent", exact=True)
    for _ in range(30):
        if withdrawing.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(page, "firmly.consent().statistics === false")
    expect(dialog(page)).to_be_hidden()
    expect(page.locator(".firmly-reopen")).to_be_focused()


def test_r17_a_link_of_the_page_opens_the_preferences_too(visitor: Visitor) -> None:
    page = visitor.open(body=READING + '<a id="settings" href="#cookie-settings"><b>Cookies</b></a>')
    answer(page, "accept")
    page.locator("#settings b").click()
    expect(dialog(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#settings")).to_be_focused()
    page.evaluate("firmly.show()")
    expect(dialog(page)).to_be_visible()


def test_r18_what_services_of_the_category_stored_is_cleared_in_every_variant_and_nothing_else(
    visitor: Visitor,
) -> None:
    page = visitor.open(origin=visitor.website.own, folder="/shop/deep/")
    answer(page, "accept")
    page.evaluate(STORE)
    before = {cookie["name"] for cookie in visitor.context.cookies() if "herons" in cookie["domain"]}
    assert before >= {"_cnt", "_cnt_page", "_cnt_folder", "_cnt_half", "_cnt_host", "_cnt_all", "_cnt_all_shop"}
    assert before >= {"_cnt_secure", "_cnt_part", "_ad", "_adverts", "other"}
    choose(page, "preferences")
    until(page, "indexedDB.databases().then((all) => all.length === 1)")
    left = {cookie["name"] for cookie in visitor.context.cookies() if "herons" in cookie["domain"]}
    assert left == {"firmly_choice", "_adverts", "other"}
    local = page.evaluate("Object.keys(localStorage)")
    key = visitor.town.sites["shop"].key
    assert sorted(local) == [f"firmly_receipt_{key}", "other", "reading_size"]
    assert page.evaluate("Object.keys(sessionStorage)") == ["other"]
    assert page.evaluate("indexedDB.databases().then((all) => all.map((one) => one.name))") == ["other"]


def test_r18_what_a_running_script_stores_after_the_withdrawal_goes_with_the_page(visitor: Visitor) -> None:
    page = visitor.open()
    answer(page, "accept")
    withdraw(page)
    page.evaluate("document.cookie = '_cnt_late=1;path=/'; localStorage.setItem('_cnt_late', '1')")
    visitor.go(page, page.url)
    assert "_cnt" not in page.evaluate("document.cookie")
    assert page.evaluate("localStorage.getItem('_cnt_late')") is None


def test_r18_gated_scripts_do_not_run_again_and_the_page_is_not_reloaded(visitor: Visitor) -> None:
    page = visitor.open(body=READING + SCRIPTS)
    answer(page, "accept")
    until(page, "window.ran?.length === 2")
    page.evaluate("window.stillTheSamePage = true")
    withdraw(page)
    page.evaluate("history.pushState({}, '', '?after')")
    page.wait_for_timeout(300)
    assert page.evaluate("ran") == ["statistics", "marketing"]
    assert page.evaluate("window.stillTheSamePage")
    visitor.go(page, page.url.partition("?")[0])
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None


def test_r18_the_update_of_consent_mode_follows_the_withdrawal(visitor: Visitor) -> None:
    page = visitor.open()
    answer(page, "accept")
    withdraw(page)
    last = page.evaluate("Array.from(dataLayer.at(-1))")
    assert last[:2] == ["consent", "update"]
    assert {key for key, value in last[2].items() if value == "granted"} == {"security_storage"}


def test_r18_queued_events_are_dropped_and_the_token_goes_and_is_not_renewed(visitor: Visitor) -> None:
    page = visitor.open()
    with page.expect_response(lambda response: response.url.endswith("/f/e")):
        answer(page, "accept")
    receipt = next(one["value"] for one in visitor.context.cookies() if "receipt" in one["name"])
    opened = open_preferences(page)
    sent = len(visitor.sent("/f/e"))
    opened.get_by_role("button", name="Withdraw consent", exact=True).evaluate(
        "one => { firmly.goal('signup'); history.pushState({}, '', '?on-the-way'); one.click();"
        " firmly.goal('signup'); history.pushState({}, '', '?later') }"
    )
    until(page, "localStorage.getItem('firmly_unsent') === null")
    page.wait_for_timeout(500)
    assert visitor.sent("/f/e")[sent:] == []
    assert visitor.sent("/f/c/token") == []
    assert page.evaluate("Object.keys(sessionStorage)") == []
    answered = visitor.context.request.post(
        f"{visitor.town.served.url}/f/c/token",
        data={"site": visitor.town.sites["shop"].key, "receipt": receipt},
        headers={"origin": visitor.website.origin},
    )
    assert answered.status == 404


@pytest.mark.parametrize("site", ["shop", "plain"])
def test_r18_withdrawal_holds_at_once_though_the_collector_does_not_answer(visitor: Visitor, site: str) -> None:
    page = visitor.open(site, body=READING + SCRIPTS)
    answer(page, "accept")
    until(page, "window.ran && sessionStorage.getItem('firmly_token')")
    held: list[Route] = []
    visitor.context.route("**/f/c", lambda route: held.append(route))  # noqa: PLW0108
    open_preferences(page).get_by_role("button", name="Withdraw consent", exact=True).click()
    expect(dialog(page)).to_be_hidden()
    assert granted(page) == []
    assert visitor.choice() == "none"
    assert page.evaluate("Object.keys(sessionStorage)") == []


@pytest.mark.parametrize(("site", "said", "days"), [
    ("shop", "accept", 184), ("shop", "reject", 184), ("year", "accept", 366), ("year", "reject", 366),
])  # fmt: skip
def test_r19_refusal_and_acceptance_are_remembered_alike_and_no_visit_makes_it_longer(
    visitor: Visitor, site: str, said: str, days: int
) -> None:
    def ends() -> dict[str, float]:
        return {one["name"]: round(one["expires"]) for one in visitor.context.cookies() if one["expires"] > 0}

    page = visitor.open(site)
    answer(page, said)
    first = ends()
    assert len(first) == 2
    for at in first.values():
        assert days - 5 <= (at - time.time()) / DAY_S <= days
    for _ in range(2):
        visitor.go(page, page.url)
        page.wait_for_timeout(200)
    assert ends() == first
    assert visitor.actions() == ["accept_all" if said == "accept" else "reject_all"]


@pytest.mark.parametrize("said", ["accept", "reject"])
def test_r19_the_banner_returns_once_when_the_time_is_over(new_visitor: Callable[..., Visitor], said: str) -> None:
    visitor = new_visitor()
    page = visitor.open()
    answer(page, said)
    url = page.url
    page.close()
    for days, asks in ((178, False), (190, True)):
        later = visitor.context.new_page()
        later.clock.set_fixed_time(time.time() + days * DAY_S)
        visitor.go(later, url)
        assert layer(later).count() == asks
        assert (granted(later) is None) is asks
        assert (later.evaluate("Object.keys(sessionStorage)") == []) is (asks or said == "reject")
        later.close()
    cookie = next(one for one in visitor.context.cookies() if one["name"] == "firmly_choice")
    over = cookie["value"].rpartition(".")[0] + f".{int(time.time() // DAY_S)}"
    visitor.context.add_cookies([{"name": "firmly_choice", "value": over, "url": visitor.website.origin}])
    for asks in (True, False, False):
        # Another page's clock is this one's, too.
        page = visitor.context.new_page()
        page.clock.set_fixed_time(time.time())
        visitor.go(page, url)
        assert layer(page).count() == asks
        if asks:
            answer(page, said)
        page.close()


def test_r19_a_choice_does_not_stand_for_another_site_or_another_banner(visitor: Visitor) -> None:
    page = visitor.open("shop")
    answer(page, "accept")
    value = next(one["value"] for one in visitor.context.cookies() if one["name"] == "firmly_choice")
    for altered in (
        value.replace(visitor.town.sites["shop"].key, visitor.town.sites["corner"].key),
        value.replace(visitor.town.version("shop")[:16], "0" * 16),
        value.replace("marketing", "everything"),
        value.rpartition(".")[0] + ".1",
    ):
        visitor.context.add_cookies([{"name": "firmly_choice", "value": altered, "url": visitor.website.origin}])
        visitor.go(page, page.url)
        expect(layer(page)).to_be_visible()
        assert granted(page) is None
