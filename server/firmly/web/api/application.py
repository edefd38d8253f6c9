"""Puts the API together as one ASGI application, to be mounted at `/api/v1`. Fails closed.

The order of the checks: the token, its limit of requests, the right, the form, then the operation.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib.metadata import version

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from firmly.accounts.database import ControlPlaneUnavailableError
from firmly.accounts.scope import NotAllowedError, Scope
from firmly.accounts.service import Accounts
from firmly.consent.counts import ConsentCounts
from firmly.consent.exports import ConsentExports
from firmly.leads.company_data.service import CompanyData
from firmly.leads.records import LeadRecords
from firmly.leads.service import Leads
from firmly.mail.outbox import Outbox
from firmly.model import Clock, FirmlyError, InvalidInputError, NotFoundError
from firmly.warehouse.store import WarehouseUnavailableError
from firmly.web.api.openapi import document
from firmly.web.api.operation import (
    MEDIA_TYPES,
    ApiParts,
    Call,
    JsonLines,
    Nothing,
    Operation,
    Shape,
    Streamed,
    statuses,
)
from firmly.web.api.problems import RETRY_S, RefusedError, refusal
from firmly.web.api.rates import PER_MINUTE, TokenRates
from firmly.web.api.reading import read_body, read_path, read_query
from firmly.web.api.table import OPERATIONS
from firmly.web.headers import SecurityHeaders
from firmly.web.post import Post

MAX_BODY_BYTES = 16 * 1024


def build_api(
    accounts: Accounts,
    leads: Leads,
    records: LeadRecords,
    company_data: CompanyData,
    consent: ConsentCounts,
    consent_exports: ConsentExports,
    outbox: Outbox,
    *,
    clock: Clock,
    base_url: str,
    per_minute: int = PER_MINUTE,
) -> ASGIApp:
    """Return the application. ``base_url`` decides about HSTS and begins links; ``per_minute`` is how many
    requests a token has in a minute.
    """
    post = Post(outbox, base_url, clock)
    parts = ApiParts(accounts, leads, records, company_data, consent, consent_exports, post, clock, base_url)
    rates = TokenRates(per_minute)
    rows: dict[str, dict[str, _Row]] = defaultdict(dict)
    for operation in OPERATIONS:
        rows[operation.path][operation.method] = _Row(operation)
    routes = [Route(path, _Door(parts, rates, methods).answer, methods=list(methods)) for path, methods in rows.items()]
    application = Starlette(
        routes=[Route("/openapi.json", _describing(), methods=["GET"]), *routes],
        exception_handlers={HTTPException: _refuse, Exception: _break},
    )
    application.router.redirect_slashes = False
    return SecurityHeaders(application, base_url.startswith("https://"))


class _Row:
    """An operation with what is known of it before any request."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.shape: Shape = operation.shape
        self.statuses = frozenset(statuses(operation))


class _Door:
    """Answers one address for every method that it has."""

    def __init__(self, parts: ApiParts, rates: TokenRates, methods: Mapping[str, _Row]) -> None:
        self._parts = parts
        self._rates = rates
        self._methods = methods

    async def answer(self, request: Request) -> Response:
        row = self._methods["GET" if request.method == "HEAD" else request.method]
        headers: dict[str, str] = {}
        try:
            scope = await run_in_threadpool(self._admitted, request, row.operation, headers)
            body = await _body(request) if row.shape.has_body else b""
            response = await run_in_threadpool(self._run, request, row, scope, body)
        except RefusedError as error:
            response = refusal(error)
        except FirmlyError as error:
            response = refusal(_meaning(error, row.statuses))
        except WarehouseUnavailableError:
            response = refusal(_away())
        response.headers.update(headers)
        return response

    def _admitted(self, request: Request, operation: Operation, headers: dict[str, str]) -> Scope:
        """Return whose token it is, counted in ``headers``. Raises RefusedError."""
        scope = self._bearer(request)
        assert scope.actor.id is not None
        allowance = self._rates.take(scope.actor.id, operation.cost, self._parts.clock())
        headers.update(allowance.headers)
        if allowance.is_spent:
            raise RefusedError(429, headers={"retry-after": str(allowance.reset_s)})
        if operation.needs and not any(scope.may(right) for right in operation.needs):
            rights = " or ".join(sorted(operation.needs))
            raise RefusedError(403, f"This needs the right {rights}, which the token does not hold.")
        self._parts.accounts.usage.count(scope.workspace_id, f"api_{operation.name}")
        return scope

    def _bearer(self, request: Request) -> Scope:
        given = request.headers.getlist("authorization")
        if not given:
            raise RefusedError(401, headers={"www-authenticate": "Bearer"})
        scheme, _, token = given[0].partition(" ")
        scope = None
        if len(given) == 1 and scheme.lower() == "bearer":
            scope = self._parts.accounts.tokens.scope(token.strip(" "))
        if scope is None:
            # Source: RFC 6750, 3.1. Unknown, expired and revoked look the same.
            raise RefusedError(401, headers={"www-authenticate": 'Bearer error="invalid_token"'})
        return scope

    def _run(self, request: Request, row: _Row, scope: Scope, body: bytes) -> Response:
        shape = row.shape
        call: Call[Struct, Struct, Struct] = Call(
            self._parts,
            scope,
            read_path(shape.path, request.path_params),
            read_query(shape.query, request.query_params.multi_items()),
            read_body(shape.body, body) if shape.has_body else Nothing(),
        )
        answer = row.operation.run(call)
        if answer is None:
            return Response(status_code=row.operation.status)
        if isinstance(answer, JsonLines):
            return Response(answer.content, row.operation.status, media_type=MEDIA_TYPES[JsonLines])
        if isinstance(answer, Streamed):
            return _file(answer, row.operation.status)
        return Response(msgspec.json.encode(answer), row.operation.status, media_type="application/json")


def _file(answer: Streamed, status: int) -> Response:
    headers = {"content-disposition": f'attachment; filename="{answer.name}"'}
    return StreamingResponse(answer.pieces, status, headers, media_type=MEDIA_TYPES[type(answer)])


async def _body(request: Request) -> bytes:
    """Return the body, read no further than it may be long. Raises RefusedError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError(413)
    return body


def _meaning(error: FirmlyError, known: frozenset[int]) -> RefusedError:
    """Return what an error of the services is to the sender; what the row does not name is our fault and goes on."""
    said = str(error)
    sentence = f"{said[:1].upper()}{said[1:]}."
    match error:
        case ControlPlaneUnavailableError():
            return _away()
        case NotAllowedError():
            meant = RefusedError(403, sentence)
        case NotFoundError():
            meant = RefusedError(404)
        case InvalidInputError():
            meant = RefusedError(422, problems=error.problems)
        case _:
            meant = RefusedError(409, sentence)
    if meant.status not in known:
        raise error
    return meant


def _away() -> RefusedError:
    return RefusedError(503, headers={"retry-after": str(RETRY_S)})


def _describing() -> Callable[[Request], Response]:
    """Return what serves the description, made once; public, since it holds nothing of anybody."""
    body = msgspec.json.encode(document(OPERATIONS, version("firmly")))

    def describe(_request: Request) -> Response:
        return Response(body, media_type="application/json")

    return describe


def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(RefusedError(error.status_code, headers=error.headers or {}))


def _break(_request: Request, _error: Exception) -> Response:
    return refusal(RefusedError(500))
