"""A receipt's page, also in a site's own wording."""

import pytest

from firmly.consent.receipt_page import WORDS, receipt_page

RECORD = {
    "action": "accept_all",
    "minute": "2026-11-20T10:07Z",
    "state": "given",
    "source": "banner",
    "expires_on": "2027-05-20",
    "banner": "ab" * 32,
    "processing": {"purposes": [{"purpose": "statistics", "is_given": True}]},
    "shown": {"intro": "We ask:", "duration": "6 months", "purposes": [{"name": "Statistics", "about": "Counts."}]},
    "log": {"sequence": 4, "hash": "cd" * 32},
}
RECEIPT = {
    "controller": "Example Ltd",
    "origins": ["https://www.example.com"],
    "made": "2026-11-21T08:00Z",
    "schema": "firmly.consent-receipt.v1",
    "records": [RECORD],
    "head": {"size": 9, "minute": "2026-11-21T07:00Z"},
}


@pytest.mark.parametrize(
    ("wording", "said"),
    [
        (WORDS["verified"], "Unchanged: entry 5 of 9, signed 2026-11-21T07:00Z."),
        ("{size:>300000000}", "{size:&gt;300000000}"),
        ("{sequence.__class__}", "{sequence.__class__}"),
        ("{ of {size", "{ of {size"),
        ("{toString} {size}", "{toString} 9"),
        ("{{size}}", "{9}"),
    ],
)
def test_own_wording_is_filled_in_its_three_places_alone(wording: str, said: str) -> None:
    page = receipt_page(RECEIPT, "en", {**WORDS, "verified": wording})
    assert f"<p>{said}</p>" in page
    assert len(page) < 5_000
