"""How a page looks to everybody: no violation of accessibility, no wider than the screen; and a picture for a human."""

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.served import ROOT

PICTURES = ROOT / "test-results" / "pages"

_AXE = Axe()
_OWN = re.compile("[0-9a-f]{12}|.{20,}")
"""A key or a secret in an address, which is another in each run."""


def look_in_light_and_dark(page: Page, name: str) -> None:
    """Look at a page in both, in the dark at the contrast of its colours only, and leave it light."""
    # Without motion: a colour on its way from one to the other is neither.
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    look_at(page, name, ["color-contrast"])
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    look_at(page, name)


def look_at(page: Page, name: str, rules: list[str] | None = None) -> None:
    """Look at a page as it is now; its picture, in `PICTURES`, is named by ``name``, its width and its colours.

    ``rules`` are those of axe, None for all.
    """
    # A page that only just came is still being laid out.
    page.wait_for_load_state()
    wide, screen, is_dark = page.evaluate(
        "[document.documentElement.scrollWidth, innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]"
    )
    called = "-".join(_OWN.sub("one", part) for part in re.split("[/ ]", name))
    picture = f"{called}-{screen}-{'dark' if is_dark else 'light'}.png"
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=PICTURES / picture, full_page=True)
    results = _AXE.run(page, options={"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})})
    assert results.violations_count == 0, (name, results.generate_report())
    assert wide <= screen, f"{name} is {wide} wide on a screen of {screen}"
