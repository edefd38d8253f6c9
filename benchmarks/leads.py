"""What members ask of a year of one workspace: latency with 50 million events, and how it grows from 5 million.

Both histories are in one embedded chDB and are asked in turn, so that who disturbs one disturbs the other.
"""

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.leads_history import ENDS, SITES, STARTS, TOWNS, Built, build
from firmly.accounts.database import open_control_plane
from firmly.accounts.rules import OrgRules
from firmly.accounts.scope import Scope
from firmly.accounts.service import Accounts
from firmly.leads.condition_json import condition_of
from firmly.leads.days import DayRange
from firmly.leads.filter import LeadFilter
from firmly.leads.resolving import Resolver
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads
from firmly.model import OrgId, SiteId, system_clock
from firmly.organisations.legal_forms import LegalForms
from firmly.warehouse.ordering import Order, Sorting
from firmly.warehouse.store import Warehouse, open_embedded
from tests.town import KEYS, Firm

EVENTS = int(os.environ.get("BENCH_EVENTS", "50_000_000"))
SMALLER = 10
FOLDERS = ("/products/", "/blog/", "/cases/", "/support/", "/jobs/")
WARM_UPS = 3
ASKED = 40
SPANS = (7, 30, 90)
"""The ranges that pages offer, in days up to today."""


@dataclass(frozen=True, slots=True)
class History:
    """One set of events and who asks about it."""

    leads: Leads
    scope: Scope
    companies: tuple[OrgId, ...]

    def days(self, count: int) -> DayRange:
        return DayRange.until(self.leads.today(), count)


Question = Callable[[History, int], object]
"""Asks with the parameters of a number, from 0; false where nothing was found, which fails the benchmark."""


def _list(history: History, number: int) -> object:
    return history.leads.list(history.scope, LeadFilter(history.days(28 + number % 5))).leads


def _by_score(history: History, number: int) -> object:
    wanted = LeadFilter(history.days(28 + number % 5), sorting=Sorting(Order.SCORE))
    return history.leads.list(history.scope, wanted).leads


def _overview(history: History, number: int) -> object:
    site = SiteId(1 + number % SITES) if number % 4 == 3 else None
    return history.leads.overviews.of(history.scope, history.days(SPANS[number % 3]), site)


def _search(history: History, number: int) -> object:
    start, end, town = STARTS[number % len(STARTS)], ENDS[number % len(ENDS)], TOWNS[number % len(TOWNS)]
    name = (start, end.upper(), town[1:4], start.lower() + end)[number % 4]
    history.leads.list(history.scope, LeadFilter(history.days(30), name))
    return True  # A rare name may be nobody's of these days.


def _filtered(history: History, number: int) -> object:
    """Ask with a filter of three parts, on pages and the country."""
    condition = condition_of(
        {
            "and": [
                {"field": "page", "op": "starts", "value": FOLDERS[number % len(FOLDERS)], "times": 1 + number % 2},
                {"field": "page", "op": "contains", "value": f"page-{number % 10}"},
                {"field": "country", "op": "in", "value": ["DE", "FI", "SE"]},
            ]
        }
    )
    history.leads.list(history.scope, LeadFilter(history.days(30), condition=condition))
    return True


def _company(history: History, number: int) -> object:
    """Ask for companies of all sizes: the n-th largest, n growing by a constant factor."""
    place = round(len(history.companies) ** (number / ASKED)) - 1
    return history.leads.company(history.scope, history.companies[place], history.days(30))


def _coverage(history: History, number: int) -> object:
    site = SiteId(1 + number % SITES) if number % 4 == 3 else None
    return history.leads.coverage(history.scope, history.days(SPANS[number % 3]), site).measured


QUESTIONS: tuple[tuple[str, Question], ...] = (
    ("list_last_visit", _list),
    ("list_score", _by_score),
    ("list_filtered", _filtered),
    ("search", _search),
    ("company", _company),
    ("overview", _overview),
    ("coverage", _coverage),
)


def run() -> dict[str, object]:
    """Return p50, p95 and processor time of each question in ms, `_5m` of the small history, and what p50 grew by."""
    with tempfile.TemporaryDirectory() as folder:
        control_plane = open_control_plane(f"sqlite:///{folder}/accounts.sqlite")
        control_plane.migrate()
        firm = Firm(Accounts(control_plane, system_clock, KEYS), 1)
        rules = OrgRules(control_plane, system_clock, LegalForms.bundled())
        resolver = Resolver.over(control_plane, system_clock, firm.accounts.sites.of)
        warehouse_folder = Path(folder) / "warehouse"
        small, large = (open_embedded(warehouse_folder, name) for name in ("small", "large"))
        started = time.perf_counter()
        few = build(warehouse_folder, "small", firm.id, EVENTS // SMALLER)
        many = build(warehouse_folder, "large", firm.id, EVENTS)
        built_s = time.perf_counter() - started
        scope = firm.scope
        figures = _measure(_history(small, few, rules, resolver, scope), _history(large, many, rules, resolver, scope))
        small.close()
        large.close()
        control_plane.close()
    return {
        **figures,
        "events": many.events,
        "organisations": many.organisations,
        "events_5m": few.events,
        "organisations_5m": few.organisations,
        "built_s": round(built_s),
        "disk_mb": many.disk_mb,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _history(warehouse: Warehouse, built: Built, rules: OrgRules, resolver: Resolver, scope: Scope) -> History:
    rule_book = RuleBook(warehouse, rules, system_clock)
    return History(Leads(warehouse, system_clock, rule_book, resolver), scope, built.companies)


def _measure(small: History, large: History) -> dict[str, object]:
    figures: dict[str, object] = {}
    for name, question in QUESTIONS:
        for number in range(WARM_UPS):
            _timed(question, small, number)
            _timed(question, large, number)
        pairs = [(_timed(question, small, number), _timed(question, large, number)) for number in range(ASKED)]
        of_small, of_large = map(_quantiles, zip(*pairs, strict=True))
        for found, suffix in ((of_large, ""), (of_small, "_5m")):
            figures |= {f"{name}_{key}{suffix}": value for key, value in found.items()}
        figures[f"growth_{name}"] = round(of_large["p50_ms"] / of_small["p50_ms"], 2)
    return figures


def _timed(question: Question, history: History, number: int) -> tuple[float, float]:
    """Return the milliseconds that passed, and those of processor time in all threads of this process."""
    started, worked = time.perf_counter(), time.process_time()
    found = question(history, number)
    taken_ms, worked_ms = (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000
    assert found, (question, number)
    return taken_ms, worked_ms


def _quantiles(times: tuple[tuple[float, float], ...]) -> dict[str, float]:
    cuts = statistics.quantiles((taken_ms for taken_ms, _ in times), n=100, method="inclusive")
    cpu_ms = statistics.median(worked_ms for _, worked_ms in times)
    return {"p50_ms": round(cuts[49], 1), "p95_ms": round(cuts[94], 1), "cpu_ms": round(cpu_ms, 1)}
