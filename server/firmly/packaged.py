"""Finds the files that ship with Firmly: templates, static files, the built snippet.

In a wheel they lie inside the package; in a checkout beside `server/`.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def dashboards() -> Path:
    """Return the folder that holds `templates/` and `static/`."""
    return _first(_PACKAGE / "_packaged" / "dashboards", _PACKAGE.parents[1] / "dashboards")


def snippet() -> Path:
    """Return the folder that holds the built `core.js` and `banner.js`."""
    return _first(_PACKAGE / "_packaged" / "snippet", _PACKAGE.parents[1] / "snippet" / "dist")


def _first(*candidates: Path) -> Path:
    return next(path for path in candidates if path.is_dir())
