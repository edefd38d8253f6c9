"""What a workspace offers to take away, and the long files that are prepared meanwhile."""

import tempfile
from collections.abc import Sequence
from typing import IO, Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from firmly.accounts.audit import Action
from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope
from firmly.leads.visit_export import Month
from firmly.model import InvalidInputError, Problem
from firmly.web import csv_file, xlsx_file
from firmly.web.asking import read_asked
from firmly.web.export_jobs import KEPT, Job, Order
from firmly.web.forms import Form
from firmly.web.lead_pages import CSV, LIST, XLSX, LeadTable, lead_table, view_of
from firmly.web.parts import Parts

PAGE = "/app/exports"
MONTHS = 26
"""As far back as anything can be kept."""
PARQUET_TYPE = "application/vnd.apache.parquet"
_MEDIA_TYPES = {CSV: csv_file.MEDIA_TYPE, XLSX: xlsx_file.MEDIA_TYPE}


def exports(
    parts: Parts, request: Request, scope: MemberScope, *, status: int = 200, problems: Sequence[Problem] = ()
) -> Response:
    """Show what can be taken away, and how far the member's own file is; to htmx only the latter."""
    job = parts.exports.of(scope)
    context: dict[str, Any] = {"job": job, "ends_at": job and job.made_at + KEPT}
    if "hx-request" in request.headers:
        return parts.pages.part("_export.html", scope=scope, **context)
    asked = read_asked(request.query_params, parts.leads.today(), parts.accounts.sites.of(scope))
    this_month = Month.of(parts.leads.today())
    return parts.pages.page(
        request,
        "exports.html",
        scope,
        status,
        asked=asked,
        view=view_of(parts, scope),
        list_query=urlencode(asked.parameters()),
        list_address=asked.address(LIST),
        months=[this_month.back(number) for number in range(MONTHS)],
        problems=problems,
        **context,
    )


def begin_export(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Begin to prepare a file; that it is taken is logged now, with what it holds."""
    try:
        order, action, taken = _order(parts, scope, given)
    except InvalidInputError as error:
        return exports(parts, request, scope, status=422, problems=error.problems)
    job = parts.exports.begin(scope, order, parts.leads.sight(scope))
    try:
        parts.accounts.audit.note(scope, action, "", taken)
    except BaseException:
        parts.exports.stop(scope, job.id)
        raise
    return RedirectResponse(f"{PAGE}?{given['list']}" if given["list"] else PAGE, 303)


def stop_export(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    """Throw the member's file away, ready or not."""
    parts.exports.stop(scope, given["job"])
    return RedirectResponse(PAGE, 303)


def fetch_export(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Send the member's file; 404 where there is none, or none any more."""
    if request.method != "GET":  # Asked for its head only it would count as taken.
        raise HTTPException(405, headers={"allow": "GET"})
    job = parts.exports.of(scope)
    if job is not None and job.sight != parts.leads.sight(scope):
        parts.exports.stop(scope, job.id)
    found = parts.exports.fetch(scope, request.path_params["job"])
    if found is None:
        raise HTTPException(404)
    job, content = found
    headers = {
        "content-disposition": f'attachment; filename="{job.order.name}"',
        "content-length": str(job.bytes),
    }
    return StreamingResponse(content, media_type=job.order.media_type, headers=headers)


def _order(parts: Parts, scope: MemberScope, given: Form) -> tuple[Order, Action, dict[str, object]]:
    match given["what"]:
        case "leads":
            return _order_of_leads(parts, scope, given)
        case "visits":
            return _order_of_visits(parts, scope, Month.parse(given["month"]))
        case other:
            problem = Problem("what", other[:20], "leads or visits")
            raise InvalidInputError("this cannot be exported", [problem])


def _order_of_leads(parts: Parts, scope: MemberScope, given: Form) -> tuple[Order, Action, dict[str, object]]:
    query = QueryParams(given["list"]).multi_items()
    table = lead_table(parts, scope, QueryParams([*query, ("format", given["format"])]))
    total = parts.leads.list(scope, table.asked.filter, rows=1).total

    def write(job: Job) -> IO[bytes]:
        return _table_file(table, job)

    title = f"Leads as {table.form.upper()}"
    order = Order(title, table.name, _MEDIA_TYPES[table.form], Right.READ_LEADS, total, write)
    return order, Action.LEADS_EXPORTED, dict(table.taken)


def _table_file(table: LeadTable, job: Job) -> IO[bytes]:
    rows = job.counted(table.rows())
    file = tempfile.TemporaryFile()  # noqa: SIM115  # It goes to whoever sends it.
    try:
        if table.form == XLSX:
            xlsx_file.write_xlsx(file, table.columns, rows)
        else:
            file.writelines(lines.encode() for lines in csv_file.csv_lines(table.columns, rows))
    except BaseException:
        file.close()
        raise
    return file


def _order_of_visits(parts: Parts, scope: MemberScope, month: Month) -> tuple[Order, Action, dict[str, object]]:
    scope.require(Right.READ_ALL_LEADS)
    sites = parts.accounts.sites.of(scope)

    def write(_job: Job) -> IO[bytes]:
        return parts.leads.visits_file(scope, month, sites)

    title, name = f"Visits of {month} as Parquet", f"visits-{month}.parquet"
    order = Order(title, name, PARQUET_TYPE, Right.READ_ALL_LEADS, None, write)
    return order, Action.VISITS_EXPORTED, {"month": str(month)}
