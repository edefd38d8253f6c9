"""How a page looks to everybody: no violation of accessibility, no wider than the screen; and a picture for a human."""

from collections.abc import Callable
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def looker(page: Page, folder: Path, width: int, scheme: str) -> Callable[[str], None]:
    """Return what looks at a page as it is now, under a name."""

    def look(name: str) -> None:
        results = Axe().run(page)
        assert results.violations_count == 0, (name, results.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the screen"
        page.screenshot(path=folder / f"{name}_{width}_{scheme}.png", full_page=True)

    return look
