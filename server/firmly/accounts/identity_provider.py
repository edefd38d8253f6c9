"""An OpenID provider as its documents describe it: endpoints, keys, and bounded HTTP to both.

Nothing that a provider or a browser sent is part of a message: tokens, codes and addresses stay out.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Generic, TypeVar

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import JWKRegistry, Key, KeySet, RSAKey
from joserfc.jws import JWSRegistry

from firmly.accounts.openid_sign_in import OpenIdError, OpenIdRefusal
from firmly.model import Clock
from firmly.settings import is_issuer, is_loopback

ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")
"""Signatures only: neither ``none`` nor one whose key the provider would have to share."""
KEPT_FOR = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(minutes=1)
QUIET_AFTER_FAILURE = timedelta(seconds=10)
"""So long a provider that is away is not asked: each question holds a thread until its deadline."""

_MAX_BYTES = 2**20
_TIMEOUT_S = 5.0
_MIN_RSA_BITS = 2048
_T = TypeVar("_T")
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class ProviderSession:
    """HTTP to a provider: no redirects, an answer within seconds, at most 1 MiB of it.

    It has the part of a session that Authlib uses. ``http`` serves nothing else.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        # What a provider sets while one person signs in must not go along with the next.
        http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def post(self, url: str, data: dict[str, str], headers: dict[str, str], auth: httpx.Auth) -> httpx.Response:
        """Send a form. Raises OpenIdError where the provider is away."""
        return self._answer("POST", url, data=data, headers=headers, auth=auth)

    def get_object(self, url: str, bearer: str = "") -> dict[str, Any]:
        """Return a JSON object. Raises OpenIdError: the provider is away, or there is no such object."""
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        answer = self._answer("GET", url, headers=headers)
        try:
            content = answer.json() if answer.status_code == httpx.codes.OK else None
        except _UNREADABLE:
            content = None
        if not isinstance(content, dict):
            raise OpenIdError(OpenIdRefusal.BAD_PROVIDER)
        return content

    def _answer(self, method: str, url: str, **parts: Any) -> httpx.Response:
        try:
            with self._http.stream(method, url, follow_redirects=False, timeout=_TIMEOUT_S, **parts) as answer:
                content = _bounded(answer)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError):
            raise OpenIdError(OpenIdRefusal.UNAVAILABLE) from None
        if answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise OpenIdError(OpenIdRefusal.UNAVAILABLE)
        return httpx.Response(answer.status_code, content=content, request=answer.request)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What a provider's discovery document says. ``userinfo`` is ``""`` where there is none."""

    authorization: str
    token: str
    jwks: str
    userinfo: str
    names_itself: bool
    """It promises to say in each answer who it is (RFC 9207)."""
    takes_secret_in_body_only: bool


class IdentityProvider:
    """The endpoints of one provider and the tokens it signed. Blocking; safe to use from several threads."""

    def __init__(self, issuer: str, clock: Clock, session: ProviderSession) -> None:
        self._issuer = issuer
        self._clock = clock
        self._session = session
        self._lock = threading.Lock()
        self._endpoints: _Kept[Endpoints] | None = None
        self._keys: _Kept[KeySet] | None = None
        self._keys_asked_at: datetime | None = None
        self._quiet_until: datetime | None = None

    def endpoints(self) -> Endpoints:
        """Return the endpoints, at most an hour old. Raises OpenIdError."""
        with self._lock:
            if self._endpoints is None or self._endpoints.is_over(self._clock()):
                self._endpoints = _Kept(self._discovered(), self._clock() + KEPT_FOR)
            return self._endpoints.value

    def token(self, id_token: str) -> jwt.Token:
        """Return the token if the provider signed it; the claims are not looked at. Raises OpenIdError.

        A key that is not known is asked for, at most once a minute: providers change keys at any time.
        """
        keys = self._known_keys()
        try:
            try:
                return _decoded(id_token, keys)
            except InvalidKeyIdError:
                return _decoded(id_token, self._renewed_keys(keys))
        except (JoseError, *_UNREADABLE):
            raise OpenIdError(OpenIdRefusal.BAD_IDENTITY) from None

    def _discovered(self) -> Endpoints:
        document = self._fetched(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        # Source: OpenID Connect Discovery 1.0, 4.3. Another issuer's document would let it speak for this one.
        if document.get("issuer") != self._issuer:
            raise OpenIdError(OpenIdRefusal.BAD_PROVIDER)
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Endpoints(
            authorization=self._address(document, "authorization_endpoint"),
            token=self._address(document, "token_endpoint"),
            jwks=self._address(document, "jwks_uri"),
            userinfo=self._address(document, "userinfo_endpoint") if document.get("userinfo_endpoint") else "",
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
            takes_secret_in_body_only=isinstance(methods, list) and "client_secret_basic" not in methods,
        )

    def _address(self, document: Mapping[str, Any], name: str) -> str:
        url = document.get(name)
        if not isinstance(url, str) or not self._is_private(url):
            raise OpenIdError(OpenIdRefusal.BAD_PROVIDER)
        return url

    def _is_private(self, url: str) -> bool:
        """Say whether nobody on the way can read or change what is sent: TLS, or all on this machine."""
        try:
            is_usable = is_issuer(url.partition("?")[0])
            return is_usable and (not is_loopback(url) or is_loopback(self._issuer))
        except ValueError:
            return False

    def _known_keys(self) -> KeySet:
        url = self.endpoints().jwks
        with self._lock:
            if self._keys is None or self._keys.is_over(self._clock()):
                return self._fetch_keys(url)
            return self._keys.value

    def _renewed_keys(self, stale: KeySet) -> KeySet:
        url = self.endpoints().jwks
        with self._lock:
            known = self._keys
            if known is not None and known.value is not stale:
                return known.value  # Another thread has just asked.
            if self._keys_asked_at is not None and self._clock() < self._keys_asked_at + ASKED_AGAIN_AFTER:
                return stale
            return self._fetch_keys(url)

    def _fetch_keys(self, url: str) -> KeySet:
        self._keys_asked_at = self._clock()
        keys = _usable_keys(self._fetched(url))
        self._keys = _Kept(keys, self._clock() + KEPT_FOR)
        return keys

    def _fetched(self, url: str) -> dict[str, Any]:
        if self._quiet_until is not None and self._clock() < self._quiet_until:
            raise OpenIdError(OpenIdRefusal.UNAVAILABLE)
        if not self._is_private(url):
            raise OpenIdError(OpenIdRefusal.BAD_PROVIDER)
        try:
            return self._session.get_object(url)
        except OpenIdError as error:
            if error.reason is OpenIdRefusal.UNAVAILABLE:
                self._quiet_until = self._clock() + QUIET_AFTER_FAILURE
            raise


@dataclass(frozen=True, slots=True)
class _Kept(Generic[_T]):
    value: _T
    until: datetime

    def is_over(self, now: datetime) -> bool:
        return now >= self.until


class _Signatures(JWSRegistry):
    """Checks a token's header: the algorithms above; what else it says does not matter unless ``crit``."""

    def __init__(self) -> None:
        super().__init__(algorithms=ALGORITHMS, strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        # The library warns at each "EdDSA", which RFC 9864 gave two names and providers still write.
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


def _decoded(id_token: str, keys: KeySet) -> jwt.Token:
    return jwt.decode(id_token, keys, registry=_Signatures())


def _usable_keys(document: Mapping[str, Any]) -> KeySet:
    """Return the keys that can be used; others, which providers publish for other ends, are passed over."""
    entries = document.get("keys")
    keys = [key for key in map(_key, entries if isinstance(entries, list) else []) if key is not None]
    if not keys:
        raise OpenIdError(OpenIdRefusal.BAD_PROVIDER)
    return KeySet(keys)


def _key(entry: Any) -> Key | None:
    if not isinstance(entry, dict) or entry.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    try:
        key = JWKRegistry.import_key(entry)
        if isinstance(key, RSAKey) and key.raw_value.key_size < _MIN_RSA_BITS:
            return None
    except (JoseError, *_UNREADABLE):
        return None
    return key


def _bounded(answer: httpx.Response) -> bytes:
    content = bytearray()
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > _MAX_BYTES:
            raise OpenIdError(OpenIdRefusal.BAD_PROVIDER)
    return bytes(content)
