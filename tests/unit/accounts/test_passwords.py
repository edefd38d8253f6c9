"""Passwords are long, nobody's name, and kept as argon2id only."""

import subprocess
import sys
import time

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn import matching

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
        "miasmith2024",
        "Smith.Mia.!!!!!!",
        "example.com!!",
        "josephine josephine",
    ],
)
def test_password_problems_bad_password_is_refused_and_not_shown(password: str) -> None:
    (problem,) = password_problems(password, PERSONAL)
    assert (problem.key, problem.value) == ("password", "(withheld)")


@pytest.mark.parametrize("password", ["twelve chars", "quietharbourlamp", "naïve façade über", "correct horse battery"])
def test_password_problems_no_rule_of_composition(password: str) -> None:
    assert password_problems(password, PERSONAL) == []


@pytest.mark.parametrize(
    ("password", "found"),
    [
        ("Password123!", "a password that many people use"),
        ("qwertyuiopas", "a password that many people use"),
        ("rtyuiopfghjk", "a row of keys"),
        ("onlylowercase", "a common word or name"),
        ("1999123119991231", "a repetition"),
        ("cdefghijklmn", "a sequence such as abc or 654"),
        ("24.12.198724", "a date"),
    ],
)
def test_password_problems_guessable_one_is_refused_with_what_makes_it_so(password: str, found: str) -> None:
    (problem,) = password_problems(password, PERSONAL)
    assert problem.expected.startswith("something harder to guess: add one or two uncommon words; there is ")
    assert found in problem.expected
    assert password not in str(problem)


def test_password_problems_ones_own_name_in_a_phrase_is_no_harm() -> None:
    assert password_problems("mia feeds seven green pelicans", PERSONAL) == []


def test_password_problems_keeps_nobodys_words() -> None:
    """The library's front door leaves the personal words where the next caller, in any thread, finds them."""
    password_problems("correct horse battery", ["pelican@example.com"])
    assert "user_inputs" not in matching.RANKED_DICTIONARIES


@pytest.mark.parametrize("signs", ["{[<!1|7+", "4@8({[<369!1|70$5+%2", "1!|7", "a1b2"])
def test_password_problems_takes_no_longer_for_crafted_signs(signs: str) -> None:
    """72 of these took six seconds: the time of a thread counts here, not that of a busy machine."""
    started = time.thread_time()
    password_problems(signs * 50, ())
    assert time.thread_time() - started < 1.5


def test_password_problems_beginning_that_is_guessable_is_not_saved_by_its_length() -> None:
    assert password_problems("abcd" * 250, ()) != []


@given(st.text(max_size=60))
def test_password_problems_any_text_has_at_most_one_problem_and_is_not_repeated(password: str) -> None:
    problems = password_problems(password, PERSONAL)
    assert all((problem.key, problem.value) == ("password", "(withheld)") for problem in problems)
    assert len(problems) <= 1


def test_passwords_module_costs_no_start_the_word_lists() -> None:
    script = "import sys, firmly.accounts.passwords; sys.exit('zxcvbn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


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
