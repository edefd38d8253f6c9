"""Where a visit came from: the table of DESIGN's six sources."""

import pytest

from firmly.measure.source import source_of

CASES: list[tuple[str, dict[str, str], bool, str]] = [
    ("", {}, False, "direct"),
    ("", {"utm_source": "partner"}, False, "referral"),
    ("www.google.com", {}, False, "search"),
    ("google.co.uk", {}, False, "search"),
    ("www.bing.com", {}, False, "search"),
    ("search.brave.com", {}, False, "search"),
    ("fr.search.yahoo.com", {}, False, "search"),
    ("notgoogle.com", {}, False, "referral"),
    ("bing.com.evil.example", {}, False, "referral"),
    ("www.linkedin.com", {}, False, "social"),
    ("lnkd.in", {}, False, "social"),
    ("t.co", {}, False, "social"),
    ("reddit.com", {}, False, "social"),
    ("netflix.com", {}, False, "referral"),
    ("at.company", {}, False, "referral"),
    ("mail.google.com", {}, False, "mail"),
    ("outlook.office.com", {}, False, "mail"),
    ("", {"utm_medium": "Email"}, False, "mail"),
    ("", {"utm_medium": "newsletter"}, False, "mail"),
    ("", {"utm_medium": "social"}, False, "social"),
    ("www.google.com", {"utm_medium": "cpc"}, False, "ad"),
    ("www.linkedin.com", {"utm_medium": "paid_social"}, False, "ad"),
    ("www.linkedin.com", {"utm_medium": "PaidSocial"}, False, "ad"),
    ("www.google.com", {}, True, "ad"),
    ("", {}, True, "ad"),
    ("partner.example", {"utm_source": "partner"}, False, "referral"),
    ("partner.example", {}, False, "referral"),
]


@pytest.mark.parametrize(("host", "campaign", "has_click_id", "source"), CASES, ids=[str(case[:3]) for case in CASES])
def test_source(host: str, campaign: dict[str, str], has_click_id: bool, source: str) -> None:
    given = campaign.get("utm_source", ""), campaign.get("utm_medium", "")
    assert source_of(host, *given, has_click_id=has_click_id) == source
