"""What programs take away: the whole list, and the visits of a month. Each time is logged."""

from typing import Annotated

from msgspec import Meta, Struct

from firmly.accounts.audit import Action
from firmly.accounts.roles import Right
from firmly.leads.visit_export import Month
from firmly.web.api.leads import LeadsWanted, lead_filter
from firmly.web.api.operation import Call, CsvFile, Nothing, Operation, ParquetFile
from firmly.web.csv_file import csv_lines
from firmly.web.lead_columns import EXPORTED, exported
from firmly.web.xlsx_file import pieces_of

EXPORT_COST = 60

MonthText = Annotated[
    str,
    Meta(pattern="^(20[0-9][0-9]|2100)-(0[1-9]|1[0-2])$", description="A month of UTC days, such as 2026-03."),
]


class MonthPath(Struct, frozen=True):
    month: MonthText


def export_leads(call: Call[Nothing, LeadsWanted, Nothing]) -> CsvFile:
    """Download the whole list as CSV, as it is filtered. Counts as sixty requests."""
    asked, leads, wanted = call.query, call.parts.leads, lead_filter(call)
    rows = map(exported, leads.export(call.scope, wanted))
    taken: dict[str, object] = {"from": wanted.days.first.isoformat(), "to": wanted.days.last.isoformat()}
    said = {"q": wanted.name, "site": asked.site or "", "filter": asked.filter, "hidden": "1" if asked.hidden else ""}
    taken |= {key: text for key, text in said.items() if text}
    call.parts.accounts.audit.note(call.scope, Action.LEADS_EXPORTED, "", taken)
    return CsvFile(f"leads-{leads.today():%Y-%m-%d}.csv", csv_lines(EXPORTED, rows))


def export_visits(call: Call[MonthPath, Nothing, Nothing]) -> ParquetFile:
    """Download a month's visits with their routes as Parquet. Counts as sixty requests."""
    month = Month.parse(call.path.month)
    file = call.parts.leads.visits_file(call.scope, month, call.parts.accounts.sites.of(call.scope))
    try:
        call.parts.accounts.audit.note(call.scope, Action.VISITS_EXPORTED, "", {"month": str(month)})
    except BaseException:
        file.close()
        raise
    return ParquetFile(f"visits-{month}.parquet", pieces_of(file))


OPERATIONS = (
    Operation(
        "GET", "/exports/leads.csv", export_leads, frozenset({Right.READ_LEADS}), refuses=(422,), cost=EXPORT_COST
    ),
    Operation("GET", "/exports/visits/{month}", export_visits, frozenset({Right.READ_ALL_LEADS}), cost=EXPORT_COST),
)
