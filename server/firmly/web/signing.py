"""Signing in and out. A failure never tells whether the e-mail address is known."""

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.web.csrf import FIELD
from firmly.web.door import SIGN_IN
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
        _require_plain_form(request)
        async with request.form(max_files=0, max_fields=10) as form:
            email, password, target = _text(form, "email"), _text(form, "password"), safe_next(_text(form, "next"))
            is_ours = self._is_ours(request, form)
        if not is_ours:
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
        _require_plain_form(request)
        async with request.form(max_files=0, max_fields=10) as form:
            if not self._is_ours(request, form):
                raise HTTPException(403)
        token = self._parts.sessions.token(request)
        if token:
            await run_in_threadpool(self._parts.accounts.sign_out, token)
        response = RedirectResponse(SIGN_IN, 303)
        self._parts.sessions.end(response)
        return response

    def _is_ours(self, request: Request, form: FormData) -> bool:
        return self._parts.csrf.is_valid(request, self._parts.sessions.token(request), form.get(FIELD))

    def _form(self, request: Request, target: str, email: str = "", error: str = "", status: int = 200) -> Response:
        return self._parts.pages.page(
            request, "sign_in.html", status=status, next=target, email=email[:254], error=error
        )


def _require_plain_form(request: Request) -> None:
    """Take what our pages send; multipart brings character sets of the sender's choice."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise HTTPException(415)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
