"""Signing in through an OpenID provider: the authorization code flow with PKCE, and whom it lets in.

Fails closed: who has no verified e-mail address in an allowed domain is nobody. It writes nothing; who
the identity is here, `members` says. Source: OpenID Connect Core 1.0, 3.1; RFC 7636; RFC 9700.
"""

import hmac
import secrets
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote_plus

import httpx
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from firmly.accounts.identity_provider import Endpoints, IdentityProvider, ProviderSession
from firmly.accounts.members import normal_email
from firmly.accounts.openid_sign_in import Begun, Identity, OpenIdError, OpenIdRefusal
from firmly.model import Clock
from firmly.settings import ascii_domain

LEEWAY_S = 60
"""By so much the provider's clock may differ from ours."""

_MAX_EMAIL = 254
_MAX_SUBJECT = 255
_MAX_CODE = 4096
_BAD_CLIENT = ("invalid_client", "unauthorized_client")


class OpenId:
    """Sign-in through one provider. Blocking; safe to use from several threads.

    ``domains`` are as `ascii_domain` writes them; without any nobody gets in. ``redirect_uri`` is the
    page that calls `finish`, as it is registered with the provider.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        domains: Collection[str],
        clock: Clock,
        http: httpx.Client,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._domains = frozenset(domains)
        self._clock = clock
        self._session = ProviderSession(http)
        self._provider = IdentityProvider(issuer, clock, self._session)

    def begin(self) -> Begun:
        """Return a fresh sign-in with the provider's address for it. Raises OpenIdError."""
        endpoint = self._provider.endpoints().authorization
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        url, _ = self._client().create_authorization_url(endpoint, state=state, code_verifier=verifier, nonce=nonce)
        return Begun(state, nonce, verifier, url)

    def finish(self, begun: Begun, answer: Mapping[str, str]) -> Identity:
        """Return who signed in; ``answer`` is the query with which the provider sent the browser back.

        Raises:
            OpenIdError: with the reason why nobody did.
        """
        if not begun.state or not _is_same(answer.get("state", ""), begun.state):
            raise OpenIdError(OpenIdRefusal.BAD_STATE)
        endpoints = self._provider.endpoints()
        tokens = self._tokens(endpoints, begun, self._code(endpoints, answer))
        claims = self._claims(begun, tokens)
        return self._identity(claims, self._contact(endpoints, claims, tokens))

    def _code(self, endpoints: Endpoints, answer: Mapping[str, str]) -> str:
        # Source: RFC 9207, 2.4: against a provider that hands on the answer of another.
        issuer = answer.get("iss")
        if issuer != self._issuer and (issuer is not None or endpoints.names_itself):
            raise OpenIdError(OpenIdRefusal.BAD_ISSUER)
        if "error" in answer:
            raise OpenIdError(OpenIdRefusal.DENIED)
        code = answer.get("code", "")
        if not 1 <= len(code) <= _MAX_CODE or not (code.isascii() and code.isprintable()):
            raise OpenIdError(OpenIdRefusal.BAD_CODE)
        return code

    def _tokens(self, endpoints: Endpoints, begun: Begun, code: str) -> Mapping[str, Any]:
        try:
            tokens = self._client().fetch_token(
                endpoints.token, code=code, code_verifier=begun.verifier, **self._authentication(endpoints)
            )
        except OAuth2Error as error:
            is_ours = error.error in _BAD_CLIENT
            raise OpenIdError(OpenIdRefusal.BAD_CLIENT if is_ours else OpenIdRefusal.BAD_CODE) from None
        except (httpx.HTTPError, ValueError, TypeError, RecursionError):
            raise OpenIdError(OpenIdRefusal.BAD_PROVIDER) from None
        return dict(tokens)

    def _authentication(self, endpoints: Endpoints) -> dict[str, Any]:
        """Return how to tell the provider who we are. Source: RFC 6749, 2.3.1: encoded within Basic."""
        if endpoints.takes_secret_in_body_only:
            return {"client_id": self._client_id, "client_secret": self._client_secret, "auth": httpx.Auth()}
        return {"auth": httpx.BasicAuth(quote_plus(self._client_id), quote_plus(self._client_secret))}

    def _claims(self, begun: Begun, tokens: Mapping[str, Any]) -> CodeIDToken:
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str) or not begun.nonce:
            raise OpenIdError(OpenIdRefusal.BAD_IDENTITY)
        signed = self._provider.token(id_token)
        expected = {name: {"essential": True, "value": value} for name, value in self._addressed().items()}
        params = {"nonce": begun.nonce, "client_id": self._client_id}
        claims = CodeIDToken(signed.claims, signed.header, options=expected, params=params)
        try:
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError):
            raise OpenIdError(OpenIdRefusal.BAD_IDENTITY) from None
        if not _is_subject(claims["sub"]):
            raise OpenIdError(OpenIdRefusal.BAD_IDENTITY)
        return claims

    def _addressed(self) -> dict[str, str]:
        return {"iss": self._issuer, "aud": self._client_id}

    def _contact(self, endpoints: Endpoints, claims: Mapping[str, Any], tokens: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return where the e-mail address stands: in the token, or where the token leads.

        Source: OpenID Connect Core 1.0, 5.4 and 5.3.2: it need not be in the token, and an answer about
        another subject must not be used.
        """
        access_token = tokens.get("access_token")
        is_complete = "email" in claims and "email_verified" in claims
        if is_complete or not endpoints.userinfo or not _is_bearer(access_token):
            return claims
        about = self._session.get_object(endpoints.userinfo, str(access_token))
        if about.get("sub") != claims["sub"]:
            raise OpenIdError(OpenIdRefusal.BAD_IDENTITY)
        return about

    def _identity(self, claims: Mapping[str, Any], contact: Mapping[str, Any]) -> Identity:
        email = contact.get("email")
        if not isinstance(email, str) or not _is_email(email):
            raise OpenIdError(OpenIdRefusal.NO_EMAIL)
        # Not "true" or 1: who cannot say it plainly has not said it.
        if contact.get("email_verified") is not True:
            raise OpenIdError(OpenIdRefusal.EMAIL_NOT_VERIFIED)
        if _domain(email) not in self._domains:
            raise OpenIdError(OpenIdRefusal.FOREIGN_DOMAIN)
        return Identity(f"{self._issuer} {claims['sub']}", normal_email(email))

    def _client(self) -> Any:
        # One per step: it keeps the tokens of whom it served.
        return OAuth2Client(
            self._session,
            self._client_id,
            self._client_secret,
            scope="openid email",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _is_subject(text: str) -> bool:
    return 1 <= len(text) <= _MAX_SUBJECT and text.isprintable()


def _is_bearer(token: object) -> bool:
    return isinstance(token, str) and token.isascii() and token.isprintable() and 1 <= len(token) <= 2**14


def _is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    if not local or not domain or "@" in local or len(text) > _MAX_EMAIL or not text.isprintable() or " " in text:
        return False
    # TRICKY: the Kelvin sign becomes a plain k in lower case, which would make it somebody else's address.
    return local.isascii() or not normal_email(local).isascii()


def _domain(email: str) -> str:
    try:
        return ascii_domain(email.rpartition("@")[2])
    except ValueError:
        return ""
