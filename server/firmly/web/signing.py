"""Signing in and out, with the second factor, and going on in another workspace.

A failure never tells whether the e-mail address is known.
"""

from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.scope import SignedIn
from firmly.mail.letter import SecondFactorChange
from firmly.model import WorkspaceId
from firmly.web.door import ACCOUNT, SECOND_FACTOR, SIGN_IN
from firmly.web.forms import Form, number_of, read_any_form, read_form
from firmly.web.parts import Parts
from firmly.web.sessions import HOME, safe_next

REFUSED = (
    "E-mail address and password do not match a member. Check both; after several attempts wait a minute "
    "before the next."
)
INCOMPLETE = "Enter your e-mail address and your password."
STALE = "This form was open too long or in another window. Try again."
THREADS = 4
"""For passwords of all: who waits for the hash of one must not hold the threads that pages need."""
WRONG_CODE = "This code does not fit. Enter the newest one; after several attempts wait a minute before the next."


class Signing:
    """Handlers of the sign-in pages and of signing out."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._threads = CapacityLimiter(THREADS)

    def show(self, request: Request) -> Response:
        target = safe_next(request.query_params.get("next", HOME))
        signed_in = self._parts.sessions.signed_in(request)
        if signed_in is not None and not signed_in.waits_for_second_factor:
            return RedirectResponse(target, 303)
        return self._form(request, target)

    async def sign_in(self, request: Request) -> Response:
        given, is_ours = await read_any_form(self._parts, request)
        return await to_thread.run_sync(self._sign_in, request, given, is_ours, limiter=self._threads)

    def _sign_in(self, request: Request, given: Form, is_ours: bool) -> Response:
        email, password, target = given["email"], given.as_typed("password"), safe_next(given["next"])
        if not is_ours:
            return self._form(request, target, email, STALE, 403)
        if not email or not password:
            return self._form(request, target, email, INCOMPLETE, 422)
        sessions = self._parts.sessions
        token = self._parts.accounts.sign_in.with_password(
            email, password, browser_of(self._parts, request), sessions.token(request)
        )
        if token is None:
            return self._form(request, target, email, REFUSED, 422)
        return go_on(self._parts, token, target)

    def show_second_factor(self, request: Request) -> Response:
        target = safe_next(request.query_params.get("next", HOME))
        signed_in = self._parts.sessions.signed_in(request)
        if signed_in is None:
            return RedirectResponse(SIGN_IN, 303)
        if not signed_in.waits_for_second_factor:
            return RedirectResponse(target, 303)
        return self._code_form(request, target)

    async def second_factor(self, request: Request) -> Response:
        given = await read_form(self._parts, request)
        return await run_in_threadpool(self._second_factor, request, given)

    def _second_factor(self, request: Request, given: Form) -> Response:
        target, token = safe_next(given["next"]), self._parts.sessions.token(request)
        confirmed = self._parts.accounts.sign_in.confirm(token, given["code"]) if token else None
        if confirmed is None:
            still = self._parts.sessions.signed_in(request)
            if still is None or not still.waits_for_second_factor:
                return RedirectResponse(SIGN_IN, 303)
            return self._code_form(request, target, WRONG_CODE, 422)
        if confirmed.by_recovery_code:
            self._parts.post.second_factor_changed(confirmed.email, SecondFactorChange.RECOVERY_CODE_USED)
        response = RedirectResponse(target, 303)
        self._parts.sessions.begin(response, confirmed.token)
        return response

    async def sign_out(self, request: Request) -> Response:
        await read_form(self._parts, request)
        token = self._parts.sessions.token(request)
        if token:
            await run_in_threadpool(self._parts.accounts.sign_in.sign_out, token)
        response = RedirectResponse(SIGN_IN, 303)
        self._parts.sessions.end(response)
        return response

    def _form(self, request: Request, target: str, email: str = "", error: str = "", status: int = 200) -> Response:
        return self._parts.pages.page(
            request,
            "sign_in.html",
            status=status,
            next=target,
            email=email[:254],
            error=error,
            provider=self._parts.provider_name,
        )

    def _code_form(self, request: Request, target: str, error: str = "", status: int = 200) -> Response:
        return self._parts.pages.page(request, "second_factor.html", status=status, next=target, error=error)


def switch(parts: Parts, request: Request, _signed_in: SignedIn, given: Form) -> Response:
    """Go on in another workspace of the member, at its list of leads."""
    wanted, token = WorkspaceId(number_of(given, "workspace")), parts.sessions.token(request)
    renewed = parts.accounts.sign_in.switch(token, wanted) if token else None
    if renewed is None:
        raise HTTPException(404)
    response = RedirectResponse(HOME, 303)
    parts.sessions.begin(response, renewed)
    return response


def go_on(parts: Parts, token: str, target: str) -> Response:
    """Give the browser its new session and send it on; the second factor is asked for on the way."""
    signed_in = parts.accounts.sign_in.signed_in(token)
    waits = signed_in is not None and signed_in.waits_for_second_factor
    if signed_in is not None and not waits and signed_in.scope is None and target == HOME:
        target = ACCOUNT
    response = RedirectResponse(f"{SECOND_FACTOR}?next={quote(target, safe='/')}" if waits else target, 303)
    parts.sessions.begin(response, token)
    return response


def browser_of(parts: Parts, request: Request) -> str:
    """Return the families of browser and system, such as "Firefox, Windows": out of closed lists."""
    device = parts.devices.read(request.headers.get("user-agent", ""))
    return ", ".join(name for name in (device.browser, device.os) if name != "Other")
