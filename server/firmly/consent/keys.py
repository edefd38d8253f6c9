"""The keys that sign the consent log: Ed25519, derived from the installation's keys, and how others check them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"firmly.consent-log.v1"
ID_DIGITS = 16


class PublicKeys:
    """Keys with which signatures are checked. ``raw``: 32 bytes each; what is no key is left out."""

    def __init__(self, raw: Iterable[bytes]) -> None:
        self._keys = {key_id(one): one for one in raw if len(one) == 32}

    def holds(self, key: str, text: str, signature: str) -> bool:
        """Tell whether the key with this id is among these and signed ``text``."""
        raw = self._keys.get(key)
        if raw is None:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(from_base64(signature), text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True

    def knows(self, key: str) -> bool:
        return key in self._keys


class LogKeys(PublicKeys):
    """``keys``: the installation's, the newest first. It signs; all of them check."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._private = [Ed25519PrivateKey.from_private_bytes(_derived(key)) for key in keys]
        self._raw = [key.public_key().public_bytes_raw() for key in self._private]
        super().__init__(self._raw)

    @property
    def newest(self) -> str:
        """The id of the key that signs."""
        return key_id(self._raw[0])

    @property
    def public(self) -> tuple[bytes, ...]:
        """The public keys in force, 32 bytes each, the newest first."""
        return tuple(self._raw)

    def sign(self, text: str) -> str:
        """Return the newest key's signature in base64url without padding."""
        return to_base64(self._private[0].sign(text.encode()))


def fingerprint(raw: bytes) -> str:
    """Return what people compare: 64 hexadecimal digits."""
    return sha256(raw).hexdigest()


def key_id(raw: bytes) -> str:
    return fingerprint(raw)[:ID_DIGITS]


def public_fields(raw: bytes) -> dict[str, str]:
    return {"id": key_id(raw), "public": to_base64(raw)}


def to_base64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def from_base64(text: str) -> bytes:
    """Raises ValueError for what is no base64url."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def _derived(key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(key.encode())
