"""Lets made-up visitors use the site: the same requests that the script sends, over HTTP or in process."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from secrets import token_hex

import httpx
import orjson

from firmly.accounts.site import Site
from firmly.demo.visitors import Crowd, Look, Visitor
from firmly.model import OPTIONAL


class Traffic:
    """Sends visitors' requests through ``client``; each carries the visitor's network as a proxy would say it."""

    def __init__(self, client: httpx.AsyncClient, site: Site, banner: str) -> None:
        self._client = client
        self._site = site
        self._banner = banner

    async def visit(self, visitor: Visitor, pause: Callable[[Look], Awaitable[None]]) -> None:
        """Choose, then look at pages; ``pause`` is awaited before each look."""
        headers = {
            "x-forwarded-for": visitor.address,
            "user-agent": visitor.user_agent,
            "origin": self._site.origins[0],
            "content-type": "text/plain",
        }
        await pause(visitor.looks[0])
        token = await self._choose(visitor, headers)
        if token is None:
            return
        visit = token_hex(16)
        for look in visitor.looks:
            await pause(look)
            url = self._site.origins[0] + look.path
            view = {"kind": "pageview", "url": url, "referrer": look.referrer}
            beat = {"kind": "engagement", "url": url, "active_ms": look.seconds * 1000, "scroll_pct": look.scroll_pct}
            body = {
                "site": self._site.key,
                "token": token,
                "visit": visit,
                "batch": token_hex(16),
                "events": [view, beat],
            }
            (await self._client.post("/f/e", content=orjson.dumps(body), headers=headers)).raise_for_status()

    async def load_script(self) -> None:
        (await self._client.get(f"/f/{self._site.key}.js")).raise_for_status()

    async def _choose(self, visitor: Visitor, headers: dict[str, str]) -> str | None:
        body = {
            "site": self._site.key,
            "banner": self._banner,
            "language": "en",
            "action": "accept_all" if visitor.accepts else "reject_all",
            "choices": {"necessary": True, **{category.value: visitor.accepts for category in OPTIONAL}},
            "source": "banner",
        }
        answer = await self._client.post("/f/c", content=orjson.dumps(body), headers=headers)
        answer.raise_for_status()
        self._client.cookies.clear()
        token: str | None = answer.json()["token"]
        return token


class MovableClock:
    """The demo's clock: the past while its history is made, then the real time."""

    def __init__(self) -> None:
        self.set_to: datetime | None = None

    def __call__(self) -> datetime:
        return self.set_to or datetime.now(UTC)


async def make_history(traffic: Traffic, crowd: Crowd, clock: MovableClock, days: int, visits_a_day: int) -> int:
    """Let the past ``days`` happen and return how many visitors came."""
    count = 0

    async def jump(look: Look) -> None:
        clock.set_to = look.at

    for visitor in crowd.past(datetime.now(UTC), days, visits_a_day):
        await traffic.visit(visitor, jump)
        count += 1
    clock.set_to = None
    return count


async def trickle(traffic: Traffic, crowd: Crowd, pause_s: float) -> None:
    """Send a visitor every few seconds, for as long as the demo runs."""
    while True:
        await asyncio.sleep(pause_s)
        try:
            await traffic.visit(crowd.visitor(datetime.now(UTC)), lambda _look: asyncio.sleep(1.0))
        except httpx.HTTPError:  # The server is stopping, or refuses for a moment.
            continue
