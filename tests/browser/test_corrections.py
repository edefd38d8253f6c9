"""A member corrects a company, sees its history under the right name, and takes it back."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from firmly.model import BeforeConsent
from tests.browser.looks import look_in_light_and_dark
from tests.browser.test_first_light import sign_in
from tests.collector import BROWSER, NOKIA
from tests.served import Served, event_body

pytestmark = pytest.mark.browser

ORIGIN = "https://www.firm.example"
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own, with one company on the list."""
    served = Served(tmp_path_factory.mktemp("corrections") / "data", ORIGIN, BeforeConsent.COMPANY)
    served.start()
    headers = {"x-forwarded-for": NOKIA, "user-agent": BROWSER, "origin": ORIGIN, "content-type": "text/plain"}
    httpx.post(f"{served.url}/f/e", content=event_body(served, "", "/pricing"), headers=headers).raise_for_status()
    yield served
    served.stop()


def open_company(page: Page, served: Served, name: str) -> None:
    page.goto(f"{served.url}/app/leads")
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def open_form(page: Page) -> None:
    page.get_by_text("Is this wrong?").click()
    expect(page.get_by_text("1 company, 1 visit in the last 30 days").first).to_be_visible()


def test_company_is_corrected_and_the_correction_undone(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    open_company(page, firm, "Nokia Solutions and Networks")
    open_form(page)
    page.get_by_label("Name", exact=True).fill("Nokia Group")
    page.get_by_label("Domain (if you know it)").fill("not a domain")
    page.get_by_label("everything of AS8983").check()
    page.get_by_role("button", name="Correct").click()
    expect(page.get_by_role("alert")).to_contain_text('Domain "not a domain": expected a domain such as example.com')
    expect(page.get_by_label("Name", exact=True)).to_have_value("Nokia Group")
    expect(page.get_by_label("everything of AS8983")).to_be_checked()

    page.get_by_label("Domain (if you know it)").fill("nokia.example")
    page.get_by_role("button", name="Correct").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nokia Group")
    expect(page.locator(".route-page").get_by_text("/pricing")).to_be_visible()
    expect(page.get_by_text("Everything of AS8983 is Nokia Group (business, Finland).")).to_be_visible()

    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nothing is corrected yet")).to_be_visible()
    open_company(page, firm, "Nokia Solutions and Networks")


def test_company_fields_show_only_where_they_are_asked_for(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    open_company(page, firm, "Nokia Solutions and Networks")
    open_form(page)
    expect(page.get_by_label("Name", exact=True)).to_be_visible()
    page.get_by_label("our own staff").check()
    expect(page.get_by_label("Name", exact=True)).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_forms_and_list_fit_and_have_no_accessibility_violation(chromium: Browser, firm: Served, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844})
    page = sign_in(context, firm)

    open_company(page, firm, "Nokia Solutions and Networks")
    open_form(page)
    look_in_light_and_dark(page, "corrections-company")
    page.get_by_label("everything registered as").check()
    page.get_by_label("Name", exact=True).fill(
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    )
    page.get_by_label("Note (why").fill("They told us on the phone that this is their holding company")
    page.get_by_role("button", name="Correct").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Donaudampf")
    look_in_light_and_dark(page, "corrections-corrected")
    page.goto(f"{firm.url}/app/corrections")
    page.get_by_label("Network", exact=True).fill("192.0.2.0/33")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_role("alert")).to_contain_text("Network: expected a network such as 192.0.2.0/24")
    look_in_light_and_dark(page, "corrections-refused")
    page.get_by_label("Network", exact=True).fill("192.0.2.0/24")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_text("From now on", exact=True)).to_be_visible()
    look_in_light_and_dark(page, "corrections")
    remove = page.get_by_role("button", name="Remove")
    for left in reversed(range(remove.count())):
        remove.first.click()
        expect(remove).to_have_count(left)
    expect(page.get_by_text("Nothing is corrected yet")).to_be_visible()
    look_in_light_and_dark(page, "corrections-empty")
    context.close()
