"""The page of exports in a real browser: a file is ordered, its progress is come back to, and it is downloaded."""

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, BrowserContext, Page, expect

from firmly.model import BeforeConsent
from tests.browser.looks import look_in_light_and_dark
from tests.browser.test_first_light import sign_in
from tests.collector import BROWSER, NOKIA
from tests.served import Served, event_body

pytestmark = pytest.mark.browser

ORIGIN = "https://www.firm.example"
COMPANY = "Nokia Solutions and Networks"


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own, with one company on the list."""
    served = Served(tmp_path_factory.mktemp("exports") / "data", ORIGIN, BeforeConsent.COMPANY)
    served.start()
    headers = {"x-forwarded-for": NOKIA, "user-agent": BROWSER, "origin": ORIGIN, "content-type": "text/plain"}
    httpx.post(f"{served.url}/f/e", content=event_body(served, "", "/pricing"), headers=headers).raise_for_status()
    yield served
    served.stop()


def download(page: Page) -> Path:
    with page.expect_download() as found:
        page.get_by_role("link", name="Download").click()
    return Path(found.value.path())


def test_list_is_prepared_from_its_end_and_downloaded(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    expect(page.get_by_role("link", name=COMPANY)).to_be_visible()
    page.goto(f"{firm.url}/app/leads?q=nokia&days=7")
    page.get_by_role("link", name="prepare a long file").click()
    expect(page.get_by_text('with "nokia" in its name or domain')).to_be_visible()
    page.get_by_role("button", name="Prepare XLSX").click()
    expect(page.get_by_text("Ready.")).to_be_visible()

    page.goto(f"{firm.url}/app/leads")
    page.goto(f"{firm.url}/app/exports")
    rows = list(load_workbook(BytesIO(download(page).read_bytes())).worksheets[0].iter_rows(values_only=True))
    assert [row[0] for row in rows] == ["company", COMPANY]
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_role("heading", name="Nothing is being prepared")).to_be_visible()


def test_visits_of_a_month_are_prepared_with_the_keyboard_alone(member: BrowserContext, firm: Served) -> None:
    page = sign_in(member, firm)
    page.goto(f"{firm.url}/app/exports")
    page.get_by_label("Month (UTC)").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Prepare Parquet")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ready.")).to_be_visible()
    (row,) = pq.read_table(download(page)).to_pylist()
    assert (row["company"], row["pages"]) == (COMPANY, ["/pricing"])
    assert row["started_at"].date() <= date.today()  # noqa: DTZ011


def test_page_works_without_scripts(chromium: Browser, firm: Served) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = sign_in(context, firm)
    page.goto(f"{firm.url}/app/exports")
    page.get_by_role("button", name="Prepare CSV").click()
    link = page.get_by_role("link", name="Download")
    for _ in range(20):
        if link.is_visible():
            break
        page.reload()
    assert COMPANY in download(page).read_text()
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_page_fits_and_has_no_accessibility_violation(chromium: Browser, firm: Served, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844})
    page = sign_in(context, firm)

    name = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    only = f'{{"field":"name","op":"contains","value":"{name}"}}'
    page.goto(f"{firm.url}/app/exports?q={name}&filter={only}")
    look_in_light_and_dark(page, "exports-empty")
    page.get_by_role("button", name="Prepare CSV").click()
    expect(page.get_by_text("Ready.")).to_be_visible()
    look_in_light_and_dark(page, "exports-ready")
    page.get_by_role("button", name="Discard it").click()
    # As it looks while rows are written, which one company is too few to see.
    page.evaluate(
        """() => {
            document.querySelector("#export").insertAdjacentHTML("beforeend", `<div class="export-progress">
            <progress max="120000" value="48000" aria-label="Rows written"></progress>
            <span class="muted">48,000 of 120,000 rows</span></div>`);
        }"""
    )
    look_in_light_and_dark(page, "exports-writing")
    context.close()
