"""Who reaches what: every address of the pages, with every role of the own and of a foreign workspace.

The table is written by hand and compared with the application's own routes: an address that is missing
here fails. What is not allowed changes no row; what belongs to another workspace looks like nothing.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import event, inspect, text
from starlette.routing import Route

from firmly.accounts.roles import Role
from firmly.accounts.scope import MemberScope
from firmly.accounts.second_factor import matching_step
from firmly.consent.counts import ConsentCounts
from firmly.leads.company_data.facts import Fact
from firmly.leads.record import LeadStatus, RecordChange, each_alone
from firmly.leads.service import Leads
from firmly.model import OrgId
from firmly.organisations.overrides import Matcher, read_rule
from firmly.packaged import dashboards
from firmly.warehouse.store import Warehouse
from firmly.web.application import build_web
from firmly.web.csrf import Csrf
from tests.history import Org, store, visit
from tests.town import KEYS, PASSWORD, Firm, Town
from tests.unit.web.conftest import mail_of

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
NONCE = "n" * 43
ALL = "owner admin sales privacy_officer viewer"
MANAGE = "owner admin"
SELL = "owner admin sales"
PRIVACY = "owner admin privacy_officer"
OPEN = "everybody"
OWN = "oneself"

EXPECTED: dict[tuple[str, str], str] = {
    ("GET", "/leads"): ALL,
    ("GET", "/leads/compared"): ALL,
    ("GET", "/leads/export"): ALL,
    ("POST", "/leads/columns"): ALL,
    ("GET", "/feeds"): ALL,
    ("GET", "/feeds/{feed_id}"): ALL,
    ("GET", "/feeds/{feed_id}/count"): ALL,
    ("POST", "/feeds"): "owner admin sales",
    ("POST", "/feeds/change"): "owner admin sales",
    ("POST", "/feeds/remove"): "owner admin sales",
    ("GET", "/score"): ALL,
    ("POST", "/score"): "owner admin sales",
    ("POST", "/score/ideal"): "owner admin sales",
    ("GET", "/leads/{org_id}"): ALL,
    ("GET", "/leads/{org_id}/reach"): MANAGE,
    ("POST", "/leads/change"): SELL,
    ("POST", "/leads/export"): ALL,
    ("POST", "/leads/{org_id}/record"): SELL,
    ("POST", "/leads/{org_id}/notes"): SELL,
    ("POST", "/leads/{org_id}/notes/remove"): SELL,
    ("GET", "/company-data"): SELL,
    ("GET", "/company-data/preview"): SELL,
    ("POST", "/company-data/upload"): SELL,
    ("POST", "/company-data/import"): SELL,
    ("POST", "/company-data/undo"): SELL,
    ("POST", "/company-data/delete"): SELL,
    ("GET", "/corrections"): ALL,
    ("POST", "/corrections"): MANAGE,
    ("POST", "/corrections/remove"): MANAGE,
    ("GET", "/coverage"): ALL,
    ("GET", "/overview"): ALL,
    ("GET", "/overview/export"): ALL,
    ("GET", "/live"): ALL,
    ("GET", "/news"): ALL,
    ("GET", "/exports"): ALL,
    ("GET", "/exports/file/{job}"): ALL,
    ("POST", "/exports"): ALL,
    ("POST", "/exports/stop"): ALL,
    ("GET", "/sites"): ALL,
    ("GET", "/sites/new"): PRIVACY,
    ("POST", "/sites/new"): PRIVACY,
    ("GET", "/sites/{key}"): PRIVACY,
    ("POST", "/sites/{key}"): PRIVACY,
    ("GET", "/welcome"): PRIVACY,
    ("GET", "/welcome/first-visit"): PRIVACY,
    ("POST", "/welcome/workspace"): MANAGE,
    ("POST", "/welcome/site"): PRIVACY,
    ("GET", "/team"): MANAGE,
    ("POST", "/team/invite"): MANAGE,
    ("POST", "/team/invitation"): MANAGE,
    ("POST", "/team/revoke"): MANAGE,
    ("POST", "/team/role"): MANAGE,
    ("POST", "/team/feeds"): MANAGE,
    ("POST", "/team/remove"): MANAGE,
    ("POST", "/team/leave"): ALL,
    ("GET", "/tokens"): MANAGE,
    ("POST", "/tokens"): MANAGE,
    ("POST", "/tokens/revoke"): MANAGE,
    ("GET", "/settings"): MANAGE,
    ("POST", "/settings"): MANAGE,
    ("POST", "/settings/cancel"): "owner",
    ("POST", "/settings/reactivate"): "owner",
    ("GET", "/audit"): PRIVACY,
    ("GET", "/audit/export"): PRIVACY,
    ("GET", "/letters"): PRIVACY,
    ("GET", "/disclosures"): PRIVACY,
    ("POST", "/disclosures"): PRIVACY,
    ("GET", "/account"): OWN,
    ("GET", "/account/second-factor"): OWN,
    ("POST", "/account/name"): OWN,
    ("POST", "/account/password"): OWN,
    ("POST", "/account/sessions"): OWN,
    ("POST", "/account/letters"): OWN,
    ("POST", "/account/second-factor"): OWN,
    ("POST", "/account/second-factor/codes"): OWN,
    ("POST", "/account/second-factor/remove"): OWN,
    ("POST", "/switch"): OWN,
    ("GET", "/"): OPEN,
    ("GET", "/sign-in"): OPEN,
    ("POST", "/sign-in"): OPEN,
    ("GET", "/second-factor"): OPEN,
    ("POST", "/second-factor"): OPEN,
    ("POST", "/sign-out"): OPEN,
    ("GET", "/provider"): OPEN,
    ("GET", "/provider/back"): OPEN,
    ("GET", "/forgotten"): OPEN,
    ("POST", "/forgotten"): OPEN,
    ("GET", "/reset/{secret}"): OPEN,
    ("POST", "/reset/{secret}"): OPEN,
    ("GET", "/invitation/{secret}"): OPEN,
    ("POST", "/invitation/{secret}"): OPEN,
    ("GET", "/unsubscribe/{secret}"): OPEN,
    ("POST", "/unsubscribe/{secret}"): OPEN,
    ("GET", "/static/{digest}/{name:path}"): OPEN,
}

ALPHA = Org(0xA1FA, "Alphaville Marker", "alphaville-marker.example")
BETA = Org(0xBE7A, "Betatown Marker", "betatown-marker.example")
ABSENT = Org(0xAB5E27, "Nobody", "nobody.example")


@dataclass
class House:
    """One workspace with a member of every role and something of each kind of object, under a mark."""

    firm: Firm
    mark: str
    org: Org
    sessions: dict[str, str] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)

    def form(self, path: str) -> dict[str, str]:
        """Return what a form of this address would say about this workspace's objects."""
        known = self.objects
        return {
            "/leads/change": {"org": known["org"], "action": "tag", "value": "taken over", "back": "/app/leads"},
            "/leads/export": {"org": known["org"], "format": "csv", "back": "/app/leads"},
            "/leads/{org_id}/record": {"status": "customer", "tag": "taken over", "hide_all": "on"},
            "/leads/{org_id}/notes": {"text": "taken over"},
            "/leads/{org_id}/notes/remove": {"note": known["note"]},
            "/company-data/import": {"upload": known["upload"], "domain": "0"},
            "/company-data/undo": {"import": known["import"]},
            "/corrections": {"org": known["org"], "about": "organisation", "is": "not_a_company"},
            "/corrections/remove": {"rule": known["rule"]},
            "/sites/{key}": {"name": "Taken over", "origins": "https://evil.example"},
            "/team/invitation": {"invitation": known["invitation"]},
            "/team/revoke": {"invitation": known["invitation"]},
            "/team/role": {"member": known["member"], "role": "viewer"},
            "/team/remove": {"member": known["member"]},
            "/tokens/revoke": {"token": known["token"]},
            "/switch": {"workspace": str(self.firm.id)},
            "/account/sessions": {"session": known["session"]},
            "/settings/cancel": {"name": "none of these"},
        }.get(path, {})

    def address(self, path: str) -> str:
        return path.replace("{org_id}", self.objects["org"]).replace("{key}", self.objects["key"])


class World:
    """Two workspaces behind one application, and the rows of both."""

    def __init__(self, town: Town, leads: Leads, warehouse: Warehouse) -> None:
        self.town = town
        self.web = build_web(
            town.accounts,
            leads,
            town.records,
            town.company_data,
            ConsentCounts(town.control_plane),
            mail_of(town),
            town.devices,
            clock=town.clock,
            secret_keys=KEYS,
            base_url="http://127.0.0.1:8000",
            dashboards=dashboards(),
        )
        self.alpha = self._house("Alphaville Marker", ALPHA, warehouse)
        self.beta = self._house("Betatown Marker", BETA, warehouse)
        self.absent = House(self.alpha.firm, "", ABSENT, {}, dict.fromkeys(self.alpha.objects, "999999"))
        self.absent.objects |= {"org": f"{ABSENT.id:016x}", "key": "absentsite", "session": "absent00"}

    def _house(self, name: str, org: Org, warehouse: Warehouse) -> House:
        town, accounts = self.town, self.town.accounts
        firm = town.firm()
        house = House(firm, name, org)
        for role in Role:
            email = f"{role.value}.{firm.id}@firm.example"
            accounts.add_member(firm.id, email, f"{name} {role.value}", role, PASSWORD)
            house.sessions[role.value] = self._token(email)
        accounts.add_member(firm.id, f"other.{firm.id}@firm.example", f"{name} other", Role.SALES, PASSWORD)
        scope = firm.scope
        store(warehouse, visit(firm.id, org, NOON))
        self._objects(house, scope)
        return house

    def _objects(self, house: House, scope: MemberScope) -> None:
        accounts, firm = self.town.accounts, house.firm
        accounts.team.invite(scope, f"invited.{firm.id}@firm.example", Role.SALES)
        accounts.tokens.make(scope, f"{house.mark} token", ["read_leads"], 30)  # type: ignore[list-item]
        other = self._token(f"other.{firm.id}@firm.example")
        signed_in = accounts.sign_in.signed_in(other)
        assert signed_in is not None
        rule = read_rule(Matcher.NETWORK, "192.0.2.0/24", {"is": "own_staff", "note": house.mark})
        rule_id = self.town.rules.add(scope, rule)
        members = accounts.team.members(scope)
        records, company_data = self.town.records, self.town.company_data
        records.change(
            scope, each_alone([OrgId(house.org.id)]), RecordChange(LeadStatus.WATCHING, add_tags=(house.mark,))
        )
        note = records.add_note(scope, OrgId(house.org.id), house.mark)
        file = f"domain,industry\n{house.org.domain},{house.mark}\n".encode()
        made = company_data.bring(
            scope, company_data.upload(scope, f"{house.mark}.csv", file), {Fact.DOMAIN: 0, Fact.INDUSTRY: 1}
        )
        house.objects = {
            "org": f"{house.org.id:016x}",
            "key": firm.site.key,
            "rule": str(rule_id),
            "note": str(note),
            "import": str(made.id),
            "upload": company_data.upload(scope, f"{house.mark}.csv", file),
            "invitation": str(accounts.team.invitations(scope)[0].id),
            "member": str(next(member.id for member in members if member.email.startswith("other."))),
            "token": str(accounts.tokens.of(scope)[0].id),
            "session": signed_in.session,
        }

    def _token(self, email: str) -> str:
        token = self.town.accounts.sign_in.with_password(email, PASSWORD)
        assert token is not None
        return token

    def ask(
        self, method: str, path: str, session: str | None, form: Mapping[str, str] = {}, query: str = ""
    ) -> httpx.Response:
        """Send a request as a browser with this session would, its form token right."""
        csrf = Csrf(KEYS, https=False)
        cookies = {"firmly_csrf": NONCE} | ({"firmly_session": session} if session else {})
        data = {"csrf_token": csrf.token(NONCE, session), **form} if method == "POST" else None

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.web, root_path="", raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
                client.cookies.update(cookies)
                return await client.request(method, path + (f"?{query}" if query else ""), data=data)

        return asyncio.run(send())

    def rows(self, house: House) -> dict[str, list[tuple[object, ...]]]:
        """Return everything the control plane holds of a workspace, but for what looking at it writes."""
        found = {}
        with self.town.control_plane.reading() as db:
            for table in inspect(db.get_bind()).get_table_names():
                columns = {column["name"] for column in inspect(db.get_bind()).get_columns(table)}
                if table in ("sessions", "usage", "audit_entries", "letters") or "workspace_id" not in columns:
                    continue
                query = text(f"select * from {table} where workspace_id = :id order by 1, 2")
                found[table] = [tuple(row) for row in db.execute(query, {"id": house.firm.id})]
        return found

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect what is asked of the database: the work done, which is what time could tell."""
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            asked.append(statement)

        with self.town.control_plane.reading() as db:
            engine = db.get_bind().engine
        event.listen(engine, "before_cursor_execute", note)
        yield asked
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def world(shared_town: Town, warehouse: Warehouse) -> World:
    from firmly.leads.rule_book import RuleBook

    rule_book = RuleBook(warehouse, shared_town.rules, shared_town.clock)
    leads = Leads(warehouse, shared_town.clock, rule_book, shared_town.resolver)
    return World(shared_town, leads, warehouse)


def is_sent_to_sign_in(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/app/sign-in")


def plain(answer: httpx.Response, *echoed: str) -> str:
    """Return a body without what changes from request to request, and without what the address itself said."""
    body = re.sub(r'(csrf_token" value=")[^"]*', r"\1", answer.text)
    for each in echoed:
        body = body.replace(each, "")
    return body


def test_every_address_is_in_the_table(world: World) -> None:
    application = world.web._app.app  # type: ignore[attr-defined]
    found = {
        (method, route.path)
        for route in application.routes
        if isinstance(route, Route)
        for method in route.methods or {"GET"}
        if method != "HEAD"
    }
    assert found == set(EXPECTED)


LEAVE = ("POST", "/team/leave")
"""About oneself, and so allowed to whoever is in a workspace: it would empty this test's world."""
MEMBERS_ONLY = [row for row, who in EXPECTED.items() if who not in (OPEN, OWN) and row != LEAVE]
SIGNED_IN_ONLY = [row for row, who in EXPECTED.items() if who != OPEN]
ids = [f"{method} {path}" for method, path in SIGNED_IN_ONLY]


@pytest.mark.parametrize(("method", "path"), SIGNED_IN_ONLY, ids=ids)
def test_nobody_gets_in_without_a_session(world: World, method: str, path: str) -> None:
    before = world.rows(world.alpha)
    for session in (None, "x" * 43, world.town.accounts.sign_in.with_password("nobody@firm.example", PASSWORD)):
        answer = world.ask(method, world.alpha.address(path), session, world.alpha.form(path))
        assert is_sent_to_sign_in(answer)
        assert world.alpha.mark not in answer.text
    assert world.rows(world.alpha) == before


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("method", "path"), MEMBERS_ONLY, ids=[f"{method} {path}" for method, path in MEMBERS_ONLY])
def test_own_members_reach_what_their_role_allows_and_no_more(world: World, method: str, path: str, role: Role) -> None:
    """What is allowed is asked about nothing that exists, so that the world stays as it is."""
    may = role.value in EXPECTED[(method, path)].split()
    house = world.absent if may and method == "POST" else world.alpha
    before = world.rows(world.alpha)
    answer = world.ask(method, house.address(path), world.alpha.sessions[role.value], house.form(path))
    assert (answer.status_code != 403) is may, answer.text
    assert answer.status_code < 500
    assert not is_sent_to_sign_in(answer)
    if not may:
        assert world.alpha.mark not in answer.text
        assert world.rows(world.alpha) == before


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("method", "path"), MEMBERS_ONLY, ids=[f"{method} {path}" for method, path in MEMBERS_ONLY])
def test_a_foreign_workspace_looks_like_nothing(world: World, method: str, path: str, role: Role) -> None:
    """The same answer and the same questions to the database, whether the object is another's or nobody's."""
    if path == "/settings/reactivate":
        return  # It names no object.
    session, before = world.beta.sessions[role.value], world.rows(world.alpha)
    if method == "GET" and "{" not in path:
        body = world.ask(method, path, session).text
        assert world.alpha.mark not in body
        return
    answers, asked = [], []
    for house in (world.alpha, world.absent):
        with world.statements() as statements:
            answers.append(world.ask(method, house.address(path), session, house.form(path)))
        asked.append(statements)
    foreign, absent = answers
    assert foreign.status_code == absent.status_code
    echoed = (*world.alpha.objects.values(), *world.absent.objects.values())
    assert plain(foreign, *echoed) == plain(absent, *echoed)
    assert world.alpha.mark not in foreign.text
    assert asked[0] == asked[1]
    assert world.rows(world.alpha) == before


@pytest.mark.parametrize("path", ["/leads", "/coverage", "/audit", "/leads/{org_id}"])
def test_filters_with_ids_of_another_workspace_find_nothing(world: World, path: str) -> None:
    session = world.beta.sessions["owner"]
    answers = []
    for house in (world.alpha, world.absent):
        query = urlencode({"site": house.objects["key"], "q": house.mark or "none", "before": "999999"})
        answers.append(world.ask("GET", world.beta.address(path), session, query=query))
    assert [answer.status_code for answer in answers] == [answers[0].status_code] * 2
    assert world.alpha.mark not in plain(answers[0], f'value="{world.alpha.mark}"')


def test_a_session_that_waits_for_its_second_factor_reaches_nothing(world: World) -> None:
    accounts, firm = world.town.accounts, world.town.firm()
    token = firm.token
    signed_in = accounts.sign_in.signed_in(token)
    assert signed_in is not None
    secret = accounts.credentials.begin_second_factor(signed_in).secret
    accounts.credentials.confirm_second_factor(signed_in, token, code_of(secret, world.town.clock()))
    waiting = firm.token
    for method, path in SIGNED_IN_ONLY:
        answer = world.ask(method, world.alpha.address(path), waiting, world.alpha.form(path))
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/app/second-factor"), path


def test_a_member_who_must_set_up_a_second_factor_reaches_only_that(world: World) -> None:
    firm = world.town.firm()
    with world.town.control_plane.session() as db:
        db.execute(text("update workspaces set requires_second_factor = true where id = :id"), {"id": firm.id})
    for method, path in MEMBERS_ONLY:
        answer = world.ask(method, world.alpha.address(path), firm.token, world.alpha.form(path))
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/app/account/second-factor"), path


@pytest.mark.parametrize(
    ("method", "path"),
    [row for row in EXPECTED if row[0] == "POST" and not row[1].startswith("/unsubscribe")],
    ids=str,
)
def test_a_form_without_its_token_changes_nothing(world: World, method: str, path: str) -> None:
    """Mail programs alone may post without one: the unsubscribe link is its own proof (RFC 8058)."""
    before, session = world.rows(world.alpha), world.alpha.sessions["owner"]
    for forged in ("", "x" * 43, Csrf(KEYS, https=False).token(NONCE, None)):
        form = {**world.alpha.form(path), "csrf_token": forged}
        answer = world.ask(method, world.alpha.address(path), session, form)
        assert answer.status_code == 403
    assert world.rows(world.alpha) == before


def code_of(secret: str, now: datetime) -> str:
    import pyotp

    code = pyotp.TOTP(secret).at(now)
    assert matching_step(secret, code, now, 0) is not None
    return code
