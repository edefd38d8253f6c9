"""Feeds: who may keep and change them, and that a membership restricted to some sees nothing else, anywhere."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firmly.accounts.audit import Action
from firmly.accounts.roles import Right, Role
from firmly.accounts.scope import MemberScope, NotAllowedError, Scope
from firmly.leads.condition_json import condition_of
from firmly.leads.days import DayRange
from firmly.leads.feeds import MAX_FEEDS, FeedDraft, FeedId
from firmly.leads.filter import LeadFilter, org_id_text
from firmly.leads.record import LeadStatus, RecordChange, each_alone
from firmly.leads.scoring import Scoring
from firmly.leads.service import Leads
from firmly.model import InvalidInputError, OrgId
from firmly.organisations.overrides import Matcher, read_rule
from firmly.warehouse.conditions import Condition
from firmly.warehouse.ordering import NEWEST_FIRST, Order, Sorting
from firmly.warehouse.store import Warehouse
from tests.history import MIT, NOKIA, SMALL, store, visit
from tests.town import PASSWORD, Firm, Town

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
MONTH = LeadFilter(DayRange.until(NOON.date(), 30))


def asks(**said: Any) -> Condition:
    return condition_of(said)


FINNISH = asks(field="country", op="eq", value="FI")
PRICING = asks(field="page", op="starts", value="/pricing")


def restricted(firm: Firm, *feeds: int, role: Role = Role.SALES) -> MemberScope:
    """Return the scope of a new member who may see these feeds only."""
    email = f"sales-{len(feeds)}-{firm.id}-{role}@firm.example"
    invited = firm.accounts.team.invite(firm.scope, email, role, feeds)
    firm.accounts.team.join(invited.secret, "Sanna", PASSWORD)
    token = firm.accounts.sign_in.with_password(email, PASSWORD)
    scope = firm.accounts.sign_in.scope(token) if token else None
    assert scope is not None
    assert scope.feeds == frozenset(feeds)
    return scope


def names(leads: Leads, scope: Scope, wanted: LeadFilter = MONTH) -> list[str]:
    return [lead.identity.name for lead in leads.list(scope, wanted).leads]


@pytest.fixture
def visits(firm: Firm, warehouse: Warehouse) -> None:
    store(
        warehouse,
        visit(firm.id, NOKIA, NOON, ("/", "/pricing")),
        visit(firm.id, MIT, NOON - timedelta(days=1), ("/pricing",)),
        visit(firm.id, SMALL, NOON - timedelta(days=40), ("/pricing",)),
    )


def test_feed_is_kept_changed_and_removed(leads: Leads, firm: Firm) -> None:
    feeds = leads.feeds
    made = feeds.add(firm.scope, FeedDraft("  Hot   leads ", FINNISH, "Sales", 7, Sorting(Order.SCORE)))
    (kept,) = feeds.of(firm.scope)
    assert (kept.id, kept.name, kept.folder, kept.condition, kept.days, kept.sorting, kept.limits) == (
        made, "Hot leads", "Sales", FINNISH, 7, Sorting(Order.SCORE), 0,
    )  # fmt: skip
    assert feeds.change(firm.scope, made, FeedDraft("Warm", PRICING))
    (kept,) = feeds.of(firm.scope)
    assert (kept.name, kept.folder, kept.condition, kept.days, kept.sorting) == ("Warm", "", PRICING, 30, NEWEST_FIRST)
    assert feeds.remove(firm.scope, made)
    assert feeds.of(firm.scope) == ()
    assert not feeds.remove(firm.scope, made)
    done = [entry.action for entry in firm.accounts.audit.page(firm.scope) if entry.action.startswith("feed")]
    assert done == [Action.FEED_REMOVED, Action.FEED_CHANGED, Action.FEED_ADDED]


@pytest.mark.parametrize(
    ("draft", "key"),
    [
        (FeedDraft(" ", FINNISH), "name"),
        (FeedDraft("x" * 101, FINNISH), "name"),
        (FeedDraft("a", FINNISH, "y" * 61), "folder"),
        (FeedDraft("a", FINNISH, days=31), "days"),
        (FeedDraft("a", asks(field="feed", op="eq", value="1")), "filter"),
        (FeedDraft("a", asks(field="owner", op="eq", value="me")), "filter"),
        (FeedDraft("a", asks(field="owner", op="in", value=["ME"])), "filter"),
        (FeedDraft("a", asks(field="name", op="matches", value="(")), "filter"),
        (FeedDraft("Taken", FINNISH), "name"),
    ],
)
def test_feed_that_cannot_be_is_refused_by_its_key(leads: Leads, firm: Firm, draft: FeedDraft, key: str) -> None:
    leads.feeds.add(firm.scope, FeedDraft("Taken", FINNISH))
    with pytest.raises(InvalidInputError) as caught:
        leads.feeds.add(firm.scope, draft)
    assert [problem.key for problem in caught.value.problems] == [key]


def test_feeds_are_not_without_number(leads: Leads, firm: Firm) -> None:
    scope = firm.scope
    for number in range(MAX_FEEDS):
        leads.feeds.add(scope, FeedDraft(f"Feed {number}", FINNISH))
    with pytest.raises(InvalidInputError, match="at most 200 feeds"):
        leads.feeds.add(firm.scope, FeedDraft("One more", FINNISH))


def test_another_workspaces_feed_is_none(leads: Leads, town: Town, firm: Firm) -> None:
    other = town.firm()
    made = leads.feeds.add(other.scope, FeedDraft("Theirs", FINNISH))
    assert leads.feeds.of(firm.scope) == ()
    assert leads.feeds.find(firm.scope, made) is None
    assert not leads.feeds.change(firm.scope, made, FeedDraft("Mine", FINNISH))
    assert not leads.feeds.remove(firm.scope, made)
    assert [feed.name for feed in leads.feeds.of(other.scope)] == ["Theirs"]
    with pytest.raises(InvalidInputError, match="feed"):
        names(leads, firm.scope, LeadFilter(MONTH.days, condition=asks(field="feed", op="eq", value=str(made))))


@pytest.mark.usefixtures("visits")
def test_member_restricted_to_feeds_sees_their_leads_only(leads: Leads, firm: Firm) -> None:
    finnish = leads.feeds.add(firm.scope, FeedDraft("Finnish", FINNISH))
    leads.feeds.add(firm.scope, FeedDraft("Others", PRICING))
    scope = restricted(firm, finnish)

    assert names(leads, scope) == ["Nokia"]
    assert leads.list(scope, MONTH).total == leads.count(scope, MONTH) == 1
    assert [lead.identity.name for lead in leads.export(scope, MONTH)] == ["Nokia"]
    for name in ("mit", "massachusetts"):
        assert names(leads, scope, LeadFilter(MONTH.days, name)) == []
    assert leads.company(scope, OrgId(NOKIA.id), MONTH.days) is not None
    assert leads.company(scope, OrgId(MIT.id), MONTH.days) is None
    assert leads.only_visible(scope, [OrgId(NOKIA.id), OrgId(MIT.id)]) == {OrgId(NOKIA.id)}
    assert [feed.name for feed in leads.feeds.of(scope)] == ["Finnish"]
    with pytest.raises(NotAllowedError):
        leads.back_test(scope, leads.scorings.of(scope).weights, NOON.date())
    assert not scope.rights & {Right.READ_ALL_LEADS, Right.EDIT_FEEDS, Right.CORRECT}


@pytest.mark.usefixtures("visits")
def test_range_of_a_feed_bounds_what_is_seen_also_in_longer_lists(leads: Leads, firm: Firm) -> None:
    """A company of forty days ago is in no list of the feed's last thirty days, however long the list asked for."""
    feed = leads.feeds.add(firm.scope, FeedDraft("Pricing", PRICING))
    scope, quarter = restricted(firm, feed), LeadFilter(DayRange.until(NOON.date(), 90))
    assert names(leads, scope, quarter) == ["Nokia", MIT.name]
    assert names(leads, firm.scope, quarter) == ["Nokia", MIT.name, SMALL.name]
    assert leads.company(scope, OrgId(SMALL.id), quarter.days) is None


@pytest.mark.usefixtures("visits")
def test_member_of_no_feed_and_of_a_removed_one_sees_nothing(leads: Leads, firm: Firm) -> None:
    feed = leads.feeds.add(firm.scope, FeedDraft("Gone", PRICING))
    scopes = restricted(firm), restricted(firm, feed)
    leads.feeds.remove(firm.scope, feed)
    for scope in scopes:
        assert names(leads, scope) == []
        assert leads.only_visible(scope, [OrgId(NOKIA.id)]) == set()
        assert leads.company(scope, OrgId(NOKIA.id), MONTH.days) is None


@pytest.mark.usefixtures("visits")
def test_merged_company_is_seen_as_what_it_is_now(leads: Leads, firm: Firm) -> None:
    """A correction makes MIT a Finnish firm: then it is in the feed, under its new name."""
    feed = leads.feeds.add(firm.scope, FeedDraft("Finnish", FINNISH))
    scope = restricted(firm, feed)
    said = {"organisation": {"name": "Uusi Oy", "country": "FI"}}
    leads.rule_book.add(firm.scope, read_rule(Matcher.ORGANISATION, org_id_text(OrgId(MIT.id)), said), MIT.name)
    assert names(leads, scope) == ["Nokia", "Uusi Oy"]
    found = leads.company(scope, OrgId(MIT.id), MONTH.days)
    assert found is not None
    assert found.identity.name == "Uusi Oy"


@pytest.mark.usefixtures("visits")
def test_feed_that_limits_others_is_changed_by_who_manages_the_team(leads: Leads, firm: Firm) -> None:
    feed = leads.feeds.add(firm.scope, FeedDraft("Finnish", FINNISH))
    restricted(firm, feed)
    firm.accounts.add_member(firm.id, f"seller-{firm.id}@firm.example", "Sami", Role.SALES, PASSWORD)
    token = firm.accounts.sign_in.with_password(f"seller-{firm.id}@firm.example", PASSWORD)
    seller = firm.accounts.sign_in.scope(token) if token else None
    assert seller is not None
    (kept,) = leads.feeds.of(seller)
    assert kept.limits == 1
    with pytest.raises(NotAllowedError):
        leads.feeds.change(seller, feed, FeedDraft("Finnish", PRICING))
    with pytest.raises(NotAllowedError):
        leads.feeds.remove(seller, feed)
    assert leads.feeds.change(seller, feed, FeedDraft("Renamed", FINNISH))
    assert leads.feeds.change(firm.scope, feed, FeedDraft("Finnish", PRICING))


@pytest.mark.usefixtures("visits")
def test_filters_by_what_the_team_says(leads: Leads, town: Town, firm: Firm) -> None:
    nokia, mit = OrgId(NOKIA.id), OrgId(MIT.id)
    town.records.change(firm.scope, {nokia: [nokia]}, RecordChange(status=LeadStatus.CUSTOMER, add_tags=("Hot",)))
    town.records.change(firm.scope, {mit: [mit]}, RecordChange(hidden_for_all=True))
    feed = FeedId(leads.feeds.add(firm.scope, FeedDraft("Pricing", PRICING)))

    def found(**said: Any) -> list[str]:
        return names(leads, firm.scope, LeadFilter(MONTH.days, condition=asks(**said), with_hidden=True))

    assert names(leads, firm.scope) == ["Nokia"]
    assert found(field="status", op="eq", value="customer") == ["Nokia"]
    assert found(field="status", op="eq", value="new") == [MIT.name]
    assert found(field="status", op="in", value=["new", "customer"]) == ["Nokia", MIT.name]
    assert found(field="status", op="ne", value="new") == ["Nokia"]
    assert found(field="tag", op="eq", value="hot") == ["Nokia"]
    assert found(field="tag", op="not_set") == [MIT.name]
    assert found(field="feed", op="eq", value=str(feed)) == ["Nokia", MIT.name]
    assert found(field="feed", op="ne", value=str(feed)) == []
    assert found(field="site", op="eq", value=firm.site.key) == (["Nokia", MIT.name] if firm.site.id == 1 else [])
    with pytest.raises(InvalidInputError, match="status"):
        found(field="status", op="eq", value="bought")
    with pytest.raises(InvalidInputError, match="site"):
        found(field="site", op="eq", value="elsewhere")


def test_colleague_is_restricted_and_freed_again(leads: Leads, firm: Firm) -> None:
    feed = leads.feeds.add(firm.scope, FeedDraft("Finnish", FINNISH))
    scope = restricted(firm, feed, role=Role.VIEWER)
    (member,) = (one for one in firm.accounts.team.members(firm.scope) if one.id == scope.member_id)
    assert member.feeds == frozenset([int(feed)])
    firm.accounts.team.restrict(firm.scope, scope.member_id, None)
    (member,) = (one for one in firm.accounts.team.members(firm.scope) if one.id == scope.member_id)
    assert member.feeds is None
    firm.accounts.team.restrict(firm.scope, scope.member_id, [feed])
    firm.accounts.team.change_role(firm.scope, scope.member_id, Role.ADMIN)
    (member,) = (one for one in firm.accounts.team.members(firm.scope) if one.id == scope.member_id)
    assert member.feeds is None
    with pytest.raises(InvalidInputError, match="limited to feeds"):
        firm.accounts.team.restrict(firm.scope, scope.member_id, [feed])
    with pytest.raises(InvalidInputError, match="limited to feeds"):
        firm.accounts.team.invite(firm.scope, "new-owner@firm.example", Role.OWNER, [feed])


@pytest.mark.usefixtures("visits")
def test_feed_about_a_site_that_is_gone_shows_nothing_and_spoils_no_other(leads: Leads, firm: Firm) -> None:
    finnish = leads.feeds.add(firm.scope, FeedDraft("Finnish", FINNISH))
    gone = leads.feeds.add(firm.scope, FeedDraft("Gone", asks(field="site", op="ne", value="nosuchsite")))
    assert names(leads, restricted(firm, finnish, gone)) == ["Nokia"]
    assert names(leads, restricted(firm, gone)) == []


def test_feeds_together_with_too_many_parts_are_refused_in_words(leads: Leads, firm: Firm) -> None:
    """Each has as many as a filter may have; a filter that names ten of them is a statement that nobody reads."""
    parts = [{"field": "name", "op": "contains", "value": f"{number} {'x' * 40}"} for number in range(40)]
    for number in range(10):
        leads.feeds.add(firm.scope, FeedDraft(f"Feed {number}", condition_of({"or": parts})))
    asked = asks(field="feed", op="in", value=[str(feed.id) for feed in leads.feeds.of(firm.scope)])
    with contextlib.suppress(InvalidInputError):
        assert names(leads, firm.scope, LeadFilter(MONTH.days, condition=asked)) == []


def test_membership_is_restricted_to_so_many_feeds(firm: Firm) -> None:
    with pytest.raises(InvalidInputError, match="at most 20 feeds"):
        firm.accounts.team.invite(firm.scope, "sanna@firm.example", Role.SALES, range(1, 22))


@pytest.mark.usefixtures("visits")
def test_thousands_of_hidden_leads_leave_the_list_readable(leads: Leads, town: Town, firm: Firm) -> None:
    for start in range(0, 2000, 1000):
        some = [OrgId(10**6 + start + number) for number in range(1000)]
        town.records.change(firm.scope, each_alone(some), RecordChange(hidden_for_all=True))
    assert names(leads, firm.scope) == ["Nokia", MIT.name]


@pytest.mark.parametrize(
    "said",
    [{"field": "icp", "op": "eq", "value": "yes"}, {"field": "score", "op": "gt", "value": 3}],
    ids=["icp", "score"],
)
def test_scoring_that_limits_others_is_changed_by_who_manages_the_team(
    leads: Leads, firm: Firm, said: dict[str, Any]
) -> None:
    feed = leads.feeds.add(firm.scope, FeedDraft("Feed", condition_of(said)))
    email = f"seller-{firm.id}@firm.example"
    firm.accounts.add_member(firm.id, email, "Sami", Role.SALES, PASSWORD)
    token = firm.accounts.sign_in.with_password(email, PASSWORD)
    seller = firm.accounts.sign_in.scope(token) if token else None
    assert seller is not None
    leads.scorings.change(seller, Scoring())
    firm.accounts.team.invite(firm.scope, f"limited-{firm.id}@firm.example", Role.VIEWER, [feed])
    with pytest.raises(NotAllowedError):
        leads.scorings.change(seller, Scoring())
    leads.scorings.change(firm.scope, Scoring())
