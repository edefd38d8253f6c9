"""The register of disclosures grows, is read by those who may, and belongs to one workspace (LP6)."""

from datetime import date
from typing import TYPE_CHECKING

import pytest

from firmly.accounts.disclosures import Disclosure
from firmly.accounts.roles import Role
from firmly.accounts.scope import NotAllowedError
from firmly.model import InvalidInputError

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

DAY = date(2026, 2, 27)
SAID = (DAY, "District court, 7/2026", "Order of 20 February 2026", "Counts of visits\nof January 2026")


def test_entry_is_read_back_by_its_workspace_alone(office: "Office") -> None:
    mia = office.member("mia@example.com", Role.PRIVACY_OFFICER)
    other = office.member("bo@example.com", workspace_id=office.accounts.create_workspace("Other", "UTC"))
    office.accounts.disclosures.add(mia, *SAID)
    assert office.accounts.disclosures.of(mia) == (Disclosure(*SAID, "Mia Smith", office.clock.now),)
    assert office.accounts.disclosures.of(other) == ()
    logged = [(entry.action, entry.object) for entry in office.accounts.audit.page(mia)]
    assert ("disclosure_added", "disclosure 1") in logged
    assert ("disclosures_read", "") in logged


@pytest.mark.parametrize("role", [Role.SALES, Role.VIEWER])
def test_roles_that_may_not_are_refused(office: "Office", role: Role) -> None:
    scope = office.member("mia@example.com", role)
    with pytest.raises(NotAllowedError):
        office.accounts.disclosures.add(scope, *SAID)
    with pytest.raises(NotAllowedError):
        office.accounts.disclosures.of(scope)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, date(2026, 3, 3)),
        (0, date(1999, 12, 31)),
        (1, ""),
        (1, "two\nlines"),
        (2, "x" * 301),
        (3, " \n"),
        (3, "a\x00b"),
        (3, "x" * 2001),
    ],
)
def test_values_that_cannot_be_used_are_refused(office: "Office", place: int, value: object) -> None:
    scope = office.member("mia@example.com")
    said = [*SAID]
    said[place] = value
    with pytest.raises(InvalidInputError, match="cannot be entered"):
        office.accounts.disclosures.add(scope, *said)  # type: ignore[arg-type]
    assert office.accounts.disclosures.of(scope) == ()
