"""Guards every POST: a form carries a signature over a random cookie and the member's session.

Holds no secret of its own in the page: without the cookies, which are no script's to read and no
other site's to send, a token is worth nothing.
Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet, signed double-submit cookie.
"""

import hashlib
import secrets
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.signatures import signer

FIELD = "csrf_token"


class Csrf:
    """``keys``: newest first; older ones stay valid for reading. Fails closed."""

    def __init__(self, keys: Sequence[str], https: bool) -> None:
        self._signer = signer(keys, "firmly.web.csrf")
        self._https = https
        self.cookie = "__Host-firmly_csrf" if https else "firmly_csrf"

    def nonce(self, request: Request) -> str:
        """Return the browser's nonce, or a new one that `remember` has to set."""
        return request.cookies.get(self.cookie) or secrets.token_urlsafe(32)

    def token(self, nonce: str, session_token: str | None) -> str:
        return self._signer.get_signature(_bound(nonce, session_token)).decode()

    def remember(self, response: Response, nonce: str) -> None:
        response.set_cookie(self.cookie, nonce, path="/", secure=self._https, httponly=True, samesite="lax")

    def is_valid(self, request: Request, session_token: str | None, token: object) -> bool:
        nonce = request.cookies.get(self.cookie)
        if not nonce or not isinstance(token, str):
            return False
        return self._signer.verify_signature(_bound(nonce, session_token), token.encode(errors="replace"))


def _bound(nonce: str, session_token: str | None) -> bytes:
    return hashlib.sha256(f"{nonce}\n{session_token or ''}".encode(errors="replace")).digest()
