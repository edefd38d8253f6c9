"""A team says what it knows of a company on its page, and imports its own data, in a real browser."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from firmly.model import BeforeConsent
from tests.browser.looks import look_in_light_and_dark
from tests.browser.test_first_light import sign_in
from tests.collector import BROWSER, NOKIA
from tests.served import EMAIL, Served, event_body

pytestmark = pytest.mark.browser

ORIGIN = "https://www.firm.example"
COMPANY = "Nokia Solutions and Networks"
LONG = "Donaudampfschifffahrtselektrizit\u00e4t"
FILE = f"""Unternehmen;Website;Branche;Mitarbeiter;ICP;Owner;CRM ID
Nokia;https://www.nokia.com/;Telekommunikation und {LONG};10.000+;ja;{EMAIL};=42
Niemand;keine Adresse;;;;;
Gone;gone.example;;;vielleicht;gone@example.com;
"""


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own, with one company on the list."""
    served = Served(tmp_path_factory.mktemp("records") / "data", ORIGIN, BeforeConsent.COMPANY)
    served.start()
    headers = {"x-forwarded-for": NOKIA, "user-agent": BROWSER, "origin": ORIGIN, "content-type": "text/plain"}
    httpx.post(f"{served.url}/f/e", content=event_body(served, "", "/pricing"), headers=headers).raise_for_status()
    yield served
    served.stop()


def open_company(page: Page) -> None:
    page.get_by_role("link", name=COMPANY).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(COMPANY)


def say_all(page: Page) -> None:
    """Give the company of the page a status, an owner, two tags and a note."""
    panel = page.locator("#record")
    panel.get_by_label("Status").select_option(label="Contacted")
    panel.get_by_label("Owner").select_option(label="Owner")
    panel.get_by_role("button", name="Save").click()
    expect(panel.get_by_label("Status")).to_have_value("contacted")
    for tag in ("Messe 2026", LONG):
        panel.get_by_label("New tag").fill(tag)
        panel.get_by_label("New tag").press("Enter")
        expect(panel.locator(".record-tags")).to_contain_text(tag)
    panel.get_by_label("New note").fill("Asks for prices.\nWants an offer in spring.")
    panel.get_by_role("button", name="Add the note").click()
    expect(panel.locator(".record-text").first).to_have_text("Asks for prices.\nWants an offer in spring.")


def send_file(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/app/company-data")
    file: FilePayload = {"name": "crm-export.csv", "mimeType": "text/csv", "buffer": FILE.encode("cp1252")}
    page.get_by_label("CSV file").set_input_files(files=[file])
    page.get_by_role("button", name="Look at the file").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("crm-export.csv")


def test_company_is_given_a_record_and_a_history(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    open_company(page)
    say_all(page)
    panel = page.locator("#record")
    panel.get_by_role("button", name="Remove the tag Messe 2026").click()
    expect(panel.locator(".record-tags li")).to_have_count(1)
    panel.get_by_role("button", name="Remove the note").click()
    expect(panel.locator(".record-text")).to_have_count(0)
    panel.get_by_text("History").click()
    expect(panel.get_by_text("Status: New \u2192 Contacted")).to_be_visible()
    expect(panel.get_by_text("Note removed")).to_be_visible()

    panel.get_by_role("button", name="Hide for me").click()
    expect(panel.get_by_text("Hidden from the list for you.")).to_be_visible()
    panel.get_by_role("button", name="Show again to me").click()
    expect(panel.get_by_text("Hidden from the list")).to_have_count(0)


def test_file_with_errors_is_looked_at_imported_and_undone(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    send_file(page, firm)
    expect(page.get_by_label("Domain (needed)")).to_have_value("1")
    expect(page.get_by_role("region", name="Problems by line").locator("tbody tr")).to_have_count(3)
    page.get_by_label("CRM id").select_option(label="Not in the file")
    page.get_by_role("button", name="Read it so").click()
    expect(page.get_by_role("region", name="Companies as they will be read")).not_to_contain_text("=42")
    page.get_by_role("button", name="Import 1 company").click()
    expect(page.get_by_role("status")).to_have_text("Imported: 1 new, 0 changed, 0 unchanged, 2 refused.")
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("Undone").first).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_have_no_accessibility_violation(chromium: Browser, firm: Served, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844})
    page = sign_in(context, firm)

    open_company(page)
    say_all(page)
    page.locator("#record").get_by_text("History").click()
    look_in_light_and_dark(page, "records-record")
    page.locator("#record").get_by_label("New note").evaluate("field => field.removeAttribute('required')")
    page.locator("#record").get_by_role("button", name="Add the note").click()
    expect(page.get_by_role("alert")).to_contain_text("expected: about the company")
    look_in_light_and_dark(page, "records-refused")
    send_file(page, firm)
    look_in_light_and_dark(page, "records-preview")
    page.get_by_role("button", name="Import 1 company").click()
    expect(page.get_by_role("status")).to_be_visible()
    look_in_light_and_dark(page, "records-imports")
    page.get_by_role("button", name="Undo").first.click()
    context.close()
