"""A forgotten password: a link by mail, for whoever has an account, and the same words for everybody else."""

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.members import normal_email
from firmly.model import InvalidInputError, Problem
from firmly.web.door import SIGN_IN
from firmly.web.forms import Form, read_form
from firmly.web.parts import Parts
from firmly.web.sessions import HOME
from firmly.web.signing import browser_of, go_on


class Resetting:
    """Handlers of the pages for a forgotten password."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def show(self, request: Request) -> Response:
        return self._parts.pages.page(request, "forgotten.html", can_send=self._parts.post.can_send, is_sent=False)

    async def ask(self, request: Request) -> Response:
        """Answer first and look the address up afterwards, so that the time taken tells nothing."""
        given = await read_form(self._parts, request)
        response = self._parts.pages.page(request, "forgotten.html", can_send=self._parts.post.can_send, is_sent=True)
        response.background = BackgroundTask(run_in_threadpool, self._send, given["email"])
        return response

    def show_reset(self, request: Request) -> Response:
        holds = self._parts.accounts.credentials.holds_reset(request.path_params["secret"])
        return self._reset_form(request, holds=holds, status=200 if holds else 404)

    async def reset(self, request: Request) -> Response:
        given = await read_form(self._parts, request)
        return await run_in_threadpool(self._reset, request, given)

    def _reset(self, request: Request, given: Form) -> Response:
        """Set the password and sign in with it: nobody's guesses at the old one keep the member out."""
        password = given.as_typed("password")
        try:
            email = self._parts.accounts.credentials.reset(request.path_params["secret"], password)
        except InvalidInputError as error:
            return self._reset_form(request, holds=True, status=422, problems=error.problems)
        if email is None:
            return self._reset_form(request, holds=False, status=404)
        self._parts.post.password_changed(email)
        token = self._parts.accounts.sign_in.with_password(
            email, password, browser_of(self._parts, request), self._parts.sessions.token(request), was_just_set=True
        )
        return RedirectResponse(SIGN_IN, 303) if token is None else go_on(self._parts, token, HOME)

    def _reset_form(
        self, request: Request, *, holds: bool, status: int, problems: list[Problem] | None = None
    ) -> Response:
        return self._parts.pages.page(request, "reset.html", status=status, holds=holds, problems=problems or [])

    def _send(self, email: str) -> None:
        if not self._parts.post.can_send or not self._parts.resets.admit(normal_email(email), self._parts.clock()):
            return
        secret = self._parts.accounts.credentials.begin_reset(email)
        if secret is not None:
            self._parts.post.reset(normal_email(email), secret)
