"""The banner a site shows: its bundle of configuration, texts, style and code, named by its SHA-256.

A record names the version, so that it leads to the exact bytes the visitor saw (RULES R20). The
script that `/f/{site}.js` serves is put together here from the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from firmly.accounts.site import Site
from firmly.consent.choice import Category

CATEGORIES = (Category.STATISTICS,)
"""What a banner asks for: only what Firmly itself uses. Asking for more would be asking for nothing."""

MONTHS_REMEMBERED = 6
"""How long a choice, refusal too, is remembered. Source: CNIL 2020-092, recommendation of six months."""


@dataclass(frozen=True, slots=True)
class SnippetFiles:
    """The built snippet: the measuring core, the banner, and the texts per language."""

    core: str
    banner: str
    texts: Mapping[str, Mapping[str, str]]


def read_snippet(folder: Path) -> SnippetFiles:
    return SnippetFiles(
        core=(folder / "core.js").read_text(),
        banner=(folder / "banner.js").read_text(),
        texts=orjson.loads((folder / "texts.json").read_bytes()),
    )


@dataclass(frozen=True, slots=True)
class BannerVersion:
    """``version``: 64 hexadecimal digits, the SHA-256 of ``bundle``.

    ``purposes`` is the same for versions that ask for the same: who asks, for what, for how long.
    A choice made under one of them stands under the others (RULES R19).
    """

    version: str
    purposes: str
    bundle: bytes


def banner_of(site: Site, files: SnippetFiles) -> BannerVersion:
    """Put together a site's banner from its settings; equal settings and code give equal bytes."""
    bundle = _canonical({"config": _config(site, files), "code": {"core.js": files.core, "banner.js": files.banner}})
    return BannerVersion(sha256(bundle).hexdigest(), purposes_of(site), bundle)


def purposes_of(site: Site) -> str:
    """Return a hash of what the site's banner asks for now; a choice made for another stands no longer."""
    asked = {"site": site.key, "controller": site.controller, "categories": CATEGORIES, "months": MONTHS_REMEMBERED}
    return sha256(_canonical(asked)).hexdigest()


def script_of(site: Site, files: SnippetFiles, version: str, unchanged: Sequence[str]) -> bytes:
    """Return what a browser gets; ``unchanged`` are the earlier versions with the same purposes."""
    config = _config(site, files) | {"banner": version, "unchanged": [earlier[:16] for earlier in unchanged]}
    # Inside a script element nothing may end it, and two line separators are no JSON in old browsers.
    text = _canonical(config).decode().replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"(function(F){{\n{files.core}\n{files.banner}\n}})({text});\n".encode()


def _config(site: Site, files: SnippetFiles) -> dict[str, Any]:
    return {
        "site": site.key,
        "collector": "",
        "before_consent": site.before_consent.value,
        "categories": list(CATEGORIES),
        "controller": site.controller,
        "privacy_url": site.privacy_url,
        "titles": site.titles,
        "months": MONTHS_REMEMBERED,
        "texts": files.texts,
        "default_language": site.language,
    }


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
