"""The four steps of confidence, and a site's limit among them."""

from dataclasses import replace
from datetime import date

import pytest

from firmly.model import Confidence, Detail, Organisation, OrgId, OrgKind
from firmly.organisations.confidence import meets

ORGANISATION = Organisation(
    id=OrgId(1), name="Muster", kind=OrgKind.BUSINESS, country="DE", domain="", asn=1, registered_name="Muster GmbH",
    source="x", as_of=date(2026, 11, 1), confidence=Confidence.HIGH, detail=Detail.ROUTE,
)  # fmt: skip


@pytest.mark.parametrize(
    ("minimum", "enough"),
    [
        (Confidence.VERY_HIGH, ["very_high"]),
        (Confidence.HIGH, ["very_high", "high"]),
        (Confidence.MEDIUM, ["very_high", "high", "medium"]),
        (Confidence.LOW, ["very_high", "high", "medium", "low"]),
    ],
)
def test_a_site_takes_its_step_and_those_above(minimum: Confidence, enough: list[str]) -> None:
    assert [step for step in Confidence if meets(replace(ORGANISATION, confidence=step), minimum)] == enough
