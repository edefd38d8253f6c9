"""The door to members' pages: who may pass, and where everybody else is sent. Fails closed.

Every page and form names the right it takes; the checks stand here, once, before the page runs.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.roles import Right
from firmly.accounts.scope import MemberScope, SignedIn
from firmly.web.forms import Form, read_form, read_upload
from firmly.web.parts import Parts
from firmly.web.sessions import safe_next

SIGN_IN = "/app/sign-in"
SECOND_FACTOR = "/app/second-factor"
ENROL = "/app/account/second-factor"
ACCOUNT = "/app/account"
WORKSPACE = "firmly-workspace"
"""The header in which a part of a page says for which workspace the page was made."""

MemberPage = Callable[[Parts, Request, MemberScope], Response]
MemberForm = Callable[[Parts, Request, MemberScope, Form], Response]
MemberUpload = Callable[[Parts, Request, MemberScope, tuple[str, bytes]], Response]
AccountPage = Callable[[Parts, Request, SignedIn], Response]
AccountForm = Callable[[Parts, Request, SignedIn, Form], Response]
MemberStream = Callable[[Parts, Request, MemberScope], Awaitable[Response]]
Page = Callable[[Request], Response]
FormPage = Callable[[Request], Awaitable[Response]]


def for_members(parts: Parts, page: MemberPage, right: Right | frozenset[Right] = Right.READ_LEADS) -> Page:
    """Return a handler, run in a thread, that shows ``page`` to members who hold ``right``, or one of several."""

    def handle(request: Request) -> Response:
        scope = _admitted(parts, request, right)
        if isinstance(scope, Response):
            return scope
        if "hx-request" not in request.headers:
            parts.accounts.usage.count(scope.workspace_id, page.__name__)
        return page(parts, request, scope)

    return handle


def for_forms(parts: Parts, form: MemberForm, right: Right) -> FormPage:
    """Return a handler that gives a form of ours, from a member who holds ``right``, to ``form``, in a thread."""

    def answer(request: Request, given: Form) -> Response:
        scope = _admitted(parts, request, right)
        if isinstance(scope, Response):
            return scope
        parts.accounts.usage.count(scope.workspace_id, form.__name__)
        return form(parts, request, scope, given)

    async def handle(request: Request) -> Response:
        return await run_in_threadpool(answer, request, await read_form(parts, request))

    return handle


def for_streams(parts: Parts, stream: MemberStream, right: Right) -> FormPage:
    """Return a handler, run in the event loop, that begins what goes on, for members who hold ``right``."""

    async def handle(request: Request) -> Response:
        if request.method != "GET":  # A head alone would hold a place and never end.
            raise HTTPException(405, headers={"allow": "GET"})
        scope = await run_in_threadpool(_admitted, parts, request, right)
        return scope if isinstance(scope, Response) else await stream(parts, request, scope)

    return handle


def for_uploads(parts: Parts, form: MemberUpload, right: Right) -> FormPage:
    """Return a handler for a form that brings a file. Who sends it is known before it is read: it may be large."""

    async def handle(request: Request) -> Response:
        scope = await run_in_threadpool(_admitted, parts, request, right)
        if isinstance(scope, Response):
            return scope
        file = await read_upload(parts, request)
        parts.accounts.usage.count(scope.workspace_id, form.__name__)
        return await run_in_threadpool(form, parts, request, scope, file)

    return handle


def for_account(parts: Parts, page: AccountPage) -> Page:
    """Return a handler for pages about oneself: they need no workspace, but the second factor where there is one."""

    def handle(request: Request) -> Response:
        signed_in = _known(parts, request)
        return signed_in if isinstance(signed_in, Response) else page(parts, request, signed_in)

    return handle


def for_account_forms(parts: Parts, form: AccountForm) -> FormPage:
    """Return a handler for forms about oneself."""

    def answer(request: Request, given: Form) -> Response:
        signed_in = _known(parts, request)
        return signed_in if isinstance(signed_in, Response) else form(parts, request, signed_in, given)

    async def handle(request: Request) -> Response:
        return await run_in_threadpool(answer, request, await read_form(parts, request))

    return handle


def _known(parts: Parts, request: Request) -> SignedIn | Response:
    signed_in = parts.sessions.signed_in(request)
    if signed_in is None:
        return _go(request, SIGN_IN)
    return _go(request, SECOND_FACTOR) if signed_in.waits_for_second_factor else signed_in


def _admitted(parts: Parts, request: Request, right: Right | frozenset[Right]) -> MemberScope | Response:
    signed_in = _known(parts, request)
    if isinstance(signed_in, Response):
        return signed_in
    scope = signed_in.scope
    if scope is None:
        return _go(request, ACCOUNT)
    if scope.must_enrol:
        return _go(request, ENROL)
    here = str(scope.workspace_id)
    if request.headers.get(WORKSPACE, here) != here:
        # Another window went on in another workspace: its companies must not show under this page's name.
        return Response(status_code=204, headers={"hx-refresh": "true"})
    if scope.rights.isdisjoint({right} if isinstance(right, Right) else right):
        raise HTTPException(403)
    return scope


def _go(request: Request, where: str) -> Response:
    """Send the browser somewhere to come back from; a part of a page makes the whole page go there."""
    if "hx-request" in request.headers:
        try:
            current = urlsplit(request.headers.get("hx-current-url", ""))
        except ValueError:  # No address, such as "http://[".
            current = urlsplit("")
        return Response(status_code=401, headers={"hx-redirect": _with_next(where, current.path, current.query)})
    path, query = (request.url.path, request.url.query) if request.method == "GET" else ("", "")
    return RedirectResponse(_with_next(where, path, query), 303)


def _with_next(where: str, path: str, query: str) -> str:
    return f"{where}?next={quote(safe_next(f'{path}?{query}' if query else path), safe='/')}"
