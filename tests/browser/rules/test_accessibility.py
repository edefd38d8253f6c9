"""RULES R31: WCAG 2.2 AA on both layers, for the keyboard, small screens, high contrast, and from right to left."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rules.looks import Look
from tests.browser.rules.pages import READING
from tests.browser.rules.town import LANGUAGES, WORDS
from tests.browser.rules.visitor import (
    Visitor,
    answer,
    axe_violations,
    dialog,
    granted,
    layer,
    open_preferences,
    until,
)

pytestmark = pytest.mark.browser

LANDSCAPES = [(1280, 900), (390, 844), (320, 256)]
FOCUSED = "document.activeElement.className + '|' + (document.activeElement.textContent || '').trim().slice(0, 30)"
TARGETS = """() => [...document.querySelectorAll(".firmly-root :is(button, input, summary)")]
  .filter((one) => one.offsetParent || getComputedStyle(one).position === "fixed")
  .map((one) => ({ one, box: one.getBoundingClientRect() }))
  .filter(({ box }) => box.width && (box.width < 24 || box.height < 24))
  .map(({ one, box }) => `${one.className} ${box.width}x${box.height}`)"""
WIDE = """() => [document.documentElement.scrollWidth > innerWidth,
  ...[...document.querySelectorAll(".firmly-root *")]
    .filter((one) => getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.className)]"""


def open_all(page: Page) -> None:
    """Open the preferences with everything in them unfolded."""
    opened = open_preferences(page)
    for summary in opened.locator(".firmly-option summary").all():
        summary.click()


def box_of(page: Page, selector: str) -> dict[str, Any]:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return dict(box)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("languages", [LANGUAGES[:7], (*LANGUAGES[7:], "ar")], ids=", ".join)
def test_r31_axe_finds_nothing_on_both_layers_in_any_language_theme_and_position(
    new_visitor: Callable[..., Visitor], theme: str, languages: tuple[str, ...]
) -> None:
    """Every language in every theme; the positions take turns, so that each comes with each theme."""
    visitor = new_visitor(color_scheme=theme)
    page = visitor.context.new_page()
    found: dict[str, list[str]] = {}
    for language, site in zip(languages, cycle(("shop", "corner", "centre")), strict=False):
        direction = "rtl" if language == "ar" else "ltr"
        key = visitor.town.sites[site].key
        visitor.go(page, visitor.website.page(key, language=language, direction=direction))
        found[f"{language}, {site}, first layer"] = axe_violations(page)
        open_all(page)
        found[f"{language}, {site}, second layer"] = axe_violations(page)
    assert {where: what for where, what in found.items() if what} == {}


@pytest.mark.parametrize("size", LANDSCAPES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("site", ["dark", "light"])
def test_r31_axe_finds_nothing_in_a_set_theme_on_any_screen_before_and_after_a_choice(
    new_visitor: Callable[..., Visitor], site: str, size: tuple[int, int]
) -> None:
    other = "light" if site == "dark" else "dark"
    visitor = new_visitor(color_scheme=other, viewport={"width": size[0], "height": size[1]})
    page = visitor.open(site)
    assert axe_violations(page) == []
    assert page.locator(".firmly-root").evaluate("one => getComputedStyle(one).colorScheme") == site
    answer(page, "accept")
    assert axe_violations(page) == []
    open_all(page)
    dialog(page).locator(".firmly-mine > summary").click()
    expect(dialog(page).locator(".firmly-records li").first).to_be_visible()
    assert axe_violations(page) == []
    assert page.evaluate(TARGETS) == []


def test_r31_the_first_layer_is_a_region_early_in_the_page_and_no_dialog(visitor: Visitor) -> None:
    page = visitor.open()
    region = page.get_by_role("region", name="Privacy choices")
    expect(region).to_have_count(1)
    assert region.evaluate("one => one === document.body.firstElementChild")
    assert page.locator(".firmly-root :is([aria-modal], [role=dialog], dialog)").count() == 0
    assert page.evaluate("document.activeElement === document.body")


@pytest.mark.parametrize("site", ["shop", "corner", "centre"])
def test_r31_reject_is_reached_in_three_tabs_and_used_with_the_keyboard(visitor: Visitor, site: str) -> None:
    page = visitor.open(site)
    reject = layer(page).get_by_role("button", name="Reject all", exact=True)
    tabs = 0
    while not reject.evaluate("one => one === document.activeElement"):
        page.keyboard.press("Tab")
        tabs += 1
        assert tabs <= 3
    page.keyboard.press("Space")
    until(page, "!localStorage.getItem('firmly_unsent') && firmly.consent()")
    assert visitor.choice() == "none"
    assert not page.evaluate("document.activeElement === document.body"), "the focus dropped to the start of the page"


def test_r31_everything_is_done_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.open()
    page.locator("#first").focus()
    for _ in range(10):
        page.keyboard.press("Shift+Tab")
        if "firmly-quiet" in page.evaluate(FOCUSED):
            break
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_visible()
    boxes = 0
    for _ in range(30):
        page.keyboard.press("Tab")
        if "firmly-box" in page.evaluate(FOCUSED):
            boxes += 1
            page.keyboard.press("Space")
        if "Save choices" in page.evaluate(FOCUSED):
            break
    assert boxes == 3
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_hidden()
    until(page, "firmly.consent()")
    assert granted(page) == ["preferences", "statistics", "marketing"]
    assert not page.evaluate("document.activeElement === document.body")


@pytest.mark.parametrize("unfolded", [False, True])
def test_r31_the_preferences_are_a_modal_dialog_that_keeps_the_focus_inside(visitor: Visitor, unfolded: bool) -> None:
    page = visitor.open()
    opened = open_preferences(page)
    assert opened.evaluate("one => one.matches('dialog:modal')")
    assert opened.get_attribute("aria-labelledby")
    if unfolded:
        for summary in opened.locator("summary").all():
            summary.click()
        page.wait_for_timeout(300)
    for key, times in (("Tab", 40), ("Shift+Tab", 40)):
        for _ in range(times):
            page.keyboard.press(key)
            assert page.evaluate("!!document.activeElement.closest('dialog')"), f"{key} left the dialog"


@pytest.mark.parametrize("way", ["Escape", "×"])
def test_r31_the_focus_returns_to_where_it_was_when_the_dialog_closes(visitor: Visitor, way: str) -> None:
    page = visitor.open()
    quiet = layer(page).get_by_role("button", name="Choose by purpose")
    quiet.focus()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_visible()
    if way == "Escape":
        page.keyboard.press("Escape")
    else:
        dialog(page).get_by_role("button", name="Close without changes").press("Enter")
    expect(dialog(page)).to_have_count(0)
    expect(quiet).to_be_focused()
    assert granted(page) is None


def test_r31_the_focus_returns_into_the_page_after_a_choice(visitor: Visitor) -> None:
    page = visitor.open()
    page.locator("#first").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(layer(page)).to_be_hidden()
    expect(page.locator("#first")).to_be_focused()


def test_r31_targets_are_large_enough_and_nothing_is_wider_than_the_screen(looks: list[Look]) -> None:
    small = [
        look.name
        for look in looks
        for one in look.seen["buttons"]
        if min(one["box"]["width"], one["box"]["height"]) < 24
    ]
    assert small == []
    assert [look.name for look in looks if look.seen["wide"] > look.seen["screen"][0]] == []
    assert [look.name for look in looks if not all(one["inside"] for one in look.seen["buttons"])] == []
    outside = [
        look.name
        for look in looks
        if look.seen["box"]["y"] < 0 or look.seen["box"]["y"] + look.seen["box"]["height"] > look.seen["screen"][1]
    ]
    assert outside == []


@pytest.mark.parametrize("language", ["fi", "de", "pl", "ar"])
def test_r31_the_second_layer_reflows_and_its_targets_are_large_enough(visitor: Visitor, language: str) -> None:
    page = visitor.open(language=language)
    open_all(page)
    for width, height in LANDSCAPES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(TARGETS) == []
        assert page.evaluate(WIDE) == [False]
        box = box_of(page, ".firmly-dialog")
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        last = dialog(page).locator(".firmly-answers button").last
        last.scroll_into_view_if_needed()
        expect(last).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize("site", ["shop", "corner", "centre"])
@pytest.mark.parametrize("link", ["middle", "last"])
def test_r31_what_has_the_focus_is_not_hidden_behind_the_banner(visitor: Visitor, site: str, link: str) -> None:
    body = READING.replace("<p>Paragraph 30 ", '<p><a id="middle" href="#first">Middle</a></p><p>Paragraph 30 ')
    page = visitor.open(site, body=body)
    for width, height in LANDSCAPES[:2]:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("scrollTo(0, 0); document.activeElement.blur()")
        page.locator(f"#{link}").focus()
        page.wait_for_timeout(100)
        seen = page.evaluate("""() => {
          const { x, y, height } = document.activeElement.getBoundingClientRect();
          return document.elementFromPoint(x + 2, y + height / 2)?.id;
        }""")
        assert seen == link, f"{width}x{height}"


def test_r31_forced_colours_leave_every_button_with_an_edge(new_visitor: Callable[..., Visitor]) -> None:
    visitor = new_visitor(forced_colors="active")
    page = visitor.open()
    edges = """() => [...document.querySelectorAll(".firmly-root button")].map((one) => {
      const style = getComputedStyle(one);
      return [style.borderStyle, parseFloat(style.borderWidth) >= 1, style.borderColor === style.backgroundColor];
    })"""
    assert page.evaluate(edges) == [["solid", True, False]] * 3
    assert axe_violations(page) == []
    open_preferences(page)
    assert all(edge == ["solid", True, False] for edge in page.evaluate(edges))


def test_r31_nothing_moves_whether_or_not_less_motion_is_wanted(
    new_visitor: Callable[..., Visitor], looks: list[Look]
) -> None:
    assert [look.name for look in looks if look.seen["moving"]] == []
    page = new_visitor(reduced_motion="reduce").open()
    open_preferences(page)
    assert page.evaluate("document.getAnimations().length") == 0


def test_r31_a_language_from_right_to_left_is_mirrored(visitor: Visitor) -> None:
    page = visitor.open(language="ar", direction="rtl")
    expect(page.locator(".firmly-root")).to_have_attribute("lang", "ar")
    expect(layer(page)).to_have_css("direction", "rtl")
    assert box_of(page, ".firmly-answers")["x"] < box_of(page, ".firmly-text")["x"]
    assert layer(page).get_by_role("button").all_inner_texts() == [WORDS[key] for key in ("accept", "reject", "choose")]
    layer(page).get_by_role("button", name=WORDS["choose"]).click()
    expect(dialog(page)).to_have_css("direction", "rtl")
    assert box_of(page, ".firmly-close")["x"] < box_of(page, ".firmly-head h2")["x"]
    assert box_of(page, ".firmly-box")["x"] < 640
    page.keyboard.press("Escape")
    with page.expect_response(lambda response: response.url.endswith("/f/c")):
        layer(page).get_by_role("button", name=WORDS["reject"]).click()
    assert box_of(page, ".firmly-reopen")["x"] > 640
    record = visitor.town.records("shop")[-1]
    assert (record["language"], record["action"]) == ("ar", "reject_all")


def test_r31_texts_can_be_spaced_out_and_enlarged_without_loss(new_visitor: Callable[..., Visitor]) -> None:
    """WCAG 2.2, 1.4.12: spacing that a visitor sets, here as a rule of the browser's own."""
    visitor = new_visitor(viewport={"width": 390, "height": 844})
    page = visitor.open(language="fi")
    page.evaluate("""() => {
      const sheet = new CSSStyleSheet();
      const spacing = { "line-height": "1.5", "letter-spacing": ".12em", "word-spacing": ".16em" };
      const rules = Object.entries(spacing).map(([name, value]) => `${name}: ${value} !important`);
      sheet.replaceSync(`* { ${rules.join(";")} }`);
      document.adoptedStyleSheets.push(sheet);
    }""")
    for button in layer(page).get_by_role("button").all():
        assert button.evaluate(
            "one => one.scrollWidth <= one.clientWidth + 1 && one.scrollHeight <= one.clientHeight + 1"
        )
        expect(button).to_be_in_viewport(ratio=1)
