"""Feeds and the score as members use them, and what a member who is restricted to feeds finds at every address."""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from firmly.accounts.roles import Role
from firmly.leads.condition_json import parse_condition
from firmly.leads.feeds import FeedDraft
from firmly.leads.filter import Cursor
from firmly.leads.record import LeadStatus, RecordChange, each_alone
from firmly.leads.scoring import Scoring, Term, Weight, Weights
from firmly.leads.service import Leads
from firmly.model import OrgId
from firmly.warehouse.conditions import EVERYTHING
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, store, store_coverage, visit
from tests.town import PASSWORD, Firm, Town
from tests.unit.web.conftest import Visitor
from tests.unit.web.test_record_pages import send

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
FINNISH = '{"field":"country","op":"eq","value":"FI"}'
EDITS = {"filter": FINNISH, "days": "30", "sort": "-score"}


@pytest.fixture
def seen(firm: Firm, warehouse: Warehouse) -> Firm:
    store(warehouse, visit(firm.id, NOKIA, NOON, ("/", "/pricing")), visit(firm.id, MIT, NOON - timedelta(days=1)))
    store_coverage(warehouse, firm.id, NOON.date(), {"company": 3, "residential": 7})
    return firm


def restricted_visitor(visitor_at: Callable[[str], Visitor], firm: Firm, feed: int) -> Visitor:
    """Return the browser of a seller who may see one feed only."""
    email = f"sanna-{firm.id}@firm.example"
    invited = firm.accounts.team.invite(firm.scope, email, Role.SALES, [feed])
    assert firm.accounts.team.join(invited.secret, "Sanna", PASSWORD)
    sanna = visitor_at("http://127.0.0.1:8000")
    form = {"csrf_token": sanna.csrf_token(), "email": email, "password": PASSWORD}
    assert sanna.client.post("/app/sign-in", data=form).status_code == 303
    return sanna


def rows_of(text: str) -> list[str]:
    return re.findall(r"data-row>([^<]+)<", text)


def test_filter_of_the_list_is_kept_as_a_feed_and_opened_again(member: Visitor, leads: Leads, seen: Firm) -> None:
    status, place, _ = send(member, "/app/feeds", name="Finnish", folder="Sales", **EDITS)
    (feed,) = leads.feeds.of(seen.scope)
    query = {key: values[0] for key, values in parse_qs(urlsplit(place).query).items()}
    assert (status, query) == (303, {"filter": FINNISH, "sort": "-score", "feed": str(feed.id)})
    page = member.text(place)
    assert rows_of(page) == ["Nokia"]
    assert re.search(rf'href="/app/feeds/{feed.id}" aria-current="true"', page)
    assert member.client.get(f"/app/feeds/{feed.id}").headers["location"] == place
    overview = member.text("/app/feeds")
    assert "country is Finland, in the last 30 days" in re.sub(r"\s+", " ", overview)
    assert "<span>1</span>" in member.text(f"/app/feeds/{feed.id}/count")
    assert (
        send(member, "/app/feeds", name="Finnish firms", feed=str(feed.id), filter="", days="7", sort="visits")[0]
        == 303
    )
    (feed,) = leads.feeds.of(seen.scope)
    assert (feed.name, feed.folder, feed.condition, feed.days, str(feed.sorting)) == (
        "Finnish firms", "", EVERYTHING, 7, "visits",
    )  # fmt: skip
    assert send(member, "/app/feeds/change", feed=str(feed.id), name="All", folder="New") == (303, "/app/feeds", "")
    assert send(member, "/app/feeds/remove", feed=str(feed.id)) == (303, "/app/feeds", "")
    assert leads.feeds.of(seen.scope) == ()
    assert "No feed yet" in member.text("/app/feeds")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({**EDITS, "name": ""}, "1 to 100 printable characters"),
        ({**EDITS, "name": "a", "days": "set days"}, "7, 30 or 90"),
        ({**EDITS, "name": "a", "filter": "{"}, "JSON"),
        ({**EDITS, "name": "a", "sort": "money"}, "one of last_visit"),
    ],
)
def test_feed_that_cannot_be_kept_says_why(
    member: Visitor, leads: Leads, seen: Firm, given: dict[str, str], said: str
) -> None:
    status, _, text = send(member, "/app/feeds", **given)
    assert status == 422
    assert said in text
    assert leads.feeds.of(seen.scope) == ()


def test_feed_that_is_not_there_is_not_found(member: Visitor, town: Town, leads: Leads, seen: Firm) -> None:
    theirs = leads.feeds.add(town.firm().scope, FeedDraft("Theirs", EVERYTHING))
    for feed in (str(theirs), "0", "x", "9" * 30):
        assert member.client.get(f"/app/feeds/{feed}").status_code == 404
        assert member.client.get(f"/app/feeds/{feed}/count").status_code == 404
        assert send(member, "/app/feeds/remove", feed=feed)[0] == 404
        assert send(member, "/app/feeds/change", feed=feed, name="Mine", folder="")[0] == 404


def test_restricted_member_finds_their_companies_and_no_totals(
    visitor_at: Callable[[str], Visitor], leads: Leads, seen: Firm
) -> None:
    feed = leads.feeds.add(seen.scope, FeedDraft("Finnish", parse_condition(FINNISH)))
    sanna = restricted_visitor(visitor_at, seen, feed)

    page = sanna.text("/app/leads")
    assert rows_of(page) == ["Nokia"]
    assert "page views measured" not in page
    assert MIT.name not in page
    for address in ("/app/leads?q=mit", "/app/leads?sort=name", f"/app/leads?filter={quote(FINNISH)}", "/app/live"):
        assert MIT.name not in sanna.text(address)
    assert sanna.client.get(f"/app/leads/{NOKIA.id:016x}").status_code == 200
    assert sanna.client.get(f"/app/leads/{MIT.id:016x}").status_code == 404
    assert MIT.name not in sanna.text("/app/leads/export")
    for address in ("/app/overview", "/app/coverage", "/app/corrections", "/app/score"):
        assert sanna.client.get(address).status_code == 403
    for path, given in (
        ("/app/feeds", {**EDITS, "name": "Wider"}),
        ("/app/feeds/remove", {"feed": str(feed)}),
        ("/app/score", {"goals.points": "1"}),
    ):
        assert send(sanna, path, **given)[0] == 403
    mit = f"/app/leads/{MIT.id:016x}"
    assert send(sanna, f"{mit}/record", status="customer")[0] == 404
    assert send(sanna, "/app/leads/change", org=f"{MIT.id:016x}", action="status", value="customer")[0] == 400


def test_member_is_restricted_on_the_teams_page(member: Visitor, leads: Leads, seen: Firm) -> None:
    feed = leads.feeds.add(seen.scope, FeedDraft("Finnish", parse_condition(FINNISH)))
    seen.accounts.add_member(seen.id, f"vi-{seen.id}@firm.example", "Vi", Role.VIEWER, PASSWORD)
    (vi,) = (one for one in seen.accounts.team.members(seen.scope) if one.name == "Vi")
    assert "Sees all leads" in member.text("/app/team")

    def see(**given: str) -> int:
        form = {"csrf_token": member.csrf_token("/app/sites"), "member": str(vi.id), **given}
        return member.client.post("/app/team/feeds", form).status_code

    assert see(sees="feeds", feed=str(feed)) == 303
    assert "Sees 1 feed only" in re.sub(r"\s+", " ", member.text("/app/team"))
    assert see(sees="feeds") == see(sees="feeds", feed="999999") == 422
    assert see(sees="all") == 303


def test_columns_are_each_members_own(member: Visitor, seen: Firm) -> None:
    def heads() -> list[str]:
        page = member.text("/app/leads")
        table = page[page.index("<thead>") : page.index("</thead>")]
        return [re.sub(r"<[^>]+>", "", one).strip() for one in re.findall(r"<th .*?</th>", table, re.DOTALL)][2:]

    before = heads()
    assert before[0] == "Score"
    form = {"csrf_token": member.csrf_token("/app/sites"), "column": "kind", "back": "https://elsewhere.example/"}
    answer = member.client.post("/app/leads/columns", form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/leads")
    assert heads() == ["Kind"]
    assert send(member, "/app/leads/columns", column="money")[0] == 400
    assert send(member, "/app/leads/columns", usual="1")[0] == 303
    assert heads() == before


def test_list_is_ordered_by_its_heads(member: Visitor, seen: Firm) -> None:
    assert rows_of(member.text("/app/leads?sort=name")) == [MIT.name, "Nokia"]
    page = member.text("/app/leads?sort=-name")
    assert rows_of(page) == ["Nokia", MIT.name]
    assert 'aria-sort="descending"' in page
    assert 'href="/app/leads?sort=name"' in page
    assert 'href="/app/leads?sort=-visits"' in page


def test_score_is_tried_saved_and_tested_on_customers(member: Visitor, town: Town, leads: Leads, seen: Firm) -> None:
    town.records.change(seen.scope, each_alone([OrgId(NOKIA.id)]), RecordChange(status=LeadStatus.CUSTOMER))
    page = member.text("/app/score")
    assert "among 2 companies: 0 of 1 customer in the first tenth" in re.sub(r"\s+", " ", page)
    tried = {"try": "1", "goals.points": "7", "goals.most": "9.5", "high": "/buy /now", "low": ""}
    query = "&".join(f"{key}={quote(value)}" for key, value in tried.items())
    assert "which are not saved" in member.text(f"/app/score?{query}")
    assert leads.scorings.of(seen.scope) == Scoring()
    assert send(member, "/app/score", **tried)[0] == 303
    kept = leads.scorings.of(seen.scope).weights
    assert (kept.of[Term.GOALS], kept.of[Term.DAYS], kept.high, kept.low) == (
        Weight(7, 9.5), Weights().of[Term.DAYS], ("/buy", "/now"), (),
    )  # fmt: skip
    status, _, text = send(member, "/app/score", **{"goals.points": "many"})
    assert (status, "a number from 0 to 100" in text) == (422, True)
    assert "a day up to today" in member.client.get("/app/score?as_of=2030-01-01").text


def test_ideal_customer_is_said_part_by_part(member: Visitor, leads: Leads, seen: Firm) -> None:
    assert send(member, "/app/score/ideal", ideal="", field="country", op="eq", value="Finland")[0] == 303
    assert leads.scorings.of(seen.scope).ideal != EVERYTHING
    page = member.text("/app/leads")
    assert page.count(">ICP</span>") == 1
    assert "country is Finland" in member.text("/app/score")
    status, _, text = send(member, "/app/score/ideal", ideal="", field="visits", op="gt", value="3")
    assert (status, "who they are" in text) == (422, True)
    assert send(member, "/app/score/ideal", ideal="")[0] == 303
    assert leads.scorings.of(seen.scope).ideal == EVERYTHING


def test_hidden_company_is_shown_where_asked_for(member: Visitor, town: Town, seen: Firm) -> None:
    town.records.change(seen.scope, each_alone([OrgId(NOKIA.id)]), RecordChange(hidden_for_all=True))
    assert rows_of(member.text("/app/leads")) == [MIT.name]
    assert rows_of(member.text("/app/leads?hidden=1")) == ["Nokia", MIT.name]
    assert SMALL.name not in member.text("/app/leads?hidden=1")
    assert "Nokia" not in member.text("/app/leads/export")


def test_sentence_of_a_filter_names_what_ids_stand_for(member: Visitor, leads: Leads, seen: Firm) -> None:
    feed = leads.feeds.add(seen.scope, FeedDraft("Finnish <b>", parse_condition(FINNISH)))
    tree = {
        "and": [
            {"field": "feed", "op": "eq", "value": str(feed)},
            {"field": "owner", "op": "eq", "value": str(seen.scope.member_id)},
            {"field": "site", "op": "ne", "value": str(seen.site.key)},
            {"field": "standing", "op": "in", "value": ["new", "re_engaged"]},
        ]
    }
    page = member.text(f"/app/leads?filter={quote(json.dumps(tree))}")
    for said in (
        "in the feed Finnish &lt;b&gt;",
        "owner is Anna Virtanen",
        "never visited the site Main site",
        "new in these days or re-engaged after 30 days or more",
    ):
        assert f"<span>{said}</span>" in page


def test_list_is_compared_with_the_days_before(member: Visitor, seen: Firm, warehouse: Warehouse) -> None:
    def said(query: str) -> str:
        return re.sub(r"\s+", " ", member.text(f"/app/leads/compared?{query}")).strip()

    store(warehouse, visit(seen.id, SMALL, NOON - timedelta(days=10)))
    assert said("days=7&now=2") == "1 company more than in the 7 days before, when there was 1"
    assert said("days=30&now=3") == "3 companies more than in the 30 days before, when there were 0"
    assert (
        said(f"days=7&now=1&filter={quote(FINNISH)}") == "As many companies as in the 7 days before, when there was 1"
    )
    address = re.search(r'hx-get="(/app/leads/compared[^"]*)"', member.text("/app/leads?days=7"))
    assert address is not None
    assert address[1] == "/app/leads/compared?days=7&amp;now=2"
    for wrong in ("", "-1", "many"):
        assert member.client.get(f"/app/leads/compared?now={wrong}").status_code == 400


def test_prepared_file_goes_when_its_feed_shows_less(
    visitor_at: Callable[[str], Visitor], leads: Leads, seen: Firm
) -> None:
    feed = leads.feeds.add(seen.scope, FeedDraft("Finnish", parse_condition(FINNISH)))
    sanna = restricted_visitor(visitor_at, seen, feed)
    assert send(sanna, "/app/exports", what="leads", format="csv", list="")[0] == 303
    kept = None
    for _ in range(100):
        kept = re.search(r'href="(/app/exports/file/[^"]+)"', sanna.text("/app/exports"))
        if kept:
            break
        time.sleep(0.1)
    assert kept is not None
    assert sanna.client.head(kept[1]).status_code == 405
    assert "Nokia" in sanna.client.get(kept[1]).text
    leads.feeds.change(seen.scope, feed, FeedDraft("Norwegian", parse_condition(FINNISH.replace("FI", "NO"))))
    assert sanna.client.get(kept[1]).status_code == 404


@pytest.mark.parametrize("place", ["WyJcdWQ4MDAiLCIxIl0", str(Cursor(-5, 1)), str(Cursor("x", 1))])
def test_odd_place_in_a_list_is_no_failure(member: Visitor, seen: Firm, place: str) -> None:
    company = f"/app/leads/{NOKIA.id:016x}"
    for page in ("/app/leads?sort=name&", "/app/leads?", f"{company}?"):
        assert member.client.get(f"{page}after={place}").status_code in (200, 400)
