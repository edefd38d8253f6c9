"""The page of exports: what it offers to whom, a file from its order to its download, and what the log says."""

import io
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from firmly.accounts.audit import Action, AuditFilter
from firmly.accounts.roles import Role
from firmly.warehouse.store import Warehouse
from firmly.web.lead_columns import EXPORTED
from tests.history import MIT, NOKIA, Org, event, store, visit
from tests.town import PASSWORD, Firm, Town
from tests.unit.web.conftest import Visitor

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
FILE = re.compile(r"/app/exports/file/[\w-]+")


def order(member: Visitor, **form: str) -> int:
    return member.client.post("/app/exports", {"csrf_token": member.csrf_token("/app/exports"), **form}).status_code


def prepared(member: Visitor, **form: str) -> str:
    """Order a file and return its address once it is ready."""
    assert order(member, **form) == 303
    for _ in range(400):
        part = member.client.get("/app/exports", {"hx-request": "true"}).text
        found = FILE.search(part)
        if found:
            return found[0]
        assert "hx-trigger" in part, part
        time.sleep(0.05)
    raise AssertionError("it did not become ready")


def log(town: Town, firm: Firm, action: Action) -> list[dict[str, object]]:
    return [dict(entry.detail) for entry in town.accounts.audit.page(firm.scope, AuditFilter(action))]


def test_list_is_prepared_as_xlsx_with_the_filter_that_it_was_ordered_with(
    member: Visitor, firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/", "/pricing"), seconds=30), visit(firm.id, MIT, NOON))
    address = prepared(member, what="leads", format="xlsx", list="q=nok&days=7")

    page = member.text("/app/exports")
    assert "Leads as XLSX" in page
    assert "1\N{NO-BREAK SPACE}row" in page
    answer = member.client.get(address)
    assert answer.headers["content-disposition"] == 'attachment; filename="leads-2026-03-31.xlsx"'
    assert answer.headers["content-type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert int(answer.headers["content-length"]) == len(answer.content)
    rows = list(load_workbook(io.BytesIO(answer.content)).worksheets[0].iter_rows(values_only=True))
    assert rows[0] == EXPORTED
    assert rows[1][:11] == (
        "Nokia",
        "nokia.com",
        "FI",
        "business",
        "high",
        NOON.replace(tzinfo=None),
        1,
        2,
        0,
        60,
        "000000000000000a",
    )
    assert len(rows) == 2
    assert log(town, firm, Action.LEADS_EXPORTED) == [
        {"from": "2026-03-25", "to": "2026-03-31", "q": "nok", "format": "xlsx"}
    ]


def test_prepared_csv_is_the_one_that_is_downloaded_at_once(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, [event(firm.id, Org(500 + n, f"=Org {n}"), NOON, starts_visit=1) for n in range(1200)])
    address = prepared(member, what="leads", format="csv", list="")
    assert member.client.get(address).text == member.text("/app/leads/export")
    assert member.client.get(address).status_code == 200
    assert member.client.get(address).status_code == 404


def test_xlsx_is_downloaded_at_once_too(member: Visitor, firm: Firm, warehouse: Warehouse, town: Town) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    answer = member.client.get("/app/leads/export?format=xlsx&days=7")
    assert answer.headers["content-disposition"] == 'attachment; filename="leads-2026-03-31.xlsx"'
    assert load_workbook(io.BytesIO(answer.content)).worksheets[0]["A2"].value == "Nokia"
    assert log(town, firm, Action.LEADS_EXPORTED) == [{"from": "2026-03-25", "to": "2026-03-31", "format": "xlsx"}]
    refused = member.client.get("/app/leads/export?format=pdf")
    assert (refused.status_code, "csv or xlsx" in refused.text) == (400, True)


def test_visits_of_a_month_are_prepared_as_parquet(
    member: Visitor, firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/a",), site_id=firm.site.id))
    store(warehouse, visit(firm.id, MIT, NOON - timedelta(days=40)))
    answer = member.client.get(prepared(member, what="visits", month="2026-03"))
    assert answer.headers["content-disposition"] == 'attachment; filename="visits-2026-03.parquet"'
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    (row,) = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    assert (row["company"], row["site"], row["pages"]) == ("Nokia", firm.site.key, ["/a"])
    assert log(town, firm, Action.VISITS_EXPORTED) == [{"month": "2026-03"}]


def test_page_offers_the_list_that_was_looked_at(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    page = member.text('/app/exports?q=a%26b&days=90&filter={"field":"country","op":"eq","value":"FI"}')
    assert "country is Finland" in page
    assert '"a&amp;b" in its name or domain' in page
    hidden = "days=90&amp;q=a%26b&amp;filter=%7B%22field%22"
    assert f'name="list" value="{hidden}' in page
    assert f'href="/app/leads/export?{hidden}' in page
    foot = member.text("/app/leads?q=nok&days=7")
    assert 'href="/app/exports?days=7&amp;q=nok"' in foot
    assert 'href="/app/leads/export?days=7&amp;q=nok&amp;format=xlsx"' in foot


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "leads or visits"),
        ({"what": "people"}, "leads or visits"),
        ({"what": "leads", "format": "pdf"}, "csv or xlsx"),
        ({"what": "leads", "format": "csv", "list": "days=5"}, "7, 30 or 90"),
        ({"what": "leads", "format": "csv", "list": "filter=%7B"}, "JSON"),
        (
            {"what": "leads", "format": "csv", "list": 'filter={"field":"name","op":"matches","value":"("}'},
            "regular expression",
        ),
        ({"what": "visits", "month": "2026-13"}, "a month such as 2026-03"),
        ({"what": "visits", "month": "'; drop"}, "a month such as 2026-03"),
    ],
    ids=str,
)
def test_what_cannot_be_exported_is_said_and_nothing_is_logged(
    member: Visitor, firm: Firm, warehouse: Warehouse, town: Town, form: dict[str, str], said: str
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    answer = member.client.post("/app/exports", {"csrf_token": member.csrf_token("/app/exports"), **form})
    assert (answer.status_code, said in answer.text) == (422, True), answer.text
    assert "Nothing is being prepared" in answer.text
    assert log(town, firm, Action.LEADS_EXPORTED) == log(town, firm, Action.VISITS_EXPORTED) == []


def test_file_can_be_deleted(member: Visitor, firm: Firm) -> None:
    address = prepared(member, what="leads", format="csv", list="")
    form = {"csrf_token": member.csrf_token("/app/exports"), "job": address.rpartition("/")[2]}
    assert member.client.post("/app/exports/stop", form).status_code == 303
    assert "Nothing is being prepared" in member.text("/app/exports")
    assert member.client.get(address).status_code == 404


def test_file_of_another_browser_member_or_workspace_looks_like_none(
    visitor_at: Callable[[str], Visitor], town: Town, firm: Firm
) -> None:
    ours = visitor_at("http://127.0.0.1:8000")
    ours.sign_in(firm)
    address = prepared(ours, what="leads", format="csv", list="")
    for other in (town.firm(), firm):
        email = f"sales.{firm.id}.{other.id}@firm.example"
        town.accounts.add_member(other.id, email, "Bo", Role.SALES, PASSWORD)
        theirs = Visitor.__new__(Visitor)
        theirs.client = type(ours.client)(ours.client._client._transport.app, "http://127.0.0.1:8000")  # type: ignore[attr-defined]
        form = {"csrf_token": theirs.csrf_token(), "email": email, "password": PASSWORD}
        assert theirs.client.post("/app/sign-in", form).status_code == 303
        assert theirs.client.get(address).status_code == 404
        assert "Nothing is being prepared" in theirs.text("/app/exports")
    assert ours.client.get(address).status_code == 200


@pytest.mark.parametrize(
    ("role", "visits", "trail"),
    [(Role.OWNER, True, True), (Role.SALES, True, False), (Role.PRIVACY_OFFICER, True, True)],
)
def test_page_offers_what_the_role_may_have(
    visitor: Visitor, town: Town, firm: Firm, role: Role, *, visits: bool, trail: bool
) -> None:
    email = f"{role}.{firm.id}@firm.example"
    town.accounts.add_member(firm.id, email, "Bo", role, PASSWORD)
    form = {"csrf_token": visitor.csrf_token(), "email": email, "password": PASSWORD}
    visitor.client.post("/app/sign-in", form)
    page = visitor.text("/app/exports")
    assert ("Prepare Parquet" in page, "Who took what" in page) == (visits, trail)
