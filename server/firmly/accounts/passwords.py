"""Passwords: what is refused, how they are kept, how they are compared.

Only argon2id hashes leave this module; no password is ever part of a message.
"""

import secrets
import threading
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from firmly.model import Problem

MIN_LENGTH = 12
MAX_LENGTH = 1024
_MIN_DIFFERENT = 4
_AT_ONCE = 2


def password_problems(password: str, personal: Iterable[str]) -> list[Problem]:
    """Return why ``password`` is refused; ``personal`` are words it may not be: e-mail address, names.

    Length counts, composition does not. Source: NIST SP 800-63B-4, 3.1.1.2.
    """
    text = _normal(password)
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        return [Problem("password", "(withheld)", f"from {MIN_LENGTH} to {MAX_LENGTH} characters")]
    if len(set(text)) < _MIN_DIFFERENT:
        return [Problem("password", "(withheld)", f"at least {_MIN_DIFFERENT} different characters")]
    if text.casefold() in {_normal(word).casefold() for word in personal}:
        return [Problem("password", "(withheld)", "something else than your e-mail address or a name")]
    return []


class Passwords:
    """Hashes and verifies with argon2id. Safe to use from several threads.

    At most two run at once: each takes 64 MiB, and a flood of sign-ins must not take the machine.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        # Source: the library's defaults are RFC 9106, section 4, second recommended option.
        self._hasher = hasher or PasswordHasher()
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._nobodys = self.hashed(secrets.token_urlsafe())

    def hashed(self, password: str) -> str:
        """Return the encoded hash of ``password`` with its parameters and a fresh salt."""
        with self._slots:
            return self._hasher.hash(_encoded(password))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Say whether ``password`` is the one kept; ``None``, nobody's hash, takes as long and never is."""
        if len(password) > MAX_LENGTH:
            password, password_hash = "", None
        try:
            with self._slots:
                self._hasher.verify(password_hash or self._nobodys, _encoded(password))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Say whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)


def _normal(password: str) -> str:
    # The same characters typed on two systems may arrive composed or decomposed.
    return unicodedata.normalize("NFC", password)


def _encoded(password: str) -> bytes:
    # A lone surrogate, which a form can carry, must not become an exception that quotes the password.
    return _normal(password).encode("utf-8", "surrogatepass")
