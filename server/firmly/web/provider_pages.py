"""Signing in through the installation's OpenID provider: there, and back with an answer."""

import logging
from collections.abc import Sequence

from itsdangerous import BadData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.openid_sign_in import Begun, OpenIdError, OpenIdRefusal
from firmly.accounts.signatures import timed_serializer
from firmly.web.parts import Parts
from firmly.web.sessions import HOME, safe_next
from firmly.web.signing import browser_of, go_on

COOKIE = "firmly_provider"
LONGEST_S = 600

NOBODY = (
    "Your address there belongs to no member here. Ask an owner of your workspace to invite you, then sign in again."
)
SAID = {
    OpenIdRefusal.UNAVAILABLE: "The sign-in provider does not answer. Try again in a minute, or use your password.",
    OpenIdRefusal.DENIED: "The provider did not sign you in. Try again, or use your password.",
    OpenIdRefusal.BAD_STATE: "This sign-in took too long or began in another window. Try again.",
    OpenIdRefusal.NO_EMAIL: "The provider names no e-mail address of yours, so nobody here can be found.",
    OpenIdRefusal.EMAIL_NOT_VERIFIED: "The provider has not verified your e-mail address.",
    OpenIdRefusal.FOREIGN_DOMAIN: "Addresses of this domain may not sign in here.",
}
OTHERWISE = (
    "Signing in through the provider failed. Tell the person who runs this installation; its log names the cause."
)

log = logging.getLogger(__name__)


class Providing:
    """Handlers of the way to the provider and back. Every other address of theirs is 404 where none is set."""

    def __init__(self, parts: Parts, keys: Sequence[str], https: bool) -> None:
        self._parts = parts
        self._https = https
        self._signed = timed_serializer(keys, "firmly.web.provider")
        # As host-only as the others: a neighbouring host must not plant a sign-in of its own.
        self._cookie = f"__Host-{COOKIE}" if https else COOKIE

    def begin(self, request: Request) -> Response:
        if self._parts.openid is None:
            raise HTTPException(404)
        try:
            begun = self._parts.openid.begin()
        except OpenIdError as error:
            return self._refused(request, error.reason)
        target = safe_next(request.query_params.get("next", HOME))
        response = RedirectResponse(begun.url, 303)
        content = self._signed.dumps([begun.state, begun.nonce, begun.verifier, target])
        response.set_cookie(
            self._cookie, str(content), LONGEST_S, path="/", secure=self._https, httponly=True, samesite="lax"
        )
        return response

    def finish(self, request: Request) -> Response:
        if self._parts.openid is None:
            raise HTTPException(404)
        try:
            state, nonce, verifier, target = self._signed.loads(
                request.cookies.get(self._cookie, ""), max_age=LONGEST_S
            )
        except (BadData, ValueError, TypeError):
            return self._refused(request, OpenIdRefusal.BAD_STATE)
        try:
            identity = self._parts.openid.finish(Begun(state, nonce, verifier), dict(request.query_params))
        except OpenIdError as error:
            return self._refused(request, error.reason)
        vouched = self._parts.accounts.sign_in.with_provider(
            identity.subject, identity.email, browser_of(self._parts, request), self._parts.sessions.token(request)
        )
        if vouched is None:
            response = self._told(request, NOBODY)
        else:
            response = go_on(self._parts, vouched.token, safe_next(target))
            if vouched.is_first:
                self._parts.post.password_changed(vouched.email)
        response.delete_cookie(self._cookie, path="/", secure=self._https, httponly=True, samesite="lax")
        return response

    def _refused(self, request: Request, reason: OpenIdRefusal) -> Response:
        if reason not in SAID:
            log.error("signing in through the provider failed: %s", reason)
        return self._told(request, SAID.get(reason, OTHERWISE))

    def _told(self, request: Request, error: str) -> Response:
        return self._parts.pages.page(
            request,
            "sign_in.html",
            status=422,
            next=HOME,
            email="",
            error=error,
            provider=self._parts.provider_name,
        )
