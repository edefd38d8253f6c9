"""Headers of every answer, and static files."""

from collections.abc import Callable
from html.parser import HTMLParser

import httpx
import pytest

from firmly.consent.counts import ConsentCounts
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads
from firmly.packaged import dashboards
from firmly.warehouse.store import Warehouse, open_server
from firmly.web.application import build_web
from firmly.web.assets import Assets
from firmly.web.headers import CONTENT_SECURITY_POLICY
from tests.history import NOKIA, store, visit
from tests.served import free_port
from tests.town import KEYS, Firm, Town
from tests.unit.web.conftest import Client, Visitor, mail_of
from tests.unit.web.test_lead_pages import NOON

PATHS = (
    "/app/leads",
    "/app/coverage",
    "/app/corrections",
    "/app/sites",
    "/app/sign-in",
    "/app/nowhere",
    "/app/leads?days=8",
)


class Page(HTMLParser):
    """Collects what a strict policy would refuse, and every link. Where forms are sent to is tried by the matrix."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or (name.startswith("on") and len(name) > 2)]
        names = ("href", "src") if given.get("method") == "post" else ("href", "src", "action")
        self.links += [given[name] or "" for name in names if name in given]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_headers(member: Visitor, path: str) -> None:
    headers = member.client.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


def test_https_is_demanded_only_where_it_is_served(visitor_at: Callable[[str], Visitor]) -> None:
    answer = visitor_at("https://firmly.example").client.get("/app/sign-in")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_policy_allows_nothing_but_our_own() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; ")
    assert {value for part in CONTENT_SECURITY_POLICY.split("; ") for value in part.split()[1:]} == {"'self'", "'none'"}


@pytest.mark.parametrize("path", [*PATHS, f"/app/leads/{NOKIA.id:016x}"])
def test_pages_hold_nothing_that_the_policy_refuses_and_no_foreign_source(
    member: Visitor, firm: Firm, warehouse: Warehouse, path: str
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    page = Page(member.client.get(path).text)
    assert page.inline == []
    assert [link for link in page.links if not link.startswith(("/app/", "#"))] in ([], ["https://nokia.com/"])


def test_no_link_is_dead(member: Visitor, firm: Firm, warehouse: Warehouse) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    links = {
        link.partition("#")[0]
        for path in (*PATHS, f"/app/leads/{NOKIA.id:016x}")
        for link in Page(member.client.get(path).text).links
        if link.startswith("/app/") and link != "/app/sign-out"
    }
    assert {link: member.client.get(link).status_code for link in links if link} == dict.fromkeys(links - {""}, 200)


def answer_over(warehouse: Warehouse, town: Town, firm: Firm) -> httpx.Response:
    web = build_web(
        town.accounts,
        Leads(warehouse, town.clock, RuleBook(warehouse, town.rules, town.clock), town.resolver),
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
    client = Client(web, "http://127.0.0.1:8000")
    client.cookies.set("firmly_session", firm.token)
    return client.get("/leads")


def test_a_broken_store_gives_a_page_that_says_so(town: Town, firm: Firm) -> None:
    class Broken(Warehouse):
        def __init__(self) -> None:
            """Has no connection: every read fails."""

    answer = answer_over(Broken(), town, firm)
    assert answer.status_code == 500
    assert "Firmly could not show this page" in answer.text
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_a_warehouse_that_is_away_gives_a_calm_page_that_says_when_to_try_again(town: Town, firm: Firm) -> None:
    answer = answer_over(open_server(f"http://127.0.0.1:{free_port()}"), town, firm)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "The leads cannot be read right now" in answer.text
    assert "127.0.0.1" not in answer.text
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_static_files_are_kept_for_good_under_an_address_of_their_content(visitor: Visitor) -> None:
    url = Assets(dashboards() / "static", "/app").url("base.css")
    answer = visitor.client.get(url)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.content == (dashboards() / "static" / "base.css").read_bytes()
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("name", ["../templates/base.html", "..%2Ftemplates%2Fbase.html", "nothing.css", "", "js"])
def test_static_files_end_at_their_folder(visitor: Visitor, name: str) -> None:
    digest = Assets(dashboards() / "static", "/app").digest
    assert visitor.client.get(f"/app/static/{digest}/{name}").status_code == 404


def test_static_files_of_another_version_are_not_served(visitor: Visitor) -> None:
    assert visitor.client.get("/app/static/0000000000000000/base.css").status_code == 404


def test_a_page_weighs_less_than_150_kb() -> None:
    assets = Assets(dashboards() / "static", "/app")
    names = (
        *(path.name for path in (dashboards() / "static").glob("*.css")),
        "vendor/htmx.min.js",
        "vendor/idiomorph.min.js",
        "icons.svg",
        "firmly.svg",
    )
    scripts = [f"js/{path.name}" for path in (dashboards() / "static" / "js").iterdir()]
    weight = sum(assets.weight(name) for name in (*names, *scripts, "fonts/inter-latin.woff2"))
    assert weight < 110_000, "leaves 40 kB to the page itself"
