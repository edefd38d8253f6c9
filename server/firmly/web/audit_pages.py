"""The audit log and the log of outgoing mail: read page by page, filtered, exported."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from firmly.accounts.audit import PAGE, Action, AuditEntry, AuditFilter
from firmly.accounts.scope import MemberScope
from firmly.model import InvalidInputError, Problem
from firmly.web import member_words
from firmly.web.csv_file import csv_file, in_pieces
from firmly.web.forms import whole_number
from firmly.web.parts import Parts

AUDIT = "/app/audit"
COLUMNS = ("number", "at", "actor", "actor_id", "who", "session", "action", "object", "detail", "digest")


def audit(parts: Parts, request: Request, scope: MemberScope) -> Response:
    query = request.query_params
    wanted, before = _filter(query), _before(query)
    entries, is_checked = parts.accounts.audit.page(scope, wanted, before), query.get("check") == "chain"
    return parts.pages.page(
        request,
        "audit.html",
        scope,
        entries=entries,
        chain=parts.accounts.audit.chain(scope) if is_checked else parts.accounts.audit.head(scope),
        is_checked=is_checked,
        actions=tuple(Action),
        wanted=wanted,
        last_day=wanted.until and wanted.until.date() - timedelta(days=1),
        before=before,
        older=entries[-1].number if len(entries) == PAGE and entries[-1].number > 1 else None,
        query={key: value for key, value in query.items() if key in ("action", "from", "to")},
    )


def export_audit(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Send all entries that the filter leaves, as CSV or as a JSON object a line."""
    entries = parts.accounts.audit.export(scope, _filter(request.query_params))
    name = f"audit-{parts.clock():%Y-%m-%d}"
    if request.query_params.get("form") != "json":
        return csv_file(f"{name}.csv", COLUMNS, map(_cells, entries))
    return StreamingResponse(
        _json_lines(entries),
        media_type="application/jsonl",
        headers={"content-disposition": f'attachment; filename="{name}.jsonl"'},
    )


def letters(parts: Parts, request: Request, scope: MemberScope) -> Response:
    before = _before(request.query_params)
    found = parts.accounts.letters.page(scope, before)
    return parts.pages.page(
        request,
        "letters.html",
        scope,
        letters=found,
        before=before,
        older=found[-1].id if len(found) == PAGE else None,
        can_send=parts.post.can_send,
    )


def _filter(query: QueryParams) -> AuditFilter:
    action, first, last = query.get("action", ""), query.get("from", ""), query.get("to", "")
    if action and action not in tuple(Action):
        raise InvalidInputError("this filter cannot be used", [Problem("action", action, "one that is logged")])
    since, until = _day("from", first), _day("to", last)
    return AuditFilter(Action(action) if action else None, None, since, until and until + timedelta(days=1))


def _day(key: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day, time(), UTC) if date(2000, 1, 1) <= day <= date(2100, 1, 1) else _refuse(key, text)
    except ValueError:
        return _refuse(key, text)


def _refuse(key: str, text: str) -> datetime:
    raise InvalidInputError("this filter cannot be used", [Problem(key, text, "a day such as 2026-11-22")])


def _before(query: QueryParams) -> int | None:
    text = query.get("before", "")
    if not text:
        return None
    number = whole_number(text)
    if number is None:
        raise InvalidInputError("this page cannot be shown", [Problem("before", text, "the number of an entry")])
    return number


def _row(entry: AuditEntry) -> dict[str, object]:
    return {
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(),
        "actor": entry.actor.value,
        "actor_id": entry.actor_id,
        "who": member_words.who(entry),
        "session": entry.session,
        "action": entry.action.value,
        "object": entry.object,
        "detail": dict(entry.detail),
        "digest": entry.digest,
    }


def _cells(entry: AuditEntry) -> list[object]:
    row = _row(entry) | {"detail": orjson.dumps(dict(entry.detail)).decode()}
    return [row[column] for column in COLUMNS]


def _json_lines(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    for some in in_pieces(map(_row, entries)):
        yield b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in some)
