"""`/f/r` over HTTP: a rule's name where the controller has rules by country, and no look-up anywhere else (R14)."""

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firmly.accounts.banner_settings import BannerSettings
from firmly.collect.consent_door import PER_SOURCE
from firmly.collect.country_rule import CountryRule
from firmly.collect.edge import ADDRESS, Edge
from firmly.model import FirmlyError, Jurisdiction
from firmly.organisations.address import Address, AddressDroppedError
from firmly.warehouse.store import open_embedded
from tests.collector import ORIGIN, Collector, Started, running_firmly
from tests.vendor_files import write_vendor_file

pytestmark = pytest.mark.anyio

AMERICAN, GERMAN, UNKNOWN = "8.13.57.91", "16.13.57.91", "99.13.57.91"
INFORM_IN_US: dict[str, Any] = {
    "jurisdiction": Jurisdiction.BY_COUNTRY,
    "banner": BannerSettings(inform_in=("US",)),
}
RECORDS = {
    "8.0.0.0/8": {"country": {"iso_code": "US"}},
    "16.0.0.0/8": {"country": {"iso_code": "DE", "is_in_european_union": True}},
}


@pytest.fixture(scope="module")
async def worldly(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory, warehouse_folder: Path
) -> AsyncIterator[Started]:
    """A Firmly with a country file."""
    folder = tmp_path_factory.mktemp("worldly")
    file = write_vendor_file(folder / "country.mmdb", RECORDS, "DBIP-Country-Lite")
    environ = {"FIRMLY_COUNTRY_DATABASE": str(file)}
    async with running_firmly(folder / "data", open_embedded(warehouse_folder, "worldly"), environ) as started:
        yield started


async def ask(collector: Collector, address: str = AMERICAN, **headers: str) -> httpx.Response:
    headers = {"origin": ORIGIN, "content-type": "text/plain;charset=UTF-8", "x-forwarded-for": address} | headers
    return await collector.client.post("/f/r", content=orjson.dumps({"site": collector.site.key}), headers=headers)


@pytest.mark.parametrize(
    ("address", "rule"), [(AMERICAN, "inform"), (GERMAN, "ask"), (UNKNOWN, "ask"), ("nobody", "ask")]
)
async def test_only_the_rules_name_is_answered(worldly: Started, address: str, rule: str) -> None:
    async with worldly.with_site(**INFORM_IN_US) as collector:
        answer = await ask(collector, address)
        assert (answer.status_code, answer.json()) == (200, {"rule": rule})
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert not {"set-cookie", "access-control-allow-credentials", "etag"} & set(answer.headers)


async def test_a_refusing_browser_is_asked_whatever_its_country(worldly: Started) -> None:
    async with worldly.with_site(**INFORM_IN_US) as collector:
        assert (await ask(collector, **{"sec-gpc": "1"})).json() == {"rule": "ask"}


@pytest.mark.parametrize("banner", [BannerSettings(), BannerSettings(inform_in=("JP",))], ids=["none", "another"])
async def test_visitors_are_asked_in_a_country_that_is_not_named(worldly: Started, banner: BannerSettings) -> None:
    async with worldly.with_site(**INFORM_IN_US | {"banner": banner}) as collector:
        assert (await ask(collector)).json() == {"rule": "ask"}


async def test_without_a_country_file_everybody_is_asked(started: Started) -> None:
    async with started.with_site(**INFORM_IN_US) as collector:
        assert (await ask(collector)).json() == {"rule": "ask"}


async def test_what_cannot_be_answered_is_refused_readably(worldly: Started) -> None:
    async with worldly.with_site(**INFORM_IN_US) as collector:
        post = collector.client.post
        refused = [
            (await post("/f/r", content=b"{}"), 400),
            (await post("/f/r", content=b" " * 70_000), 413),
            (await post("/f/r", content=b'{"site":"nobodyknows"}'), 404),
            (await ask(collector, origin="https://other.example"), 403),
        ]
        for answer, status in refused:
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
            assert answer.headers["access-control-allow-origin"] == "*"


async def test_one_source_is_limited(worldly: Started) -> None:
    async with worldly.with_site(**INFORM_IN_US) as collector:
        statuses = [(await ask(collector, "8.99.99.99")).status_code for _ in range(PER_SOURCE + 1)]
        assert statuses == [200] * PER_SOURCE + [429]
        assert (await ask(collector, "8.99.99.98")).status_code == 200


async def test_the_address_lands_nowhere(
    worldly: Started, caplog: pytest.LogCaptureFixture, tmp_path_factory: pytest.TempPathFactory
) -> None:
    caplog.set_level(logging.DEBUG)
    async with worldly.with_site(**INFORM_IN_US) as collector:
        assert (await ask(collector)).json() == {"rule": "inform"}
        assert await collector.events() == []
        coverage = "select * from coverage_hours where workspace_id = {workspace:UInt32} and site_id = {site:UInt32}"
        assert await collector.select(coverage) == []
        traces = [form for text in (AMERICAN, "8.13.57.") for form in (text.encode(), text.encode().hex().encode())]
        traces += [Address.parse(AMERICAN).packed().hex().encode(), str(0x080D395B).encode()]
        files = [path for path in tmp_path_factory.getbasetemp().glob("worldly*/data/**/*") if path.is_file()]
        assert files
        landed = [path.name for path in files if any(trace in path.read_bytes() for trace in traces)]
        assert (landed, [line for line in caplog.messages if AMERICAN in line]) == ([], [])


class CountingCountries:
    """Says that everybody is there, and counts how often it was asked."""

    def __init__(self) -> None:
        self.lookups = 0

    def holds(self, _address: Address, _among: frozenset[str], /) -> bool:
        self.lookups += 1
        return True


def edge_of(started: Started, countries: CountingCountries, around: Callable[[ASGIApp], ASGIApp]) -> httpx.AsyncClient:
    """Return a client at `AMERICAN` of the route alone, with ``around`` between it and the edge."""
    rule = CountryRule(started.firmly.directory, countries, started.clock)
    app = Edge(around(Starlette(routes=[Route("/f/r", rule.serve, methods=["POST"])])), ())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(AMERICAN, 1)), base_url="http://collector")


@pytest.mark.parametrize(
    ("site", "headers", "lookups"),
    [
        ({}, {}, 0),
        ({"jurisdiction": Jurisdiction.BY_COUNTRY}, {}, 0),
        (INFORM_IN_US, {"sec-gpc": "1"}, 0),
        (INFORM_IN_US, {"origin": "https://other.example"}, 0),
        (INFORM_IN_US, {}, 1),
    ],
    ids=["strictest", "no countries", "refusing browser", "foreign page", "by country"],
)
async def test_no_look_up_runs_but_where_the_controller_asked_for_it(
    started: Started, site: dict[str, Any], headers: dict[str, str], lookups: int
) -> None:
    countries = CountingCountries()
    async with started.with_site(**site) as at, edge_of(started, countries, lambda app: app) as client:
        answer = await client.post("/f/r", content=orjson.dumps({"site": at.site.key}), headers=headers)
    assert (b"inform" in answer.content) is bool(lookups)
    assert countries.lookups == lookups


async def test_the_address_is_dropped_before_the_answer_is_sent(started: Started) -> None:
    seen: list[bool] = []

    def looking(app: ASGIApp) -> ASGIApp:
        async def look(scope: Scope, receive: Receive, send: Send) -> None:
            async def watched(message: Message) -> None:
                with pytest.raises(AddressDroppedError):
                    scope[ADDRESS].packed()
                seen.append(True)
                await send(message)

            await app(scope, receive, watched)

        return look

    async with started.with_site(**INFORM_IN_US) as at, edge_of(started, CountingCountries(), looking) as client:
        answer = await client.post("/f/r", content=orjson.dumps({"site": at.site.key}))
    assert (answer.json(), bool(seen)) == ({"rule": "inform"}, True)


async def test_a_country_file_that_cannot_be_used_stops_the_start(tmp_path: Path, warehouse_folder: Path) -> None:
    file = tmp_path / "country.mmdb"
    file.write_bytes(b"nothing of the kind")
    unused = open_embedded(warehouse_folder, "unused")
    with pytest.raises(FirmlyError, match=r"country\.mmdb: not a readable MMDB file"):
        async with running_firmly(tmp_path / "data", unused, {"FIRMLY_COUNTRY_DATABASE": str(file)}):
            raise AssertionError("it started")
