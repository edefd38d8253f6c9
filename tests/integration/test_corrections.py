"""A workspace's corrections at the collector: from now on, for its own sites, and for nobody else's."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from firmly.accounts.roles import Role
from firmly.accounts.rules import OrgRules, RuleId
from firmly.accounts.scope import Scope
from firmly.leads.days import DayRange
from firmly.leads.filter import LeadFilter, org_id_text
from firmly.leads.resolving import Resolver
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads
from firmly.model import BeforeConsent, Confidence, OrgId
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.overrides import Matcher, read_rule
from firmly.warehouse.store import Warehouse
from tests.collector import COMCAST, COUNTS_ONLY, HETZNER, MIT, NOKIA, Collector, running_firmly

pytestmark = pytest.mark.anyio

Run = Callable[..., AbstractAsyncContextManager[Collector]]

NOKIA_AS, COMCAST_AS = 8983, 7922
OURS = {"is": "own_staff"}
NO_COMPANY = {"is": "not_a_company"}
ACME = {"organisation": {"name": "Acme Oy", "country": "FI", "domain": "acme.example"}}
PASSWORD = "a long enough phrase"


class Team:
    """The owner of a collector's workspace, who corrects and looks."""

    def __init__(self, collector: Collector) -> None:
        firmly = collector.firmly
        self.collector = collector
        self.rules = OrgRules(firmly.stores.control_plane, collector.clock, LegalForms.bundled())
        resolver = Resolver.over(firmly.stores.control_plane, collector.clock, firmly.accounts.sites.of)
        book = RuleBook(firmly.stores.warehouse, self.rules, collector.clock)
        self.leads = Leads(firmly.stores.warehouse, collector.clock, book, resolver)
        self.email = f"team-{collector.site.key}@example.com"
        firmly.accounts.add_member(collector.site.workspace_id, self.email, "Mia", Role.OWNER, PASSWORD)

    @property
    def scope(self) -> Scope:
        accounts = self.collector.firmly.accounts
        scope = accounts.sign_in.scope(accounts.sign_in.with_password(self.email, PASSWORD) or "")
        assert scope is not None
        return scope

    def add(self, matcher: Matcher, value: object, said: dict[str, Any]) -> RuleId:
        rule = self.leads.rule_book.add(self.scope, read_rule(matcher, value, said))
        self.collector.firmly.directory.refresh()
        return rule

    def remove(self, rule: RuleId) -> None:
        self.leads.rule_book.remove(self.scope, rule)
        self.collector.firmly.directory.refresh()

    async def list(self) -> dict[str, int]:
        """Return the companies on the list with their page views."""
        await self.collector.firmly.settle()
        today = self.collector.clock.now.date()
        page = self.leads.list(self.scope, LeadFilter(DayRange.until(today, 30)))
        assert all(lead.totals.visits for lead in page.leads)
        return {lead.identity.name: lead.totals.pageviews for lead in page.leads}

    async def see(self, address: str = NOKIA) -> str:
        """Let somebody at ``address`` view a page; return what the collector says of it."""
        answer = await self.collector.post(address=address, visit=None)
        assert answer.status_code == 202, answer.text
        return str(answer.headers.get("x-firmly-dropped", "kept"))


async def test_network_is_another_organisation_from_now_on_and_for_its_workspace_only(run: Run) -> None:
    async with run(BeforeConsent.COMPANY) as collector, run(BeforeConsent.COMPANY) as other:
        team, others = Team(collector), Team(other)
        assert await team.see() == "kept"
        rule = team.add(Matcher.NETWORK, "131.228.0.0/16", ACME)
        assert (await team.see(), await others.see()) == ("kept", "kept")
        assert await team.list() == {"Acme Oy": 1, "Nokia Solutions and Networks": 1}
        assert await others.list() == {"Nokia Solutions and Networks": 1}
        [row] = [row for row in await collector.events() if row["org_name"] == "Acme Oy"]
        team.remove(rule)
        assert await team.see() == "kept"
        assert await team.list() == {"Acme Oy": 1, "Nokia Solutions and Networks": 2}
    told = {key: row[f"org_{key}"] for key in ("name", "country", "domain", "asn", "source", "confidence")}
    assert told == {
        "name": "Acme Oy",
        "country": "FI",
        "domain": "acme.example",
        "asn": NOKIA_AS,
        "source": "your team's rule",
        "confidence": "very_high",
    }
    assert row["org_as_of"] == collector.clock.now.date()
    assert not any("131.228" in str(value) for value in row.values())


@pytest.mark.parametrize("said", [OURS, NO_COMPANY], ids=["own_staff", "not_a_company"])
@pytest.mark.parametrize("matcher", list(Matcher))
async def test_whom_a_rule_hides_is_only_counted(run: Run, matcher: Matcher, said: dict[str, str]) -> None:
    async with run(BeforeConsent.COMPANY) as collector, run(BeforeConsent.COMPANY) as other:
        team, others = Team(collector), Team(other)
        await team.see()
        [row] = await collector.events()
        values: dict[Matcher, object] = {
            Matcher.NETWORK: "131.228.1.1/32",
            Matcher.ORGANISATION: org_id_text(OrgId(row["org_id"])),
            Matcher.NAME: row["org_registered_name"].upper(),
            Matcher.ASN: NOKIA_AS,
        }
        team.add(matcher, values[matcher], said)
        assert await team.see() == f"{said['is']}=1"
        assert (await team.see(MIT), await others.see()) == ("kept", "kept")
        ledger = await collector.select(
            "select outcome, sum(pageviews) as n from coverage_hours where workspace_id = {workspace:UInt32} "
            "group by outcome order by outcome"
        )
        assert ledger == [{"outcome": "company", "n": 2}, {"outcome": said["is"], "n": 1}]
        assert len(await collector.events()) == 2


async def test_rule_about_a_holder_is_applied_when_read_and_can_be_undone(run: Run) -> None:
    """What the data names anyway is recorded as the data has it: only so does the history return."""
    async with run(BeforeConsent.COMPANY) as collector:
        team = Team(collector)
        await team.see()
        rule = team.add(Matcher.ASN, NOKIA_AS, ACME)
        await team.see()
        assert await team.list() == {"Acme Oy": 2}
        assert {row["org_name"] for row in await collector.events()} == {"Nokia Solutions and Networks"}
        team.remove(rule)
        assert await team.list() == {"Nokia Solutions and Networks": 2}


async def test_rule_about_a_provider_names_none_of_its_customers(run: Run) -> None:
    async with run(BeforeConsent.COMPANY) as collector:
        team = Team(collector)
        rule = team.add(Matcher.ASN, COMCAST_AS, ACME)
        assert await team.see(COMCAST) == "carrier_network=1"
        team.remove(rule)
        team.add(Matcher.ASN, COMCAST_AS, OURS)
        assert await team.see(COMCAST) == "own_staff=1"


async def test_rule_by_network_names_a_company_on_a_providers_lines_but_no_machine(run: Run) -> None:
    async with run(BeforeConsent.COMPANY) as collector, run(BeforeConsent.COMPANY) as other:
        team, others = Team(collector), Team(other)
        for network in ("73.1.1.0/24", "88.198.0.0/16"):
            team.add(Matcher.NETWORK, network, ACME)
        assert await team.see(COMCAST) == "kept"
        assert await team.see(HETZNER) == "hosting_network=1"
        assert await others.see(COMCAST) == "carrier_network=1"
        [row] = await collector.events()
        assert (row["org_name"], row["org_registered_name"]) == ("Acme Oy", "")


async def test_closest_rule_decides_also_from_now_on(run: Run) -> None:
    async with run(BeforeConsent.COMPANY) as collector:
        team = Team(collector)
        await team.see()
        [row] = await collector.events()
        team.add(Matcher.ORGANISATION, f"{row['org_id']:016x}", ACME)
        team.add(Matcher.ASN, NOKIA_AS, OURS)
        assert await team.see() == "kept"
        assert await team.list() == {"Acme Oy": 2}


async def test_rule_makes_sure_what_is_not_sure_enough(run: Run) -> None:
    async with run(BeforeConsent.COMPANY, min_confidence=Confidence.MEDIUM) as collector:
        await Team(collector).see(COUNTS_ONLY)
        [row] = await collector.events()
    async with run(BeforeConsent.COMPANY) as collector:
        team = Team(collector)
        assert await team.see(COUNTS_ONLY) == "low_confidence=1"
        team.add(Matcher.ASN, row["org_asn"], ACME)
        assert await team.see(COUNTS_ONLY) == "kept"


async def test_workspaces_word_goes_before_the_operators(
    tmp_path: Path, new_warehouse: Callable[[], Warehouse]
) -> None:
    (tmp_path / "rules.toml").write_text('[[rule]]\nnetwork = "131.228.0.0/16"\norganisation = {name = "Operators"}\n')
    environ = {"FIRMLY_ORG_OVERRIDES": str(tmp_path / "rules.toml")}
    async with (
        running_firmly(tmp_path / "data", new_warehouse(), environ) as started,
        started.with_site(BeforeConsent.COMPANY) as collector,
        started.with_site(BeforeConsent.COMPANY) as other,
    ):
        team, others = Team(collector), Team(other)
        team.add(Matcher.ASN, NOKIA_AS, OURS)
        assert (await team.see(), await others.see()) == ("own_staff=1", "kept")
        assert await others.list() == {"Operators": 1}
