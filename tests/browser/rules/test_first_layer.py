"""RULES R1 to R11: what the visitor is asked, and how."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rules.looks import VIEWPORTS, Look, contrast
from tests.browser.rules.pages import READING
from tests.browser.rules.town import CONTROLLER, LANGUAGES, POLICY, REASON, SERVICES, shipped_texts
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

OFFERED = ("preferences", "statistics", "marketing")
POSITIONS = ("shop", "corner", "centre")
RECIPIENTS = {"preferences": CONTROLLER, "statistics": "Counter GmbH", "marketing": "Adverts Inc."}
LEGITIMATE_INTEREST = (
    "legitimate interest", "oikeutettu etu", "berättigat intresse", "legitim interesse", "berettiget interesse",
    "berettiga interesse", "berechtigte", "gerechtvaardigd belang", "intérêt légitime", "interés legítimo",
    "interesse legittimo", "uzasadniony interes", "õigustatud huvi",
)  # fmt: skip

USABLE = """() => {
      const style = (one) => getComputedStyle(one), main = document.querySelector("main");
      const free = [];
      for (let y = 2; y < innerHeight; y += 4) for (let x = 2; x < innerWidth; x += 16)
        if (!document.elementFromPoint(x, y)?.closest(".firmly-root")) free.push([x, y]);
      return {
        scrolls: ["visible", "auto"].includes(style(document.body).overflowY)
          && ["visible", "auto"].includes(style(document.documentElement).overflowY),
        shown: ["visible", "auto", "none"].join() ===
          [style(main).visibility, style(main).pointerEvents, style(main).filter].join(),
        hidden: !!main.closest("[inert], [aria-hidden=true]"),
        free: free.length / (Math.ceil((innerHeight - 2) / 4) * Math.ceil((innerWidth - 2) / 16)),
      };
    }"""


def failing(looks: list[Look], holds: Callable[[Look], bool]) -> list[str]:
    """Name the looks for which something does not hold."""
    return [look.name for look in looks if not holds(look)]


def near(one: float, other: float) -> bool:
    return abs(one - other) < 1


def test_r01_refusing_takes_one_click_on_the_same_layer_like_accepting(
    new_visitor: Callable[..., Visitor], looks: list[Look]
) -> None:
    first = shipped_texts().first
    names = {language: [first[language][key] for key in ("accept", "reject", "choose")] for language in LANGUAGES}
    assert failing(looks, lambda look: [one["text"] for one in look.seen["buttons"]] == names[look.language]) == []
    assert failing(looks, lambda look: not any(one["disabled"] for one in look.seen["buttons"])) == []
    for name, left in (("accept", "preferences-statistics-marketing"), ("reject", "none")):
        visitor = new_visitor()
        answer(visitor.open(), name)
        assert visitor.choice() == left


@pytest.mark.parametrize("site", ["shop", "plain", "corner"])
def test_r02_nothing_is_ticked_beforehand_also_after_a_reload_and_after_a_refusal(visitor: Visitor, site: str) -> None:
    def ticked(page: Page) -> list[bool]:
        found = [box.is_checked() for box in open_preferences(page).get_by_role("checkbox").all()]
        page.keyboard.press("Escape")
        expect(dialog(page)).to_be_hidden()
        return found

    page = visitor.open(site)
    nothing = [False] if site == "plain" else [False, False, False]
    assert ticked(page) == nothing
    visitor.go(page, page.url)
    assert ticked(page) == nothing
    answer(page, "reject")
    assert ticked(page) == nothing
    visitor.go(page, page.url)
    assert ticked(page) == nothing


def test_r03_reject_weighs_as_much_as_accept(looks: list[Look]) -> None:
    def weighs_the_same(look: Look) -> bool:
        accept, reject = look.seen["answers"]
        one, other = accept["box"], reject["box"]
        ratio = one["width"] * one["height"] / (other["width"] * other["height"])
        aligned = near(one["x"], other["x"]) or near(one["y"], other["y"])
        same = all(accept[key] == reject[key] for key in ("tag", "type", "font", "shape"))
        return 0.9 <= ratio <= 1.1 and aligned and same and accept["tag"] == "BUTTON"

    def is_seen(look: Look) -> bool:
        return all(one["inside"] and one["onTop"] and not one["cut"] for one in look.seen["answers"])

    assert failing(looks, weighs_the_same) == []
    assert failing(looks, is_seen) == []


def test_r04_both_answers_have_the_same_colours_and_can_be_read(looks: list[Look]) -> None:
    def stands_out(look: Look) -> bool:
        return all(
            contrast(one["colours"][0], one["colours"][1]) >= 4.5 and contrast(one["colours"][1], one["behind"]) >= 3
            for one in look.seen["answers"]
        )

    def can_be_read(look: Look) -> bool:
        return all(contrast(one["colour"], one["behind"]) >= 4.5 for one in look.seen["texts"])

    assert failing(looks, lambda look: look.seen["answers"][0]["colours"] == look.seen["answers"][1]["colours"]) == []
    assert failing(looks, stands_out) == []
    assert failing(looks, can_be_read) == []
    assert failing(looks, lambda look: look.seen["scheme"] == look.theme) == []


@pytest.mark.parametrize("hovered", ["accept", "reject"])
def test_r04_both_answers_look_alike_under_the_pointer_and_in_focus(visitor: Visitor, hovered: str) -> None:
    page = visitor.open()
    button = layer(page).get_by_role("button", name="Accept all" if hovered == "accept" else "Reject all")
    button.hover()
    page.keyboard.press("Tab")
    button.focus()
    style = button.evaluate(
        "one => { const s = getComputedStyle(one);"
        "return [s.color, s.backgroundColor, s.outlineStyle, s.outlineColor, s.textDecorationLine, s.fontWeight] }"
    )
    assert style == ["rgb(255, 255, 255)", "rgb(11, 107, 91)", "solid", "rgb(11, 107, 91)", "underline", "700"]


def test_r05_no_switch_stands_for_a_legitimate_interest(visitor: Visitor, looks: list[Look]) -> None:
    assert failing(looks, lambda look: look.seen["inputs"] == 0) == []
    texts = shipped_texts()
    said = "\n".join(text for layers in (texts.first, texts.second) for own in layers.values() for text in own.values())
    assert [words for words in LEGITIMATE_INTEREST if words in said.lower()] == []
    opened = open_preferences(visitor.open())
    boxes = opened.locator("input, select, [role=switch], [role=radio]")
    assert boxes.evaluate_all("all => all.map(one => [one.type, one.getAttribute('aria-describedby')])") == [
        ["checkbox", f"firmly-about-{category}"] for category in OFFERED
    ]


def test_r06_only_what_has_a_written_reason_is_there_without_consent(visitor: Visitor) -> None:
    scripts = "".join(
        f'<script type="text/plain" nonce="{{nonce}}" data-category="{category}">'
        f"document.cookie = '{name}=1;path=/'</script>"
        for category, name in [
            ("necessary", "basket"), ("preferences", "size"), ("statistics", "_cnt"), ("marketing", "_ad"), ("", "x"),
        ]
    )  # fmt: skip
    page = visitor.open(body=READING + scripts)
    until(page, "document.cookie !== ''")
    page.wait_for_timeout(300)
    allowed = {item["name"] for one in SERVICES if one["category"] == "necessary" for item in one["stores"]}
    assert {cookie["name"] for cookie in visitor.context.cookies()} <= allowed
    opened = open_preferences(page)
    necessary = opened.locator(".firmly-option").first
    expect(necessary).to_contain_text("Always on")
    expect(necessary.get_by_role("checkbox")).to_have_count(0)
    necessary.locator("summary").click()
    assert necessary.locator(".firmly-service > .firmly-name").all_inner_texts() == ["Firmly", "Basket"]
    expect(necessary).to_contain_text(f"Basket (en) {REASON}")
    assert REASON not in "".join(opened.locator(".firmly-option").all_inner_texts()[1:])


def test_r07_scroll_swipe_esc_close_and_time_are_never_consent(new_visitor: Callable[..., Visitor]) -> None:
    visitor = new_visitor(has_touch=True, viewport={"width": 390, "height": 844}, is_mobile=True)
    page = visitor.context.new_page()
    page.clock.install()
    visitor.go(page, visitor.website.page(visitor.town.sites["shop"].key))
    page.mouse.wheel(0, 3000)
    page.touchscreen.tap(100, 100)
    swipe = visitor.context.new_cdp_session(page)
    swipe.send("Input.synthesizeScrollGesture", {"x": 200, "y": 300, "yDistance": -200, "speed": 3000})
    page.keyboard.press("Escape")
    for leave in ("Escape", "close", "outside"):
        opened = open_preferences(page)
        for box in opened.get_by_role("checkbox").all():
            box.check()
        if leave == "Escape":
            page.keyboard.press("Escape")
        elif leave == "close":
            opened.get_by_role("button", name="Close without changes").click()
        else:
            page.mouse.click(5, 5)
            page.keyboard.press("Escape")
        expect(dialog(page)).to_be_hidden()
    page.clock.fast_forward("24:00:00")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("#first").click()
    expect(layer(page)).to_be_visible()
    assert granted(page) is None
    assert visitor.choice() is None
    assert visitor.sent("/f/c") == []
    assert visitor.sent("/f/e") == []


@pytest.mark.parametrize("site", POSITIONS)
def test_r08_the_page_stays_usable_while_the_banner_asks(visitor: Visitor, site: str) -> None:
    page = visitor.open(site)
    for width, height in VIEWPORTS:
        page.set_viewport_size({"width": width, "height": height})
        state = page.evaluate(USABLE)
        assert (state["scrolls"], state["shown"], state["hidden"]) == (True, True, False)
        assert state["free"] > 0.05, f"the banner covers the page at {width}x{height}"
        page.evaluate("scrollTo(0, 0)")
        page.mouse.move(4, 4)
        page.mouse.wheel(0, 400)
        until(page, "scrollY > 300")


@pytest.mark.parametrize("category", ["statistics", "marketing"])
def test_r09_accepting_one_category_leaves_the_others_denied_at_client_record_and_collector(
    visitor: Visitor, category: str
) -> None:
    scripts = "".join(
        f'<script type="text/plain" nonce="{{nonce}}" data-category="{one}">(window.ran ??= []).push("{one}")</script>'
        for one in OFFERED
    )
    page = visitor.open(body=READING + scripts)
    choose(page, category)
    until(page, "window.ran")
    page.wait_for_timeout(500)
    assert granted(page) == [category]
    assert page.evaluate("ran") == [category]
    record = visitor.town.records("shop")[-1]
    assert (record["action"], record["state"], record["categories"]) == ("custom", "given", f'["{category}"]')
    assert bool(visitor.sent("/f/e")) is (category == "statistics")
    # Whoever asks the collector directly gets no further than the record.
    token, dropped = page.evaluate(
        """async ([collector, site]) => {
          const post = (path, body) =>
            fetch(collector + path, { method: "POST", credentials: "include", body: JSON.stringify(body) });
          const { token } = await (await post("/f/c/token", { site })).json();
          const events = [{ kind: "pageview", url: location.href, referrer: "" }];
          const id = () => crypto.randomUUID().replaceAll("-", "");
          const sent = await fetch(collector + "/f/e", { method: "POST", credentials: "omit",
            body: JSON.stringify({ site, batch: id(), visit: id(), token: token ?? undefined, events }) });
          return [token ?? null, sent.headers.get("x-firmly-dropped")];
        }""",
        [visitor.town.served.url, visitor.town.sites["shop"].key],
    )
    assert token
    assert ("no_consent" in (dropped or "")) is (category != "statistics")


def test_r10_the_first_layer_names_who_what_for_whom_how_long_and_how_to_withdraw(looks: list[Look]) -> None:
    first = shipped_texts().first

    def informs(look: Look) -> bool:
        own, said = first[look.language], " ".join(look.seen["parts"])
        named = [CONTROLLER, *RECIPIENTS.values(), *(own[category] for category in OFFERED), own["label"]]
        return all(name in said for name in [*named, look.seen["months"]]) and look.seen["links"] == [POLICY]

    assert failing(looks, informs) == []


def test_r10_the_second_layer_names_every_service_with_all_it_stores_and_for_how_long(visitor: Visitor) -> None:
    opened = open_preferences(visitor.open())
    for summary in opened.locator(".firmly-option summary").all():
        summary.click()
    said = opened.inner_text()
    for one in SERVICES:
        assert f"{one['name']} (en)" in said
        assert f"Provider: {one['provider']}" in said
    stored = opened.locator(".firmly-stored").all_inner_texts()
    assert stored[:4] == [
        "firmly_choice – cookie, kept for 184 days",
        f"firmly_receipt_{visitor.town.sites['shop'].key} – cookie, kept for 184 days",
        "firmly_unsent – local storage, kept for 184 days",
        "basket – cookie, kept for 7 days",
    ]
    assert stored[-6:] == [
        "firmly_token – session storage, until the tab is closed",
        "_cnt* – cookie, kept for 400 days",
        "_cnt* – local storage, kept for 90 days",
        "_cnt_tab – session storage, until the tab is closed",
        "_cnt_base – database in the browser, kept for 30 days",
        "_ad – cookie, kept for 90 days",
    ]
    links = opened.locator("a").evaluate_all("all => all.map(one => one.href)")
    assert links == [f"https://{one['key']}.example/privacy" for one in SERVICES]


def test_r11_every_text_is_in_the_language_of_the_page_and_nothing_else_is_said(looks: list[Look]) -> None:
    first = shipped_texts().first

    def expected(look: Look) -> list[str]:
        own = first[look.language]
        months = look.seen["months"]
        filled = {key: fill(text, own, months) for key, text in own.items()}
        purposes = [
            part
            for category in OFFERED
            for part in (
                filled[category],
                f" – {filled[f'{category}_about']}. {fill(own['recipients'], own, months, RECIPIENTS[category])}",
            )
        ]
        last = [filled["duration"], " ", filled["policy"]]
        return [
            filled["label"],
            filled["intro"],
            *purposes,
            *last,
            *(own[key] for key in ("accept", "reject", "choose")),
        ]

    assert failing(looks, lambda look: look.seen["language"] == look.language) == []
    assert failing(looks, lambda look: look.seen["label"] == first[look.language]["label"]) == []
    assert failing(looks, lambda look: look.seen["parts"] == expected(look)) == []


def fill(text: str, own: Any, months: str, providers: str = "") -> str:
    values = {"controller": CONTROLLER, "months": months, "label": own["label"], "providers": providers}
    return re.sub(r"\{(\w+)\}", lambda place: values.get(place[1], place[0]), text)


def test_r11_every_shipped_language_is_complete(looks: list[Look]) -> None:
    texts = shipped_texts()
    for of_layer in (texts.first, texts.second):
        assert sorted(of_layer) == sorted(LANGUAGES)
        for own in of_layer.values():
            assert own.keys() == of_layer["en"].keys()
            assert all(text.strip() for text in own.values())
    assert failing(looks, lambda look: not any("{" in part for part in look.seen["parts"])) == []


@pytest.mark.parametrize(
    ("page_language", "shown"), [("fi-FI", "fi"), ("nb", "no"), ("NN-no", "no"), ("pt-BR", "en"), ("", "en")]
)
def test_r11_a_page_in_a_variety_of_a_language_gets_that_language(
    visitor: Visitor, page_language: str, shown: str
) -> None:
    page = visitor.open(language=page_language)
    expect(page.locator(".firmly-root")).to_have_attribute("lang", shown)
    expect(layer(page)).to_contain_text(shipped_texts().first[shown]["accept"])


def test_r11_the_second_layer_speaks_the_same_language(visitor: Visitor) -> None:
    texts = shipped_texts()
    page = visitor.open()
    for language in LANGUAGES:
        first, second = texts.first[language], texts.second[language]
        visitor.go(page, visitor.website.page(visitor.town.sites["shop"].key, language=language))
        opened = open_preferences(page)
        heads = opened.locator(".firmly-option > .firmly-option-name").all_inner_texts()
        names = [second["necessary"], *(first[category] for category in OFFERED)]
        assert [head.split("\n")[0] for head in heads] == names
        about = opened.locator(".firmly-option > .firmly-about").all_inner_texts()
        assert about == [second["necessary_more"], *(second[f"{category}_more"] for category in OFFERED)]
        buttons = opened.locator(".firmly-answers button").all_inner_texts()
        assert buttons == [first["accept"], first["reject"], second["save"]]
        assert "{" not in opened.inner_text()


def test_r11_wording_after_a_withdrawal_asks_anew_for_what_was_withdrawn(visitor: Visitor) -> None:
    page = visitor.open()
    answer(page, "accept")
    withdraw(page)
    expect(open_preferences(page).get_by_role("button", name="Reject all", exact=True)).to_be_visible()
