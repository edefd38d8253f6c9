"""What a team says of leads, as forms: on a company's page, and for many leads of the list at once."""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.scope import MemberScope
from firmly.leads.filter import org_id_of, org_id_text
from firmly.leads.record import NOBODY, Groups, NoteId, RecordChange, read_status, refused
from firmly.leads.record_groups import groups_of
from firmly.model import InvalidInputError, MemberId, Problem
from firmly.web.asking import read_span
from firmly.web.forms import Form, number_of, whole_number
from firmly.web.lead_pages import LIST, company_page, safe_back
from firmly.web.parts import Parts
from firmly.web.record_panel import record_of

PLACE = "#record"


def change_record(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Change what is said of one company; what is refused comes back on its page."""
    groups = _groups(parts, request, scope)
    try:
        parts.records.change(scope, groups, _change(given))
    except InvalidInputError as error:
        return _again(parts, request, scope, groups, given, error)
    return _back(groups, given)


def add_note(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    groups = _groups(parts, request, scope)
    try:
        parts.records.add_note(scope, next(iter(groups)), given["text"])
    except InvalidInputError as error:
        return _again(parts, request, scope, groups, given, error)
    return _back(groups, given)


def remove_note(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    groups = _groups(parts, request, scope)
    (members,) = groups.values()
    parts.records.remove_note(scope, members, NoteId(number_of(given, "note")))
    return _back(groups, given)


def change_leads(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    """Change many leads at once, all or none, and go back to the list."""
    org_ids = [org_id_of(text) for text in given.all("org")]
    known = [one for one in org_ids if one is not None]
    change = _bulk_change(given["action"], given["value"])
    groups = groups_of(parts.leads, scope, known) if known and len(known) == len(org_ids) else None
    if groups is None:
        raise refused(Problem("org", "", "companies that the list shows; none was changed"))
    parts.records.change(scope, groups, change)
    return RedirectResponse(safe_back(given["back"]) or LIST, 303)


def _groups(parts: Parts, request: Request, scope: MemberScope) -> Groups:
    """Return the company that the address names with what it stands for. Raises HTTPException: it may not be seen."""
    org_id = org_id_of(request.path_params["org_id"])
    groups = groups_of(parts.leads, scope, [org_id]) if org_id is not None else None
    if groups is None:
        raise HTTPException(404)
    return groups


def _change(given: Form) -> RecordChange:
    """Return what a company's form asks for: each field that it has."""
    return RecordChange(
        status=read_status(given["status"]) if "status" in given else None,
        owner=_owner(given["owner"]) if "owner" in given else None,
        add_tags=(given["tag"],) if "tag" in given else (),
        remove_tags=(given["untag"],) if "untag" in given else (),
        hidden_for_me=_switch(given, "hide_me"),
        hidden_for_all=_switch(given, "hide_all"),
    )


def _switch(given: Form, name: str) -> bool | None:
    return given[name] == "on" if name in given else None


def _bulk_change(action: str, value: str) -> RecordChange:
    makes: dict[str, Callable[[], RecordChange]] = {
        "status": lambda: RecordChange(status=read_status(value)),
        "owner": lambda: RecordChange(owner=_owner(value)),
        "tag": lambda: RecordChange(add_tags=(value,)),
        "untag": lambda: RecordChange(remove_tags=(value,)),
        "hide-me": lambda: RecordChange(hidden_for_me=True),
        "hide-all": lambda: RecordChange(hidden_for_all=True),
        "show": lambda: RecordChange(hidden_for_me=False, hidden_for_all=False),
    }
    if action not in makes:
        raise refused(Problem("action", action[:40], f"one of {', '.join(makes)}"))
    return makes[action]()


def _owner(text: str) -> MemberId:
    """Return a member's number; `NOBODY` for an empty text."""
    number = whole_number(text) if text else NOBODY
    if number is None:
        raise refused(Problem("owner", "", "a member of this workspace"))
    return MemberId(number)


def _again(
    parts: Parts, request: Request, scope: MemberScope, groups: Groups, given: Form, error: InvalidInputError
) -> Response:
    span = read_span(request.query_params, parts.leads.today())
    found = parts.leads.company(scope, next(iter(groups)), span.days)
    if found is None:
        raise HTTPException(404)
    said = record_of(parts, scope, found.identity, error.problems, given)
    return company_page(parts, request, scope, found, span, status=422, said=said)


def _back(groups: Groups, given: Form) -> Response:
    page = f"{LIST}/{org_id_text(next(iter(groups)))}"
    back = safe_back(given["back"])
    where = back if back and urlsplit(back).path == page else page
    return RedirectResponse(f"{where}{PLACE}", 303)
