"""What pages need to know of a sign-in through an OpenID provider: begun, done, or why not.

Apart from `openid` because it costs nothing to import: that one loads 150 ms of libraries.
"""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that a browser has begun. It lies in a signed cookie of that browser until `OpenId.finish`.

    ``url`` is where the browser goes next; to finish it is not needed. The rest is 256 random bits
    each and is not shown when printed.
    """

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in. Personal data.

    ``subject`` is the issuer, a space and the provider's id of the person: unlike the address it never
    becomes somebody else's, so members are linked by it. ``email`` is in the members' normal form.
    """

    subject: str = field(repr=False)
    email: str = field(repr=False)


class OpenIdRefusal(StrEnum):
    """Why nobody was signed in: the closed set of reasons."""

    UNAVAILABLE = "unavailable"
    """The provider does not answer, or answers 429 or 5xx. Trying again later may help."""
    BAD_PROVIDER = "bad_provider"
    """Its documents are unreadable, another issuer's, or name addresses without TLS: for the operator."""
    BAD_CLIENT = "bad_client"
    """It does not know this installation, or the secret is wrong: for the operator."""
    BAD_STATE = "bad_state"
    """The answer belongs to no sign-in of this browser, or to one that took too long."""
    BAD_ISSUER = "bad_issuer"
    """The answer says that it comes from another provider."""
    DENIED = "denied"
    """The provider refused, or the person turned back there."""
    BAD_CODE = "bad_code"
    """The code is missing, spent, too old or another client's."""
    BAD_IDENTITY = "bad_identity"
    """The signature, issuer, audience, time, nonce or subject of the token is not right."""
    NO_EMAIL = "no_email"
    EMAIL_NOT_VERIFIED = "email_not_verified"
    FOREIGN_DOMAIN = "foreign_domain"


class OpenIdError(Exception):
    """A sign-in that did not come about; ``reason`` is all there is to say."""

    def __init__(self, reason: OpenIdRefusal) -> None:
        self.reason = reason
        super().__init__(f"signing in through the provider failed: {reason}")
