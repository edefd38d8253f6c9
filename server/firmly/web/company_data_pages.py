"""The team's own data about companies: a file sent, looked at, imported, undone; all of it deleted."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.scope import MemberScope
from firmly.leads.company_data.facts import Fact
from firmly.leads.company_data.service import ImportId, Preview
from firmly.leads.company_data.table import MAX_BYTES, MAX_LINES
from firmly.model import InvalidInputError, NotFoundError, Problem
from firmly.web.forms import Form, number_of, whole_number
from firmly.web.parts import Parts

PAGE = "/app/company-data"
MAX_UPLOAD_BYTES = MAX_BYTES + 16 * 1024
"""Of the request that brings a file: with what a browser writes around it."""
SHOWN = 20
"""Companies in a preview."""


def company_data(
    parts: Parts, request: Request, scope: MemberScope, *, status: int = 200, problems: Sequence[Problem] = ()
) -> Response:
    """Show what was imported, and the form that sends a file."""
    done = whole_number(request.query_params.get("done", ""))
    imports = parts.company_data.imports(scope)
    return parts.pages.page(
        request,
        "company_data.html",
        scope,
        status,
        imports=imports,
        companies=parts.company_data.count(scope),
        done=next((one for one in imports if one.id == done), None),
        facts=tuple(Fact),
        max_lines=MAX_LINES,
        problems=problems,
    )


def send_file(parts: Parts, request: Request, scope: MemberScope, file: tuple[str, bytes]) -> Response:
    """Take a file, and go on to its preview; the problems of one that cannot be read are shown in the form."""
    name, content = file
    if not name or not content:
        problem = Problem("file", "", "a CSV file with a line for each company")
        return company_data(parts, request, scope, status=422, problems=[problem])
    try:
        upload = parts.company_data.upload(scope, name, content)
    except InvalidInputError as error:
        return company_data(parts, request, scope, status=422, problems=error.problems)
    return RedirectResponse(f"{PAGE}/preview?{urlencode({'upload': upload})}", 303)


def preview(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Show what an import would read, with the columns that the address names, else those that the heads say."""
    asked = request.query_params
    return _preview(parts, request, scope, asked.get("upload", ""), asked if Fact.DOMAIN in asked else None)


def bring(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Import the file that was looked at."""
    try:
        made = parts.company_data.bring(scope, given["upload"], _columns(given))
    except InvalidInputError:
        return _preview(parts, request, scope, given["upload"], given)
    return RedirectResponse(f"{PAGE}?done={made.id}", 303)


def undo(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    try:
        parts.company_data.undo(scope, ImportId(number_of(given, "import")))
    except NotFoundError:
        raise HTTPException(404) from None
    except InvalidInputError as error:
        return company_data(parts, request, scope, status=422, problems=error.problems)
    return RedirectResponse(PAGE, 303)


def delete_all(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Delete everything, once somebody has said that they are sure."""
    if given["sure"] != "yes":
        problem = Problem("sure", "", "a tick that says you are sure")
        return company_data(parts, request, scope, status=422, problems=[problem])
    parts.company_data.delete_all(scope)
    return RedirectResponse(PAGE, 303)


def _preview(
    parts: Parts, request: Request, scope: MemberScope, upload: str, given: Mapping[str, str] | None
) -> Response:
    problems: Sequence[Problem] = ()
    try:
        found = parts.company_data.preview(scope, upload, None if given is None else _columns(given))
    except InvalidInputError as error:
        problems = error.problems
        if any(problem.key == "file" for problem in problems):
            return company_data(parts, request, scope, status=422, problems=problems)
        found = parts.company_data.preview(scope, upload)
    status = 422 if problems else 200
    return parts.pages.page(
        request, "company_data_preview.html", scope, status, problems=problems, **_shown(found, is_usable=not problems)
    )


def _shown(found: Preview, *, is_usable: bool) -> dict[str, Any]:
    return {
        "found": found,
        "rows": found.reading.companies[:SHOWN],
        "is_usable": is_usable and Fact.DOMAIN in found.columns and bool(found.reading.companies),
        "facts": tuple(Fact),
    }


def _columns(given: Mapping[str, str]) -> dict[Fact, int]:
    """Return which column holds what, as the form of the preview says; what is no number is no column."""
    found: dict[Fact, int] = {}
    for fact in Fact:
        text = given.get(fact.value, "")
        if text:
            number = whole_number(text)
            found[fact] = -1 if number is None else number
    return found
