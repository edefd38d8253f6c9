"""What is held back until consent: scripts, frames and images, in order, with places that the visitor can use."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rules.pages import READING
from tests.browser.rules.visitor import (
    Visitor,
    answer,
    axe_violations,
    choose,
    granted,
    layer,
    open_preferences,
    shifts,
    until,
    withdraw,
)

pytestmark = pytest.mark.browser

FRAME = (
    '<iframe title="Film" data-category="marketing" data-src="{vendor}/vendor/frame.html" width="320" height="240">'
    "</iframe>"
)


def script(name: str, category: str = "statistics", more: str = "", nonce: str = "{nonce}") -> str:
    return (
        f'<script type="text/plain" nonce="{nonce}" data-category="{category}" '
        f'data-src="{{vendor}}/vendor/{name}.js" {more}></script>'
    )


def inline(text: str, category: str = "statistics", more: str = "") -> str:
    return f'<script type="text/plain" nonce="{{nonce}}" data-category="{category}" {more}>{text}</script>'


def ran(page: Page) -> list[str]:
    return list(page.evaluate("window.ran ?? []"))


def film(page: Page) -> str | None:
    """Return what stands in the frame; None while nothing was asked for."""
    frame = next((one for one in page.frames if "/vendor/" in one.url), None)
    return frame.locator("p").inner_text() if frame else None


def test_scripts_run_after_consent_in_the_order_of_the_page_each_once(visitor: Visitor) -> None:
    body = READING + script("slow-1") + inline("(window.ran ??= []).push('inline')") + script("b", "marketing")
    body += script("c") + script("d", "preferences", 'data-service="font"')
    page = visitor.open(body=body)
    page.wait_for_timeout(300)
    assert ran(page) == []
    answer(page, "accept")
    until(page, "window.ran?.length === 5")
    page.wait_for_timeout(100)
    assert ran(page) == ["slow-1", "inline", "b", "c", "d"]


def test_a_module_keeps_its_type_and_a_script_its_attributes(visitor: Visitor) -> None:
    module = script("m", "statistics", 'data-type="module" id="kept" data-site="7"')
    plain = '<script type="text/plain" nonce="{nonce}" data-category="statistics" src="{vendor}/vendor/n.js"></script>'
    page = visitor.open(body=READING + module + plain)
    answer(page, "accept")
    until(page, "document.querySelector('#kept').type === 'module'")
    kept = page.locator("#kept")
    expect(kept).to_have_attribute("data-site", "7")
    expect(kept).to_have_attribute("data-category", "statistics")
    until(page, "window.ran?.length === 2")
    assert ran(page) == ["m", "n"]


def test_a_script_without_the_nonce_of_the_page_never_runs(visitor: Visitor) -> None:
    """Who can write markup into the page, but does not know the nonce, gets nothing run through us."""
    body = READING + script("good") + script("foreign", nonce="Z3Vlc3NlZA") + script("bare", nonce="")
    page = visitor.open(body=body)
    asked = visitor.website.asked_for("foreign.js") + visitor.website.asked_for("bare.js")
    answer(page, "accept")
    until(page, "window.ran")
    page.wait_for_timeout(400)
    assert ran(page) == ["good"]
    assert visitor.website.asked_for("foreign.js") + visitor.website.asked_for("bare.js") == asked


def test_an_event_handler_of_a_held_back_script_is_not_carried_over(visitor: Visitor) -> None:
    page = visitor.open(body=READING + script("a", more='onload="window.bad = 1"'))
    answer(page, "accept")
    until(page, "window.ran")
    assert page.evaluate("window.bad") is None
    assert page.locator("script[onload]").count() == 0
    # The browser says so of what the page wrote itself.
    visitor.complaints = [one for one in visitor.complaints if "inline event handler" not in one]


def test_a_script_that_cannot_be_loaded_does_not_hold_up_the_next(visitor: Visitor) -> None:
    missing = script("none").replace("{vendor}/vendor/none.js", "{vendor}/missing.js")
    page = visitor.open(body=READING + missing + script("next"))
    answer(page, "accept")
    until(page, "window.ran")
    assert ran(page) == ["next"]


def test_a_withdrawal_stops_the_scripts_that_have_not_run_yet(visitor: Visitor) -> None:
    page = visitor.open(body=READING + script("slower") + script("late") + script("later"))
    answer(page, "accept")
    withdraw(page)
    # What was on its way when consent ended arrives, and is the last.
    until(page, "window.ran?.includes('slower')")
    page.wait_for_timeout(800)
    assert ran(page) == ["slower"]
    choose(page, "statistics")
    until(page, "window.ran?.length === 3")
    assert ran(page) == ["slower", "late", "later"]


def test_what_is_inserted_later_is_held_back_and_let_go_like_the_rest(visitor: Visitor) -> None:
    page = visitor.open(body=READING + script("first"))
    insert = """([category, src]) => {
      const held = document.querySelector("script[nonce]").cloneNode();
      held.nonce = document.querySelector("script[nonce]").nonce;
      held.removeAttribute("src");
      Object.assign(held, { type: "text/plain", async: false });
      Object.assign(held.dataset, { category, src });
      document.body.append(held);
    }"""
    vendor = f"{visitor.website.vendor}/vendor"
    page.evaluate(insert, ["statistics", f"{vendor}/before.js"])
    page.wait_for_timeout(200)
    assert ran(page) == []
    choose(page, "statistics")
    until(page, "window.ran?.length === 2")
    page.evaluate(insert, ["statistics", f"{vendor}/after.js"])
    page.evaluate(insert, ["marketing", f"{vendor}/never.js"])
    until(page, "window.ran?.length === 3")
    page.wait_for_timeout(100)
    assert ran(page) == ["first", "before", "after"]


def test_a_frame_asks_nothing_of_its_host_until_it_is_allowed_and_says_who_would_be_asked(visitor: Visitor) -> None:
    before = visitor.website.asked_for("frame.html")
    page = visitor.open(body=READING.replace("<h1>", FRAME + "<h1>"))
    place = page.locator(".firmly-held")
    host = visitor.website.vendor.removeprefix("http://")
    expect(place).to_contain_text(host)
    assert place.get_by_role("button").all_inner_texts() == ["Show once", "Allow “Marketing”"]
    page.wait_for_timeout(300)
    assert visitor.website.asked_for("frame.html") == before
    box = page.locator(".firmly-root:has(.firmly-held)").bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (324, 244)
    assert axe_violations(page) == []


def test_a_frame_shown_once_is_no_consent_and_is_asked_about_again_on_the_next_page(visitor: Visitor) -> None:
    page = visitor.open(body=FRAME + READING)
    page.get_by_role("button", name="Show once").click()
    expect(page.locator(".firmly-held")).to_have_count(0)
    expect(page.locator("iframe")).to_be_visible()
    page.frame_locator("iframe").get_by_text("Content of the vendor's.").wait_for()
    expect(page.locator("iframe")).to_be_focused()
    assert granted(page) is None
    assert visitor.sent("/f/c") == []
    assert visitor.choice() is None
    answer(page, "reject")
    expect(page.locator("iframe")).to_be_visible()
    visitor.go(page, page.url)
    expect(page.locator(".firmly-held")).to_be_visible()
    expect(page.locator("iframe")).to_be_hidden()


def test_a_category_allowed_at_a_frame_is_a_choice_of_that_category_alone(visitor: Visitor) -> None:
    page = visitor.open(body=FRAME + READING)
    with page.expect_response(lambda response: response.url.endswith("/f/c")):
        page.get_by_role("button", name="Allow “Marketing”").click()
    page.frame_locator("iframe").get_by_text("Content of the vendor's.").wait_for()
    assert granted(page) == ["marketing"]
    assert [(one["action"], one["source"]) for one in visitor.sent("/f/c")] == [("custom", "banner")]
    assert visitor.town.records("shop")[-1]["categories"] == '["marketing"]'


def test_allowing_at_a_frame_keeps_what_was_granted_before(visitor: Visitor) -> None:
    page = visitor.open(body=FRAME + READING)
    choose(page, "statistics")
    with page.expect_response(lambda response: response.url.endswith("/f/c")):
        page.get_by_role("button", name="Allow “Marketing”").click()
    expect(page.locator("iframe")).to_be_visible()
    assert granted(page) == ["statistics", "marketing"]


def test_a_frame_is_covered_again_when_consent_is_withdrawn(visitor: Visitor) -> None:
    page = visitor.open(body=FRAME + READING)
    answer(page, "accept")
    page.frame_locator("iframe").get_by_text("Content of the vendor's.").wait_for()
    withdraw(page)
    expect(page.locator(".firmly-held")).to_be_visible()
    expect(page.locator("iframe")).to_be_hidden()
    assert page.locator("iframe").get_attribute("src") is None


def test_images_are_asked_for_after_consent_only(visitor: Visitor) -> None:
    image = '<img alt="" width="10" height="10" data-category="statistics" data-src="{vendor}/vendor/pixel.gif">'
    before = visitor.website.asked_for("pixel.gif")
    page = visitor.open(body=READING + image)
    page.wait_for_timeout(200)
    assert visitor.website.asked_for("pixel.gif") == before
    choose(page, "statistics")
    until(page, "document.querySelector('img').naturalWidth === 1")
    assert visitor.website.asked_for("pixel.gif") == before + 1
    page.evaluate("""() => {
      const next = Object.assign(document.createElement("img"), { alt: "" });
      next.dataset.category = "marketing";
      next.dataset.src = document.querySelector("img").dataset.src + "?marketing";
      document.querySelector("main").append(next);
    }""")
    page.wait_for_timeout(200)
    assert page.locator("img[data-category=marketing]").get_attribute("src") is None


@pytest.mark.parametrize("address", ["javascript:window.bad=1", "data:text/html,<script>parent.bad=1</script>"])
def test_what_is_no_address_of_the_web_is_not_shown_through_us(visitor: Visitor, address: str) -> None:
    frame = f'<iframe title="Film" data-category="marketing" data-src="{address}"></iframe>'
    page = visitor.open(body=READING + frame)
    answer(page, "accept")
    page.wait_for_timeout(300)
    assert page.locator("iframe").get_attribute("src") is None
    assert page.evaluate("window.bad") is None


def test_what_has_a_category_that_nobody_offers_stays_held_back(visitor: Visitor) -> None:
    page = visitor.open(body=READING + script("odd", "everything") + script("a"))
    answer(page, "accept")
    until(page, "window.ran")
    page.wait_for_timeout(300)
    assert ran(page) == ["a"]


def test_nothing_runs_while_an_acceptance_is_not_on_record(visitor: Visitor) -> None:
    page = visitor.open(body=READING + script("a"))
    visitor.context.route("**/f/c", lambda route: route.abort())
    layer(page).get_by_role("button", name="Accept all", exact=True).click()
    page.wait_for_timeout(800)
    assert ran(page) == []
    assert visitor.choice() is None
    expect(page.get_by_role("alert")).to_be_visible(timeout=10_000)
    assert granted(page) is None


def test_the_preferences_that_cannot_be_loaded_leave_the_first_layer_in_their_place(visitor: Visitor) -> None:
    page = visitor.open()
    visitor.context.route("**/en.js", lambda route: route.abort())
    answer(page, "accept")
    page.locator(".firmly-reopen").click()
    expect(layer(page)).to_be_visible()
    expect(layer(page).get_by_role("button").first).to_be_focused()
    answer(page, "reject")
    assert visitor.choice() == "none"


def test_ten_held_back_scripts_do_not_move_the_page(visitor: Visitor) -> None:
    page = visitor.open(body=READING + "".join(script(f"s{number}") for number in range(10)))
    answer(page, "accept")
    until(page, "window.ran?.length === 10")
    assert ran(page) == [f"s{number}" for number in range(10)]
    assert shifts(page) == []
    open_preferences(page)


def test_an_element_that_bears_the_name_of_the_script_runs_nothing(visitor: Visitor) -> None:
    """DOM clobbering: it would say where everything is sent, and that no nonce is asked for."""
    decoy = '<img name="currentScript" alt="" data-src="{vendor}/f/x.js">'
    evil = script("evil", "necessary", nonce="")
    page = visitor.context.new_page()
    page.goto(visitor.website.page(visitor.town.sites["shop"].key, head=decoy, body=READING + evil))
    page.wait_for_timeout(700)
    assert ran(page) == []
    assert [one.url for one in visitor.requests if "evil" in one.url] == []


def test_a_withdrawal_in_another_tab_holds_back_what_comes_later(visitor: Visitor) -> None:
    page = visitor.open(body=READING + FRAME)
    answer(page, "accept")
    until(page, "document.querySelector('iframe').src")
    other = visitor.open(body=READING)
    withdraw(other)
    until(other, "document.cookie.includes('.none.')")
    page.evaluate("document.body.append(document.createElement('p'))")
    expect(page.locator(".firmly-held")).to_be_visible()


def test_what_only_looks_like_held_back_is_left_alone(visitor: Visitor) -> None:
    own = '<div id="own" hidden data-category="marketing">x</div>'
    own += '<iframe title="Own" id="doc" data-category="marketing"></iframe>'
    page = visitor.open(body=READING + own)
    assert page.locator(".firmly-held").count() == 0
    answer(page, "accept")
    page.wait_for_timeout(400)
    assert page.evaluate("[own.hidden, doc.getAttribute('src')]") == [True, None]


def test_a_frame_of_a_category_that_is_not_asked_for_can_only_be_shown_once(visitor: Visitor) -> None:
    frame = FRAME.replace("marketing", "preferences")
    page = visitor.open("plain", body=READING + frame)
    place = page.locator(".firmly-held")
    assert place.get_by_role("button").all_inner_texts() == ["Show once"]
    place.get_by_role("button").click()
    until(page, "document.querySelector('iframe').src")
    expect(layer(page)).to_be_visible()


def test_what_is_granted_after_a_refusal_is_not_cleared_when_the_page_goes(visitor: Visitor) -> None:
    page = visitor.open()
    answer(page, "reject")
    until(page, "document.cookie.includes('.none.')")
    choose(page, "statistics")
    until(page, "document.cookie.includes('.statistics.')")
    page.evaluate("document.cookie = '_cnt1=1;path=/'; localStorage._cnt1 = '1'")
    page.reload()
    layer(page).or_(page.locator(".firmly-reopen")).wait_for()
    assert page.evaluate("[document.cookie.includes('_cnt1=1'), localStorage._cnt1]") == [True, "1"]
