"""The coverage ledger: page views by site, hour and outcome."""

import re
from collections import Counter
from datetime import timedelta
from importlib.resources import files

import orjson
import pytest

from firmly.measure.coverage import CoverageLedger
from firmly.model import DropReason
from tests.collector import START
from tests.unit.measure.test_lines import SITE


def count(ledger: CoverageLedger, views: dict[DropReason | None, int], hours: int = 0, *, kept: int = 0) -> None:
    ledger.count(SITE, START + timedelta(hours=hours), Counter(), kept, Counter(views))


def test_views_are_summed_by_hour_and_outcome() -> None:
    ledger = CoverageLedger()
    count(ledger, {None: 2, DropReason.BOT: 1})
    count(ledger, {None: 3})
    count(ledger, {None: 1}, hours=1)
    common = {"workspace_id": 2, "site_id": 3}
    assert [orjson.loads(line) for line in ledger.take_lines().splitlines()] == [
        {**common, "hour": "2026-11-20 10:00:00", "outcome": "company", "pageviews": 5},
        {**common, "hour": "2026-11-20 10:00:00", "outcome": "bot", "pageviews": 1},
        {**common, "hour": "2026-11-20 11:00:00", "outcome": "company", "pageviews": 1},
    ]
    assert ledger.take_lines() == b""


def test_keys_are_the_columns_of_its_table() -> None:
    sql = (files("firmly.warehouse") / "migrations" / "0002_coverage.sql").read_text()
    ledger = CoverageLedger()
    count(ledger, {None: 1})
    assert list(orjson.loads(ledger.take_lines())) == re.findall(r"^    (\w+) ", sql, re.MULTILINE)


@pytest.mark.parametrize(
    "reason",
    [
        DropReason.UNKNOWN_SITE,
        DropReason.FOREIGN_ORIGIN,
        DropReason.NO_CONSENT,
        DropReason.OBJECTED,
        DropReason.DUPLICATE,
    ],
)
def test_what_was_not_ours_to_measure_is_in_the_totals_only(reason: DropReason) -> None:
    ledger = CoverageLedger()
    ledger.count(SITE, START, Counter({reason: 4}), 0, Counter({reason: 4}))
    assert (ledger.take_lines(), ledger.totals) == (b"", Counter({reason.value: 4, "company": 0}))


def test_outcome_without_page_views_makes_no_line_and_an_unknown_site_none_at_all() -> None:
    ledger = CoverageLedger()
    count(ledger, {}, kept=2)
    ledger.count(None, START, Counter({DropReason.UNKNOWN_SITE: 1}), 0, Counter({DropReason.BOT: 1}))
    assert ledger.take_lines() == b""
    assert ledger.totals == Counter({"company": 2, "unknown_site": 1})
