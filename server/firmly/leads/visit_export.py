"""The visits of a month as a file of columns (Parquet), for a team's own analysis.

Only visits whose page route may be shown, at company level: no visitor, no id of a visit. Corrections
and retention hold as in every list. It is about all leads together.
"""

import calendar
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.accounts.site import Site
from firmly.leads.corrections import Corrections
from firmly.leads.days import DayRange
from firmly.model import InvalidInputError, OrgId, Problem
from firmly.warehouse.store import Warehouse

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Beyond these nothing was measured, and the warehouse cannot tell some days."""

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of UTC days; its text is `2026-03`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read `2026-03`. Raises InvalidInputError."""
        found = _MONTH.fullmatch(text) if text.isascii() else None
        if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
            expected = f"a month such as 2026-03, from {FIRST_YEAR} to {LAST_YEAR}"
            raise InvalidInputError("this month cannot be exported", [Problem("month", text[:20], expected)])
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    @property
    def days(self) -> DayRange:
        last = calendar.monthrange(self.year, self.number)[1]
        return DayRange(date(self.year, self.number, 1), date(self.year, self.number, last))

    def back(self, months: int) -> "Month":
        """Return the month that was ``months`` before."""
        count = self.year * 12 + self.number - 1 - months
        return Month(count // 12, count % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


def visits_file(
    warehouse: Warehouse,
    scope: Scope,
    corrections: Corrections,
    hidden: Iterable[OrgId],
    month: Month,
    sites: Iterable[Site],
    today: date,
) -> IO[bytes]:
    """Return the month's visits, in the order in which they began, as an open file that has no name any more.

    Those of leads that are ``hidden`` are left out.

    Raises:
        NotAllowedError: whoever asks may not see all leads.
        WarehouseUnavailableError: it is away, or the month is too much for it.
    """
    scope.require(Right.READ_ALL_LEADS)
    places = list(sites)
    parameters = {
        "workspace_id": scope.workspace_id,
        "first_day": month.days.first,
        "last_day": month.days.last,
        "today": today,
        "site_ids": [site.id for site in places],
        "site_keys": [site.key for site in places],
        "hidden": sorted(hidden),
        **corrections.parameters(),
        **corrections.identity_parameters(),
    }
    # ClickHouse writes to a file by its name; an open file outlives that.
    with tempfile.NamedTemporaryFile(suffix=".parquet") as named:
        path = Path(named.name)
        warehouse.write_parquet("visits_of_month", parameters, path)
        return path.open("rb")
