"""`/f/c` and `/f/c/token` over HTTP: cookies, bodies, origins, and what is no clear choice."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmly.accounts.banner_settings import BannerSettings, Service
from firmly.model import Category
from firmly.warehouse.store import Warehouse
from tests.collector import ORIGIN, START, Collector, Started, running_firmly

pytestmark = pytest.mark.anyio

Run = Callable[..., AbstractAsyncContextManager[Collector]]
YES = {"statistics": True}


def cookies_of(answer: httpx.Response) -> dict[str, Morsel[str]]:
    return {
        name: morsel for line in answer.headers.get_list("set-cookie") for name, morsel in SimpleCookie(line).items()
    }


def flags(morsel: Morsel[str]) -> dict[str, Any]:
    return {key: value for key, value in morsel.items() if value and key != "expires"}


MAX_AGE = str(int((START.replace(year=2027, month=5, hour=0, minute=0, second=0) - START).total_seconds()))


@pytest.fixture(scope="module")
async def encrypted(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory, loaded_elsewhere: Warehouse
) -> AsyncIterator[Started]:
    environ = {"FIRMLY_BASE_URL": "https://stats.example.com"}
    async with running_firmly(tmp_path_factory.mktemp("encrypted"), loaded_elsewhere, environ) as started:
        yield started


@pytest.mark.parametrize("is_https", [False, True], ids=["http", "https"])
async def test_cookies_and_their_flags(run: Run, encrypted: Started, is_https: bool) -> None:
    async with (encrypted.with_site if is_https else run)() as collector:
        answer = await collector.choose("accept_all", YES)
        assert answer.status_code == 201
        cookies = cookies_of(answer)
        secure = {"secure": True} if is_https else {}
        assert {name: flags(morsel) for name, morsel in cookies.items()} == {
            "firmly_choice": {"path": "/", "max-age": MAX_AGE, "samesite": "lax", **secure},
            f"firmly_receipt_{collector.site.key}": {
                "path": "/f/c", "max-age": MAX_AGE, "samesite": "lax", "httponly": True, **secure,
            },
        }  # fmt: skip
        body = answer.json()
        assert (body["choice"], body["receipt"]) == (cookies["firmly_choice"].value, None)
        assert (body["expires_at"], body["choice_expires_at"]) == ("2026-11-22T00:00:00Z", "2027-05-20T00:00:00Z")
        assert answer.headers["cache-control"] == "no-store"


async def test_collector_on_another_site_answers_in_the_body_and_sets_no_cookies(run: Run) -> None:
    async with run() as collector:
        answer = await collector.choose("accept_all", YES, headers={"sec-fetch-site": "cross-site"})
        assert (answer.status_code, cookies_of(answer)) == (201, {})
        receipt = answer.json()["receipt"]
        renewed = await renew(collector, receipt=receipt)
        assert (renewed.status_code, renewed.json()["token"]) == (200, answer.json()["token"])


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none", None])
async def test_collector_on_the_same_site_keeps_the_receipt_out_of_the_scripts_reach(
    run: Run, site: str | None
) -> None:
    async with run() as collector:
        answer = await collector.choose("accept_all", YES, headers={"sec-fetch-site": site} if site else {})
        assert answer.json()["receipt"] is None
        assert len(cookies_of(answer)) == 2


async def renew(collector: Collector, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    content = orjson.dumps({"site": collector.site.key, **body})
    return await collector.client.post("/f/c/token", content=content, headers={"origin": ORIGIN, **(headers or {})})


async def test_token_is_renewed_by_the_cookie_until_withdrawn(run: Run) -> None:
    async with run() as collector:
        cookies = cookies_of(await collector.choose("accept_all", YES))
        name = f"firmly_receipt_{collector.site.key}"
        cookie = {"cookie": f"{name}={cookies[name].value}"}
        collector.client.cookies.clear()
        assert (await renew(collector)).status_code == 404
        assert (await renew(collector, cookie)).status_code == 200
        withdrawn = await collector.choose("withdraw", {"statistics": False}, headers=cookie)
        assert withdrawn.json()["token"] is None
        assert cookies_of(withdrawn)[name].value == cookies[name].value
        collector.client.cookies.clear()
        assert (await renew(collector, cookie)).status_code == 404


@pytest.mark.parametrize("path", ["/f/c", "/f/c/token"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://www.example.com", "https://www.example.com:444"]
)
async def test_foreign_origin_is_refused_and_may_not_read_the_answer(run: Run, path: str, origin: str) -> None:
    async with run() as collector:
        if path == "/f/c":
            answer = await collector.choose("accept_all", YES, headers={"origin": origin})
        else:
            answer = await renew(collector, {"origin": origin}, receipt="ab" * 16)
        assert (answer.status_code, cookies_of(answer)) == (403, {})
        assert "access-control-allow-origin" not in answer.headers


async def test_own_origin_may_read_with_credentials(run: Run) -> None:
    async with run() as collector:
        for answer in (await collector.choose("accept_all", YES), await renew(collector)):
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            assert (answer.headers["access-control-allow-credentials"], answer.headers["vary"]) == ("true", "origin")


@pytest.mark.parametrize(
    ("action", "choices"),
    [
        ("accept_all", {"statistics": False}),
        ("accept_all", {"statistics": False, "marketing": True}),
        ("accept_all", {}),
        ("accept_all", {"necessary": True}),
        ("reject_all", {"statistics": True}),
        ("withdraw", {"statistics": True}),
    ],
    ids=str,
)
async def test_choices_that_contradict_the_action_are_refused(run: Run, action: str, choices: dict[str, bool]) -> None:
    async with run() as collector:
        answer = await collector.choose(action, choices)
        assert (answer.status_code, cookies_of(answer)) == (400, {})
        assert "contradict" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"banner": "0" * 64}, 400, "$.banner"),
        ({"banner": "x" * 64}, 400, "$.banner"),
        ({"banner": "0" * 64 + "\n"}, 400, "$.banner"),
        ({"site": "nosuchsite"}, 404, "$.site"),
        ({"site": ""}, 400, "$.site"),
        ({"language": "e"}, 400, "$.language"),
        ({"language": "en\n"}, 400, "$.language"),
        ({"language": "<b>"}, 400, "$.language"),
        ({"source": "elsewhere"}, 400, "$.source"),
        ({"source": "banner\n"}, 400, "$.source"),
        ({"action": "agree"}, 400, "$.action"),
        ({"choices": {"everything": True}}, 400, "$.choices"),
        ({"choices": {"statistics": "yes"}}, 400, "$.choices"),
        ({"choices": {"statistics": 1}}, 400, "$.choices"),
        ({"choices": None}, 400, "$.choices"),
        ({"receipt": "short"}, 400, "$.receipt"),
        ({"receipt": "ab" * 16 + "\n"}, 400, "$.receipt"),
    ],
    ids=str,
)
async def test_what_is_no_clear_choice_is_refused(run: Run, changes: dict[str, Any], status: int, says: str) -> None:
    async with run() as collector:
        given = {"action": "accept_all", "choices": YES, **changes}
        answer = await collector.choose(given.pop("action"), given.pop("choices"), **given)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert says in answer.json()["detail"]
        assert cookies_of(answer) == {}


async def test_only_a_clear_yes_grants(run: Run) -> None:
    async with run() as collector:
        for choices in ({}, {"statistics": False}, {"necessary": True}):
            answer = await collector.choose("custom", choices)
            assert (answer.status_code, answer.json()["token"]) == (201, None)
            assert ".none." in answer.json()["choice"]


async def test_unknown_receipt_gets_a_new_one(run: Run) -> None:
    async with run() as collector:
        answer = await collector.choose("accept_all", YES, receipt="ab" * 16, headers={"sec-fetch-site": "cross-site"})
        assert answer.json()["receipt"] not in (None, "ab" * 16)


BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"\0",
    b"[" * 20_000,
    b"{}" * 2,
    b" " * 70_000,
    b'{"site": "\\ud800"}',
]


@pytest.mark.parametrize("path", ["/f/c", "/f/c/token"])
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:20]))
async def test_bad_body_is_a_clear_4xx(run: Run, path: str, body: bytes) -> None:
    async with run() as collector:
        answer = await collector.client.post(path, content=body)
        assert answer.status_code in (400, 413)
        assert answer.headers["content-type"] == "application/problem+json"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["/f/c", "/f/c/token"]),
    st.binary(max_size=40)
    | st.dictionaries(
        st.sampled_from(["site", "banner", "language", "action", "choices", "source", "receipt"]),
        st.none() | st.text(max_size=5) | st.integers() | st.dictionaries(st.text(max_size=5), st.booleans()),
    ).map(lambda body: repr(body).replace("'", '"').encode()),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace").replace(b"\n", b"").replace(b"\r", b"")),
)
async def test_no_body_and_no_cookie_make_it_fail(started: Started, path: str, body: bytes, cookie: bytes) -> None:
    answer = await started.client.post(path, content=body, headers=[(b"cookie", cookie), (b"origin", cookie)])
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("path", ["/f/c", "/f/c/token"])
async def test_other_methods_are_refused(run: Run, path: str) -> None:
    async with run() as collector:
        assert (await collector.client.get(path)).status_code == 405


MAPS = Service("maps", Category.MARKETING, "Maps", "Maps Ltd", "", {"en": "Shows maps.", "fi": "Kartat."})


async def test_what_the_banner_shown_asked_for_can_be_granted_and_nothing_else(run: Run) -> None:
    async with run() as collector:
        before = await collector.banner()
        everything = {"preferences": True, "statistics": True, "marketing": True}
        assert (await collector.choose("accept_all", everything)).json()["choice"].split(".")[2] == "statistics"
        collector.change_site(banner=BannerSettings(services=(MAPS,)))
        now = await collector.choose("accept_all", everything)
        assert now.json()["choice"].split(".")[2] == "statistics-marketing"
        assert (await collector.choose("accept_all", YES)).status_code == 400
        earlier = await collector.choose("accept_all", YES, banner=before)
        assert (earlier.status_code, earlier.json()["choice"].split(".")[2]) == (201, "statistics")
        assert earlier.json()["token"] is None  # Today's banner asks for more.


async def test_language_of_a_choice_is_one_of_the_banner_shown(run: Run) -> None:
    async with run(banner=BannerSettings(languages=("fi",))) as collector:
        assert (await collector.choose("accept_all", YES, language="fi")).status_code == 201
        assert (await collector.choose("accept_all", YES, language="sv")).status_code == 400


async def test_choice_stands_as_long_as_the_banner_said(run: Run) -> None:
    async with run(banner=BannerSettings(months=8)) as collector:
        answer = await collector.choose("accept_all", YES)
        assert answer.json()["choice_expires_at"] == "2027-07-20T00:00:00Z"
