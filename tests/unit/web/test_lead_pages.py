"""The list and the company page as a member sees them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from firmly.accounts.audit import Action, AuditFilter
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, Org, event, store, store_coverage, visit
from tests.town import Firm, Town
from tests.unit.web.conftest import Visitor

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
PART = {"hx-request": "true"}
_SEEN = re.compile(r'id="seen" name="seen" value="([^"]+)"')
_NAMES = re.compile(r"data-row>([^<]+)</a>")


def shown(text: str) -> list[str]:
    return _NAMES.findall(text)


def seen(text: str) -> str:
    found = _SEEN.search(text)
    assert found is not None
    return found[1]


def test_list_shows_the_companies_with_their_figures(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/", "/pricing"), seconds=60), visit(firm.id, MIT, NOON))
    text = member.text("/app/leads")
    assert shown(text) == [MIT.name, NOKIA.name]
    assert "30 min ago" in text
    assert "31 March 2026, 11:30 UTC" in text
    assert "2\N{NO-BREAK SPACE}min" in text


def test_list_of_another_workspace_stays_there(member: Visitor, town: Town, warehouse: Warehouse) -> None:
    store(warehouse, visit(town.firm().id, NOKIA, NOON))
    assert shown(member.text("/app/leads")) == []
    assert member.client.get(f"/app/leads/{NOKIA.id:016x}").status_code == 404


def test_search_answers_with_the_changing_part_and_its_address(
    member: Visitor, firm: Firm, warehouse: Warehouse
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON), visit(firm.id, MIT, NOON))
    answer = member.client.get("/app/leads?q=noki&days=7", headers=PART)
    assert shown(answer.text) == [NOKIA.name]
    assert "<html" not in answer.text
    assert answer.headers["hx-replace-url"] == "/app/leads?days=7&q=noki"


def test_unchanged_list_answers_with_nothing(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    before = seen(member.text("/app/leads"))
    assert member.client.get(f"/app/leads?seen={before}", headers=PART).status_code == 204

    store(warehouse, visit(firm.id, NOKIA, NOON))
    answer = member.client.get(f"/app/leads?seen={before}", headers=PART)

    assert answer.status_code == 200
    assert seen(answer.text) != before
    assert "hx-replace-url" not in answer.headers


def test_relative_times_are_sent_anew_every_minute(
    member: Visitor, firm: Firm, town: Town, warehouse: Warehouse
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    before = seen(member.text("/app/leads"))
    town.clock.advance(minutes=1)
    assert "31 min ago" in member.client.get(f"/app/leads?seen={before}", headers=PART).text


def test_older_pages_show_the_rest_and_are_not_live(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    orgs = [Org(1000 + number, f"Org {number}") for number in range(60)]
    store(warehouse, *(visit(firm.id, org, NOON) for org in orgs))
    first = member.text("/app/leads?q=org")
    older = re.search(r'href="(/app/leads\?q=org&amp;after=[^"]+)"', first)
    assert older is not None
    second = member.text(older[1].replace("&amp;", "&"))
    assert sorted(shown(first) + shown(second)) == sorted(org.name for org in orgs)
    assert 'id="seen"' in second
    assert "data-live>" not in second
    assert "60\N{NO-BREAK SPACE}companies" in second


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("days=8", "<code>days</code> is <code>8</code>; expected: 7, 30 or 90"),
        ("site=nosuchsite", "<code>site</code> is <code>nosuchsite</code>"),
        ("from=yesterday", "<code>from</code> is <code>yesterday</code>; expected: a day such as 2026-03-31"),
        ("from=2026-03-02&to=2026-03-01", "<code>to</code> is <code>2026-03-01</code>"),
        ("from=0001-01-01&to=9999-12-31", "<code>to</code> is <code>9999-12-31</code>"),
        ("from=0001-01-01&to=0001-01-02", "<code>from</code> is <code>0001-01-01</code>; expected: a day such as"),
        ("after=zzz", "<code>after</code> is <code>zzz</code>"),
        ("q=" + "x" * 101, "expected: at most 100 characters"),
        ("days=<script>", "<code>days</code> is <code>&lt;script&gt;</code>"),
    ],
)
def test_list_names_what_it_cannot_read(member: Visitor, query: str, said: str) -> None:
    answer = member.client.get(f"/app/leads?{query}")
    assert answer.status_code == 400
    assert said in answer.text


def chips(text: str) -> list[str]:
    return re.findall(r'filter-chip"><span>([^<]+)</span>', text)


def test_filter_is_added_piece_by_piece_and_taken_off_again(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/", "/pricing")), visit(firm.id, MIT, NOON, ("/pricing",)))
    one = member.client.get("/app/leads?add=1&days=7&field=page&op=starts&value=/pricing&times=1&within=")
    assert one.status_code == 303
    text = member.text(one.headers["location"])
    assert (chips(text), shown(text)) == (["visited a page that starts with /pricing"], [MIT.name, NOKIA.name])

    more = dict(parse_qsl(urlsplit(one.headers["location"]).query))
    more |= {"add": "1", "field": "country", "op": "eq", "value": "finland"}
    two = member.client.get(f"/app/leads?{urlencode(more)}")
    text = member.text(two.headers["location"])
    assert (chips(text)[1], shown(text)) == ("country is Finland", [NOKIA.name])
    assert "days=7" in two.headers["location"]

    rest = re.search(r'<a href="([^"]+)" aria-label="Remove the filter: visited', text)
    assert rest is not None
    assert chips(member.text(rest[1].replace("&amp;", "&"))) == ["country is Finland"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("field=visits&op=gt&value=many", "expected: a whole number from 0 to 1000000000"),
        ("field=page&op=gt&value=1", "expected: for page one of"),
        ("field=nothing&op=eq&value=1", "expected: one of name, domain"),
        ("field=name&op=matches&value=(", "RE2"),
        ("field=name&op=contains&value=", "expected: text of 1 to 200"),
        ("field=page&op=eq&value=/&times=x", "expected: a whole number from 1 to 100000"),
    ],
)
def test_filter_that_cannot_be_added_is_named_above_the_list_as_it_was(
    member: Visitor, firm: Firm, warehouse: Warehouse, asked: str, said: str
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    answer = member.client.get(f"/app/leads?add=1&{asked}")
    assert (answer.status_code, shown(answer.text)) == (422, [NOKIA.name])
    assert said in answer.text


def test_filter_that_would_be_too_long_for_an_address_is_not_added(member: Visitor) -> None:
    many = ",".join("長い名前" * 12 for _ in range(15))
    answer = member.client.get(f"/app/leads?add=1&field=name&op=in&value={many}")
    assert answer.status_code == 422
    assert "at most 6000 characters of an address" in answer.text


def test_filter_in_an_address_that_cannot_be_read_is_named(member: Visitor) -> None:
    answer = member.client.get('/app/leads?filter={"field":"shoe size"}')
    assert answer.status_code == 400
    assert "<code>filter.field</code> is <code>shoe size</code>" in answer.text


def test_filter_that_nobody_passes_says_so(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    store_coverage(warehouse, firm.id, NOON.date(), {"company": 1})
    text = member.text('/app/leads?filter={"field":"country","op":"eq","value":"SE"}')
    assert "No company passes the filter" in text
    assert 'href="/app/leads"' in text


def test_list_is_exported_whole_as_it_is_filtered_and_that_is_logged(
    member: Visitor, firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/", "/pricing"), seconds=30),
        visit(firm.id, MIT, NOON - timedelta(days=1)),
        *(visit(firm.id, SMALL, NOON - timedelta(days=ago), detail="counts") for ago in range(2)),
    )
    head = (
        "company,domain,country,kind,confidence,last_visit,visits,pages,goals,seconds,org_id,"
        "days,score,tier,status,owner,tags,industry,size,ideal_customer,crm_id"
    )
    nokia = "Nokia,nokia.com,FI,business,high,2026-03-31T11:30Z,1,2,0,60,000000000000000a,1,15,low,new,,,,,no,"
    mit = f"{MIT.name},mit.edu,US,education,high,2026-03-30T11:30Z,1,1,0,10,000000000000000b,1,5,low,new,,,,,no,"
    answer = member.client.get("/app/leads/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="leads-2026-03-31.csv"'
    assert answer.text.splitlines() == [head, nokia, mit]
    only = 'filter={"field":"page","op":"eq","value":"/pricing"}'
    assert member.text(f"/app/leads/export?{only}").splitlines() == [head, nokia]
    assert member.text("/app/leads/export?days=7&q=massa").splitlines() == [head, mit]

    log = town.accounts.audit.page(firm.scope, AuditFilter(Action.LEADS_EXPORTED))
    month = {"from": "2026-03-02", "to": "2026-03-31"}
    text = '{"field":"page","op":"eq","value":"/pricing"}'
    assert [dict(entry.detail) for entry in log] == [
        {"from": "2026-03-25", "to": "2026-03-31", "q": "massa"},
        month | {"filter": text},
        month,
    ]


def test_pages_travel_packed_and_files_and_pictures_as_they_are(
    member: Visitor, firm: Firm, warehouse: Warehouse
) -> None:
    store(warehouse, [event(firm.id, Org(10_000 + n, f"Org {n}"), NOON, starts_visit=1) for n in range(50)])
    page = member.client.get("/app/leads", headers={"accept-encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in page.headers["vary"]
    assert int(page.headers["content-length"]) < len(page.content) / 5
    plain = member.client.get("/app/leads", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert len(shown(page.text)) == len(shown(plain.text)) == 50
    for form in ("csv", "xlsx"):
        file = member.client.get(f"/app/leads/export?format={form}", headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in file.headers


def test_filter_that_asks_for_what_is_gone_can_be_taken_away(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    gone = 'filter={"field":"site","op":"eq","value":"goneforgood"}'
    answer = member.client.get(f"/app/leads?{gone}")
    assert answer.status_code == 422
    assert '<strong>Site</strong> is "goneforgood"; expected: one of ' in answer.text
    assert 'href="/app/leads" aria-label="Remove the filter: ' in answer.text
    assert member.client.get(f"/app/leads?{gone}", headers=PART).status_code == 400


def test_picked_companies_are_exported_in_the_order_of_the_list_and_that_is_logged(
    member: Visitor, firm: Firm, warehouse: Warehouse, town: Town
) -> None:
    third = Org(0x33, "Third")
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON),
        visit(firm.id, MIT, NOON - timedelta(days=1)),
        visit(firm.id, third, NOON),
        visit(firm.id, SMALL, NOON, detail="counts"),
    )

    def picked(*orgs: Org, back: str = "/app/leads?sort=-name&days=7", form: str = "csv") -> Any:
        token = member.csrf_token("/app/sites")
        data = {"csrf_token": token, "back": back, "format": form, "org": [f"{org.id:016x}" for org in orgs]}
        return member.client.post("/app/leads/export", data)  # type: ignore[arg-type]

    answer = picked(MIT, NOKIA, SMALL)
    assert answer.headers["content-disposition"] == 'attachment; filename="leads-2026-03-31.csv"'
    assert [line.partition(",")[0] for line in answer.text.splitlines()] == ["company", "Nokia", MIT.name]
    assert [line.partition(",")[0] for line in picked(MIT, NOKIA, back="/app/leads?q=nok").text.splitlines()[1:]] == [
        "Nokia"
    ]
    assert picked(MIT, form="xlsx").content.startswith(b"PK")
    log = town.accounts.audit.page(firm.scope, AuditFilter(Action.LEADS_EXPORTED))
    assert dict(log[-1].detail) == {"from": "2026-03-25", "to": "2026-03-31", "picked": 3}
    for refused in (picked(), picked(MIT, form="pdf"), picked(MIT, back="/app/leads?sort=nothing")):
        assert refused.status_code == 400
    assert len(town.accounts.audit.page(firm.scope, AuditFilter(Action.LEADS_EXPORTED))) == 3


def test_export_has_no_limit(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, [event(firm.id, Org(10_000 + n, f"Org {n}"), NOON, starts_visit=1) for n in range(2500)])
    lines = member.text("/app/leads/export").splitlines()
    assert len(lines) == len(set(lines)) == 2501


def test_company_in_an_export_is_no_formula(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, Org(0x51, '=HYPERLINK("https://x.example")'), NOON))
    assert member.text("/app/leads/export").splitlines()[1].startswith('"\'=HYPERLINK(""https://x.example"")",')


@pytest.mark.parametrize("text", ["%00", "%ff%fe", "%27%20or%201=1", "{name:String}", "\\", "%F0%9F%8F%A2"])
def test_search_for_odd_text_finds_nothing_and_breaks_nothing(member: Visitor, text: str) -> None:
    assert shown(member.text(f"/app/leads?q=x{text}")) == []


def test_other_workspaces_site_cannot_be_chosen(member: Visitor, town: Town) -> None:
    assert member.client.get(f"/app/leads?site={town.firm().site.key}").status_code == 400


def test_site_of_the_workspace_limits_the_list(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    second = firm.add_site("Second", "https://second.example")
    store(warehouse, visit(firm.id, NOKIA, NOON, site_id=second.id), visit(firm.id, MIT, NOON, site_id=firm.site.id))
    assert shown(member.text(f"/app/leads?site={second.key}")) == [NOKIA.name]


def test_days_can_be_given_one_by_one(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON - timedelta(days=200)), visit(firm.id, MIT, NOON))
    assert shown(member.text("/app/leads?from=2025-09-01&to=2025-09-30")) == [NOKIA.name]


def test_empty_workspace_shows_the_tag_to_paste(member: Visitor, firm: Firm) -> None:
    text = member.text("/app/leads")
    assert "No page view has been measured yet" in text
    assert f"&lt;script src=&#34;http://127.0.0.1:8000/f/{firm.site.key}.js&#34; defer&gt;" in text.replace(
        '"', "&#34;"
    )


def test_list_without_companies_says_why(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store_coverage(warehouse, firm.id, NOON.date(), {"home_network": 3})
    text = member.text("/app/leads")
    assert "No company visited in the last 30 days" in text
    assert "3\N{NO-BREAK SPACE}page views were measured" in text
    assert 'No company matches "x"' in member.text("/app/leads?q=x").replace("&#34;", '"')


def test_company_page_shows_evidence_and_routes(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    came = {"source": "search", "referrer_host": "google.com"}
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/", "/pricing"), seconds=20, **came))
    text = member.text(f"/app/leads/{NOKIA.id:016x}")
    for said in (
        "Why do we say this is Nokia?",
        "AS1248",
        "Nokia as registered",
        "test data",
        "1 March 2026",
        "/pricing",
        "search on google.com",
        "20\N{NO-BREAK SPACE}s",
    ):
        assert said in text


def test_company_page_of_a_counted_company_has_no_minute(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        *(visit(firm.id, SMALL, NOON - timedelta(days=n), ("/secret",), detail="counts") for n in range(3)),
    )
    text = member.text(f"/app/leads/{SMALL.id:016x}")
    assert "/secret" not in text
    assert "the time is not kept" in text
    assert not re.search(r"\d\d:\d\d UTC|00:00", text)


@pytest.mark.parametrize("org_id", ["000000000000000a", "0", "zz", "..%2F", "000000000000000a0", "%00"])
def test_company_that_is_not_there_is_not_found(member: Visitor, org_id: str) -> None:
    answer = member.client.get(f"/app/leads/{org_id}")
    assert answer.status_code == 404
    assert "There is nothing to show here" in answer.text


def test_names_are_escaped(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    evil = Org(77, '<img src=x onerror="alert(1)">', 'e"vil.example')
    store(warehouse, visit(firm.id, evil, NOON, ("/<script>alert(1)</script>",)))
    for path in ("/app/leads", f"/app/leads/{evil.id:016x}"):
        text = member.text(path)
        assert "<img src=x" not in text
        assert "<script>alert" not in text


def test_coverage_page_says_the_sentence(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store_coverage(warehouse, firm.id, NOON.date(), {"company": 31, "home_network": 69, "bot": 4})
    text = member.text("/app/coverage").replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "Of 100 page views measured, <strong>31 % came from companies</strong>; the others: home networks 69 %" in text
    )
    assert "Bots" in text


def test_sites_page_shows_each_tag(member: Visitor, firm: Firm) -> None:
    second = firm.add_site("Second", "https://second.example")
    text = member.text("/app/sites")
    assert f"/f/{firm.site.key}.js" in text
    assert f"/f/{second.key}.js" in text
