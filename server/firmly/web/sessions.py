"""The session cookie: who is signed in, and where to go after signing in."""

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.scope import SignedIn
from firmly.accounts.sign_in import SignIn

HOME = "/app/leads"
LONGEST = timedelta(days=30)


class Sessions:
    """Blocking where it asks accounts: call `signed_in` from a thread."""

    def __init__(self, sign_in: SignIn, https: bool) -> None:
        self._sign_in = sign_in
        self._https = https
        self.cookie = "__Host-firmly_session" if https else "firmly_session"

    def token(self, request: Request) -> str | None:
        return request.cookies.get(self.cookie)

    def signed_in(self, request: Request) -> SignedIn | None:
        """Return whose browser it is; asked once per request."""
        if not hasattr(request.state, "signed_in"):
            token = self.token(request)
            request.state.signed_in = self._sign_in.signed_in(token) if token else None
        found: SignedIn | None = request.state.signed_in
        return found

    def has_second_factor(self, request: Request) -> bool:
        signed_in = self.signed_in(request)
        return signed_in is not None and signed_in.has_second_factor

    def begin(self, response: Response, token: str) -> None:
        response.set_cookie(
            self.cookie,
            token,
            max_age=int(LONGEST.total_seconds()),
            path="/",
            secure=self._https,
            httponly=True,
            samesite="lax",
        )

    def end(self, response: Response) -> None:
        response.delete_cookie(self.cookie, path="/", secure=self._https, httponly=True, samesite="lax")


def safe_next(target: str) -> str:
    """Return ``target`` when it is a page of ours, else the list: never another site's address."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return HOME
    is_plain = target.isascii() and target.isprintable() and "\\" not in target and " " not in target
    is_ours = not parts.scheme and not parts.netloc and target.startswith("/app/")
    return target if is_plain and is_ours else HOME
