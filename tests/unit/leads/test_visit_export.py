"""The visits of a month as Parquet, read back and compared with what a plain account of the same events says."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from firmly.accounts.roles import Right, Role
from firmly.accounts.scope import NotAllowedError
from firmly.accounts.tables import MembershipRow
from firmly.leads.record import RecordChange
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads
from firmly.leads.visit_export import Month
from firmly.model import InvalidInputError, OrgId
from firmly.organisations.overrides import Matcher, read_rule
from firmly.warehouse.store import Warehouse, open_server
from tests.examples import examples
from tests.faults.clickhouse import clickhouse
from tests.history import MIT, NOKIA, SMALL, Org, Row, event, store, visit
from tests.town import PASSWORD, Firm, Town

MARCH = Month(2026, 3)
NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
COLUMNS = {
    "company_id": "string",
    "company": "string",
    "domain": "string",
    "country": "string",
    "kind": "string",
    "started_at": "timestamp[ms, tz=UTC]",
    "site": "string",
    "host": "string",
    "source": "string",
    "referrer": "string",
    "medium": "string",
    "campaign": "string",
    "landing_page": "string",
    "pages": "list<element: string not null>",
    "seconds": "uint32",
    "goals": "list<element: string not null>",
}


@pytest.fixture
def taken(leads: Leads, town: Town) -> Callable[..., list[Row]]:
    """Return what a firm takes away of a month."""

    def take(firm: Firm, month: Month = MARCH) -> list[Row]:
        with leads.visits_file(firm.scope, month, town.accounts.sites.of(firm.scope)) as file:
            rows: list[Row] = pq.read_table(file).to_pylist()
        return rows

    return take


def model(firm: Firm, events: Iterable[Row], today: date, stands_for: dict[int, Org | None]) -> list[Row]:
    """Say what the file must hold, from the events alone. ``stands_for`` has who the corrections say somebody is."""
    visits: defaultdict[tuple[int, int], list[Row]] = defaultdict(list)
    for one in events:
        if one["workspace_id"] == firm.id and one["detail"] == "route" and one["retain_until"] > today.isoformat():
            visits[one["org_id"], one["visit_id"]].append(one)
    found = []
    for (org_id, visit_id), each in visits.items():
        named = {"id": org_id, "name": each[0]["org_name"], "domain": each[0]["org_domain"]}
        named |= {"country": each[0]["org_country"], "kind": each[0]["org_kind"]}
        if org_id in stands_for:
            other = stands_for[org_id]
            if other is None:
                continue
            named = {key: getattr(other, key) for key in named}
        began = min(one["minute"] for one in each)
        if began[:7] != "2026-03":
            continue
        each.sort(key=lambda one: one["seq"])
        pages = [one["path"] for one in each if one["kind"] == "pageview"]
        row = {
            "company_id": f"{named['id']:016x}",
            "company": named["name"],
            "domain": named["domain"],
            "country": named["country"],
            "kind": named["kind"],
            "started_at": datetime.fromisoformat(began).replace(tzinfo=UTC),
            "site": firm.site.key if each[0]["site_id"] == firm.site.id else "",
            "host": each[0]["host"],
            "source": each[0]["source"],
            "referrer": each[0].get("referrer_host", ""),
            "medium": each[0].get("utm_medium", ""),
            "campaign": each[0].get("utm_campaign", ""),
            "landing_page": pages[0] if pages else "",
            "pages": pages,
            "seconds": sum(one["active_ms"] for one in each) // 1000,
            "goals": [one["goal"] for one in each if one["kind"] == "goal"],
        }
        found.append((row["started_at"], row["company_id"], visit_id, row))
    return [row for *_, row in sorted(found, key=lambda one: one[:3])]


def test_a_month_is_its_visits_in_order_with_all_that_may_be_told(
    taken: Callable[..., list[Row]], firm: Firm, warehouse: Warehouse
) -> None:
    given = {"site_id": firm.site.id, "source": "ad", "utm_medium": "cpc", "utm_campaign": "=1+1", "referrer_host": "x"}
    rows = visit(firm.id, NOKIA, NOON, ("/pricing", "/", "/pricing"), seconds=7, **given)
    goal = event(firm.id, NOKIA, NOON, **given, seq=9, kind="goal", goal="Sign-up", visit_id=rows[0]["visit_id"])
    store(warehouse, [*rows, goal], visit(firm.id, MIT, NOON - timedelta(days=1), ("/ä",), site_id=7))

    assert taken(firm) == [
        {
            "company_id": "000000000000000b",
            "company": "Massachusetts Institute of Technology",
            "domain": "mit.edu",
            "country": "US",
            "kind": "education",
            "started_at": NOON - timedelta(days=1),
            "site": "",
            "host": "www.firm.example",
            "source": "direct",
            "referrer": "",
            "medium": "",
            "campaign": "",
            "landing_page": "/ä",
            "pages": ["/ä"],
            "seconds": 10,
            "goals": [],
        },
        {
            "company_id": "000000000000000a",
            "company": "Nokia",
            "domain": "nokia.com",
            "country": "FI",
            "kind": "business",
            "started_at": NOON,
            "site": firm.site.key,
            "host": "www.firm.example",
            "source": "ad",
            "referrer": "x",
            "medium": "cpc",
            "campaign": "=1+1",
            "landing_page": "/pricing",
            "pages": ["/pricing", "/", "/pricing"],
            "seconds": 21,
            "goals": ["Sign-up"],
        },
    ]


def test_file_has_the_columns_that_the_page_names_and_nothing_of_a_visitor(leads: Leads, firm: Firm) -> None:
    with leads.visits_file(firm.scope, MARCH, ()) as file:
        table = pq.read_table(file)
    assert {field.name: str(field.type) for field in table.schema} == COLUMNS
    assert table.num_rows == 0
    guide = (Path(__file__).parents[3] / "docs" / "EXPORTS.md").read_text()
    assert [name for name in COLUMNS if f"`{name}`" not in guide] == []


def test_visit_across_the_end_of_a_month_is_whole_and_in_one_file(
    taken: Callable[..., list[Row]], firm: Firm, warehouse: Warehouse
) -> None:
    late = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
    first, *rest = visit(firm.id, NOKIA, late, ("/a", "/b"))
    after = [one | {"day": "2026-04-01", "minute": "2026-04-01 00:01:00"} for one in rest]
    store(warehouse, [first, *after])
    (whole,) = taken(firm)
    assert (whole["started_at"], whole["pages"], whole["seconds"]) == (late, ["/a", "/b"], 20)
    assert taken(firm, Month(2026, 4)) == taken(firm, Month(2026, 2)) == []


def test_another_workspaces_visits_and_those_without_a_route_are_not_in_it(
    taken: Callable[..., list[Row]], town: Town, firm: Firm, warehouse: Warehouse
) -> None:
    other = town.firm()
    counted = (visit(firm.id, SMALL, NOON - timedelta(days=back), detail="counts") for back in range(5))
    store(warehouse, visit(other.id, NOKIA, NOON, ("/theirs",)), *counted)
    assert taken(firm) == []
    assert [row["pages"] for row in taken(other)] == [["/theirs"]]


def test_what_is_no_longer_kept_is_not_in_it(
    taken: Callable[..., list[Row]], firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    over, tomorrow = town.clock.now.date(), town.clock.now.date() + timedelta(days=1)
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/over",), retain_until=over.isoformat()),
        visit(firm.id, NOKIA, NOON, ("/kept",), retain_until=tomorrow.isoformat()),
    )
    assert [row["pages"] for row in taken(firm)] == [["/kept"]]


def correct(town: Town, firm: Firm, org: Org, said: dict[str, Any]) -> None:
    rule = read_rule(Matcher.ORGANISATION, f"{org.id:016x}", said)
    town.rules.add(firm.scope, rule)


def renamed(name: str) -> dict[str, Any]:
    return {"organisation": {"name": name, "kind": "nonprofit", "country": "SE", "domain": "renamed.example"}}


def test_corrections_hold(taken: Callable[..., list[Row]], town: Town, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/n",)), visit(firm.id, MIT, NOON, ("/m",)))
    correct(town, firm, NOKIA, {"is": "own_staff"})
    correct(town, firm, MIT, renamed("Another"))
    (row,) = taken(firm)
    assert {key: row[key] for key in ("company", "domain", "country", "kind", "pages")} == {
        "company": "Another",
        "domain": "renamed.example",
        "country": "SE",
        "kind": "nonprofit",
        "pages": ["/m"],
    }
    assert row["company_id"] != f"{MIT.id:016x}"


def test_leads_that_the_team_hid_are_not_in_it(
    taken: Callable[..., list[Row]], town: Town, firm: Firm, warehouse: Warehouse
) -> None:
    """Also of a company that is shown as another one."""
    store(warehouse, *(visit(firm.id, org, NOON, (f"/{org.id}",)) for org in (NOKIA, MIT, SMALL)))
    correct(town, firm, MIT, renamed("Another"))
    (shown,) = (row["company_id"] for row in taken(firm) if row["company"] == "Another")
    hidden = RecordChange(hidden_for_all=True)
    groups = {OrgId(number): [OrgId(number)] for number in (NOKIA.id, int(shown, 16))}
    town.records.change(firm.scope, groups, hidden)
    assert [row["company"] for row in taken(firm)] == [SMALL.name]


ORGS = (NOKIA, MIT, SMALL)
FROM, TO = datetime(2026, 2, 27), datetime(2026, 4, 2)  # noqa: DTZ001  # Hypothesis adds the zone itself.
histories = st.lists(
    st.fixed_dictionaries(
        {
            "org": st.sampled_from(ORGS),
            "at": st.datetimes(FROM, TO, timezones=st.just(UTC)),
            "paths": st.lists(st.sampled_from(("/", "/a", "/b?c=ü", "=x")), min_size=1, max_size=4),
            "seconds": st.integers(0, 200),
            "detail": st.sampled_from(("route", "route", "counts")),
            "is_kept": st.sampled_from((True, True, False)),
            "is_ours": st.sampled_from((True, True, False)),
            "is_known_site": st.booleans(),
            "goals": st.lists(st.sampled_from(("Buy", "Ask")), max_size=2),
        }
    ),
    max_size=12,
)
outcomes = st.sampled_from(("as it is", "hidden", "another"))


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.tuples(outcomes, outcomes))
def test_file_holds_what_a_plain_account_of_the_events_says(
    taken: Callable[..., list[Row]],
    leads: Leads,
    town: Town,
    warehouse: Warehouse,
    history: list[dict[str, Any]],
    said: tuple[str, str],
) -> None:
    firm, other = town.firm(), town.firm()
    rows: list[Row] = []
    for one in history:
        whose = firm if one["is_ours"] else other
        until = town.clock.now.date() + timedelta(days=30 if one["is_kept"] else 0)
        given = {
            "site_id": firm.site.id if one["is_known_site"] else 99,
            "detail": one["detail"],
            "retain_until": until.isoformat(),
        }
        made = visit(whose.id, one["org"], one["at"], one["paths"], seconds=one["seconds"], **given)
        given["visit_id"] = made[0]["visit_id"]
        made += [
            event(whose.id, one["org"], one["at"], **given, seq=90 + index, kind="goal", goal=goal)
            for index, goal in enumerate(one["goals"])
        ]
        rows += made
    store(warehouse, rows or [event(other.id, MIT, NOON)])
    stands_for: dict[int, Org | None] = {}
    for org, outcome in zip((NOKIA, MIT), said, strict=True):
        if outcome == "hidden":
            correct(town, firm, org, {"is": "not_a_company"})
            stands_for[org.id] = None
        elif outcome == "another":
            correct(town, firm, org, renamed(f"Renamed {org.id}"))
            found = leads.rule_book.corrections(firm.scope).follow(OrgId(org.id))
            stands_for[org.id] = Org(found, f"Renamed {org.id}", "renamed.example", "nonprofit", "SE")
    assert taken(firm) == model(firm, rows, town.clock.now.date(), stands_for)


def test_file_is_private_and_leaves_no_name_behind(
    leads: Leads, firm: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with leads.visits_file(firm.scope, MARCH, ()) as file:
        found = os.fstat(file.fileno())
        assert (found.st_mode & 0o777, found.st_nlink, list(tmp_path.iterdir())) == (0o600, 0, [])


def test_who_may_see_some_feeds_only_gets_no_file(leads: Leads, town: Town, firm: Firm) -> None:
    town.accounts.add_member(firm.id, f"some.{firm.id}@firm.example", "Mia", Role.SALES, PASSWORD)
    sign_in = town.accounts.sign_in
    token = sign_in.with_password(f"some.{firm.id}@firm.example", PASSWORD)
    with town.control_plane.session() as db:
        db.execute(
            update(MembershipRow)
            .where(MembershipRow.workspace_id == firm.id, MembershipRow.member_id != firm.scope.member_id)
            .values(feeds=[1])
        )
    scope = sign_in.scope(token or "")
    assert scope is not None
    assert scope.may(Right.READ_LEADS)
    with pytest.raises(NotAllowedError):
        leads.visits_file(scope, MARCH, ())


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-3", "1999-01", "2101-01", "２０２６-03", "2026-03-01"])
def test_text_that_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="month"):
        Month.parse(text)


def test_months_go_back_over_the_year() -> None:
    assert [str(Month.parse("2026-02").back(number)) for number in range(3)] == ["2026-02", "2026-01", "2025-12"]
    assert (Month(2024, 2).days.first, Month(2024, 2).days.last) == (date(2024, 2, 1), date(2024, 2, 29))
    assert Month.of(date(2026, 3, 31)) == MARCH


def test_a_server_sends_the_same_file(firm: Firm, town: Town, tmp_path: Path) -> None:
    with clickhouse(tmp_path / "clickhouse") as server:
        server.start()
        warehouse = open_server(server.url)
        leads = Leads(warehouse, town.clock, RuleBook(warehouse, town.rules, town.clock), town.resolver)
        rows = visit(firm.id, NOKIA, NOON, ("/a", "/b"))
        store(warehouse, rows)
        with leads.visits_file(firm.scope, MARCH, [firm.site]) as file:
            assert pq.read_table(file).to_pylist() == model(firm, rows, town.clock.now.date(), {})
        warehouse.close()
