"""Passwords are long, nobody's name, and kept as argon2id only."""

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from firmly.accounts.passwords import MAX_LENGTH, Passwords, password_problems

PERSONAL = ("mia.smith@example.com", "mia.smith", "example.com", "Mia Josephine Smith")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "elevenchars",
        "a" * 12,
        "abcabcabcabcabc",
        "mia.smith@example.com",
        "MIA.SMITH@EXAMPLE.COM",
        "mia josephine smith",
        "a long phrase " * 100,
    ],
)
def test_password_problems_bad_password_is_refused_and_not_shown(password: str) -> None:
    (problem,) = password_problems(password, PERSONAL)
    assert (problem.key, problem.value) == ("password", "(withheld)")


@pytest.mark.parametrize("password", ["twelve chars", "onlylowercase", "naïve façade über", "correct horse battery"])
def test_password_problems_no_rule_of_composition(password: str) -> None:
    assert password_problems(password, PERSONAL) == []


def test_hashed_is_argon2id_with_a_fresh_salt(passwords: Passwords) -> None:
    first, second = passwords.hashed("some long password"), passwords.hashed("some long password")
    assert first.startswith("$argon2id$v=19$")
    assert first != second


def test_passwords_defaults_are_those_of_the_rfc() -> None:
    """RFC 9106, section 4: 3 passes over 64 MiB in 4 lanes."""
    assert Passwords().hashed("some long password").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_verify_right_and_wrong(passwords: Passwords) -> None:
    kept = passwords.hashed("some long password")
    assert passwords.verify(kept, "some long password")
    assert not passwords.verify(kept, "some long passwore")


def test_verify_composed_and_decomposed_are_the_same(passwords: Passwords) -> None:
    assert passwords.verify(passwords.hashed("fa\u00e7ade facade"), "fac\u0327ade facade")


@pytest.mark.parametrize("password", ["", "some long password", "\ud800 lone surrogate", "a" * (MAX_LENGTH + 1), "\0"])
def test_verify_nobody_is_never_let_in(passwords: Passwords, password: str) -> None:
    assert not passwords.verify(None, password)


def test_verify_damaged_hash_lets_nobody_in(passwords: Passwords) -> None:
    assert not passwords.verify("not a hash", "some long password")


def test_verify_nobody_takes_as_long_as_a_wrong_password() -> None:
    """Both run argon2 to its end once: counted, since the clock of a busy machine would lie."""
    hasher = CountingHasher()
    passwords = Passwords(hasher)
    kept = passwords.hashed("some long password")
    passwords.verify(kept, "a wrong password")
    passwords.verify(None, "a wrong password")
    passwords.verify(None, "a" * (MAX_LENGTH + 1))
    assert hasher.worked == 3


class CountingHasher(PasswordHasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.worked = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        try:
            return super().verify(hash, password)
        except VerifyMismatchError:
            self.worked += 1
            raise


def test_is_outdated_after_parameters_changed(passwords: Passwords) -> None:
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    kept = passwords.hashed("some long password")
    assert (passwords.is_outdated(kept), stronger.is_outdated(kept)) == (False, True)
