"""Guessing gets slower, memory stays bounded, and an address is forgotten after a quiet day."""

from datetime import UTC, datetime, timedelta

from firmly.accounts.lockout import Lockout

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_admit_five_attempts_then_a_delay() -> None:
    lockout = Lockout()
    assert [lockout.admit("a@example.com", NOW) for _ in range(7)] == [True] * 5 + [False] * 2


def test_admit_delay_doubles_up_to_fifteen_minutes() -> None:
    lockout, now, delays = Lockout(), NOW, []
    for _ in range(5):
        lockout.admit("a@example.com", now)
    for _ in range(7):
        seconds = next(s for s in range(0, 3600, 30) if lockout.admit("a@example.com", now + timedelta(seconds=s)))
        now += timedelta(seconds=seconds)
        delays.append(seconds)
    assert delays == [30, 60, 120, 240, 480, 900, 900]


def test_admit_very_many_attempts_keep_the_longest_delay() -> None:
    lockout, now = Lockout(), NOW
    for _ in range(2000):
        assert lockout.admit("a@example.com", now)
        now += timedelta(minutes=15)
    assert lockout.admit("a@example.com", now)
    assert not lockout.admit("a@example.com", now + timedelta(minutes=14))


def test_admit_an_attempt_while_closed_does_not_lengthen_the_delay() -> None:
    lockout = Lockout()
    for _ in range(50):
        lockout.admit("a@example.com", NOW)
    assert lockout.admit("a@example.com", NOW + timedelta(seconds=30))


def test_admit_another_address_is_not_slowed() -> None:
    lockout = Lockout()
    for _ in range(6):
        lockout.admit("a@example.com", NOW)
    assert lockout.admit("b@example.com", NOW)


def test_forget_opens_at_once() -> None:
    lockout = Lockout()
    for _ in range(6):
        lockout.admit("a@example.com", NOW)
    lockout.forget("a@example.com")
    assert lockout.admit("a@example.com", NOW)


def test_admit_after_a_quiet_day_counts_anew() -> None:
    lockout = Lockout()
    for _ in range(5):
        lockout.admit("a@example.com", NOW)
    later = NOW + timedelta(days=1, seconds=1)
    assert [lockout.admit("a@example.com", later) for _ in range(6)] == [True] * 5 + [False]


def test_lockout_holds_no_more_than_its_capacity_and_drops_the_oldest() -> None:
    lockout = Lockout(capacity=3)
    for _ in range(5):
        lockout.admit("old@example.com", NOW)
    for name in ("a", "b", "c"):
        lockout.admit(f"{name}@example.com", NOW)
    assert len(lockout) == 3
    assert lockout.admit("old@example.com", NOW)


def test_lockout_keeps_the_address_that_was_tried_last() -> None:
    lockout = Lockout(capacity=2)
    for _ in range(4):
        lockout.admit("target@example.com", NOW)
    lockout.admit("a@example.com", NOW)
    lockout.admit("target@example.com", NOW)
    lockout.admit("b@example.com", NOW)
    assert not lockout.admit("target@example.com", NOW)
