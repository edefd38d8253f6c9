"""Who gets in, how far, and what everybody else is told."""

from collections.abc import Callable

import pytest
from starlette.types import ASGIApp

from firmly.accounts.database import open_control_plane
from firmly.accounts.roles import TokenScope
from firmly.consent.counts import ConsentCounts
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads
from firmly.warehouse.store import open_server
from firmly.web.api.operation import Operation
from firmly.web.api.table import OPERATIONS
from firmly.web.headers import HEADERS
from tests.served import free_port
from tests.town import Firm, Town
from tests.unit.web.api.conftest import Program, token_of

LEADS, WRITE, CONSENT, ADMIN = TokenScope
EVERY = frozenset(TokenScope)

MAY: dict[str, frozenset[TokenScope]] = {
    "get_workspace": EVERY,
    "change_workspace": frozenset({ADMIN}),
    "list_sites": frozenset({LEADS, ADMIN}),
    "make_site": frozenset({ADMIN}),
    "get_site": frozenset({ADMIN}),
    "change_site": frozenset({ADMIN}),
    "list_site_history": frozenset({ADMIN}),
    "list_leads": frozenset({LEADS}),
    "get_company": frozenset({LEADS}),
    "list_visits": frozenset({LEADS}),
    "get_coverage": frozenset({LEADS}),
    "list_feeds": frozenset({LEADS}),
    "add_feed": frozenset({WRITE}),
    "change_feed": frozenset({WRITE}),
    "remove_feed": frozenset({WRITE}),
    "count_feed": frozenset({LEADS}),
    "get_overview": frozenset({LEADS}),
    "list_live_visits": frozenset({LEADS}),
    "export_leads": frozenset({LEADS}),
    "export_visits": frozenset({LEADS}),
    "get_record": frozenset({LEADS}),
    "change_record": frozenset({WRITE}),
    "list_notes": frozenset({LEADS}),
    "add_note": frozenset({WRITE}),
    "remove_note": frozenset({WRITE}),
    "list_tags": frozenset({LEADS}),
    "list_statuses": frozenset({LEADS}),
    "list_corrections": frozenset({WRITE}),
    "add_correction": frozenset({WRITE}),
    "remove_correction": frozenset({WRITE}),
    "list_members": frozenset({ADMIN}),
    "change_member": frozenset({ADMIN}),
    "remove_member": frozenset({ADMIN}),
    "list_invitations": frozenset({ADMIN}),
    "invite_member": frozenset({ADMIN}),
    "revoke_invitation": frozenset({ADMIN}),
    "list_audit_entries": frozenset({ADMIN}),
    "check_audit_chain": frozenset({ADMIN}),
    "list_letters": frozenset({ADMIN}),
    "count_choices": frozenset({CONSENT}),
    "list_consent_checkpoints": frozenset({CONSENT}),
    "get_consent_bundle": frozenset({CONSENT}),
}
"""Which scopes may do what: an operation that is missing here fails."""


def path_of(one: Operation, firm: Firm) -> str:
    """Return an address of the operation: the firm's site, a company and a number that are not there."""
    return one.path.format(key=firm.site.key, org_id="0" * 15 + "f", id=2**30, month="2026-03")


def test_every_operation_is_in_the_table_of_scopes() -> None:
    assert MAY.keys() == {one.name for one in OPERATIONS}


@pytest.mark.parametrize("scope", TokenScope)
def test_a_token_may_what_its_scope_holds_and_nothing_else(
    program: Callable[..., Program], firm: Firm, scope: TokenScope
) -> None:
    client = program(firm, scope)
    refused = {one.name for one in OPERATIONS if client.ask(one.method, path_of(one, firm), json={}).status_code == 403}
    assert refused == {name for name, scopes in MAY.items() if scope not in scopes}


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
def test_nothing_is_answered_without_a_token_that_stands(api: ASGIApp, town: Town, firm: Firm, one: Operation) -> None:
    revoked, expired = token_of(firm), token_of(firm)
    firm.accounts.tokens.revoke(firm.scope, firm.accounts.tokens.of(firm.scope)[1].id)
    path = path_of(one, firm)

    answers = [Program(api, token).ask(one.method, path) for token in (None, revoked, "firmly_" + "A" * 43, "x")]
    town.clock.advance(days=31)
    answers.append(Program(api, expired).ask(one.method, path))

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    challenges = [answer.headers["www-authenticate"] for answer in answers]
    assert challenges == ["Bearer", *['Bearer error="invalid_token"'] * 4]


@pytest.mark.parametrize(
    "given", ["Basic {0}", "{0}", "Bearer", "Bearer {0} {0}", "Bearer\t{0}", "Bearer {0}, Bearer x"]
)
def test_a_token_comes_in_one_way_only(api: ASGIApp, firm: Firm, given: str) -> None:
    headers = {"authorization": given.format(token_of(firm))}
    assert Program(api, None).get("/workspace", headers=headers).status_code == 401


def test_two_tokens_are_none(api: ASGIApp, firm: Firm) -> None:
    headers = [("authorization", f"Bearer {token_of(firm)}"), ("authorization", f"Bearer {token_of(firm)}")]
    assert Program(api, None).get("/workspace", headers=headers).status_code == 401


def test_a_members_session_is_no_token(api: ASGIApp, firm: Firm) -> None:
    """No cookie counts, so no page elsewhere can make a browser use the API."""
    client = Program(api, None)
    cookies = "; ".join(f"{name}={firm.token}" for name in ("firmly_session", "__Host-firmly_session"))
    assert client.get("/workspace", headers={"cookie": cookies}).status_code == 401
    assert client.get("/workspace", headers={"authorization": f"Bearer {firm.token}"}).status_code == 401


def test_no_cookie_is_ever_set_and_no_other_origin_is_let_read(api: ASGIApp, firm: Firm) -> None:
    answer = Program(api, token_of(firm)).get("/workspace", headers={"origin": "https://evil.example"})
    assert "set-cookie" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/workspace", "/nothing", "/members/0", "/openapi.json", "/leads?limit=x"])
def test_every_answer_has_the_headers_of_pages_and_is_not_stored(ours: Program, path: str) -> None:
    answer = ours.get(path)
    assert HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"]


def test_the_right_is_asked_for_before_anything_is_read(program: Callable[..., Program], firm: Firm) -> None:
    client = program(firm, LEADS)
    answers = [
        client.ask("POST", "/sites", content=b"x" * 20_000),
        client.get("/members?limit=x"),
        client.ask("DELETE", "/members/x"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert "instruct" in answers[0].json()["detail"]


def test_a_cancelled_workspace_is_read_and_not_changed(program: Callable[..., Program], firm: Firm) -> None:
    client = program(firm)
    firm.accounts.workspaces.cancel(firm.scope)
    assert client.json("/workspace")["state"] == "cancelled"
    assert client.json("/workspace")["rights"] == ["read_all_leads", "read_audit", "read_leads"]
    assert client.ask("POST", "/sites", json={}).status_code == 403


def test_wrong_methods_and_places_are_named_without_a_token(api: ASGIApp) -> None:
    client = Program(api, None)
    wrong = client.ask("PUT", "/sites")
    assert (wrong.status_code, set(wrong.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "POST"})
    for answer in (wrong, client.get("/nothing"), client.get("/sites/")):
        assert answer.headers["content-type"] == "application/problem+json"


def test_head_answers_like_get(ours: Program) -> None:
    assert ours.ask("HEAD", "/sites").status_code == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 422),
        ("application/json; charset=utf-8", 422),
        ("Application/JSON", 422),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonx", 415),
        ("", 415),
    ],
)
def test_a_body_is_json_and_says_so(ours: Program, content_type: str, status: int) -> None:
    body = b'{"email": "nobody", "role": "viewer"}'
    answer = ours.ask("POST", "/invitations", content=body, headers={"content-type": content_type})
    assert answer.status_code == status


@pytest.mark.parametrize(("length", "status"), [(16 * 1024, 422), (16 * 1024 + 1, 413)])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_has_a_bound(ours: Program, length: int, status: int, is_chunked: bool) -> None:
    body = b'{"email": "nobody", "role": "viewer"}'.ljust(length)

    async def chunks() -> object:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    content = chunks() if is_chunked else body
    answer = ours.ask("POST", "/invitations", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status


def test_limits_are_counted_per_token_and_minute(new_api: Callable[..., ASGIApp], town: Town, firm: Firm) -> None:
    api = new_api(per_minute=61)
    client, other = Program(api, token_of(firm)), Program(api, token_of(firm))
    town.clock.advance(seconds=15)

    first = client.get("/audit/chain")
    second = client.get("/members?limit=x")
    spent = client.get("/audit")

    seen = [
        [answer.status_code, *(answer.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset"))]
        for answer in (first, second, spent)
    ]
    assert seen == [[200, "61", "1", "45"], [400, "61", "0", "45"], [429, "61", "0", "45"]]
    assert spent.headers["retry-after"] == "45"
    assert other.get("/workspace").status_code == 200
    town.clock.advance(seconds=45)
    assert client.get("/workspace").status_code == 200


def test_uses_are_counted_by_the_operations_name(ours: Program, firm: Firm, town: Town) -> None:
    ours.get("/workspace")
    firm.accounts.usage.flush()
    assert ("api_get_workspace", 1) in firm.accounts.usage.of(firm.scope, town.clock.now.date())


def test_databases_that_are_away_are_said_to_be_so(new_api: Callable[..., ASGIApp], town: Town, firm: Firm) -> None:
    away = open_control_plane(f"postgresql+psycopg://firmly:secret@127.0.0.1:{free_port()}/firmly")
    warehouse = open_server(f"http://127.0.0.1:{free_port()}")
    leads = Leads(warehouse, town.clock, RuleBook(warehouse, town.rules, town.clock), town.resolver)
    client = Program(new_api(consent=ConsentCounts(away), leads=leads), token_of(firm))
    for answer in (client.get("/consent/counts"), client.get("/leads")):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert "127.0.0.1" not in answer.text
        assert "secret" not in answer.text
    away.close()


def test_what_fails_otherwise_is_said_without_a_word_of_it(new_api: Callable[..., ASGIApp], firm: Firm) -> None:
    class Broken(ConsentCounts):
        def __init__(self) -> None:
            """Has no database: every count fails."""

    answer = Program(new_api(consent=Broken()), token_of(firm)).get("/consent/counts")
    assert (answer.status_code, answer.json()["detail"]) == (500, "Something failed here.")
    assert answer.headers["cache-control"] == "no-store"
