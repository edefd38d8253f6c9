"""Posts events to a served Firmly as browsers do, and remembers which were acknowledged."""

import asyncio
from collections.abc import Iterable

import httpx

from tests.collector import BROWSER, ORIGIN
from tests.served import Served, event_body

CONNECTIONS = 16


async def send(served: Served, token: str, paths: Iterable[str], acknowledged: set[str]) -> None:
    """Post one page view per path, each a visit, sixteen at a time; fails on any answer but a plain 202."""
    todo = iter(paths)
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=served.url, limits=limits, timeout=20) as client:

        async def browse(number: int) -> None:
            for path in todo:
                headers = {
                    "origin": ORIGIN,
                    "user-agent": BROWSER,
                    "content-type": "text/plain",
                    "x-forwarded-for": f"131.228.{number}.{len(acknowledged) % 250 + 1}",
                }
                answer = await client.post("/f/e", content=event_body(served, token, path), headers=headers)
                assert answer.status_code == 202, answer.text
                assert "x-firmly-dropped" not in answer.headers
                acknowledged.add(path)

        await asyncio.gather(*(browse(number) for number in range(CONNECTIONS)))
