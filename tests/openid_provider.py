"""An OpenID provider on this machine that signs everybody in at once, and misbehaves where it is told to.

It checks what a provider checks: client, redirect address, PKCE, and that a code is used once.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import httpx
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OctKey

from firmly.model import Clock

CLIENT_ID = "firmly"
CLIENT_SECRET = "s3cret/with +odd: characters"


def new_key(kid: str | None = "first") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid} if kid else None)


@dataclass
class OpenIdProvider:
    """A provider and its switches; each test has one of its own.

    ``claims`` go over those of the token; a value of ``None`` leaves the claim out. ``document`` goes
    over the discovery document, ``answer`` over the answer that the browser carries, both likewise.
    """

    issuer: str
    clock: Clock
    redirect_uri: str = "http://127.0.0.1:9/back"
    claims: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str | None] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    signing_key: Key = field(default_factory=new_key)
    algorithm: str = "ES256"
    header: dict[str, Any] = field(default_factory=dict)
    keys: list[dict[str, Any]] | None = None
    """What /keys says; by default the public part of the signing key."""
    statuses: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    takes_secret_in_body: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    pause_s: float = 0
    cookies: list[str] = field(default_factory=list)
    """Those that came back; every answer sets one."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def browse(self, url: str) -> dict[str, str]:
        """Go to the provider like a browser and return the query with which it sends back."""
        response = httpx.get(url, trust_env=False)
        assert response.status_code == 302, response.text
        location = response.headers["location"]
        assert location.startswith(self.redirect_uri + "?")
        return dict(parse_qsl(urlsplit(location).query))

    def discovery(self) -> dict[str, Any]:
        method = "client_secret_post" if self.takes_secret_in_body else "client_secret_basic"
        return _over(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [self.algorithm],
                "token_endpoint_auth_methods_supported": [method],
                "code_challenge_methods_supported": ["S256"],
            },
            self.document,
        )

    def published_keys(self) -> dict[str, Any]:
        if self.keys is not None:
            return {"keys": self.keys}
        return {"keys": [self.signing_key.as_dict(private=False)]}

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser goes back to."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["redirect_uri"] == self.redirect_uri
        assert "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self._codes[code] = query
        answer = _over({"code": code, "state": query["state"], "iss": self.issuer}, self.answer)
        return f"{self.redirect_uri}?{urlencode(answer)}"

    def tokens(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        if not self._knows_client(form, authorization):
            return 401, {"error": "invalid_client"}
        begun = self._codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            begun is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != begun["redirect_uri"]
            or base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != begun["code_challenge"]
        ):
            return 400, {"error": "invalid_grant", "error_description": "no such code"}
        id_token = self.signed(self.identity(begun["nonce"]))
        return 200, {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": id_token}

    def identity(self, nonce: str) -> dict[str, Any]:
        now = int(self.clock().timestamp())
        return _over(
            {
                "iss": self.issuer,
                "sub": "person-7",
                "aud": CLIENT_ID,
                "exp": now + 300,
                "iat": now,
                "nonce": nonce,
                "email": "mia@example.com",
                "email_verified": True,
            },
            self.claims,
        )

    def signed(self, claims: dict[str, Any]) -> str:
        header = _over({"alg": self.algorithm, "kid": self.signing_key.kid}, self.header)
        if self.algorithm == "none":
            parts = (json.dumps(part).encode() for part in (header, claims))
            return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts).decode() + "."
        return jwt.encode(header, claims, self.signing_key, registry=_Everything())

    def _knows_client(self, form: dict[str, str], authorization: str) -> bool:
        if self.takes_secret_in_body:
            given = (form.get("client_id", ""), form.get("client_secret", ""))
            return given == (CLIENT_ID, CLIENT_SECRET) and not authorization
        scheme, _, encoded = authorization.partition(" ")
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
        return (scheme, unquote_plus(name), unquote_plus(secret)) == ("Basic", CLIENT_ID, CLIENT_SECRET)


class _Everything(jws.JWSRegistry):
    """Signs with anything, without a word, as a provider that means ill would."""

    def __init__(self) -> None:
        super().__init__(strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]

    def check_header(self, header: dict[str, Any]) -> None:
        """Let everything pass."""


@contextmanager
def running_provider(clock: Clock, redirect_uri: str = "http://127.0.0.1:9/back") -> Iterator[OpenIdProvider]:
    """Run a provider on a free port of this machine until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = OpenIdProvider(f"http://127.0.0.1:{server.server_address[1]}", clock, redirect_uri)
    server.provider = provider  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        provider, url = self._provider(), urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if self._is_told_otherwise(url.path):
            return
        match url.path:
            case "/.well-known/openid-configuration":
                self._say(200, provider.discovery())
            case "/keys":
                self._say(200, provider.published_keys())
            case "/userinfo" if self.headers.get("authorization") == "Bearer opaque":
                self._say(200, provider.userinfo)
            case "/authorize":
                self._send(302, b"", provider.authorize(query))
            case _:
                self._say(404, {})

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
        if not self._is_told_otherwise(self.path):
            self._say(*self._provider().tokens(form, self.headers.get("authorization", "")))

    def _provider(self) -> OpenIdProvider:
        provider: OpenIdProvider = self.server.provider  # type: ignore[attr-defined]
        return provider

    def _is_told_otherwise(self, path: str) -> bool:
        provider = self._provider()
        provider.asked[path] += 1
        provider.cookies += self.headers.get_all("cookie", [])
        time.sleep(provider.pause_s)
        if path not in provider.statuses and path not in provider.bodies:
            return False
        self._send(provider.statuses.get(path, 200), provider.bodies.get(path, b"{}"), f"{provider.issuer}/elsewhere")
        return True

    def _say(self, status: int, content: dict[str, Any]) -> None:
        self._send(status, json.dumps(content).encode(), "")

    def _send(self, status: int, body: bytes, location: str) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("set-cookie", "person=7; Path=/")
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: a line of it holds an address."""


def secret_key() -> OctKey:
    """Return the key that a client could be tricked into: what both know, or what everybody knows."""
    return OctKey.import_key(CLIENT_SECRET.ljust(32, "."), {"kid": "first"})


def _over(whole: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (whole | changes).items() if value is not None}
