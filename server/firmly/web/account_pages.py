"""A member's own account: name, password, second factor, signed-in browsers, letters."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.scope import SignedIn
from firmly.accounts.second_factor import qr_svg
from firmly.mail.letter import SecondFactorChange, Template
from firmly.model import FirmlyError, InvalidInputError, Problem
from firmly.web.door import ACCOUNT
from firmly.web.forms import Form
from firmly.web.parts import Parts
from firmly.web.sessions import HOME, safe_next

PASSWORD, NAME, FACTOR = "password", "name", "second-factor"
"""Forms of the page, to show problems where they belong."""


def account(
    parts: Parts,
    request: Request,
    signed_in: SignedIn,
    *,
    status: int = 200,
    form: str = "",
    problems: Sequence[Problem] = (),
    done: str = "",
) -> Response:
    """Show the page; ``problems`` belong to ``form``, ``done`` says what was just changed."""
    return parts.pages.page(
        request,
        "account.html",
        signed_in.scope,
        status,
        me=signed_in,
        sessions=parts.accounts.sign_in.sessions(signed_in),
        codes_left=parts.accounts.credentials.recovery_codes_left(signed_in),
        letters=parts.accounts.wishes.of(signed_in.scope) if signed_in.scope else {},
        form=form,
        problems=problems,
        done=done or request.query_params.get("done", ""),
    )


def change_name(parts: Parts, request: Request, signed_in: SignedIn, given: Form) -> Response:
    try:
        parts.accounts.credentials.change_name(signed_in, given["name"])
    except InvalidInputError as error:
        return account(parts, request, signed_in, status=422, form=NAME, problems=error.problems)
    return _back("name")


def change_password(parts: Parts, request: Request, signed_in: SignedIn, given: Form) -> Response:
    current, new = given.as_typed("current"), given.as_typed("password")
    try:
        token = parts.accounts.credentials.change_password(signed_in, _token(parts, request), current, new)
    except InvalidInputError as error:
        return account(parts, request, signed_in, status=422, form=PASSWORD, problems=error.problems)
    parts.post.password_changed(signed_in.email)
    return _renewed(parts, _back("password"), token)


def end_session(parts: Parts, _request: Request, signed_in: SignedIn, given: Form) -> Response:
    """End one signed-in browser, or without a name all others."""
    parts.accounts.sign_in.end(signed_in, given["session"] or None)
    return _back("sessions")


def choose_letters(parts: Parts, _request: Request, signed_in: SignedIn, given: Form) -> Response:
    if signed_in.scope is not None:
        for template in parts.accounts.wishes.of(signed_in.scope):
            parts.accounts.wishes.set(signed_in.scope, template, template.value in given.all("letter"))
    return _back("letters")


def enrol(
    parts: Parts,
    request: Request,
    signed_in: SignedIn,
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
) -> Response:
    """Show what to enter into an authenticator, and ask for its first code."""
    if signed_in.has_second_factor:
        return RedirectResponse(ACCOUNT, 303)
    enrolment = parts.accounts.credentials.begin_second_factor(signed_in)
    return parts.pages.page(
        request,
        "enrol.html",
        signed_in.scope,
        status,
        must=signed_in.scope is not None and signed_in.scope.must_enrol,
        qr=qr_svg(enrolment.uri),
        secret=" ".join(enrolment.secret[at : at + 4] for at in range(0, len(enrolment.secret), 4)),
        next=safe_next(request.query_params.get("next", HOME)),
        problems=problems,
    )


def confirm_enrolment(parts: Parts, request: Request, signed_in: SignedIn, given: Form) -> Response:
    try:
        codes, token = parts.accounts.credentials.confirm_second_factor(
            signed_in, _token(parts, request), given["code"]
        )
    except InvalidInputError as error:
        return enrol(parts, request, signed_in, status=422, problems=error.problems)
    parts.post.second_factor_changed(signed_in.email, SecondFactorChange.ON)
    return _show_codes(parts, request, signed_in, codes, token)


def renew_codes(parts: Parts, request: Request, signed_in: SignedIn, given: Form) -> Response:
    try:
        codes, token = parts.accounts.credentials.renew_recovery_codes(
            signed_in, _token(parts, request), given.as_typed("current")
        )
    except InvalidInputError as error:
        return account(parts, request, signed_in, status=422, form=FACTOR, problems=error.problems)
    return _show_codes(parts, request, signed_in, codes, token)


def remove_second_factor(parts: Parts, request: Request, signed_in: SignedIn, given: Form) -> Response:
    try:
        token = parts.accounts.credentials.remove_second_factor(
            signed_in, _token(parts, request), given.as_typed("current")
        )
    except InvalidInputError as error:
        return account(parts, request, signed_in, status=422, form=FACTOR, problems=error.problems)
    parts.post.second_factor_changed(signed_in.email, SecondFactorChange.OFF)
    return _renewed(parts, _back("second-factor"), token)


def _show_codes(parts: Parts, request: Request, signed_in: SignedIn, codes: tuple[str, ...], token: str) -> Response:
    """Show the codes for the only time, to the session's new token."""
    response = parts.pages.page(request, "recovery_codes.html", signed_in.scope, session_token=token, codes=codes)
    return _renewed(parts, response, token)


def _back(done: str) -> Response:
    return RedirectResponse(f"{ACCOUNT}?done={done}", 303)


def _renewed(parts: Parts, response: Response, token: str) -> Response:
    parts.sessions.begin(response, token)
    return response


def _token(parts: Parts, request: Request) -> str:
    token = parts.sessions.token(request)
    if token is None:
        raise FirmlyError("this session has ended; sign in again")
    return token


class Unsubscribing:
    """The page behind an unsubscribe link. It needs no sign-in: the link says it all (RFC 8058)."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def show(self, request: Request) -> Response:
        template = self._parts.accounts.wishes.holds(request.path_params["secret"])
        return self._page(request, template, is_done=False)

    def unsubscribe(self, request: Request) -> Response:
        """Do it, for a mail program too: it sends no cookie and no token of ours, so none is asked for."""
        secret = request.path_params["secret"]
        is_done = self._parts.accounts.wishes.unsubscribe(secret)
        return self._page(request, self._parts.accounts.wishes.holds(secret), is_done=is_done)

    def _page(self, request: Request, template: Template | None, **said: Any) -> Response:
        status = 404 if template is None else 200
        return self._parts.pages.page(request, "unsubscribe.html", status=status, letter=template, **said)
