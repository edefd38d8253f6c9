"""Sign-in through a provider: real HTTP to a provider on this machine, and each check it must not pass."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from firmly.accounts.identity_provider import IdentityProvider, ProviderSession
from firmly.accounts.openid import OpenId
from firmly.accounts.openid_sign_in import Begun, Identity, OpenIdError, OpenIdRefusal
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, new_key, running_provider, secret_key
from tests.unit.accounts.conftest import SetClock

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def provider(clock: SetClock) -> Iterator[OpenIdProvider]:
    with running_provider(clock) as provider:
        yield provider


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as http:
        yield http


@pytest.fixture
def openid(provider: OpenIdProvider, clock: SetClock, http: httpx.Client) -> OpenId:
    return opened(provider, clock, http)


def opened(provider: OpenIdProvider, clock: SetClock, http: httpx.Client, **changes: Any) -> OpenId:
    parts: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": provider.redirect_uri,
        "domains": ("example.com", "xn--mnchen-3ya.example"),
    }
    return OpenId(**(parts | changes), clock=clock, http=http)


def signed_in(openid: OpenId, provider: OpenIdProvider) -> Identity:
    begun = openid.begin()
    return openid.finish(begun, provider.browse(begun.url))


def refusal_of(openid: OpenId, provider: OpenIdProvider) -> OpenIdRefusal:
    with pytest.raises(OpenIdError) as failure:
        signed_in(openid, provider)
    return failure.value.reason


def test_person_signs_in(openid: OpenId, provider: OpenIdProvider) -> None:
    assert signed_in(openid, provider) == Identity(f"{provider.issuer} person-7", "mia@example.com")


def test_begin_asks_for_a_code_with_pkce_state_and_nonce(openid: OpenId, provider: OpenIdProvider) -> None:
    begun = openid.begin()
    query = parse_qs(urlsplit(begun.url).query)
    assert begun.url.startswith(f"{provider.issuer}/authorize?")
    assert query == {
        "response_type": ["code"],
        "client_id": [CLIENT_ID],
        "redirect_uri": [provider.redirect_uri],
        "scope": ["openid email"],
        "state": [begun.state],
        "nonce": [begun.nonce],
        "code_challenge": query["code_challenge"],
        "code_challenge_method": ["S256"],
    }
    assert begun.verifier not in begun.url


def test_begin_is_never_twice_the_same(openid: OpenId) -> None:
    one, two = openid.begin(), openid.begin()
    assert len({one.state, one.nonce, one.verifier, two.state, two.nonce, two.verifier}) == 6
    assert min(map(len, (one.state, one.nonce, one.verifier))) == 43


def test_secrets_and_people_are_not_printed(openid: OpenId, provider: OpenIdProvider) -> None:
    begun = openid.begin()
    identity = openid.finish(begun, provider.browse(begun.url))
    assert (repr(begun), repr(identity)) == ("Begun()", "Identity()")


def test_cookies_of_the_provider_do_not_come_back(openid: OpenId, provider: OpenIdProvider) -> None:
    signed_in(openid, provider)
    signed_in(openid, provider)
    assert provider.cookies == []


def test_begun_needs_no_address_to_be_finished(openid: OpenId, provider: OpenIdProvider) -> None:
    begun = openid.begin()
    kept = Begun(state=begun.state, nonce=begun.nonce, verifier=begun.verifier)
    assert openid.finish(kept, provider.browse(begun.url)).email == "mia@example.com"


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", lambda: RSAKey.generate_key(2048)),
        ("PS256", lambda: RSAKey.generate_key(2048)),
        ("ES256", lambda: ECKey.generate_key("P-256")),
        ("EdDSA", lambda: OKPKey.generate_key("Ed25519")),
        ("Ed25519", lambda: OKPKey.generate_key("Ed25519")),
    ],
    ids=["RS256", "PS256", "ES256", "EdDSA", "Ed25519"],
)
def test_signatures_that_count(openid: OpenId, provider: OpenIdProvider, algorithm: str, key: Any) -> None:
    provider.algorithm, provider.signing_key = algorithm, key()
    provider.header = {"x-of-the-provider": "which is of no matter"}
    assert signed_in(openid, provider).email == "mia@example.com"


def test_signature_none_does_not_count(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.algorithm = "none"
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


def test_signature_with_a_shared_secret_does_not_count(openid: OpenId, provider: OpenIdProvider) -> None:
    """Also where the provider's own keys hold that secret."""
    provider.algorithm, provider.signing_key = "HS256", secret_key()
    provider.keys = [secret_key().as_dict(), new_key("other").as_dict(private=False)]
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


def test_signature_of_a_strong_but_unlisted_algorithm_does_not_count(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.algorithm, provider.signing_key = "ES384", ECKey.generate_key("P-384", {"kid": "first"})
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


def test_signature_by_another_key_of_that_name_does_not_count(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.keys = [new_key("first").as_dict(private=False)]
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


def test_key_that_the_token_brings_along_does_not_count(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.keys = [new_key("other").as_dict(private=False)]
    provider.header = {"jwk": provider.signing_key.as_dict(private=False)}
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


def test_token_with_a_critical_header_that_nobody_knows_does_not_count(
    openid: OpenId, provider: OpenIdProvider
) -> None:
    provider.header = {"crit": ["x-must"], "x-must": "be understood"}
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


OTHERS = "https://other.example"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": OTHERS},
        {"iss": None},
        {"iss": 7},
        {"aud": OTHERS},
        {"aud": None},
        {"aud": []},
        {"aud": [OTHERS]},
        {"aud": [CLIENT_ID, OTHERS]},
        {"aud": [CLIENT_ID, OTHERS], "azp": OTHERS},
        {"azp": OTHERS},
        {"exp": -60},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"iat": 61},
        {"iat": None},
        {"nbf": 61},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"nonce": 7},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "two\nlines"},
    ],
    ids=str,
)
def test_identity_that_does_not_count(
    openid: OpenId, provider: OpenIdProvider, clock: SetClock, claims: dict[str, Any]
) -> None:
    provider.claims = timed(claims, clock)
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [OTHERS, CLIENT_ID], "azp": CLIENT_ID},
        {"azp": CLIENT_ID},
        {"exp": -59},
        {"iat": 60},
        {"nbf": 60},
        {"sub": "x" * 255},
        {"more": ["of", "no", "matter"]},
    ],
    ids=str,
)
def test_identity_that_counts(
    openid: OpenId, provider: OpenIdProvider, clock: SetClock, claims: dict[str, Any]
) -> None:
    provider.claims = timed(claims, clock)
    assert signed_in(openid, provider).email == "mia@example.com"


def timed(claims: dict[str, Any], clock: SetClock) -> dict[str, Any]:
    """Whole numbers of seconds from now become times."""
    now = int(clock().timestamp())
    return {
        name: now + value if name in ("exp", "iat", "nbf") and isinstance(value, int) else value
        for name, value in claims.items()
    }


@pytest.mark.parametrize(
    "email",
    [
        None,
        "",
        7,
        "mia",
        "@example.com",
        "mia@",
        "mia@evil.example@example.com",
        "mia @example.com",
        "mia\n@example.com",
        "m" * 243 + "@example.com",
        "\u212aai@example.com",
    ],
)
def test_email_that_is_none(openid: OpenId, provider: OpenIdProvider, email: object) -> None:
    provider.claims = {"email": email}
    assert refusal_of(openid, provider) is OpenIdRefusal.NO_EMAIL


@pytest.mark.parametrize("is_verified", [False, None, "true", 1])
def test_email_that_is_not_verified(openid: OpenId, provider: OpenIdProvider, is_verified: object) -> None:
    provider.claims = {"email_verified": is_verified}
    assert refusal_of(openid, provider) is OpenIdRefusal.EMAIL_NOT_VERIFIED


@pytest.mark.parametrize(
    "domain",
    [
        "example.org",
        "sub.example.com",
        "notexample.com",
        "example.com.evil.example",
        "example.comx",
        "com",
        "example..com",
        "[127.0.0.1]",
        "munchen.example",
        "\u00fc" * 100 + ".example",
    ],
)
def test_email_in_a_foreign_domain(openid: OpenId, provider: OpenIdProvider, domain: str) -> None:
    provider.claims = {"email": f"mia@{domain}"}
    assert refusal_of(openid, provider) is OpenIdRefusal.FOREIGN_DOMAIN


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Mia.Smith@EXAMPLE.com", "mia.smith@example.com"),
        ("mia@m\u00fcnchen.example", "mia@m\u00fcnchen.example"),
        ("mia@M\u00dcNCHEN.example", "mia@m\u00fcnchen.example"),
        ("mia@xn--mnchen-3ya.example", "mia@xn--mnchen-3ya.example"),
        ("j\u00fcrgen@example.com", "j\u00fcrgen@example.com"),
    ],
)
def test_email_in_an_allowed_domain(openid: OpenId, provider: OpenIdProvider, given: str, kept: str) -> None:
    provider.claims = {"email": given}
    assert signed_in(openid, provider).email == kept


def test_no_domains_let_nobody_in(provider: OpenIdProvider, clock: SetClock, http: httpx.Client) -> None:
    openid = opened(provider, clock, http, domains=())
    assert refusal_of(openid, provider) is OpenIdRefusal.FOREIGN_DOMAIN


def test_userinfo_is_asked_where_the_token_has_no_email(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.document = {"userinfo_endpoint": f"{provider.issuer}/userinfo"}
    provider.claims = {"email": None, "email_verified": None}
    provider.userinfo = {"sub": "person-7", "email": "mia@example.com", "email_verified": True}
    assert signed_in(openid, provider).email == "mia@example.com"


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"sub": "person-8"}, OpenIdRefusal.BAD_IDENTITY),
        ({"sub": None}, OpenIdRefusal.BAD_IDENTITY),
        ({"email_verified": False}, OpenIdRefusal.EMAIL_NOT_VERIFIED),
        ({"email": "mia@example.org"}, OpenIdRefusal.FOREIGN_DOMAIN),
    ],
    ids=str,
)
def test_userinfo_is_checked_like_the_token(
    openid: OpenId, provider: OpenIdProvider, about: dict[str, Any], reason: OpenIdRefusal
) -> None:
    provider.document = {"userinfo_endpoint": f"{provider.issuer}/userinfo"}
    provider.claims = {"email": None, "email_verified": None}
    provider.userinfo = {"sub": "person-7", "email": "mia@example.com", "email_verified": True} | about
    assert refusal_of(openid, provider) is reason


def test_token_that_is_complete_asks_for_no_userinfo(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.document = {"userinfo_endpoint": f"{provider.issuer}/userinfo"}
    signed_in(openid, provider)
    assert provider.asked["/userinfo"] == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"state": "of another browser"}, OpenIdRefusal.BAD_STATE),
        ({"state": "\ud800"}, OpenIdRefusal.BAD_STATE),
        ({"state": None}, OpenIdRefusal.BAD_STATE),
        ({"state": "of another browser", "error": "access_denied"}, OpenIdRefusal.BAD_STATE),
        ({"iss": OTHERS}, OpenIdRefusal.BAD_ISSUER),
        ({"iss": ""}, OpenIdRefusal.BAD_ISSUER),
        ({"error": "access_denied"}, OpenIdRefusal.DENIED),
        ({"code": None}, OpenIdRefusal.BAD_CODE),
        ({"code": ""}, OpenIdRefusal.BAD_CODE),
        ({"code": "guessed"}, OpenIdRefusal.BAD_CODE),
        ({"code": "\u00e9 \ud800"}, OpenIdRefusal.BAD_CODE),
        ({"code": "x" * 4097}, OpenIdRefusal.BAD_CODE),
    ],
    ids=ascii,
)
def test_answer_that_does_not_count(
    openid: OpenId, provider: OpenIdProvider, answer: dict[str, str | None], reason: OpenIdRefusal
) -> None:
    begun = openid.begin()
    whole = provider.browse(begun.url) | answer
    with pytest.raises(OpenIdError) as failure:
        openid.finish(begun, {name: value for name, value in whole.items() if value is not None})
    assert failure.value.reason is reason


def test_answer_with_a_foreign_state_costs_the_provider_nothing(openid: OpenId, provider: OpenIdProvider) -> None:
    begun = openid.begin()
    asked = dict(provider.asked)
    with pytest.raises(OpenIdError):
        openid.finish(begun, {"state": "foreign", "code": "guessed"})
    assert dict(provider.asked) == asked


@pytest.mark.parametrize("code", ["", "x" * 4097, "\u00e9"], ids=["none", "long", "foreign"])
def test_answer_without_a_proper_code_costs_the_provider_nothing(
    openid: OpenId, provider: OpenIdProvider, code: str
) -> None:
    begun = openid.begin()
    with pytest.raises(OpenIdError):
        openid.finish(begun, provider.browse(begun.url) | {"code": code})
    assert provider.asked["/token"] == 0


def test_answer_to_a_sign_in_without_state_is_refused(openid: OpenId) -> None:
    with pytest.raises(OpenIdError) as failure:
        openid.finish(Begun(state="", nonce="n", verifier="v"), {"state": "", "code": "c"})
    assert failure.value.reason is OpenIdRefusal.BAD_STATE


def test_sign_in_without_nonce_is_refused(openid: OpenId, provider: OpenIdProvider) -> None:
    begun = openid.begin()
    answer = provider.browse(begun.url)
    with pytest.raises(OpenIdError) as failure:
        openid.finish(replace(begun, nonce=""), answer)
    assert failure.value.reason is OpenIdRefusal.BAD_IDENTITY


def test_answer_need_not_name_the_issuer_unless_the_provider_promised(
    provider: OpenIdProvider, clock: SetClock, http: httpx.Client
) -> None:
    provider.answer = {"iss": None}
    assert signed_in(opened(provider, clock, http), provider).email == "mia@example.com"
    provider.document = {"authorization_response_iss_parameter_supported": True}
    assert refusal_of(opened(provider, clock, http), provider) is OpenIdRefusal.BAD_ISSUER


def test_code_counts_once(openid: OpenId, provider: OpenIdProvider) -> None:
    begun = openid.begin()
    answer = provider.browse(begun.url)
    openid.finish(begun, answer)
    with pytest.raises(OpenIdError) as failure:
        openid.finish(begun, answer)
    assert failure.value.reason is OpenIdRefusal.BAD_CODE


def test_code_is_of_no_use_without_the_verifier(openid: OpenId, provider: OpenIdProvider) -> None:
    begun = openid.begin()
    answer = provider.browse(begun.url)
    with pytest.raises(OpenIdError) as failure:
        openid.finish(replace(begun, verifier=openid.begin().verifier), answer)
    assert failure.value.reason is OpenIdRefusal.BAD_CODE


def test_wrong_secret_is_the_operators_matter(provider: OpenIdProvider, clock: SetClock, http: httpx.Client) -> None:
    openid = opened(provider, clock, http, client_secret="hunter2")
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_CLIENT


def test_secret_goes_in_the_body_where_nothing_else_is_taken(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.takes_secret_in_body = True
    assert signed_in(openid, provider).email == "mia@example.com"


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": OTHERS},
        {"issuer": None},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://id.example/authorize"},
        {"token_endpoint": None},
        {"token_endpoint": 7},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": "https://id.example@evil.example/token"},
        {"token_endpoint": "https://["},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"jwks_uri": "http://id.example/keys"},
        {"userinfo_endpoint": "http://id.example/userinfo"},
    ],
    ids=str,
)
def test_discovery_that_cannot_be_trusted(openid: OpenId, provider: OpenIdProvider, document: dict[str, Any]) -> None:
    provider.document = document
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_PROVIDER


def test_issuer_with_another_closing_slash_is_another(
    provider: OpenIdProvider, clock: SetClock, http: httpx.Client
) -> None:
    openid = opened(provider, clock, http, issuer=provider.issuer + "/")
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_PROVIDER


def test_issuer_without_tls_beyond_this_machine_is_not_asked(provider: OpenIdProvider, clock: SetClock) -> None:
    with httpx.Client(transport=Tunnel(provider.issuer)) as http:
        provider.document = {"issuer": "http://id.example"}
        openid = opened(provider, clock, http, issuer="http://id.example")
        assert refusal_of(openid, provider) is OpenIdRefusal.BAD_PROVIDER
    assert not provider.asked


def test_issuer_with_tls_may_not_lead_to_this_machine_without(provider: OpenIdProvider, clock: SetClock) -> None:
    loopback, provider.issuer = provider.issuer, "https://id.example"
    with httpx.Client(transport=Tunnel(loopback)) as http:
        assert opened(provider, clock, http).begin().url.startswith("https://id.example/authorize?")
        provider.document = {"token_endpoint": f"{loopback}/token"}
        with pytest.raises(OpenIdError) as failure:
            opened(provider, clock, http).begin()
    assert failure.value.reason is OpenIdRefusal.BAD_PROVIDER


class Tunnel(httpx.BaseTransport):
    """Takes every request to one place, as a proxy that ends TLS does."""

    def __init__(self, place: str) -> None:
        self._place = httpx.URL(place)
        self._transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._place.host, port=self._place.port)
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_provider_that_fails_is_away(openid: OpenId, provider: OpenIdProvider, path: str, status: int) -> None:
    provider.statuses[path] = status
    assert refusal_of(openid, provider) is OpenIdRefusal.UNAVAILABLE


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token"])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (302, b""),
        (404, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"\xff"),
        (200, b"[" * 100_000),
        (200, b'{"padding": "' + b"x" * 2**20 + b'"}'),
    ],
    ids=["redirect", "missing", "html", "list", "binary", "deep", "huge"],
)
def test_provider_that_answers_nonsense(
    openid: OpenId, provider: OpenIdProvider, path: str, status: int, body: bytes
) -> None:
    provider.statuses[path], provider.bodies[path] = status, body
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_PROVIDER
    assert provider.asked["/elsewhere"] == 0


@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
def test_document_that_comes_with_an_error_does_not_count(openid: OpenId, provider: OpenIdProvider, path: str) -> None:
    document = provider.discovery() if path == DISCOVERY else provider.published_keys()
    provider.statuses[path], provider.bodies[path] = 404, json.dumps(document).encode()
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_PROVIDER


@pytest.mark.parametrize(
    "tokens", [{}, {"id_token": None}, {"id_token": ["a"]}, {"id_token": "a.b.c"}, {"id_token": "a.b.c.d.e"}], ids=str
)
def test_tokens_without_an_identity(openid: OpenId, provider: OpenIdProvider, tokens: dict[str, Any]) -> None:
    provider.bodies["/token"] = json.dumps({"access_token": "opaque", "token_type": "Bearer"} | tokens).encode()
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


def test_provider_that_is_not_there_is_away_and_left_alone_for_a_moment(clock: SetClock, http: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    away = OpenIdProvider(f"http://127.0.0.1:{port}", clock)
    openid = opened(away, clock, http)
    with pytest.raises(OpenIdError) as failure:
        openid.begin()
    assert failure.value.reason is OpenIdRefusal.UNAVAILABLE


def test_provider_that_was_away_is_asked_again_after_ten_seconds(
    openid: OpenId, provider: OpenIdProvider, clock: SetClock
) -> None:
    provider.statuses[DISCOVERY] = 503
    for _ in range(3):
        assert refusal_of(openid, provider) is OpenIdRefusal.UNAVAILABLE
    assert provider.asked[DISCOVERY] == 1
    del provider.statuses[DISCOVERY]
    clock.advance(seconds=9.9)
    assert refusal_of(openid, provider) is OpenIdRefusal.UNAVAILABLE
    clock.advance(seconds=0.1)
    assert signed_in(openid, provider).email == "mia@example.com"


def test_documents_are_asked_for_once_an_hour(openid: OpenId, provider: OpenIdProvider, clock: SetClock) -> None:
    signed_in(openid, provider)
    clock.advance(minutes=59)
    signed_in(openid, provider)
    assert (provider.asked[DISCOVERY], provider.asked["/keys"]) == (1, 1)
    clock.advance(minutes=1)
    signed_in(openid, provider)
    assert (provider.asked[DISCOVERY], provider.asked["/keys"]) == (2, 2)


def test_key_that_the_provider_withdrew_counts_for_an_hour_at_most(
    openid: OpenId, provider: OpenIdProvider, clock: SetClock
) -> None:
    signed_in(openid, provider)
    provider.keys = [new_key("other").as_dict(private=False)]
    clock.advance(hours=1)
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


def test_new_key_is_asked_for_at_once_but_once_a_minute(
    openid: OpenId, provider: OpenIdProvider, clock: SetClock
) -> None:
    signed_in(openid, provider)
    clock.advance(minutes=5)
    provider.signing_key = new_key("second")
    assert signed_in(openid, provider).email == "mia@example.com"
    assert provider.asked["/keys"] == 2

    provider.signing_key = new_key("third")
    clock.advance(seconds=59)
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY
    assert provider.asked["/keys"] == 2
    clock.advance(seconds=1)
    assert signed_in(openid, provider).email == "mia@example.com"
    assert provider.asked["/keys"] == 3


@pytest.mark.filterwarnings("ignore:Key size")
def test_keys_that_cannot_be_used_spoil_no_others(openid: OpenId, provider: OpenIdProvider) -> None:
    good = provider.signing_key.as_dict(private=False)
    provider.keys = [
        "text",  # type: ignore[list-item]
        {},
        {"kty": "AKP", "kid": "post-quantum"},
        {"kty": "RSA", "kid": "half"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43, "use": "enc"},
        weak_key().as_dict(private=False),
        good,
    ]
    assert signed_in(openid, provider).email == "mia@example.com"


@pytest.mark.filterwarnings("ignore:Key size")
def test_key_that_can_be_factored_does_not_count(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.algorithm, provider.signing_key = "RS256", weak_key()
    provider.keys = [provider.signing_key.as_dict(private=False), new_key("other").as_dict(private=False)]
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


def weak_key() -> Key:
    private = rsa.generate_private_key(65537, 1024)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return RSAKey.import_key(pem, {"kid": "weak"})


def test_token_without_a_key_id_counts_where_there_is_one_key(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.header = {"kid": None}
    assert signed_in(openid, provider).email == "mia@example.com"


def test_token_without_a_key_id_among_several_keys_does_not(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.header = {"kid": None}
    provider.keys = [provider.signing_key.as_dict(private=False), new_key("other").as_dict(private=False)]
    assert refusal_of(openid, provider) is OpenIdRefusal.BAD_IDENTITY


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(text=st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_any_text_as_a_token_is_refused(
    provider: OpenIdProvider, clock: SetClock, http: httpx.Client, text: str
) -> None:
    with pytest.raises(OpenIdError) as failure:
        IdentityProvider(provider.issuer, clock, ProviderSession(http)).token(text)
    assert failure.value.reason is OpenIdRefusal.BAD_IDENTITY


def test_failure_says_its_reason_and_nothing_else(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.claims = {"email": "mia@evil.example"}
    with pytest.raises(OpenIdError) as failure:
        signed_in(openid, provider)
    assert str(failure.value) == "signing in through the provider failed: foreign_domain"
    assert failure.value.__cause__ is None


def test_many_at_once_ask_for_the_documents_once(openid: OpenId, provider: OpenIdProvider) -> None:
    provider.pause_s = 0.05
    emails: list[str] = []
    threads = [threading.Thread(target=lambda: emails.append(signed_in(openid, provider).email)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert emails == ["mia@example.com"] * 8
    assert (provider.asked[DISCOVERY], provider.asked["/keys"], provider.asked["/token"]) == (1, 1, 8)
