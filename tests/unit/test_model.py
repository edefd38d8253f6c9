"""The shared words: errors that say all problems, a clock that is aware."""

from datetime import UTC

from firmly.model import DropReason, InvalidInputError, Problem, system_clock


def test_problems_are_said_together_and_quoted() -> None:
    error = InvalidInputError("this cannot be used", [Problem("a", "1\n2", "a line"), Problem("b", "", "something")])
    assert str(error) == "this cannot be used:\n  a='1\\n2': expected a line\n  b='': expected something"


def test_clock_is_aware_and_in_utc() -> None:
    assert system_clock().tzinfo is UTC


def test_drop_reasons_are_plain_words_for_a_header() -> None:
    assert all(reason.value.replace("_", "").isalpha() and reason.value.islower() for reason in DropReason)
