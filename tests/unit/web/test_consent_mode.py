"""The default for Google's tags: seven keys, all denied that may be, and the hash that a policy needs."""

import base64
import hashlib
import json

from firmly.web.consent_mode import google_default, source_hash


def test_everything_is_denied_until_the_visitor_chooses() -> None:
    call = google_default().partition('gtag("consent","default",')[2].removesuffix(");")
    assert json.loads(call) == {
        "ad_storage": "denied",
        "ad_user_data": "denied",
        "ad_personalization": "denied",
        "analytics_storage": "denied",
        "functionality_storage": "denied",
        "personalization_storage": "denied",
        "security_storage": "granted",
        "wait_for_update": 500,
    }


def test_hash_is_that_of_the_script_between_its_tags() -> None:
    digest = hashlib.sha256(google_default().encode()).digest()
    assert source_hash(google_default()) == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert "<" not in google_default()
