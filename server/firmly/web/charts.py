"""The shape of the charts, in numbers; templates draw them as SVG without a script or a style."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from firmly.leads.coverage import Coverage
from firmly.leads.days import DayRange
from firmly.leads.lead import DayTotals, Totals
from firmly.model import DropReason
from firmly.web.words import outcome

SPARK_BARS = 30
SPARK_HEIGHT = 20
NOTHING = Totals(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of a chart; ``height`` is 0-100 of the highest day."""

    day: date
    totals: Totals
    height: float


@dataclass(frozen=True, slots=True)
class DayChart:
    """Visits per day, one bar for every day of the range, with the highest value for its axis."""

    bars: tuple[Bar, ...]
    highest: int


def day_chart(days: Iterable[DayTotals], span: DayRange) -> DayChart:
    known = {day.day: day.totals for day in days}
    series = [(day, known.get(day, NOTHING)) for day in span]
    highest = max(totals.visits for _, totals in series)
    scale = 100 / highest if highest else 0.0
    return DayChart(tuple(Bar(day, totals, round(totals.visits * scale, 2)) for day, totals in series), highest)


def spark_path(days: Iterable[DayTotals], span: DayRange) -> str:
    """Return an SVG path, to be stroked, of at most 30 bars in a box of 120 x 20; longer ranges are grouped."""
    per_bar = -(-len(span) // SPARK_BARS)
    bars = -(-len(span) // per_bar)
    sums = [0] * bars
    for day in days:
        # Counted from the end, so that the last bar is the newest day and always whole.
        sums[bars - 1 - (span.last - day.day).days // per_bar] += day.totals.visits
    step = 120 / bars
    highest = max(sums)
    return " ".join(_bar(index, step, value / highest) for index, value in enumerate(sums) if value)


def _bar(index: int, step: float, share: float) -> str:
    return f"M{(index + 0.5) * step:.4g} {SPARK_HEIGHT}v-{max(round(share * SPARK_HEIGHT), 2)}"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the coverage bar; ``x`` and ``width`` of 1000, ``reason`` None for companies,
    ``tone`` the number of its data colour."""

    reason: DropReason | None
    label: str
    pageviews: int
    share: float
    x: float
    width: float
    tone: int


TONES = 5
"""Data colours for the reasons; the last is shared by all further ones."""


def segments(coverage: Coverage) -> tuple[Segment, ...]:
    """Return the parts of the bar: companies first, then the reasons, largest first."""
    parts: list[tuple[DropReason | None, str, int, float]] = [
        (None, "Companies", coverage.companies, coverage.company_share)
    ]
    parts += [(each.reason, outcome(each.reason), each.pageviews, each.share) for each in coverage.others]
    placed: list[Segment] = []
    x = 0.0
    for tone, (reason, label, pageviews, share) in enumerate(parts):
        placed.append(Segment(reason, label, pageviews, share, round(x, 2), round(share * 1000, 2), min(tone, TONES)))
        x += share * 1000
    return tuple(placed)
