"""The overview and the live view for programs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from firmly.accounts.roles import TokenScope
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, event, store, visit
from tests.town import Firm
from tests.unit.web.api.conftest import Program

NOON = datetime(2026, 3, 31, 11, 58, tzinfo=UTC)
NOKIA_IDENTITY = {
    "org_id": "000000000000000a",
    "name": "Nokia",
    "kind": "business",
    "country": "FI",
    "domain": "nokia.com",
    "confidence": "high",
}


def test_overview_tells_both_ranges_days_and_tables(ours: Program, firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/pricing", "/"), source="search"),
        [event(firm.id, NOKIA, NOON, kind="goal", goal="demo")],
        visit(firm.id, NOKIA, NOON - timedelta(days=2)),
    )
    answer = ours.json("/overview?from=2026-03-30&to=2026-03-31")
    sums = {"companies": 1, "new": 0, "re_engaged": 0, "visits": 1, "pageviews": 2, "goals": 1}
    nothing = {"companies": 0, "new": 0, "returning": 0, "re_engaged": 0, "visits": 0, "pageviews": 0, "goals": 0}
    assert answer == {
        "range": {"from": "2026-03-30", "to": "2026-03-31", **sums},
        "before": {
            "from": "2026-03-28",
            "to": "2026-03-29",
            **sums,
            "new": 1,
            "pageviews": 1,
            "goals": 0,
        },
        "days": [{"day": "2026-03-30", **nothing}, {"day": "2026-03-31", **sums, "returning": 1}],
        "most_visits": [
            {"company": NOKIA_IDENTITY, "visits": 1, "pageviews": 2, "goals": 1, "active_ms": 20000},
        ],
        "sources": [{"value": "search", "companies": 1, "times": 1}],
        "landing_pages": [{"value": "/pricing", "companies": 1, "times": 1}],
        "referrers": [],
        "campaigns": [],
        "goals": [{"value": "demo", "companies": 1, "times": 1}],
    }


def test_overview_of_a_site_is_of_that_site(ours: Program, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON, site_id=firm.site.id), visit(firm.id, MIT, NOON, site_id=999))
    assert ours.json(f"/overview?site={firm.site.key}")["range"]["companies"] == 1
    assert ours.get("/overview?site=nosuchsite").status_code == 422


def test_live_visits_have_no_id(ours: Program, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/", "/pricing"), site_id=firm.site.id, source="mail"))
    assert ours.json("/live") == {
        "items": [
            {
                "company": NOKIA_IDENTITY,
                "site": firm.site.key,
                "started_at": "2026-03-31T11:58:00Z",
                "last_at": "2026-03-31T11:58:00Z",
                "pageviews": 2,
                "page": {"host": "www.firm.example", "path": "/pricing", "title": ""},
                "source": "mail",
                "referrer_host": "",
                "utm_source": "",
                "utm_medium": "",
                "utm_campaign": "",
            }
        ]
    }


def test_both_take_the_right_to_read_leads(program: Callable[..., Program], firm: Firm) -> None:
    other = program(firm, TokenScope.READ_CONSENT)
    assert [other.get(path).status_code for path in ("/overview", "/live")] == [403, 403]
