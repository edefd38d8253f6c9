"""The door to members' pages: who is not signed in is sent to sign in, and comes back afterwards."""

from collections.abc import Callable
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.scope import Scope
from firmly.web.parts import Parts
from firmly.web.sessions import safe_next

SIGN_IN = "/app/sign-in"

MemberPage = Callable[[Parts, Request, Scope], Response]
Page = Callable[[Request], Response]


def for_members(parts: Parts, page: MemberPage) -> Page:
    """Return a handler, run in a thread, that shows ``page`` to members only. Fails closed."""

    def handle(request: Request) -> Response:
        scope = parts.sessions.scope(request)
        return ask_to_sign_in(request) if scope is None else page(parts, request, scope)

    return handle


def ask_to_sign_in(request: Request) -> Response:
    """Send the browser to the sign-in page; a part of a page makes the whole page go there."""
    if "hx-request" in request.headers:
        try:
            current = urlsplit(request.headers.get("hx-current-url", ""))
        except ValueError:  # No address, such as "http://[".
            current = urlsplit("")
        return Response(status_code=401, headers={"hx-redirect": _sign_in(current.path, current.query)})
    return RedirectResponse(_sign_in(request.url.path, request.url.query), 303)


def _sign_in(path: str, query: str) -> str:
    return f"{SIGN_IN}?next={quote(safe_next(f'{path}?{query}' if query else path), safe='/')}"
