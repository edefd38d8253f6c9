"""What the holder of an invitation's link sees: who invites them, and how they come in."""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.team import Welcome
from firmly.model import InvalidInputError, Problem
from firmly.web.forms import Form, read_form
from firmly.web.parts import Parts
from firmly.web.sessions import HOME
from firmly.web.signing import browser_of, go_on


class Inviting:
    """Handlers of the page behind an invitation's link. The link itself is a credential."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def show(self, request: Request) -> Response:
        welcome = self._parts.accounts.team.welcome(request.path_params["secret"])
        return self._page(request, welcome, status=200 if welcome else 404)

    async def answer(self, request: Request) -> Response:
        given = await read_form(self._parts, request)
        return await run_in_threadpool(self._answer, request, given)

    def _answer(self, request: Request, given: Form) -> Response:
        secret, team = request.path_params["secret"], self._parts.accounts.team
        welcome = team.welcome(secret)
        if welcome is None:
            return self._page(request, None, status=404)
        return self._accept(request, secret) if welcome.has_account else self._join(request, secret, welcome, given)

    def _join(self, request: Request, secret: str, welcome: Welcome, given: Form) -> Response:
        password, accounts, sessions = given.as_typed("password"), self._parts.accounts, self._parts.sessions
        try:
            email = accounts.team.join(secret, given["name"], password)
        except InvalidInputError as error:
            return self._page(request, welcome, given["name"], error.problems, 422)
        token = email and accounts.sign_in.with_password(
            email, password, browser_of(self._parts, request), sessions.token(request), was_just_set=True
        )
        if not token:
            return self._page(request, None, status=404)
        return go_on(self._parts, token, HOME)

    def _accept(self, request: Request, secret: str) -> Response:
        signed_in, token = self._parts.sessions.signed_in(request), self._parts.sessions.token(request)
        if signed_in is None or token is None:
            raise HTTPException(403)
        workspace_id = self._parts.accounts.team.accept(signed_in, secret)
        renewed = workspace_id and self._parts.accounts.sign_in.switch(token, workspace_id)
        if not renewed:
            raise HTTPException(403)
        response = RedirectResponse(HOME, 303)
        self._parts.sessions.begin(response, renewed)
        return response

    def _page(
        self,
        request: Request,
        welcome: Welcome | None,
        name: str = "",
        problems: list[Problem] | None = None,
        status: int = 200,
    ) -> Response:
        signed_in = self._parts.sessions.signed_in(request)
        return self._parts.pages.page(
            request,
            "invitation.html",
            status=status,
            welcome=welcome,
            path=request.url.path,
            visitor=signed_in if signed_in and not signed_in.waits_for_second_factor else None,
            name=name,
            problems=problems or [],
        )
