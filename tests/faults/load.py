"""Posts events to a served Firmly as browsers do, and remembers which were acknowledged."""

import asyncio
from collections.abc import Iterable, Sequence

import httpx

from tests.collector import BROWSER, ORIGIN
from tests.served import Served, event_body

CONNECTIONS = 16


NETWORK = ("131.228.{}.{}",)
"""Where the events come from: each connection has its place in a network, each event an address of it."""


async def send(
    served: Served,
    token: str,
    paths: Iterable[str],
    acknowledged: set[str],
    networks: Sequence[str] = NETWORK,
    *,
    may_die: bool = False,
) -> None:
    """Post one page view per path, each a visit, sixteen at a time; fails on any answer but a plain 202.

    With ``may_die`` the end of the server is the end of the load, and no failure.
    """
    todo = iter(paths)
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=served.url, limits=limits, timeout=20) as client:

        async def browse(number: int) -> None:
            network = networks[number % len(networks)]
            for path in todo:
                headers = {
                    "origin": ORIGIN,
                    "user-agent": BROWSER,
                    "content-type": "text/plain",
                    "x-forwarded-for": network.format(number, len(acknowledged) % 250 + 1),
                }
                try:
                    answer = await client.post("/f/e", content=event_body(served, token, path), headers=headers)
                except httpx.TransportError:
                    if may_die:
                        return
                    raise
                assert answer.status_code == 202, answer.text
                assert "x-firmly-dropped" not in answer.headers
                acknowledged.add(path)

        await asyncio.gather(*(browse(number) for number in range(CONNECTIONS)))
