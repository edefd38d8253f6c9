"""RULES R12 to R14: before a choice nothing is kept, nothing is read, and nobody is looked up."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.rules.pages import READING, RulesWebsite
from tests.browser.rules.visitor import NOTHING, STORES, Visitor, answer, dialog, layer, open_preferences, shifts, until
from tests.collector import BROWSER
from tests.served import Served, serving

pytestmark = pytest.mark.browser

PROBES = Path(__file__).parent / "probes.js"
LOOKS_ROUND = """() => {
  screen.width; navigator.userAgentData; navigator.userAgent; navigator.webdriver; navigator.plugins; devicePixelRatio;
  document.createElement("canvas").getContext("webgl"); document.fonts.check("12px serif"); document.referrer;
  try { new OfflineAudioContext(1, 1, 8000); } catch {}
  localStorage.length; sessionStorage.getItem("x"); indexedDB.databases(); caches.keys(); matchMedia("(hover)");
  new Date().getTimezoneOffset(); new Intl.DateTimeFormat().resolvedOptions(); document.cookie = "x=1";
}"""


def watched(visitor: Visitor, site: str, **markup: str) -> Page:
    visitor.context.add_init_script(path=PROBES)
    return visitor.open(site, **markup)


@pytest.mark.parametrize("site", ["plain", "shop", "centre", "dnt"])
def test_r12_nothing_is_kept_and_nothing_is_asked_for_but_the_script(visitor: Visitor, site: str) -> None:
    page = visitor.open(site)
    page.mouse.wheel(0, 500)
    page.wait_for_timeout(700)
    key = visitor.town.sites[site].key
    assert [request.url for request in visitor.requests] == [page.url, f"{visitor.town.served.url}/f/{key}.js"]
    assert page.evaluate(STORES) == NOTHING
    assert visitor.context.cookies() == []


def test_r12_looking_at_the_preferences_asks_for_their_texts_alone_and_keeps_nothing(visitor: Visitor) -> None:
    page = visitor.open()
    open_preferences(page)
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    open_preferences(page)
    version, key = visitor.town.version("shop")[:16], visitor.town.sites["shop"].key
    base = f"{visitor.town.served.url}/f/{key}"
    assert [one.url for one in visitor.requests] == [page.url, f"{base}.js", f"{base}/{version}/en.js"]
    assert page.evaluate(STORES) == NOTHING


@pytest.mark.parametrize("site", ["plain", "shop", "dnt"])
def test_r13_nothing_of_the_device_is_read_but_language_choice_and_signals(visitor: Visitor, site: str) -> None:
    page = watched(visitor, site)
    page.mouse.wheel(0, 500)
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    expect(layer(page)).to_be_visible()
    assert page.evaluate("touched") == []


def test_r13_the_probes_notice_whoever_looks(visitor: Visitor) -> None:
    page = watched(visitor, "plain")
    page.evaluate(LOOKS_ROUND)
    assert set(page.evaluate("touched")) >= {
        "window.screen", "Screen.width", "navigator.userAgentData", "navigator.userAgent", "navigator.webdriver",
        "navigator.plugins", "window.devicePixelRatio", "canvas.getContext", "document.fonts", "FontFaceSet.check",
        "document.referrer", "new OfflineAudioContext", "window.localStorage", "Storage.length",
        "window.sessionStorage",
        "Storage.getItem", "window.indexedDB", "IDBFactory.databases", "window.caches", "CacheStorage.keys",
        "window.matchMedia", "date.getTimezoneOffset", "Intl.DateTimeFormat.resolvedOptions", "document.cookie=",
    }  # fmt: skip


def test_r14_before_a_choice_nobody_is_looked_up_and_nothing_is_written(
    new_visitor: Callable[..., Visitor], rules_website: RulesWebsite, tmp_path: Path
) -> None:
    """On an installation of its own, whose tables and counts hold this alone."""
    served = Served(tmp_path / "data", rules_website.origin)
    with serving(served):
        known = rules_website.collector
        rules_website.collector = served.url
        visitor = new_visitor(headers={"x-forwarded-for": "131.228.1.1"})
        url = rules_website.page(served.site.key)
        page = visitor.go(visitor.context.new_page(), url)
        page.mouse.wheel(0, 500)
        page.evaluate("firmly.goal('signup')")
        page.wait_for_timeout(500)
        body = {
            "site": served.site.key,
            "batch": "0" * 32,
            "visit": "1" * 32,
            "events": [{"kind": "pageview", "url": url, "referrer": ""}],
        }
        headers = {"origin": rules_website.origin, "x-forwarded-for": "131.228.1.1", "user-agent": BROWSER}
        sent = httpx.post(f"{served.url}/f/e", json=body, headers=headers)
        page.close()
        rules_website.collector = known
    assert sent.headers.get("x-firmly-dropped") == "no_consent=1", (sent.status_code, sent.text)
    assert [request.url for request in visitor.requests if "/f/e" in request.url or "/f/c" in request.url] == []
    assert served.rows("select * from events") == []
    assert served.rows("select * from org_days") == []


@pytest.mark.parametrize(
    ("site", "said", "size"),
    [
        ("shop", "accept", (390, 844)), ("shop", "reject", (1280, 900)), ("corner", "accept", (1280, 900)),
        ("corner", "reject", (390, 844)), ("centre", "accept", (390, 844)), ("centre", "reject", (1280, 900)),
    ],
)  # fmt: skip
def test_nothing_on_the_page_moves_when_the_banner_comes_and_when_it_goes(
    new_visitor: Callable[..., Visitor], site: str, said: str, size: tuple[int, int]
) -> None:
    page = new_visitor(viewport={"width": size[0], "height": size[1]}).open(site)
    page.wait_for_timeout(100)
    answer(page, said)
    open_preferences(page)
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    assert shifts(page) == []


@pytest.mark.parametrize("said", ["accept", "reject"])
def test_nothing_on_the_page_moves_around_a_frame_that_is_held_back(visitor: Visitor, said: str) -> None:
    frame = '<iframe data-category="marketing" data-src="{vendor}/vendor/frame.html" width="320" height="160"></iframe>'
    page = visitor.open(body=f"{frame}{READING}")
    expect(page.locator(".firmly-held")).to_be_visible()
    page.wait_for_timeout(100)
    assert shifts(page) == [], "when the place came"
    answer(page, said)
    page.wait_for_timeout(200)
    assert shifts(page) == [], "when the choice was made"


def test_the_script_needs_no_inline_style_and_works_with_lists_of_hosts_instead_of_nonces(visitor: Visitor) -> None:
    policy = (
        "default-src 'none'; script-src {collector} {vendor}; connect-src {collector}; style-src 'none'; "
        "require-trusted-types-for 'script'; trusted-types firmly"
    )
    script = '<script type="text/plain" data-category="statistics" data-src="{vendor}/vendor/a.js"></script>'
    page = visitor.open(policy=policy, body=READING + script)
    expect(layer(page)).to_have_css("position", "fixed")
    assert page.locator(".firmly-root [style], .firmly-root style").count() == 0
    open_preferences(page)
    page.keyboard.press("Escape")
    answer(page, "accept")
    until(page, "window.ran")
    assert page.evaluate("ran") == ["a"]
