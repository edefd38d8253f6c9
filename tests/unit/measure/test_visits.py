"""Visits: half an hour, one campaign, one day; bounded; joined by nothing that outlives the day."""

from datetime import UTC, datetime, timedelta

import pytest

from firmly.measure.visits import MAX_VISITS, VisitTable
from tests.collector import START

A = ("linkedin", "cpc", "autumn")
NONE = ("", "", "")


def table() -> VisitTable:
    made = VisitTable()
    made.rotate(START)
    return made


def test_visit_goes_on_while_events_come_within_half_an_hour() -> None:
    visits = table()
    first, starts = visits.find_or_start(b"k", START, NONE)
    assert starts
    for minutes in (30, 60, 90):
        assert visits.find_or_start(b"k", START + timedelta(minutes=minutes), NONE) == (first, False)
    later, starts = visits.find_or_start(b"k", START + timedelta(minutes=120, seconds=1), NONE)
    assert (starts, later.id != first.id) == (True, True)


def test_new_campaign_is_a_new_visit_and_pages_without_one_go_on() -> None:
    visits = table()
    first, _ = visits.find_or_start(b"k", START, A)
    assert visits.find_or_start(b"k", START, NONE) == (first, False)
    assert visits.find_or_start(b"k", START, ()) == (first, False)
    assert visits.find_or_start(b"k", START, A) == (first, False)
    other, starts = visits.find_or_start(b"k", START, ("newsletter", "email", ""))
    assert (starts, other.id != first.id) == (True, True)


def test_visits_of_different_keys_have_nothing_in_common() -> None:
    visits = table()
    ids = {visits.find_or_start(b"%d" % number, START, NONE)[0].id for number in range(1000)}
    assert len(ids) == 1000
    assert all(0 < one < 2**64 for one in ids)


def test_key_changes_with_the_day_and_visits_are_forgotten() -> None:
    visits = table()
    key, device = visits.key, visits.device_key(1, 7, "ab" * 16)
    visits.find_or_start(device, START, NONE)
    visits.rotate(START + timedelta(hours=13))
    assert (visits.key, len(visits._visits)) == (key, 1)
    visits.rotate(START + timedelta(hours=14))
    assert (visits.key != key, len(visits._visits)) == (True, 0)
    assert visits.device_key(1, 7, "ab" * 16) != device


def test_device_key_differs_by_site_organisation_and_process() -> None:
    visits = table()
    keys = {visits.device_key(1, 7, "ab" * 16), visits.device_key(2, 7, "ab" * 16), visits.device_key(1, 7, "ac" * 16)}
    keys.add(visits.device_key(1, 8, "ab" * 16))
    assert len(keys | {table().device_key(1, 7, "ab" * 16)}) == 5


def test_forgotten_start_starts_again() -> None:
    visits = table()
    visit, _ = visits.find_or_start(b"k", START, NONE)
    visits.forget(b"k", visit)
    visits.forget(b"k", visit)
    assert visits.find_or_start(b"k", START, NONE)[1]


def test_visit_of_another_request_under_the_same_key_is_not_forgotten() -> None:
    visits = table()
    mine, _ = visits.find_or_start(b"k", START, NONE)
    other, starts = visits.find_or_start(b"k", START, A)
    assert starts
    visits.forget(b"k", mine)
    assert visits.find_or_start(b"k", START, A) == (other, False)


def test_table_is_bounded_and_forgets_the_longest_idle() -> None:
    visits = table()
    for number in range(MAX_VISITS):
        visits.find_or_start(b"%d" % number, START, NONE)
    visits.find_or_start(b"0", START, NONE)
    visits.find_or_start(b"one more", START, NONE)
    assert len(visits._visits) == MAX_VISITS
    assert not visits.find_or_start(b"0", START, NONE)[1]
    assert b"1" not in visits._visits


@pytest.mark.parametrize(("key_hour", "changes_at"), [(0, 0), (4, 4), (23, 23)])
def test_key_changes_once_a_day_at_its_hour(key_hour: int, changes_at: int) -> None:
    visits = VisitTable(key_hour)
    keys = []
    for hour in range(48):
        visits.rotate(datetime(2026, 11, 20, tzinfo=UTC) + timedelta(hours=hour))
        keys.append(visits.key)
    changes = [hour for hour in range(1, 48) if keys[hour] != keys[hour - 1]]
    assert changes == [hour for hour in (changes_at, changes_at + 24) if 0 < hour < 48]
