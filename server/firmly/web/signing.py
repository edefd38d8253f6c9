"""Signing in and out. A failure never tells whether the e-mail address is known."""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.web.door import SIGN_IN
from firmly.web.forms import is_ours, require_plain_form, text_of
from firmly.web.parts import Parts
from firmly.web.sessions import HOME, safe_next

REFUSED = (
    "E-mail address and password do not match a member. Check both; after several attempts wait a minute "
    "before the next."
)
INCOMPLETE = "Enter your e-mail address and your password."
STALE = "This form was open too long or in another window. Try again."


class Signing:
    """Handlers of the sign-in page and of signing out."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def show(self, request: Request) -> Response:
        target = safe_next(request.query_params.get("next", HOME))
        if self._parts.sessions.scope(request) is not None:
            return RedirectResponse(target, 303)
        return self._form(request, target)

    async def sign_in(self, request: Request) -> Response:
        require_plain_form(request)
        async with request.form(max_files=0, max_fields=10) as form:
            email, password = text_of(form, "email"), text_of(form, "password")
            target = safe_next(text_of(form, "next"))
            may_go_on = is_ours(self._parts, request, form)
        if not may_go_on:
            return self._form(request, target, email, STALE, 403)
        if not email.strip() or not password:
            return self._form(request, target, email, INCOMPLETE, 422)
        token = await run_in_threadpool(self._parts.accounts.sign_in, email, password)
        if token is None:
            return self._form(request, target, email, REFUSED, 422)
        response = RedirectResponse(target, 303)
        self._parts.sessions.begin(response, token)
        return response

    async def sign_out(self, request: Request) -> Response:
        require_plain_form(request)
        async with request.form(max_files=0, max_fields=10) as form:
            if not is_ours(self._parts, request, form):
                raise HTTPException(403)
        token = self._parts.sessions.token(request)
        if token:
            await run_in_threadpool(self._parts.accounts.sign_out, token)
        response = RedirectResponse(SIGN_IN, 303)
        self._parts.sessions.end(response)
        return response

    def _form(self, request: Request, target: str, email: str = "", error: str = "", status: int = 200) -> Response:
        return self._parts.pages.page(
            request, "sign_in.html", status=status, next=target, email=email[:254], error=error
        )
