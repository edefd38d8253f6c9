"""A whole Firmly in this process, for tests that post to it: real pipeline, spool, loader, stores."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import orjson

from firmly.accounts.roles import Role
from firmly.accounts.site import Site
from firmly.accounts.sites import new_site
from firmly.app import Firmly
from firmly.consent.banner import banner_of, read_snippet
from firmly.model import BeforeConsent
from firmly.packaged import snippet
from firmly.settings import read_settings
from firmly.warehouse.store import Warehouse

START = datetime(2026, 11, 20, 10, 7, 42, tzinfo=UTC)
ORIGIN = "https://www.example.com"
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
NOKIA = "131.228.1.1"
MIT = "18.0.0.1"
COMCAST = "73.1.1.1"
HETZNER = "88.198.1.1"
COUNTS_ONLY = "134.156.191.218"
"""An organisation of medium confidence: its visits are shown as counts only, where a site wants it at all."""


class SetClock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Collector:
    """One running Firmly with one site, and short ways to post to it."""

    firmly: Firmly
    client: httpx.AsyncClient
    clock: SetClock
    site: Site

    async def token(self, **choices: bool) -> str:
        """Let a visitor agree, to everything unless told otherwise, and return the consent token."""
        answer = await self.choose("custom" if choices else "accept_all", choices or _EVERYTHING)
        assert answer.status_code == 201, answer.text
        token = answer.json()["token"]
        assert isinstance(token, str)
        return token

    async def choose(self, action: str, choices: dict[str, bool], **more: Any) -> httpx.Response:
        headers = {"origin": ORIGIN, "content-type": "text/plain", **more.pop("headers", {})}
        banner = more.pop("banner", None) or await self.banner()
        body = {
            "site": self.site.key,
            "banner": banner,
            "language": "en",
            "action": action,
            "choices": choices,
            "source": "banner",
            **more,
        }
        return await self.client.post("/f/c", content=orjson.dumps(body), headers=headers)

    async def banner(self) -> str:
        (await self.client.get(f"/f/{self.site.key}.js")).raise_for_status()
        return banner_of(self.site, read_snippet(snippet())).version

    def change_site(self, **settings: Any) -> None:
        """Give the site other settings, as its owner would, and let the collector see them."""
        accounts, email = self.firmly.accounts, f"owner-{self.site.key}@example.com"
        password = "a long enough phrase"
        accounts.add_member(self.site.workspace_id, email, "Owner", Role.OWNER, password)
        scope = accounts.sign_in.scope(accounts.sign_in.with_password(email, password) or "")
        assert scope is not None
        self.site = replace(self.site, **settings)
        accounts.sites.change(scope, self.site)
        self.firmly.directory.refresh()

    async def post(self, *events: dict[str, Any], address: str = NOKIA, **more: Any) -> httpx.Response:
        """Post events as a browser at ``address`` would; keys with value None are left out of the body."""
        headers = {"origin": ORIGIN, "user-agent": BROWSER, "content-type": "text/plain"}
        headers |= {"x-forwarded-for": address} if address else {}
        headers |= more.pop("headers", {})
        body = {"site": self.site.key, "events": list(events) or [pageview()], "visit": token_hex(16), **more}
        body = {key: value for key, value in body.items() if value is not None}
        return await self.client.post("/f/e", content=orjson.dumps(body), headers=headers)

    async def events(self) -> list[dict[str, Any]]:
        """Return the site's stored events, oldest first."""
        return await self.select("select * from events where site_id = {site:UInt32} order by day, minute, seq, path")

    async def select(self, sql: str) -> list[dict[str, Any]]:
        """Run ``sql``, in which ``{site:UInt32}`` and ``{workspace:UInt32}`` stand for this collector's."""
        await self.firmly.settle()
        with self.firmly.stores.warehouse._reader() as reader:
            found = reader.query(sql, parameters={"site": self.site.id, "workspace": self.site.workspace_id})
            return list(found.named_results())


_EVERYTHING = {"preferences": True, "statistics": True, "marketing": True}


def pageview(path: str = "/pricing", **more: str) -> dict[str, Any]:
    return {"kind": "pageview", "url": ORIGIN + path, **more}


@dataclass
class Started:
    """A running Firmly with a clock that tests set, and a client that speaks to it from loopback."""

    firmly: Firmly
    client: httpx.AsyncClient
    clock: SetClock

    @asynccontextmanager
    async def with_site(
        self, before_consent: BeforeConsent = BeforeConsent.WAIT, **site: Any
    ) -> AsyncIterator[Collector]:
        """Make a workspace and a site; the clock stands at `START` again."""
        self.clock.now = START
        workspace = self.firmly.accounts.create_workspace("Acme", "UTC")
        settings = {
            "name": "Example",
            "origins": (ORIGIN,),
            "controller": "Example Ltd",
            "before_consent": before_consent,
            **site,
        }
        made = self.firmly.accounts.sites.create(new_site(workspace, **settings))
        self.firmly.directory.refresh()
        # An address of its own, since the clock stands and with it the window that limits a source.
        self.client.headers["x-forwarded-for"] = f"131.229.{made.id // 250 % 250}.{made.id % 250 + 1}"
        yield Collector(self.firmly, self.client, self.clock, made)


@asynccontextmanager
async def running_firmly(
    data_dir: Path, warehouse: Warehouse, environ: dict[str, str] | None = None
) -> AsyncIterator[Started]:
    """Run Firmly on ``warehouse``, which it closes. Loopback is a trusted proxy."""
    clock = SetClock()
    settings = read_settings(
        {
            "FIRMLY_DATA_DIR": str(data_dir),
            "FIRMLY_TRUSTED_PROXIES": "127.0.0.1/32",
            "FIRMLY_SPOOL_MIN_FREE_BYTES": "0",
            **(environ or {}),
        }
    )
    firmly = Firmly(settings, clock, lambda _folder: warehouse)
    transport = httpx.ASGITransport(firmly.asgi, client=("127.0.0.1", 50000))
    async with firmly.running(), httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
        yield Started(firmly, client, clock)
