"""Signs links, forms and cookies with the installation's keys: newest first, older ones stay valid for reading."""

import hashlib
from collections.abc import Sequence
from typing import Any

from itsdangerous import Signer, URLSafeSerializer, URLSafeTimedSerializer

_HOW: dict[str, Any] = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


def signer(keys: Sequence[str], salt: str) -> Signer:
    """Return what signs single values; ``salt`` names what for, so that no signature serves for something else."""
    return Signer(_oldest_first(keys), salt=salt, **_HOW)


def serializer(keys: Sequence[str], salt: str) -> URLSafeSerializer:
    """Return what signs JSON into text for a link."""
    return URLSafeSerializer(_oldest_first(keys), salt=salt, signer_kwargs=_HOW)


def timed_serializer(keys: Sequence[str], salt: str) -> URLSafeTimedSerializer:
    """Return what signs JSON together with the time of signing."""
    return URLSafeTimedSerializer(_oldest_first(keys), salt=salt, signer_kwargs=_HOW)


def _oldest_first(keys: Sequence[str]) -> list[bytes]:
    """Return the keys in the library's order: it signs with the last one."""
    return [key.encode() for key in reversed(keys)]
