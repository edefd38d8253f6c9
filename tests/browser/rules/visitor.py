"""A visitor in a profile of their own, of whom everything is noted that a rule asks about."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, WebError, expect

from tests.browser.rules.pages import RulesWebsite
from tests.browser.rules.town import Town
from tests.node_modules import node_module

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WATCH = """(() => {
  window.shifts = [];
  new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value)))
    .observe({ type: "layout-shift", buffered: true });
})()"""
STORES = """async () => ({
  cookies: document.cookie,
  local: Object.keys(localStorage),
  session: Object.keys(sessionStorage),
  databases: (await indexedDB.databases()).map((one) => one.name),
  caches: await caches.keys(),
})"""
NOTHING: dict[str, Any] = {"cookies": "", "local": [], "session": [], "databases": [], "caches": []}
WIRE = {"accept": "Accept all", "reject": "Reject all", "withdraw": "Withdraw consent", "save": "Save choices"}


class Visitor:
    """``complaints``: what the console said of policies, and exceptions of the page; the fixture refuses any."""

    def __init__(self, context: BrowserContext, town: Town, website: RulesWebsite) -> None:
        self.context = context
        self.town = town
        self.website = website
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        context.add_init_script(WATCH)
        context.on("console", self._said)
        context.on("weberror", self._failed)
        context.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108

    def open(self, site: str = "shop", **markup: Any) -> Page:
        """Open a new page of a site in a tab of its own and wait until it shows what it has to show."""
        return self.go(self.context.new_page(), self.website.page(self.town.sites[site].key, **markup))

    def go(self, page: Page, url: str) -> Page:
        page.goto(url)
        page.locator(".firmly-layer, .firmly-reopen").first.wait_for()
        return page

    def sent(self, path: str) -> list[dict[str, Any]]:
        """Return the bodies of the requests to a path of the collector's, in their order."""
        found = [one for one in self.requests if one.method == "POST" and one.url == self.town.served.url + path]
        return [json.loads(request.post_data or "{}") for request in found]

    def actions(self) -> list[str]:
        return [str(body["action"]) for body in self.sent("/f/c")]

    def choice(self) -> str | None:
        """Return the categories of the choice cookie, None while there is none."""
        values = [str(one["value"]) for one in self.context.cookies() if one["name"] == "firmly_choice"]
        return values[0].split(".")[2] if values else None

    def _said(self, message: ConsoleMessage) -> None:
        # That something is not there is said of requests, too; of those the tests judge themselves.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _failed(self, error: WebError) -> None:
        self.complaints.append(str(error.error))


def layer(page: Page) -> Locator:
    return page.locator(".firmly-layer")


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def answer(page: Page, name: str) -> None:
    """Press a button of the first layer and wait until the answer is on record."""
    with page.expect_response(lambda response: response.url.endswith("/f/c")):
        layer(page).get_by_role("button", name=WIRE[name], exact=True).click()
    expect(layer(page)).to_be_hidden()


def open_preferences(page: Page) -> Locator:
    page.locator(".firmly-reopen, .firmly-quiet").first.click()
    expect(dialog(page)).to_be_visible()
    return dialog(page)


def choose(page: Page, *categories: str) -> None:
    """Save exactly these categories, by the names of their boxes, and wait until that is on record."""
    opened = open_preferences(page)
    for box in opened.get_by_role("checkbox").all():
        box.set_checked((box.get_attribute("aria-describedby") or "").rpartition("-")[2] in categories)
    with page.expect_response(lambda response: response.url.endswith("/f/c")):
        opened.get_by_role("button", name=WIRE["save"], exact=True).click()
    expect(dialog(page)).to_be_hidden()


def withdraw(page: Page) -> None:
    opened = open_preferences(page)
    with page.expect_response(lambda response: response.url.endswith("/f/c")):
        opened.get_by_role("button", name=WIRE["withdraw"], exact=True).click()
    expect(dialog(page)).to_be_hidden()


def granted(page: Page) -> list[str] | None:
    """Return what ``firmly.consent()`` tells pages was granted, None while there is no choice."""
    found = page.evaluate("firmly.consent()")
    return None if found is None else [name for name, value in found.items() if value and name != "necessary"]


def until(page: Page, condition: str) -> None:
    """Wait until an expression holds. Playwright's own way evaluates it in the page, which the policy forbids."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"within ten seconds it did not come to {condition}")


def shifts(page: Page) -> list[float]:
    """Return every shift of the layout since the page came, also those that follow what the visitor did."""
    # What was painted is told a frame later.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")
    found: list[float] = page.evaluate("window.shifts")
    return found


def axe_violations(page: Page) -> list[str]:
    """Return what axe finds wrong, as ``rule: element``. A policy does not stop what the debugger runs."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Path(node_module("axe-core") / "axe.min.js").read_text())
    found: list[str] = page.evaluate(
        "async (tags) => (await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']}))"
        ".violations.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html.slice(0, 200)}`))",
        TAGS,
    )
    return found
