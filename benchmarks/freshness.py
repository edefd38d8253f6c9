"""From the 202 to the list of leads: how long an event takes to be visible, at 500 events a second."""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from secrets import token_hex

import httpx
import orjson
import uvicorn

from firmly.accounts.rules import OrgRules
from firmly.accounts.scope import Scope
from firmly.app import Firmly
from firmly.leads.days import DayRange
from firmly.leads.filter import LeadFilter
from firmly.leads.resolving import Resolver
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads
from firmly.model import system_clock
from firmly.organisations.legal_forms import LegalForms
from firmly.process import config_of
from firmly.settings import read_settings
from tests.collector import BROWSER, ORIGIN
from tests.served import EMAIL, PASSWORD, Served

PER_S = 500
SECONDS = 30
TAIL_S = 5
SENDERS = 25
ASK_AGAIN_S = 0.1
"""Ten times as often as an open list does: finer than what is measured, and less than would take the processor."""


def run() -> dict[str, object]:
    """Return quantiles in seconds over all events; the lead query is asked again and again meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data", ORIGIN)
        firmly = Firmly(read_settings(served.environ))
        server = uvicorn.Server(config_of(firmly.asgi, "127.0.0.1", served.port))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            acknowledged, seen = _watch(served, firmly)
        finally:
            server.should_exit = True
            thread.join()
    waits = _waits(sorted(acknowledged), seen)
    cuts = statistics.quantiles(waits, n=100)
    figures = {f"p{share}_s": round(cuts[share - 1], 3) for share in (50, 95, 99)}
    rate = len(waits) / (max(acknowledged) - min(acknowledged))
    return {**figures, "events": len(waits), "events_per_s": round(rate), "queries": len(seen)}


def _watch(served: Served, firmly: Firmly) -> tuple[list[float], list[tuple[float, int]]]:
    """Return when each event was acknowledged, and (when, page views in the list) of each query."""
    while not _answers(served.url):
        time.sleep(0.05)
    rules = OrgRules(firmly.stores.control_plane, system_clock, LegalForms.bundled())
    rule_book = RuleBook(firmly.stores.warehouse, rules, system_clock)
    resolver = Resolver.over(firmly.stores.control_plane, system_clock, firmly.accounts.sites.of)
    leads, scope = Leads(firmly.stores.warehouse, system_clock, rule_book, resolver), _scope(firmly)
    command = [sys.executable, "-m", "benchmarks.freshness", str(served.port), served.site.key, served.token()]
    seen: list[tuple[float, int]] = []
    ended_at = float("inf")
    with tempfile.TemporaryFile() as said:  # A pipe would fill and stop the sender before it ends.
        sender = subprocess.Popen(command, stdout=said)
        while time.monotonic() < ended_at + TAIL_S:
            today = system_clock().date()
            page = leads.list(scope, LeadFilter(DayRange(today, today)))
            seen.append((time.monotonic(), sum(lead.totals.pageviews for lead in page.leads)))
            time.sleep(ASK_AGAIN_S)
            if sender.poll() is not None:
                ended_at = min(ended_at, time.monotonic())
        assert sender.returncode == 0, "the sender failed"
        said.seek(0)
        return orjson.loads(said.read()), seen


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def _scope(firmly: Firmly) -> Scope:
    session = firmly.accounts.sign_in.with_password(EMAIL, PASSWORD)
    scope = firmly.accounts.sign_in.scope(session) if session else None
    assert scope is not None
    return scope


async def _send(port: str, site: str, token: str) -> list[float]:
    """Send at an even pace and return when each event was acknowledged, by the clock that all processes share."""
    acknowledged: list[float] = []
    started = time.monotonic()

    async def send(sender: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        for number in range(PER_S * SECONDS // SENDERS):
            await asyncio.sleep(max(0.0, started + number * SENDERS / PER_S - time.monotonic()))
            writer.write(_request(site, token, sender, number))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 202"), head
            assert b"x-firmly-dropped" not in head, head
            acknowledged.append(time.monotonic())
        writer.close()

    await asyncio.gather(*map(send, range(SENDERS)))
    return acknowledged


def _request(site: str, token: str, sender: int, number: int) -> bytes:
    event = {"kind": "pageview", "url": f"{ORIGIN}/page-{number % 50}"}
    body = orjson.dumps({"site": site, "token": token, "visit": token_hex(16), "events": [event]})
    head = (
        f"POST /f/e HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: {ORIGIN}\r\nuser-agent: {BROWSER}\r\n"
        f"x-forwarded-for: 131.228.{sender}.{number % 250 + 1}\r\n"
        f"content-type: text/plain\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _waits(acknowledged: list[float], seen: list[tuple[float, int]]) -> list[float]:
    """Pair the n-th acknowledged event with the first query that counted n.

    Raises:
        AssertionError: not all were visible in the end.
    """
    assert seen[-1][1] == len(acknowledged), (seen[-1][1], len(acknowledged))
    waits, place = [], 0
    for number, at in enumerate(acknowledged, 1):
        while seen[place][1] < number:
            place += 1
        waits.append(max(0.0, seen[place][0] - at))
    return waits


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(_send(*sys.argv[1:]))))
