"""The numbers behind the charts."""

from datetime import date, timedelta

import pytest

from firmly.leads.coverage import coverage_of
from firmly.leads.days import DayRange
from firmly.leads.lead import DayTotals, Totals
from firmly.web.charts import day_chart, segments, spark_path

LAST = date(2026, 3, 31)


def on(days_ago: int, visits: int) -> DayTotals:
    return DayTotals(LAST - timedelta(days=days_ago), Totals(visits, visits, 0))


def test_day_chart_has_a_bar_for_every_day() -> None:
    chart = day_chart([on(2, 1), on(0, 4)], DayRange.until(LAST, 4))
    assert [bar.height for bar in chart.bars] == [0, 25, 0, 100]
    assert chart.highest == 4


def test_day_chart_of_nothing_is_flat() -> None:
    assert {bar.height for bar in day_chart([], DayRange.until(LAST, 7)).bars} == {0}


@pytest.mark.parametrize("days", [7, 30, 90, 365])
def test_spark_ends_with_the_newest_day(days: int) -> None:
    span = DayRange.until(LAST, days)
    newest, oldest = (spark_path([on(ago, 1)], span) for ago in (0, days - 1))
    assert float(newest[1:].split()[0]) >= 120 - 120 / 7
    assert float(oldest[1:].split()[0]) <= 120 / 7
    assert newest.endswith(" 20v-20")


def test_spark_of_nothing_draws_nothing() -> None:
    assert spark_path([], DayRange.until(LAST, 30)) == ""


def test_segments_fill_the_bar() -> None:
    rows = [{"outcome": name, "pageviews": n} for name, n in (("company", 25), ("home_network", 50), ("person", 25))]
    parts = segments(coverage_of(rows))
    assert [(part.label, part.x, part.width, part.tone) for part in parts] == [
        ("Companies", 0, 250, 0),
        ("Home networks", 250, 500, 1),
        ("Single persons", 750, 250, 2),
    ]
