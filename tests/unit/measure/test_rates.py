"""Rates: per source and per site in windows of ten seconds, with bounded memory that forgets."""

import ipaddress
from datetime import timedelta

from firmly.measure import rates
from firmly.measure.rates import WINDOW_S, RateLimiter
from firmly.organisations.address import Address
from tests.collector import START

WINDOW = timedelta(seconds=WINDOW_S)
NOW = START - timedelta(seconds=START.timestamp() % WINDOW_S)


def admitted(limiter: RateLimiter, text: str, count: int, site_id: int = 1) -> int:
    return sum(limiter.admits(site_id, Address.parse(text), NOW) for _ in range(count))


def test_source_is_bounded_and_others_are_not_touched() -> None:
    limiter = RateLimiter(per_source=3)
    assert admitted(limiter, "192.0.2.1", 5) == 3
    assert admitted(limiter, "192.0.2.2", 2) == 2
    assert admitted(limiter, "192.0.2.1", 2, site_id=2) == 0


def test_one_subscriber_of_ipv6_is_one_source() -> None:
    limiter = RateLimiter(per_source=3)
    assert sum(admitted(limiter, f"2001:db8:0:1::{number:x}", 1) for number in range(10)) == 3
    assert admitted(limiter, "2001:db8:0:2::1", 1) == 1


def test_site_is_bounded_over_all_sources() -> None:
    limiter = RateLimiter(per_site=5)
    assert sum(admitted(limiter, f"192.0.2.{number}", 1) for number in range(10)) == 5
    assert admitted(limiter, "192.0.2.99", 1, site_id=2) == 1


def test_flood_of_one_source_leaves_the_site_to_others() -> None:
    limiter = RateLimiter(per_source=3, per_site=5)
    assert admitted(limiter, "192.0.2.1", 1000) == 3
    assert admitted(limiter, "192.0.2.2", 1) == 1


def test_source_that_is_refused_is_not_remembered_again_and_again() -> None:
    limiter = RateLimiter(per_source=3)
    admitted(limiter, "192.0.2.1", 1000)
    assert list(limiter._sources.values()) == [3]


def test_next_window_begins_anew_under_another_key() -> None:
    limiter = RateLimiter(per_source=1)
    address = Address.parse("192.0.2.1")
    moments = [NOW, NOW + WINDOW - timedelta(microseconds=1), NOW + WINDOW]
    keys = []
    answers = []
    for moment in moments:
        answers.append(limiter.admits(1, address, moment))
        keys.append((limiter._keyed.digest(), frozenset(limiter._sources)))
    assert answers == [True, False, True]
    assert keys[0] == keys[1]
    assert not keys[0][1] & keys[2][1]


def test_memory_is_bounded_and_known_sources_stay_so() -> None:
    limiter = RateLimiter(per_source=2, per_site=10**9)
    assert admitted(limiter, "192.0.2.1", 1) == 1
    for number in range(rates.MAX_SOURCES + 100):
        limiter.admits(1, Address(ipaddress.IPv4Address(0x0B000000 + number).packed), NOW)
    assert len(limiter._sources) == rates.MAX_SOURCES
    assert admitted(limiter, "192.0.2.1", 5) == 1


def test_window_that_is_over_is_forgotten_also_while_nobody_asks() -> None:
    limiter = RateLimiter()
    assert limiter.admits(1, Address.parse("203.0.113.7"), START)
    kept, keyed = limiter._sources, limiter._keyed
    limiter.turn(START + timedelta(seconds=1))
    assert limiter._sources is kept
    limiter.turn(START + timedelta(seconds=10))
    assert (limiter._sources, limiter._sites) == ({}, {})
    assert limiter._keyed is not keyed
