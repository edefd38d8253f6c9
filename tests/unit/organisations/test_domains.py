"""When a domain is the organisation's own."""

import pytest

from firmly.organisations.classify import Lists
from firmly.organisations.domains import is_own_domain

CASES = [
    ("muster.de", "Muster GmbH", "DE", True),
    ("muster.co.uk", "Muster Ltd", "GB", True),
    ("muster-maschinenbau.de", "Muster Maschinenbau GmbH", "DE", True),
    ("muster.de", "Muster Maschinenbau GmbH", "DE", True),
    ("shop.muster.de", "Muster GmbH", "DE", True),
    ("mit.edu", "Massachusetts Institute Technology", "US", True),
    ("carrier.de", "Muster GmbH", "DE", False),
    ("muster.carrier.de", "Muster GmbH", "DE", False),
    ("de", "De GmbH", "DE", False),
    ("abc.de", "Abc Metall Werke GmbH", "DE", False),  # Three letters that begin a name begin many.
    ("", "Muster GmbH", "DE", False),
]


@pytest.mark.parametrize(("domain", "name", "country", "own"), CASES, ids=[f"{row[0]}-{row[1]}" for row in CASES])
def test_the_name_must_bear_the_domain_out(domain: str, name: str, country: str, own: bool, lists: Lists) -> None:
    assert is_own_domain(domain, name, country, lists.forms) is own
