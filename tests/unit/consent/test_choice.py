"""What may be chosen and how it is remembered: tables."""

import calendar
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.consent.choice import (
    Action,
    Source,
    State,
    choice_cookie_value,
    comes_from,
    expiry_of,
    fits,
    in_order,
    months_later,
    state_of,
)
from firmly.model import OPTIONAL, Category

P, S, M = Category.PREFERENCES, Category.STATISTICS, Category.MARKETING


@pytest.mark.parametrize(
    ("action", "granted", "state"),
    [
        (Action.ACCEPT_ALL, {S}, State.GIVEN),
        (Action.ACCEPT_ALL, set(), State.REFUSED),
        (Action.REJECT_ALL, set(), State.REFUSED),
        (Action.CUSTOM, {S, M}, State.GIVEN),
        (Action.CUSTOM, set(), State.REFUSED),
        (Action.WITHDRAW, set(), State.WITHDRAWN),
        (Action.WITHDRAW, {S}, State.WITHDRAWN),
    ],
)
def test_state(action: Action, granted: set[Category], state: State) -> None:
    assert state_of(action, frozenset(granted)) is state


@pytest.mark.parametrize(
    ("action", "granted", "does_fit"),
    [
        (Action.ACCEPT_ALL, {S}, True),
        (Action.ACCEPT_ALL, {S, M}, True),
        (Action.ACCEPT_ALL, {M}, False),
        (Action.ACCEPT_ALL, set(), False),
        (Action.REJECT_ALL, set(), True),
        (Action.REJECT_ALL, {S}, False),
        (Action.WITHDRAW, set(), True),
        (Action.WITHDRAW, {M}, False),
        (Action.CUSTOM, {S, M}, True),
        (Action.CUSTOM, set(), True),
    ],
)
def test_choices_fit_their_action(action: Action, granted: set[Category], does_fit: bool) -> None:
    assert fits(action, frozenset(granted), (S,)) is does_fit


@given(
    st.sampled_from(Action), st.frozensets(st.sampled_from(OPTIONAL)), st.sets(st.sampled_from(OPTIONAL), min_size=1)
)
def test_what_fits_is_never_a_grant_by_refusing_nor_a_refusal_by_accepting(
    action: Action, granted: frozenset[Category], offered: set[Category]
) -> None:
    if not fits(action, granted, offered):
        return
    state = state_of(action, granted)
    assert (state is State.GIVEN) == bool(granted)
    assert action is not Action.ACCEPT_ALL or state is State.GIVEN


@given(st.sets(st.sampled_from(Category)))
def test_order_is_one_and_knows_only_what_is_optional(categories: set[Category]) -> None:
    assert in_order(categories) == in_order(sorted(categories)) == [c for c in OPTIONAL if c in categories]


@pytest.mark.parametrize(
    ("granted", "value"),
    [
        (set(), "v1.examplesite.none.abababababababab.20593"),
        ({S}, "v1.examplesite.statistics.abababababababab.20593"),
        ({M, S, P}, "v1.examplesite.preferences-statistics-marketing.abababababababab.20593"),
    ],
)
def test_choice_cookie(granted: set[Category], value: str) -> None:
    assert choice_cookie_value("examplesite", frozenset(granted), "ab" * 32, date(2026, 5, 20)) == value


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 11, 20), 6, date(2027, 5, 20)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 12, 31), 6, date(2027, 6, 30)),
        (date(2026, 8, 29), 6, date(2027, 2, 28)),
        (date(2026, 6, 30), 6, date(2026, 12, 30)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 1, 1), 12, date(2027, 1, 1)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
    ids=str,
)
def test_months_later(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)), st.integers(0, 48))
def test_months_later_is_that_month_and_the_same_or_its_last_day(day: date, months: int) -> None:
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    last = calendar.monthrange(year, month)[1]
    assert months_later(day, months) == date(year, month, day.day if day.day <= last else last)


@pytest.mark.parametrize(
    ("state", "months", "until"),
    [
        (State.GIVEN, 6, date(2027, 5, 20)),
        (State.GIVEN, 1, date(2026, 12, 20)),
        (State.RENEWED, 13, date(2027, 12, 20)),
        (State.REFUSED, 1, date(2027, 5, 20)),
        (State.WITHDRAWN, 3, date(2027, 5, 20)),
        (State.REFUSED, 13, date(2027, 12, 20)),
    ],
)
def test_refusal_is_never_remembered_for_less_than_six_months_nor_than_an_acceptance(
    state: State, months: int, until: date
) -> None:
    assert expiry_of(state, date(2026, 11, 20), months) == until


@given(st.sampled_from(Action), st.frozensets(st.sampled_from(OPTIONAL)), st.frozensets(st.sampled_from(OPTIONAL)))
def test_only_a_visitors_own_yes_leads_to_a_state_that_grants(
    action: Action, granted: frozenset[Category], standing: frozenset[Category]
) -> None:
    state = state_of(action, granted, standing)
    assert state.grants is (action in (Action.ACCEPT_ALL, Action.CUSTOM) and bool(granted))
    assert (state is State.RENEWED) is (state.grants and granted == standing)


@pytest.mark.parametrize("source", [*Source, "elsewhere"])
@pytest.mark.parametrize("action", Action)
def test_signals_come_as_signals_and_the_end_of_time_from_no_browser(action: Action, source: str) -> None:
    allowed = action in (Action.GPC, Action.DNT) if source == Source.SIGNAL else not action.is_signal
    assert comes_from(action, source) is (allowed and action is not Action.EXPIRE and source != Source.SWEEP)
