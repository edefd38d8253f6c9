"""A whole Firmly whose control plane is on PostgreSQL."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from firmly.warehouse.store import Warehouse
from tests.collector import pageview, running_firmly
from tests.postgresql import Postgres

pytestmark = pytest.mark.anyio


async def test_visitors_choose_and_companies_are_seen(
    tmp_path: Path, new_warehouse: Callable[[], Warehouse], postgres: Postgres
) -> None:
    environ = {"FIRMLY_DATABASE_URL": postgres.new_database(is_empty=True)}
    async with running_firmly(tmp_path, new_warehouse(), environ) as started, started.with_site() as collector:
        token = await collector.token()
        answer = await collector.post(pageview("/pricing"), token=token)
        assert (answer.status_code, answer.headers.get("x-firmly-dropped")) == (202, None)
        collector.change_site(titles=True)
        await collector.post(pageview("/contact", title="Contact"), token=token)
        rows = await collector.events()
        assert (await collector.client.get("/readyz")).json()["ready"]
    assert [(row["path"], row["title"]) for row in rows] == [("/contact", "Contact"), ("/pricing", "")]
    assert not (tmp_path / "control.sqlite").exists()


async def test_database_that_is_away_stops_no_event_and_is_said_calmly(
    tmp_path: Path, new_warehouse: Callable[[], Warehouse], postgres: Postgres
) -> None:
    url = postgres.new_database(is_empty=True)
    environ = {"FIRMLY_DATABASE_URL": url}
    async with running_firmly(tmp_path, new_warehouse(), environ) as started, started.with_site() as collector:
        token = await collector.token()
        form = await sign_in_form(collector.client)
        postgres.shut(url)
        answer = await collector.post(pageview("/pricing"), token=token)
        assert answer.status_code == 202
        refused = await collector.choose("accept_all", {"statistics": True})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
        assert refused.headers["content-type"] == "application/problem+json"
        script = await collector.client.get(f"/f/{collector.site.key}.js")
        assert script.status_code == 200
        page = await collector.client.post("/app/sign-in", data=form)
        assert (page.status_code, page.headers["retry-after"]) == (503, "60")
        assert "cannot look up who you are" in page.text
        ready = await until(collector.client, is_ready=False)
        assert [re.sub(":.*", "", trouble) for trouble in ready["troubles"]] == [
            "the control plane's database (FIRMLY_DATABASE_URL) cannot be used right now"
        ]
        postgres.open(url)
        assert (await until(collector.client, is_ready=True))["troubles"] == []
        assert (await collector.choose("accept_all", {"statistics": True})).status_code == 201
        assert [row["path"] for row in await collector.events()] == ["/pricing"]


async def sign_in_form(client: httpx.AsyncClient) -> dict[str, str]:
    found = re.search(r'name="csrf_token" value="([^"]+)"', (await client.get("/app/sign-in")).text)
    assert found
    return {"csrf_token": found[1], "email": "owner@example.com", "password": "a long enough phrase"}


async def until(client: httpx.AsyncClient, *, is_ready: bool) -> dict[str, Any]:
    with anyio.fail_after(30):
        while True:
            answer: dict[str, Any] = (await client.get("/readyz")).json()
            if answer["ready"] == is_ready:
                return answer
            await anyio.sleep(0.1)
