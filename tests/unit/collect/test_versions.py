"""The stored versions of a banner over HTTP: the exact bytes, the preferences module, for ever."""

import gzip
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from hashlib import sha256

import httpx
import orjson
import pytest

from firmly.accounts.banner_settings import BannerSettings
from tests.collector import Collector

pytestmark = pytest.mark.anyio

Run = Callable[..., AbstractAsyncContextManager[Collector]]


async def get(collector: Collector, path: str, encoding: str = "identity") -> httpx.Response:
    return await collector.client.get(f"/f/{collector.site.key}/{path}", headers={"accept-encoding": encoding})


def headers_of(answer: httpx.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in answer.headers if name != "content-length"}


STANDING = {
    "cache-control": "public, max-age=31536000, immutable",
    "vary": "accept-encoding",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}


async def test_bundle_is_the_bytes_that_the_version_names(run: Run) -> None:
    async with run() as collector:
        version = await collector.banner()
        answer = await get(collector, f"{version}.json")
    assert (answer.status_code, sha256(answer.content).hexdigest()) == (200, version)
    assert headers_of(answer) == STANDING | {"content-type": "application/json"}
    assert orjson.loads(answer.content)["config"]["site"] == collector.site.key


async def test_preferences_are_a_module_in_each_language_of_the_site(run: Run) -> None:
    async with run(language="fi", banner=BannerSettings(languages=("en",))) as collector:
        digits = (await collector.banner())[:16]
        finnish, english = [await get(collector, f"{digits}/{language}.js") for language in ("fi", "en")]
    assert headers_of(finnish) == STANDING | {"content-type": "text/javascript; charset=utf-8"}
    for answer, says in ((finnish, "Tallenna valinnat"), (english, "Save choices")):
        given = orjson.loads(answer.text.partition(";\n")[0].removeprefix("const P="))
        assert (answer.status_code, given["texts"]["save"]) == (200, says)


@pytest.mark.parametrize("path", ["{version}.json", "{digits}/en.js"])
async def test_gzip_holds_the_same(run: Run, path: str) -> None:
    async with run() as collector:
        version = await collector.banner()
        path = path.format(version=version, digits=version[:16])
        plain, packed = await get(collector, path), await get(collector, path, "br, gzip")
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", plain.content)
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 9)) < len(plain.content)


async def test_version_that_the_site_no_longer_shows_is_served(run: Run) -> None:
    async with run() as collector:
        before = await collector.banner()
        collector.change_site(controller="Another Ltd")
        assert await collector.banner() != before
        bundle = await get(collector, f"{before}.json")
        assert orjson.loads(bundle.content)["config"]["controller"] == "Example Ltd"
        assert '"provider":"Example Ltd"' in (await get(collector, f"{before[:16]}/en.js")).text


@pytest.mark.parametrize(
    "path",
    [
        "{digits}/fi.js",
        "{digits}/EN.js",
        "{digits}/en%0A.js",
        "{version}/en.js",
        "{short}/en.js",
        "0000000000000000/en.js",
        "{digits}.json",
        "{upper}.json",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff.json",
        "%00.json",
    ],
)
async def test_what_was_never_served_is_404(run: Run, path: str) -> None:
    async with run() as collector:
        version = await collector.banner()
        names = {"version": version, "digits": version[:16], "short": version[:15], "upper": version.upper()}
        answer = await get(collector, path.format(**names))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "immutable" not in answer.headers["cache-control"]


async def test_version_of_another_site_is_404(run: Run) -> None:
    async with run() as collector, run() as other:
        version = await collector.banner()
        for path in (f"{version}.json", f"{version[:16]}/en.js"):
            assert (await get(collector, path)).status_code == 200
            assert (await get(other, path)).status_code == 404
            assert (await collector.client.get(f"/f/nosuchsite/{path}")).status_code == 404


async def test_nothing_is_set_and_nobody_is_told_apart(run: Run) -> None:
    async with run() as collector:
        path = f"/f/{collector.site.key}/{await collector.banner()}.json"
        headers = {"cookie": "firmly_choice=x", "x-forwarded-for": "8.8.8.8"}
        answers = [await collector.client.get(path), await collector.client.get(path, headers=headers)]
    assert len({answer.content for answer in answers}) == 1
    assert all("set-cookie" not in answer.headers for answer in answers)
