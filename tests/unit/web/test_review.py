"""What a second look found: windows that show two workspaces, floods at the door, the way back from the end."""

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from firmly.accounts.openid import OpenId
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role
from firmly.accounts.service import Accounts
from firmly.consent.counts import ConsentCounts
from firmly.leads.service import Leads
from firmly.packaged import dashboards
from firmly.web.application import build_web
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, running_provider
from tests.town import KEYS, PASSWORD, Firm, Town
from tests.unit.web.conftest import Client, Visitor, mail_of

AGAIN = {"hx-request": "true"}
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def pages(town: Town, leads: Leads, base_url: str, **given: Any) -> ASGIApp:
    """Return the pages; ``given`` replaces arguments of `build_web`."""
    parts: dict[str, Any] = {"accounts": town.accounts, "leads": leads, "outbox": mail_of(town)}
    parts |= {"records": town.records, "company_data": town.company_data}
    parts |= {"consent": ConsentCounts(town.control_plane)} | given
    web = build_web(
        devices=town.devices,
        clock=town.clock,
        secret_keys=KEYS,
        base_url=base_url,
        dashboards=dashboards(),
        **parts,
    )
    return Starlette(routes=[Mount("/app", app=web)])


def go_to(visitor: Visitor, firm: Firm) -> None:
    """Go on in another workspace, as a second window of the same browser does."""
    form = {"csrf_token": visitor.csrf_token("/app/account"), "workspace": str(firm.id)}
    assert visitor.client.post("/app/switch", form).status_code == 303


@pytest.fixture
def neighbour(town: Town, firm: Firm, member: Visitor) -> Firm:
    """Another workspace in which the member is an owner too; their window shows the first."""
    other = town.firm()
    secret = town.accounts.team.invite(other.scope, firm.email, Role.OWNER).secret
    signed_in = town.accounts.sign_in.signed_in(firm.token)
    assert signed_in is not None
    assert town.accounts.team.accept(signed_in, secret) == other.id
    return other


def test_a_form_of_a_window_left_open_changes_nothing_in_the_workspace_that_another_window_went_to(
    member: Visitor, firm: Firm, neighbour: Firm
) -> None:
    stale = member.csrf_token("/app/settings")
    go_to(member, neighbour)
    answer = member.client.post("/app/settings", {"csrf_token": stale, "form": "identity", "region": "Mars"})
    assert answer.status_code == 403
    assert [each.accounts.workspaces.of(each.scope).region for each in (firm, neighbour)] == ["", ""]


def test_a_window_left_open_is_loaded_anew_instead_of_showing_another_workspace(
    member: Visitor, firm: Firm, neighbour: Firm
) -> None:
    page = member.text("/app/leads")
    (said, same) = re.findall(r"""hx-headers='\{"firmly-workspace": "(\d+)"\}'""", page)
    assert said == same == str(firm.id)
    asked = AGAIN | {"firmly-workspace": said}
    assert "hx-refresh" not in member.client.get("/app/leads", asked).headers
    go_to(member, neighbour)
    answer = member.client.get("/app/leads", asked)
    assert (answer.status_code, answer.headers["hx-refresh"], answer.content) == (204, "true", b"")
    assert member.client.get("/app/leads", AGAIN | {"firmly-workspace": str(neighbour.id)}).status_code == 200


def test_a_cancelled_workspace_is_taken_back_where_its_pages_say(member: Visitor, firm: Firm) -> None:
    name = firm.scope.workspace_name
    form = {"csrf_token": member.csrf_token("/app/settings"), "name": name}
    assert member.client.post("/app/settings/cancel", form).headers["location"] == "/app/settings?done=cancelled"
    assert 'href="/app/settings"' in member.text("/app/leads")
    page = member.text("/app/settings?done=cancelled")
    assert 'action="/app/settings/reactivate"' in page
    form = {"csrf_token": member.csrf_token("/app/settings")}
    assert member.client.post("/app/settings/reactivate", form).status_code == 303
    assert firm.scope.state == "active"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PRIVACY_OFFICER, Role.SALES, Role.VIEWER])
def test_the_end_of_a_cancelled_workspace_is_shown_to_owners_only(
    visitor: Visitor, town: Town, firm: Firm, role: Role
) -> None:
    email = f"{role.value}{firm.id}@firm.example"
    town.accounts.add_member(firm.id, email, "Bo Smith", role, PASSWORD)
    town.accounts.workspaces.cancel(firm.scope)
    form = {"csrf_token": visitor.csrf_token(), "email": email, "password": PASSWORD}
    assert visitor.client.post("/app/sign-in", data=form).status_code == 303
    assert visitor.client.get("/app/settings").status_code == 403


@pytest.mark.parametrize("name", ["=1+1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM"])
def test_an_exported_name_is_no_formula(member: Visitor, name: str) -> None:
    form = {"csrf_token": member.csrf_token("/app/account"), "name": name}
    assert member.client.post("/app/account/name", form).status_code == 303
    lines = member.text("/app/audit/export").splitlines()
    assert any(f",'{name}," in line for line in lines)
    assert not any(f",{name}," in line for line in lines)


def test_an_export_of_many_entries_is_whole(member: Visitor, town: Town, firm: Firm) -> None:
    for _ in range(600):
        town.accounts.audit.page(firm.scope, limit=1)
    for address in ("/app/audit/export?action=audit_read", "/app/audit/export?action=audit_read&form=json"):
        lines = member.text(address).splitlines()
        assert len(lines) - (0 if "json" in address else 1) == 600
        assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("origin", ["https://shop.example/", "https://shop.example"])
def test_an_address_copied_from_the_browser_is_taken(member: Visitor, firm: Firm, origin: str) -> None:
    form = {"csrf_token": member.csrf_token("/app/sites/new"), "name": "Shop", "origins": origin, "language": "en"}
    form |= {"before_consent": "wait", "controller": "Shop Oy", "retention_days": "30", "min_confidence": "high"}
    assert member.client.post("/app/sites/new", form).status_code == 303
    assert ("https://shop.example",) in [site.origins for site in firm.accounts.sites.of(firm.scope)]


def test_a_flood_of_passwords_leaves_the_pages_their_threads(town: Town, leads: Leads, firm: Firm) -> None:
    """The pages share forty threads: as many who wait for a hash would keep members out."""
    slow = Passwords(PasswordHasher(time_cost=4, memory_cost=4096, parallelism=1))
    accounts = Accounts(town.control_plane, town.clock, KEYS, slow)
    base_url = "http://127.0.0.1:8000"
    transport = httpx.ASGITransport(pages(town, leads, base_url, accounts=accounts))

    async def flood() -> tuple[int, list[int]]:
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            found = TOKEN.search((await client.get("/app/sign-in")).text)
            assert found is not None
            forms = [
                {"csrf_token": found[1], "email": f"nobody{number}@firm.example", "password": "wrong wrong wrong"}
                for number in range(60)
            ]
            guesses = [asyncio.create_task(client.post("/app/sign-in", data=form)) for form in forms]
            await asyncio.sleep(0.05)
            page = await client.get("/app/sign-in")
            so_far = sum(guess.done() for guess in guesses)
            answers = await asyncio.gather(*guesses)
        assert page.status_code == 200
        return so_far, [answer.status_code for answer in answers]

    so_far, statuses = asyncio.run(flood())
    assert so_far < 20
    assert statuses == [422] * 60


@pytest.fixture
def provider(town: Town) -> Iterator[OpenIdProvider]:
    with running_provider(town.clock) as provider:
        yield provider


@pytest.fixture
def at_provider(town: Town, leads: Leads, provider: OpenIdProvider) -> Iterator[Callable[[], Client]]:
    """Make browsers at pages with a sign-in provider, behind TLS."""
    base_url = "https://firmly.example"
    provider.redirect_uri = f"{base_url}/app/provider/back"
    with httpx.Client(trust_env=False) as http:
        openid = OpenId(
            provider.issuer, CLIENT_ID, CLIENT_SECRET, provider.redirect_uri, ("firm.example",), town.clock, http
        )
        application = pages(town, leads, base_url, openid=openid, provider_name="Firm login")
        yield lambda: Client(application, base_url)


def test_no_neighbouring_host_can_plant_a_sign_in_through_the_provider(
    at_provider: Callable[[], Client], provider: OpenIdProvider
) -> None:
    cookie = at_provider().get("/app/provider").headers["set-cookie"]
    assert cookie.startswith("__Host-firmly_provider=")
    parts = {part.strip().partition("=")[0].lower() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "max-age", "path", "samesite", "secure"}
    assert "; Path=/;" in cookie


def test_an_answer_of_the_provider_works_only_in_the_browser_that_asked(
    at_provider: Callable[[], Client], provider: OpenIdProvider, firm: Firm
) -> None:
    provider.claims = {"email": firm.email, "email_verified": True, "sub": firm.email}
    attacker, victim = at_provider(), at_provider()
    answer = urlencode(provider.browse(attacker.get("/app/provider").headers["location"]))
    victim.get("/app/provider")
    assert victim.get(f"/app/provider/back?{answer}").status_code == 422
    assert "__Host-firmly_session" not in victim.cookies
    assert attacker.get(f"/app/provider/back?{answer}").headers["location"] == "/app/leads"
    assert "__Host-firmly_session" in attacker.cookies
