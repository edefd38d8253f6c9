"""How many requests a token has left."""

from datetime import UTC, datetime, timedelta

from firmly.web.api.rates import Allowance, TokenRates

START = datetime(2026, 3, 31, 12, 0, 20, tzinfo=UTC)


def test_what_is_spent_is_refused_until_the_next_minute() -> None:
    rates = TokenRates(2)
    taken = [rates.take(1, 1, START) for _ in range(3)]
    assert taken == [Allowance(2, 1, 40, False), Allowance(2, 0, 40, False), Allowance(2, 0, 40, True)]
    assert rates.take(2, 1, START) == Allowance(2, 1, 40, False)
    assert rates.take(1, 1, START + timedelta(seconds=40)) == Allowance(2, 1, 60, False)


def test_what_costs_more_than_is_left_takes_nothing() -> None:
    rates = TokenRates(10)
    assert rates.take(1, 6, START).remaining == 4
    assert rates.take(1, 6, START) == Allowance(10, 4, 40, True)
    assert rates.take(1, 4, START) == Allowance(10, 0, 40, False)
