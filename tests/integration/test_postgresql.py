"""A whole Firmly whose control plane is on PostgreSQL."""

from collections.abc import Callable
from pathlib import Path

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
