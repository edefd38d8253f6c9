"""Where the browser is."""

import os
import shutil


def find_chromium() -> str | None:
    """Return Debian's Chromium or the one that CHROMIUM names; None means Playwright's own."""
    return shutil.which("chromium") or os.environ.get("CHROMIUM")
