"""The visitor's own view, in the banner: what was chosen and when, what was shown, the receipt, its check, its end."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.rules.town import CONTROLLER, shipped_texts
from tests.browser.rules.visitor import (
    Visitor,
    answer,
    axe_violations,
    choose,
    dialog,
    granted,
    layer,
    open_preferences,
    until,
    withdraw,
)

pytestmark = pytest.mark.browser

WAYS = pytest.mark.parametrize("origin", ["origin", "own"], ids=["same site", "another site"])


def mine(page: Page) -> Locator:
    """Open the preferences at the visitor's own record."""
    opened = open_preferences(page)
    opened.locator(".firmly-mine > summary").click()
    return opened.locator(".firmly-mine")


def said(view: Locator) -> Locator:
    return view.get_by_role("status")


@WAYS
def test_what_i_chose_and_when_is_listed_the_newest_first(visitor: Visitor, origin: str) -> None:
    page = visitor.open(origin=getattr(visitor.website, origin))
    answer(page, "accept")
    choose(page, "statistics")
    withdraw(page)
    view = mine(page)
    expect(view.locator(".firmly-chosen")).to_have_count(3)
    rows = [row.split("\n")[0] for row in view.locator(".firmly-chosen").all_inner_texts()]
    assert all(re.match(r"\w+ \d+, \d{4} at \d+:\d\d.[AP]M: ", row) for row in rows)
    assert [row.split("M: ", 1)[1] for row in rows] == [
        "Withdrew consent",
        "Chose by purpose (Statistics)",
        "Accepted all (Preferences, Statistics, Marketing)",
    ]


def test_what_was_shown_is_shown_again_as_it_was(visitor: Visitor) -> None:
    page = visitor.open(language="fi")
    first = shipped_texts().first["fi"]
    with page.expect_response(lambda response: response.url.endswith("/f/c")):
        layer(page).get_by_role("button", name=first["accept"]).click()
    view = mine(visitor.go(page, visitor.website.page(visitor.town.sites["shop"].key, language="sv")))
    view.locator(".firmly-chosen summary").click()
    seen = view.locator(".firmly-saw")
    expect(seen).to_have_attribute("lang", "fi")
    expect(seen).to_contain_text(first["intro"].replace("{controller}", CONTROLLER))
    for category in ("preferences", "statistics", "marketing"):
        expect(seen).to_contain_text(f"{first[category]} – {first[f'{category}_about']}")
    assert axe_violations(page) == []


def test_who_chose_nothing_is_told_so(visitor: Visitor) -> None:
    page = visitor.open()
    view = mine(page)
    expect(said(view)).to_have_text("No choice of yours is on record.")
    assert page.evaluate("document.cookie") == ""


@WAYS
def test_the_receipt_is_downloaded_as_data_and_as_a_page(visitor: Visitor, tmp_path: Path, origin: str) -> None:
    page = visitor.open(origin=getattr(visitor.website, origin))
    choose(page, "marketing")
    view = mine(page)
    with page.expect_download() as data:
        view.get_by_role("button", name="Download as data").click()
    key = visitor.town.sites["shop"].key
    assert data.value.suggested_filename == f"receipt-{key}.json"
    data.value.save_as(tmp_path / "receipt.json")
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert "27560" in receipt["schema"]
    assert [one["categories"] for one in receipt["records"]] == [["marketing"]]
    with page.expect_download() as readable:
        view.get_by_role("button", name="Download as a page").click()
    assert readable.value.suggested_filename == f"receipt-{key}.html"
    readable.value.save_as(tmp_path / "receipt.html")
    asked = len(visitor.requests)
    kept = visitor.context.new_page()
    kept.goto((tmp_path / "receipt.html").as_uri())
    expect(kept.get_by_role("heading", level=1)).to_contain_text(CONTROLLER)
    expect(kept.locator("body")).to_contain_text("Chose by purpose")
    assert kept.locator("script, link, img, iframe").count() == 0
    assert axe_violations(kept) == []
    assert [one.url for one in visitor.requests[asked:] if not one.url.startswith("file:")] == []


@WAYS
def test_the_record_is_checked_in_the_browser(visitor: Visitor, origin: str) -> None:
    page = visitor.open(origin=getattr(visitor.website, origin))
    answer(page, "accept")
    choose(page, "statistics")
    view = mine(page)
    view.get_by_role("button", name="Check the record").click()
    expect(said(view)).to_contain_text(re.compile(r"^Unchanged: entry \d+ of \d+, signed .+\.$"))


ALTERATIONS: dict[str, Callable[[dict[str, object]], str]] = {
    "another proof": lambda receipt: json.dumps(receipt).replace('\\"accept_all\\"', '\\"reject_all\\"'),
    "another signature": lambda receipt: re.sub(r'("signature": ?")(.)', _other, json.dumps(receipt)),
    "another root": lambda receipt: re.sub(r'("root": ?")(.)', _other, json.dumps(receipt)),
    "another minute": lambda receipt: json.dumps(receipt).replace('"minute": "202', '"minute": "201'),
    "another size": lambda receipt: re.sub(r'("size": ?)(\d+)', r"\g<1>9\2", json.dumps(receipt)),
    "another site": lambda receipt: re.sub(r'("site": ?")(.)', _other, json.dumps(receipt), count=1),
    "no records": lambda receipt: json.dumps({**receipt, "records": []}),
    "no keys": lambda receipt: json.dumps({**receipt, "keys": []}),
}


def _other(found: re.Match[str]) -> str:
    return found[1] + ("b" if found[2] != "b" else "c")


@pytest.mark.parametrize("name", ALTERATIONS)
def test_a_receipt_that_was_altered_is_not_confirmed(visitor: Visitor, name: str) -> None:
    page = visitor.open()
    answer(page, "accept")
    view = mine(page)

    def alter(route: Route) -> None:
        answered = route.fetch()
        altered = ALTERATIONS[name](answered.json())
        assert altered != json.dumps(answered.json())
        route.fulfill(response=answered, body=altered)

    visitor.context.route("**/f/c/receipt", alter)
    view.get_by_role("button", name="Check the record").click()
    expect(said(view)).to_have_text(re.compile("could not be confirmed|did not work"))


@WAYS
def test_erasing_ends_the_consent_after_a_warning_and_says_until_when_a_proof_stays(
    visitor: Visitor, origin: str
) -> None:
    page = visitor.open(origin=getattr(visitor.website, origin))
    answer(page, "accept")
    view = mine(page)
    warning = view.locator(".firmly-warning")
    expect(warning).to_be_hidden()
    view.get_by_role("button", name="Erase my record").click()
    expect(warning).to_contain_text("Measured visits carry no link to you")
    with page.expect_response(lambda response: response.url.endswith("/f/c/erase")):
        view.get_by_role("button", name="Erase now").click()
    expect(said(view)).to_have_text(re.compile(r"^Your record was erased\. .*\d{4}\.$"))
    assert granted(page) == []
    assert page.evaluate("Object.keys(sessionStorage)") == []
    assert page.evaluate("Object.keys(localStorage)") == []
    names = [cookie["name"] for cookie in visitor.context.cookies()]
    assert [name for name in names if name.startswith("firmly_receipt") and origin == "origin"] == []
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    visitor.go(page, page.url)
    assert granted(page) == []
    expect(layer(page)).to_have_count(0)
    expect(said(mine(page))).to_have_text("No choice of yours is on record.")


def test_erasing_clears_what_services_stored_like_a_withdrawal(visitor: Visitor) -> None:
    page = visitor.open()
    answer(page, "accept")
    page.evaluate("document.cookie = '_cnt=1;path=/'; localStorage.setItem('_cnt_visits', '3')")
    view = mine(page)
    view.get_by_role("button", name="Erase my record").click()
    view.get_by_role("button", name="Erase now").click()
    expect(said(view)).to_contain_text("was erased")
    until(page, "firmly.consent().statistics === false")
    assert "_cnt" not in page.evaluate("document.cookie")
    assert page.evaluate("localStorage.getItem('_cnt_visits')") is None


def test_where_the_collector_does_not_answer_the_visitor_is_told_to_try_again(visitor: Visitor) -> None:
    page = visitor.open()
    answer(page, "accept")
    visitor.context.route("**/f/c/history", lambda route: route.fulfill(status=503))
    view = mine(page)
    expect(said(view)).to_have_text("That did not work. Please try again.")
    visitor.context.unroute("**/f/c/history")
    view.locator("> summary").click()
    view.locator("> summary").click()
    expect(view.locator(".firmly-chosen")).to_have_count(1)
