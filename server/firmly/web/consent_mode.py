"""The default that a page with Google's tags sets before any of them: all denied until the visitor chooses.

It is inline because a script that is fetched may come after a tag has run (RULES R29). Source: Google, "Set up consent
mode on websites", developers.google.com/tag-platform/security/guides/consent, read 22 November 2026: the default is set
before any command that sends data, and `wait_for_update` is how many milliseconds tags wait for an asynchronous banner.
"""

import json
from base64 import b64encode
from hashlib import sha256

DENIED = (
    "ad_storage",
    "ad_user_data",
    "ad_personalization",
    "analytics_storage",
    "functionality_storage",
    "personalization_storage",
)
WAIT_MS = 500


def google_default() -> str:
    """Return the script's text, to stand between the tags of an inline script."""
    states = dict.fromkeys(DENIED, "denied") | {"security_storage": "granted", "wait_for_update": WAIT_MS}
    return (
        "window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}"
        f'gtag("consent","default",{json.dumps(states, separators=(",", ":"))});'
    )


def source_hash(script: str) -> str:
    """Return what a Content Security Policy needs in `script-src` to allow this inline script. Source: CSP Level 3."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
