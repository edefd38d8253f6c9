"""Passwords: what is refused, how they are kept, how they are compared.

Only argon2id hashes leave this module; no password is ever part of a message.
"""

import re
import secrets
import threading
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from firmly.model import Problem

MIN_LENGTH = 12
MAX_LENGTH = 1024
_MIN_DIFFERENT = 4
_MIN_OWN = 6
_MIN_SCORE = 3
"""zxcvbn's "safely unguessable": 10^8 guesses and more."""
_AT_ONCE = 2

_ESTIMATED = 40
_ESTIMATED_SUBSTITUTES = 8
_SUBSTITUTES = frozenset("4@8({[<369!1|70$5+%2")
_FOUND = {
    "passwords": "a password that many people use",
    "user_inputs": "your e-mail address or a name",
    "dictionary": "a common word or name",
    "spatial": "a row of keys",
    "repeat": "a repetition",
    "sequence": "a sequence such as abc or 654",
    "regex": "a year",
    "date": "a date",
}


def password_problems(password: str, personal: Iterable[str]) -> list[Problem]:
    """Return why ``password`` is refused; ``personal`` are words it may not be: e-mail address, names.

    Length and how soon it is guessed count, composition does not. Takes milliseconds, at worst a third
    of a second. Source: NIST SP 800-63B-4, 3.1.1.2; D. L. Wheeler, zxcvbn, USENIX Security 2016.
    """
    text, words = _normal(password), _words(personal)
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        return [Problem("password", "(withheld)", f"from {MIN_LENGTH} to {MAX_LENGTH} characters")]
    if len(set(text)) < _MIN_DIFFERENT:
        return [Problem("password", "(withheld)", f"at least {_MIN_DIFFERENT} different characters")]
    if _is_little_more_than(text, words):
        return [Problem("password", "(withheld)", "something else than your e-mail address or a name")]
    return _guessable(text, words)


def _is_little_more_than(text: str, words: Collection[str]) -> bool:
    """Say whether less than six letters and digits are left once the personal words are taken out."""
    left = text.casefold()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, " ")
    return left != text.casefold() and sum(map(str.isalnum, left)) < _MIN_OWN


def _guessable(text: str, words: Sequence[str]) -> list[Problem]:
    # Imported here: its lists of words cost 40 ms and 12 MB.
    from zxcvbn import matching, scoring, time_estimates

    # Not by its front door: that keeps the personal words of whoever asked last for all threads.
    dictionaries = matching.RANKED_DICTIONARIES | {"user_inputs": matching.build_ranked_dict(words)}
    beginning = _beginning(text)
    matches = matching.omnimatch(beginning, dictionaries)
    estimate = scoring.most_guessable_match_sequence(beginning, matches)
    if time_estimates.guesses_to_score(estimate["guesses"]) >= _MIN_SCORE:
        return []
    kinds = dict.fromkeys(_kind(match) for match in estimate["sequence"])
    found = " and ".join(_FOUND[kind] for kind in kinds if kind in _FOUND)
    hint = f"; there is {found} in it" if found else ""
    return [Problem("password", "(withheld)", f"something harder to guess: add one or two uncommon words{hint}")]


def _beginning(text: str) -> str:
    """Return as much of ``text`` as can be estimated in a bounded time: an end more makes nothing easier to guess.

    TRICKY: the estimate tries every way to read "1!|7" as letters: 72 of such signs took six seconds.
    """
    text, seen = text[:_ESTIMATED], set[str]()
    for place, character in enumerate(text):
        if character in _SUBSTITUTES:
            seen.add(character)
        if len(seen) > _ESTIMATED_SUBSTITUTES:
            return text[:place]
    return text


def _words(personal: Iterable[str]) -> list[str]:
    """Return the personal words and their parts, of three characters and more."""
    wholes = [_normal(word).casefold() for word in personal]
    parts = [part for word in wholes for part in re.split(r"[\W_]+", word)]
    return [word for word in dict.fromkeys(parts + wholes) if len(word) >= 3]


def _kind(match: dict[str, Any]) -> str:
    dictionary = match.get("dictionary_name", "")
    return str(dictionary if dictionary in _FOUND else match["pattern"])


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
