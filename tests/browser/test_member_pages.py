"""Every page for members, with little and with much in it, on wide and narrow screens, in light and dark."""

import pytest
from playwright.sync_api import Browser, expect

from firmly.accounts.roles import Role
from firmly.mail.letter import Template
from tests.browser.crowd import FINNISH, LONG, crowd
from tests.browser.installation import Household, Installation, enter, open_page

pytestmark = pytest.mark.browser

PAGES = (
    "account",
    "account/second-factor",
    "team",
    "tokens",
    "settings",
    "sites",
    "sites/new",
    "audit",
    "letters",
    "disclosures",
    "welcome",
)

IS_ON_TOP = """menu => {
  const box = menu.getBoundingClientRect();
  const isOn = (x, y) => menu.contains(document.elementFromPoint(box.left + x, box.top + y));
  for (let x = 12; x < box.width - 12; x += 12)
    for (let y = 12; y < box.height - 12; y += 12) if (!isOn(x, y)) return false;
  return true;
}"""


@pytest.fixture(scope="module")
def crowded(installation: Installation) -> Household:
    return crowd(installation, "https://www.herons.example")


@pytest.mark.parametrize(("amount", "width", "scheme"), [("much", 1280, "light"), ("little", 390, "dark")])
def test_every_page_fits_and_has_no_accessibility_violation(
    chromium: Browser,
    installation: Installation,
    crowded: Household,
    amount: str,
    width: int,
    scheme: str,
) -> None:
    household = crowded if amount == "much" else installation.workspace()
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page, watch = open_page(context, installation)
    enter(page, installation, household.email)
    page.wait_for_url("**/app/**")
    sites = [f"sites/{site.key}" for site in installation.accounts.sites.of(installation.scope(household))]
    for path in (*PAGES, *sites[:1]):
        page.goto(f"{installation.url}/app/{path}")
        watch.looks_right(path)
    page.get_by_label("Your account:").click()
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()
    watch.looks_right("menu")
    context.close()


@pytest.mark.parametrize("width", [640, 390])
def test_long_words_fit_on_narrow_screens(
    chromium: Browser, installation: Installation, crowded: Household, width: int
) -> None:
    """A screen of 1280 zoomed to 200 % has room for 640."""
    context = chromium.new_context(viewport={"width": width, "height": 844}, device_scale_factor=2)
    page, _ = open_page(context, installation)
    enter(page, installation, crowded.email)
    page.wait_for_url("**/app/**")
    for path in (*PAGES, "leads", "coverage", "corrections"):
        page.goto(f"{installation.url}/app/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(f"{installation.url}/app/team")
    page.get_by_label("Your account:").click()
    assert page.locator(".account-menu").evaluate(IS_ON_TOP), "something shines through the menu"
    context.close()


def test_pages_for_whoever_is_not_signed_in_fit_a_narrow_screen(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace(LONG)
    scope, wishes = installation.scope(household), installation.accounts.wishes
    invited = installation.accounts.team.invite(scope, f"{FINNISH.lower()}@herons.example", Role.ADMIN)
    letter = wishes.unsubscribe_secret(household.id, scope.member_id, Template.AUDIT_REPORT)
    reset = installation.accounts.credentials.begin_reset(household.email)
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page, watch = open_page(context, installation)
    for path in (f"invitation/{invited.secret}", "invitation/0", f"unsubscribe/{letter}", f"reset/{reset}", "reset/0"):
        page.goto(f"{installation.url}/app/{path}")
        watch.looks_right(path)
    for path in ("sign-in", "forgotten"):
        page.goto(f"{installation.url}/app/{path}")
        watch.looks_right(path)
    context.close()


def test_page_says_where_one_is(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    context = chromium.new_context(viewport={"width": 1280, "height": 844})
    page, _ = open_page(context, installation)
    enter(page, installation, household.email, to="/app/team")
    here = page.get_by_role("navigation", name="Places").locator("[aria-current=page]")
    expect(here).to_have_text("Team")
    page.goto(f"{installation.url}/app/letters")
    expect(here).to_have_text("Audit log")
    context.close()


def test_narrow_screen_reaches_every_place_through_the_menu(chromium: Browser, installation: Installation) -> None:
    household = installation.workspace()
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page, _ = open_page(context, installation)
    enter(page, installation, household.email, to="/app/account")
    for place, title in (
        ("Team", "Team"),
        ("API tokens", "API tokens"),
        ("Audit log", "Audit log"),
        ("Settings", "Settings"),
    ):
        page.get_by_label("Your account:").click()
        page.get_by_role("navigation", name="More places").get_by_role("link", name=place).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
    context.close()
