"""Rules by country, opt-in per site: one answered look-up before a choice (R14), and a refusal that still ends all."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from firmly.accounts.banner_json import read_banner
from firmly.accounts.database import open_control_plane
from firmly.accounts.service import Accounts
from firmly.accounts.sites import new_site
from firmly.app import control_plane_url
from firmly.app.data_dir import secret_keys
from firmly.consent.banner import read_snippet
from firmly.consent.rules import ConsentRules
from firmly.model import Jurisdiction, system_clock
from firmly.packaged import snippet
from firmly.settings import read_settings
from tests.browser.rules.pages import READING, RulesWebsite
from tests.browser.rules.town import ALL, CONTROLLER, POLICY, Town
from tests.browser.rules.visitor import NOTHING, STORES, Visitor, answer, choose, granted, layer, shifts, until
from tests.collector import BROWSER
from tests.served import Served, serving
from tests.vendor_files import write_vendor_file

pytestmark = pytest.mark.browser

AMERICAN, GERMAN = "8.13.57.91", "16.13.57.91"
NOTICE = "Until you choose, these are already on."
PATIENT = """(() => {
  const wait = setTimeout;
  globalThis.setTimeout = (work, ms, ...more) => wait(work, ms === 1000 ? 60_000 : ms, ...more);
})();"""
"""Waits longer for the collector than visitors do, so that a busy machine changes nothing."""
HELD = "".join(
    f'<script type="text/plain" nonce="{{nonce}}" data-category="{category}" data-src="{{vendor}}/vendor/{name}.js">'
    "</script>"
    for category, name in (("statistics", "a"), ("marketing", "b"))
)
FRAME = (
    '<iframe title="Film" data-category="marketing" data-src="{vendor}/vendor/frame.html" width="320" height="240">'
    "</iframe>"
)
BODY = READING + HELD + FRAME
BANNERS: dict[str, dict[str, Any]] = {"abroad": {**ALL, "inform_in": ["US"]}, "strict": ALL}


@pytest.fixture(scope="module")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, RulesWebsite]]:
    """A served Firmly with a country file, one site with rules by country, and one like it without."""
    folder, website = tmp_path_factory.mktemp("abroad"), RulesWebsite()
    records = {"8.0.0.0/8": {"country": {"iso_code": "US"}}, "16.0.0.0/8": {"country": {"iso_code": "DE"}}}
    file = write_vendor_file(folder / "country.mmdb", records, "DBIP-Country-Lite")
    served = Served(folder / "data", website.origin, environ={"FIRMLY_COUNTRY_DATABASE": str(file)})
    settings = read_settings(served.environ)
    control_plane = open_control_plane(control_plane_url(settings))
    accounts = Accounts(control_plane, system_clock, secret_keys(settings))
    rules, sites = ConsentRules(read_snippet(snippet()).texts), {}
    for name, banner in BANNERS.items():
        site = new_site(
            served.site.workspace_id,
            name=name.title(),
            origins=website.origins,
            controller=CONTROLLER,
            privacy_url=POLICY,
            jurisdiction=Jurisdiction.BY_COUNTRY if name == "abroad" else Jurisdiction.STRICTEST,
            banner=read_banner(banner),
        )
        assert rules.breaches(site) == []
        sites[name] = accounts.sites.create(site)
    control_plane.close()
    server = website.start()
    with serving(served):
        website.collector = served.url
        yield Town(served, sites), website
    server.shutdown()
    server.server_close()


@pytest.fixture
def visitor_from(chromium: Browser, abroad: tuple[Town, RulesWebsite]) -> Iterator[Callable[..., Visitor]]:
    """Make a visitor at an address; ``script`` is run before every page's own."""
    made: list[Visitor] = []

    def make(address: str, script: str = PATIENT) -> Visitor:
        context = chromium.new_context(user_agent=BROWSER, locale="en-GB")

        def say(route: Route) -> None:
            route.continue_(headers={**route.request.headers, "x-forwarded-for": address})

        context.route("**/f/**", say)
        context.add_init_script(script)
        made.append(Visitor(context, *abroad))
        return made[-1]

    yield make
    for visitor in made:
        visitor.context.close()
    assert [visitor.complaints for visitor in made if visitor.complaints] == []


def ran(page: Page) -> list[str]:
    return list(page.evaluate("window.ran ?? []"))


def asked_for_rule(visitor: Visitor) -> int:
    return len(visitor.sent("/f/r"))


def is_film_shown(page: Page) -> bool:
    return any("/vendor/" in frame.url for frame in page.frames)


def told_of_ads(page: Page) -> list[str]:
    calls = page.evaluate("[...window.dataLayer].map((entry) => [...entry])")
    return [call[2]["ad_storage"] for call in calls if call[:2] == ["consent", "update"]]


def test_r14_where_informing_is_enough_all_is_on_and_said_until_the_visitor_refuses(
    visitor_from: Callable[..., Visitor],
) -> None:
    visitor = visitor_from(AMERICAN)
    page = visitor.open("abroad", body=BODY)
    expect(layer(page)).to_contain_text(NOTICE)
    until(page, "window.ran?.length === 2")
    page.wait_for_timeout(700)
    assert (is_film_shown(page), told_of_ads(page), granted(page)) == (True, ["granted"], None)
    assert visitor.sent("/f/e") == []  # Firmly's own measuring waits for consent, here as everywhere.
    assert page.evaluate(STORES) == NOTHING
    assert sum(shifts(page)) == 0
    [request] = [one for one in visitor.requests if one.url.endswith("/f/r")]
    assert (request.post_data_json, "cookie" in request.headers) == ({"site": visitor.town.sites["abroad"].key}, False)
    answer(page, "reject")
    expect(page.locator(".firmly-held")).to_be_visible()
    assert (told_of_ads(page), granted(page), visitor.actions()) == (["granted", "denied"], [], ["reject_all"])
    again = visitor.open("abroad", body=BODY)
    again.wait_for_timeout(500)
    assert (ran(again), is_film_shown(again), asked_for_rule(visitor)) == ([], False, 1)


def test_r14_what_a_choice_leaves_out_ends_at_once_also_when_it_cannot_be_recorded(
    visitor_from: Callable[..., Visitor],
) -> None:
    visitor = visitor_from(AMERICAN)
    page = visitor.open("abroad", body=BODY)
    until(page, "window.ran?.length === 2")
    visitor.context.route("**/f/c", lambda route: route.fulfill(status=400))
    choose(page, "statistics")
    expect(page.locator(".firmly-held")).to_be_visible()
    assert (told_of_ads(page), granted(page)) == (["granted", "denied"], None)


@pytest.mark.parametrize(
    ("site", "address", "script", "lookups"),
    [
        ("abroad", GERMAN, PATIENT, 1),
        ("abroad", "99.13.57.91", PATIENT, 1),
        ("abroad", AMERICAN, "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})", 0),
        ("strict", AMERICAN, PATIENT, 0),
    ],
    ids=["country with the strictest rule", "unknown country", "refusing browser", "site without country rules"],
)
def test_r14_everybody_else_is_asked_first(
    visitor_from: Callable[..., Visitor], site: str, address: str, script: str, lookups: int
) -> None:
    visitor = visitor_from(address, script)
    page = visitor.open(site, body=BODY)
    page.wait_for_timeout(500)
    assert (ran(page), is_film_shown(page), asked_for_rule(visitor)) == ([], False, lookups)
    expect(page.get_by_text(NOTICE)).to_have_count(0)


def test_r14_a_collector_that_does_not_answer_leaves_the_strictest_rule(visitor_from: Callable[..., Visitor]) -> None:
    visitor = visitor_from(AMERICAN, script="")
    visitor.context.route("**/f/r", lambda _route: None)  # Never answered.
    page = visitor.open("abroad", body=BODY)
    page.wait_for_timeout(300)
    assert ran(page) == []
    answer(page, "accept")
    until(page, "window.ran?.length === 2")


def test_r14_the_address_lands_nowhere(visitor_from: Callable[..., Visitor], abroad: tuple[Town, RulesWebsite]) -> None:
    visitor = visitor_from(AMERICAN)
    visitor.open("abroad", body=BODY)
    assert asked_for_rule(visitor) == 1
    served = abroad[0].served
    packed = bytes(map(int, AMERICAN.split(".")))
    traces = (AMERICAN.encode(), b"8.13.57.", packed.hex().encode(), str(int.from_bytes(packed, "big")).encode())
    files = [path for path in Path(served.data_dir).rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if any(trace in path.read_bytes() for trace in traces)] == []
    assert not any(trace in served.output.read_bytes() for trace in traces)
