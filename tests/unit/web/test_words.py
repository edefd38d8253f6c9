"""Numbers, times and closed sets in words."""

from datetime import UTC, datetime, timedelta

import pytest

from firmly.leads.lead import Moment
from firmly.leads.visit import Origin
from firmly.model import BeforeConsent, Confidence, DropReason, OrgKind
from firmly.web import words

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def plain(text: str) -> str:
    return text.replace(words.NBSP, " ")


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (0, "0 s"),
        (1_400, "1 s"),
        (59_600, "1 min"),
        (200_000, "3 min 20 s"),
        (240_000, "4 min"),
        (725_000, "12 min"),
        (3_900_000, "1 h 5 min"),
        (7_200_000, "2 h"),
    ],
)
def test_duration_has_two_units_at_most(milliseconds: int, said: str) -> None:
    assert plain(words.duration(milliseconds)) == said


@pytest.mark.parametrize(("milliseconds", "said"), [(40_000, "40 s"), (80_000, "1 min"), (3_590_000, "1 h")])
def test_minutes_are_whole(milliseconds: int, said: str) -> None:
    assert plain(words.minutes(milliseconds)) == said


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=-1), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(hours=25), "yesterday"),
        (timedelta(days=40), "40 days ago"),
        (timedelta(days=100), "3 months ago"),
    ],
)
def test_ago_of_a_minute(passed: timedelta, said: str) -> None:
    assert words.ago(Moment(NOW - passed, is_exact=True), NOW) == said


def test_ago_of_a_day_tells_no_hour() -> None:
    midnight = NOW.replace(hour=0)
    assert words.ago(Moment(midnight, is_exact=False), NOW) == "today"
    assert words.ago(Moment(midnight - timedelta(days=1), is_exact=False), NOW) == "yesterday"
    assert ":" not in words.exact(Moment(midnight, is_exact=False))


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0 %"), (0.001, "under 1 %"), (0.314, "31 %"), (0.999, "over 99 %"), (1, "100 %")]
)
def test_percent_never_hides_the_small(share: float, said: str) -> None:
    assert plain(words.percent(share)) == said


def test_counted_knows_one() -> None:
    assert [plain(words.counted(n, "company", "companies")) for n in (0, 1, 1204)] == [
        "0 companies",
        "1 company",
        "1,204 companies",
    ]


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (Origin("direct", "", "", "", ""), "typed or bookmarked"),
        (Origin("search", "google.com", "", "", ""), "search on google.com"),
        (Origin("ad", "", "linkedin", "cpc", ""), "advertisement on linkedin"),
        (Origin("mail", "", "", "", ""), "mail"),
    ],
)
def test_origin(origin: Origin, said: str) -> None:
    assert words.origin(origin) == said


def test_every_member_of_every_closed_set_has_words() -> None:
    assert all(words.outcome(reason) and words.outcome_meaning(reason) for reason in DropReason)
    assert all(words.kind(kind) for kind in OrgKind)
    assert all(words.confidence(confidence) for confidence in Confidence)
    assert all(words.before_consent(mode) for mode in BeforeConsent)


def test_inside_a_sentence_titles_begin_small() -> None:
    assert (words.inside("Home networks"), words.inside("VPN and relays")) == ("home networks", "VPN and relays")
