"""RULES R28 and R29: signals of the browser to the site, and of the site to the vendors' tags."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from firmly.web.consent_mode import google_default, source_hash
from tests.browser.rules.pages import NONCE, READING
from tests.browser.rules.visitor import Visitor, answer, choose, granted, layer, open_preferences, until, withdraw

pytestmark = pytest.mark.browser

SAYS_GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => %s, configurable: true })"
SAYS_DNT = "Object.defineProperty(Navigator.prototype, 'doNotTrack', { get: () => '1', configurable: true })"
GATED = READING + (
    '<script type="text/plain" nonce="{nonce}" data-category="marketing" data-src="{vendor}/vendor/marketing.js">'
    "</script>"
)
KEYS = {
    "ad_storage", "ad_user_data", "ad_personalization", "analytics_storage", "functionality_storage",
    "personalization_storage", "security_storage",
}  # fmt: skip
TAG = (
    f'<script nonce="{NONCE}">'
    'window.seen = (window.dataLayer ?? []).map((one) => Array.from(one).slice(0, 2).join(" "))</script>'
)
DEFAULT = f'<script nonce="{NONCE}">{google_default()}</script>'
OF_CONSENT = "Array.from(dataLayer, (one) => Array.from(one)).filter(([command]) => command === 'consent')"


def assert_refused(visitor: Visitor, page: Page, action: str) -> None:
    expect(page.locator(".firmly-reopen")).to_be_visible()
    expect(layer(page)).to_have_count(0)
    assert granted(page) == []
    until(page, "document.cookie.includes('firmly_choice=') && !localStorage.getItem('firmly_unsent')")
    assert visitor.choice() == "none"
    record = visitor.town.records("shop" if action == "gpc" else "dnt")[-1]
    assert [record[key] for key in ("action", "state", "source", "categories")] == [action, "refused", "signal", "[]"]


def test_r28_global_privacy_control_refuses_is_recorded_once_and_nobody_is_asked(visitor: Visitor) -> None:
    visitor.context.add_init_script(SAYS_GPC % "true")
    page = visitor.open(body=GATED)
    assert_refused(visitor, page, "gpc")
    for _ in range(2):
        visitor.go(page, page.url)
        expect(layer(page)).to_have_count(0)
        page.wait_for_timeout(200)
    assert visitor.actions() == ["gpc"]
    assert page.evaluate("window.ran") is None
    assert visitor.sent("/f/e") == []


def test_r28_what_the_visitor_chooses_later_goes_before_the_signal(visitor: Visitor) -> None:
    visitor.context.add_init_script(SAYS_GPC % "true")
    page = visitor.open()
    assert_refused(visitor, page, "gpc")
    choose(page, "statistics")
    visitor.go(page, page.url)
    assert granted(page) == ["statistics"]
    withdraw(page)
    visitor.go(page, page.url)
    assert granted(page) == []
    assert visitor.actions() == ["gpc", "custom", "withdraw"]


def test_r28_the_signal_does_not_end_a_consent_that_was_given_here(visitor: Visitor) -> None:
    page = visitor.open()
    answer(page, "accept")
    visitor.context.add_init_script(SAYS_GPC % "true")
    visitor.go(page, page.url)
    assert granted(page) == ["preferences", "statistics", "marketing"]
    assert visitor.actions() == ["accept_all"]


@pytest.mark.parametrize("by_script", ["undefined", "false"])
def test_r28_the_header_alone_refuses_too(new_visitor: Callable[..., Visitor], by_script: str) -> None:
    """Header and script disagree: the stricter wins."""
    visitor = new_visitor(headers={"sec-gpc": "1"})
    visitor.context.add_init_script(SAYS_GPC % by_script)
    page = visitor.open(body=GATED)
    assert_refused(visitor, page, "gpc")


def test_r28_a_signal_of_the_header_lets_nothing_be_measured_without_consent(
    new_visitor: Callable[..., Visitor],
) -> None:
    visitor = new_visitor(headers={"sec-gpc": "1", "x-forwarded-for": "131.228.1.1"})
    visitor.context.add_init_script(SAYS_GPC % "undefined")
    page = visitor.open("company")
    page.evaluate("history.pushState({}, '', '?on')")
    page.wait_for_timeout(700)
    answers = [one.response() for one in visitor.requests if one.url.endswith("/f/e")]
    dropped = [sent.header_value("x-firmly-dropped") for sent in answers if sent]
    assert all("objected" in (reason or "") for reason in dropped), dropped


def test_r28_do_not_track_refuses_where_the_site_says_so(visitor: Visitor) -> None:
    visitor.context.add_init_script(SAYS_DNT)
    page = visitor.open("dnt")
    assert_refused(visitor, page, "dnt")
    visitor.go(page, page.url)
    assert visitor.actions() == ["dnt"]


def test_r28_do_not_track_is_asked_about_elsewhere(visitor: Visitor) -> None:
    visitor.context.add_init_script(SAYS_DNT)
    page = visitor.open("plain")
    expect(layer(page)).to_be_visible()
    assert granted(page) is None


def states(page: Page) -> list[dict[str, Any]]:
    """Return what Google's tags were told: every default and update, in order."""
    found = page.evaluate(OF_CONSENT)
    return [{"step": entry[1], **entry[2]} for entry in found]


def grants(state: dict[str, Any]) -> set[str]:
    return {key for key, value in state.items() if value == "granted"}


def test_r29_the_default_stands_before_any_tag_and_denies_all_that_can_be_denied(visitor: Visitor) -> None:
    page = visitor.open(head=DEFAULT + TAG)
    assert page.evaluate("seen") == ["consent default"]
    told = states(page)
    assert [state["step"] for state in told] == ["default"]
    assert set(told[0]) >= KEYS
    assert grants(told[0]) == {"security_storage"}


def test_r29_a_policy_with_hashes_lets_the_default_run(visitor: Visitor) -> None:
    policy = (
        f"default-src 'none'; script-src {source_hash(google_default())} {{collector}}; connect-src {{collector}}; "
        "style-src 'none'; require-trusted-types-for 'script'; trusted-types firmly"
    )
    page = visitor.open(head=f"<script>{google_default()}</script>", policy=policy)
    assert [state["step"] for state in states(page)] == ["default"]


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (("statistics",), {"analytics_storage"}),
        (("marketing",), {"ad_storage", "ad_user_data", "ad_personalization"}),
        (("preferences",), {"functionality_storage", "personalization_storage"}),
    ],
    ids=["statistics", "marketing", "preferences"],
)
def test_r29_the_update_follows_the_choice_within_the_page_and_comes_first_on_the_next(
    visitor: Visitor, categories: tuple[str, ...], expected: set[str]
) -> None:
    page = visitor.open(head=DEFAULT + TAG)
    choose(page, *categories)
    default, *updates = states(page)
    # What is refused is told at once, what is granted when it is on record.
    assert [default["step"], *{state["step"] for state in updates}] == ["default", "update"]
    assert all(set(state) == {"step", *KEYS} and grants(state) <= {"security_storage", *expected} for state in updates)
    assert grants(updates[-1]) == {"security_storage", *expected}
    visitor.go(page, page.url)
    again = states(page)
    assert [state["step"] for state in again] == ["default", "update"]
    assert grants(again[1]) == {"security_storage", *expected}


def test_r29_a_gated_tag_finds_the_update_before_it_runs(visitor: Visitor) -> None:
    tag = (
        '<script type="text/plain" nonce="{nonce}" data-category="marketing">'
        f"window.found = {OF_CONSENT}.map((one) => one[1])</script>"
    )
    page = visitor.open(head=DEFAULT, body=READING + tag)
    answer(page, "accept")
    until(page, "window.found")
    assert page.evaluate("found")[0] == "default"
    assert page.evaluate("found")[-1] == "update"


def test_r29_without_an_inline_default_there_is_one_all_the_same(visitor: Visitor) -> None:
    page = visitor.open()
    told = states(page)
    assert [state["step"] for state in told] == ["default"]
    assert set(told[0]) == {"step", *KEYS}
    assert grants(told[0]) == {"security_storage"}


def test_r29_uet_and_clarity_are_told_by_setting(visitor: Visitor) -> None:
    page = visitor.open()
    choose(page, "marketing")
    uet = page.evaluate("uetq")
    assert uet[:3] == ["consent", "default", {"ad_storage": "denied"}]
    assert uet[-3:] == ["consent", "update", {"ad_storage": "granted"}]
    clarity = page.evaluate("clarity.q")
    assert clarity[0] == ["consentv2", {"ad_Storage": "denied", "analytics_Storage": "denied"}]
    assert clarity[-1] == ["consentv2", {"ad_Storage": "granted", "analytics_Storage": "denied"}]
    choose(page, "statistics")
    assert page.evaluate("uetq.at(-1)") == {"ad_storage": "denied"}
    assert page.evaluate("clarity.q.at(-1)") == ["consentv2", {"ad_Storage": "denied", "analytics_Storage": "granted"}]


def test_r29_a_site_without_vendors_tells_nobody(visitor: Visitor) -> None:
    page = visitor.open("plain")
    answer(page, "accept")
    assert page.evaluate("[typeof dataLayer, typeof uetq, typeof clarity]") == ["undefined"] * 3


def test_r29_closing_the_preferences_tells_nobody_anything(visitor: Visitor) -> None:
    page = visitor.open(head=DEFAULT)
    open_preferences(page)
    page.keyboard.press("Escape")
    assert [state["step"] for state in states(page)] == ["default"]
