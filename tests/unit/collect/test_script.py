"""`GET /f/{site}.js`: cacheable, the same for everybody, on record before it is served."""

import asyncio
import gzip
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from tests.collector import Collector

pytestmark = pytest.mark.anyio

Run = Callable[..., AbstractAsyncContextManager[Collector]]


async def get(collector: Collector, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in {"accept_encoding": "identity", **headers}.items()}
    return await collector.client.get(f"/f/{collector.site.key}.js", headers=named)


async def test_script_and_its_headers(run: Run) -> None:
    async with run() as collector:
        answer = await get(collector)
        assert answer.status_code == 200
        assert collector.site.key in answer.text
        headers = {name: answer.headers[name] for name in answer.headers if name not in ("etag", "content-length")}
    assert headers == {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=300, stale-while-revalidate=300",
        "vary": "accept-encoding, sec-gpc",
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
    }


async def test_script_is_the_same_for_everybody_and_sets_nothing(run: Run) -> None:
    async with run() as collector:
        answers = [
            await get(collector),
            await get(collector, cookie="firmly_choice=x", user_agent="Other", x_forwarded_for="8.8.8.8"),
        ]
        assert len({(answer.content, answer.headers["etag"]) for answer in answers}) == 1
        assert all("set-cookie" not in answer.headers for answer in answers)


async def test_script_refuses_for_a_browser_that_objects_with_its_request(run: Run) -> None:
    """R28: whatever such a browser lets scripts see."""
    async with run() as collector:
        usual, objecting = await get(collector), await get(collector, sec_gpc="1")
        assert usual.text.count("globalPrivacyControl:true") == 0
        assert objecting.text.rstrip().endswith(",{globalPrivacyControl:true});")
        assert usual.headers["etag"] != objecting.headers["etag"]
        again = await get(collector, sec_gpc="1", if_none_match=usual.headers["etag"])
        assert again.status_code == 200


async def test_gzip_holds_the_same_script(run: Run) -> None:
    async with run() as collector:
        plain, packed = await get(collector), await get(collector, accept_encoding="br, gzip")
        assert (packed.headers["content-encoding"], packed.text) == ("gzip", plain.text)
        assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 9)) < len(plain.content)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{}'])
async def test_script_that_a_cache_holds_is_not_sent_again(run: Run, form: str) -> None:
    async with run() as collector:
        etag = (await get(collector)).headers["etag"]
        again = await get(collector, if_none_match=form.format(etag))
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert (await get(collector, if_none_match='"other"')).status_code == 200


async def test_changed_settings_are_another_script_under_another_etag(run: Run) -> None:
    async with run() as collector, run(controller="Another Ltd") as other:
        assert (await get(collector)).headers["etag"] != (await get(other)).headers["etag"]


@pytest.mark.parametrize("key", ["nosuchsite", "NOSUCHSITE", "x", "%00", "a%2Fb"])
async def test_unknown_site_is_404(run: Run, key: str) -> None:
    async with run() as collector:
        assert (await collector.client.get(f"/f/{key}.js")).status_code == 404


async def test_first_visitors_at_the_same_moment_are_all_served(run: Run) -> None:
    async with run() as collector:
        answers = await asyncio.gather(*(get(collector) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
