"""The address never lands: a thousand canary addresses go in, and none is found in anything that stays."""

import asyncio
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import httpx
import orjson
import pytest

from firmly.consent.banner import banner_of, read_snippet
from firmly.packaged import snippet
from tests.collector import BROWSER, ORIGIN
from tests.faults.leaks import Finding, Scanner, packed_ipv4_hits
from tests.served import ROOT, Served, event_body

CANARIES = 1000
NETWORKS = ("131.228", "73.14", "88.198", "18.7")
"""A firm, homes, a cloud, a university: stored and dropped alike."""


@dataclass
class Run:
    served: Served
    temporary: Path
    canaries: list[str]
    controls: list[str]

    def scanner(self) -> Scanner:
        keys = [(self.served.data_dir / "secret.key").read_bytes().strip()]
        return Scanner(self.canaries, keys)

    def findings(self) -> list[Finding]:
        """Scan every place that outlives the process."""
        return self.findings_in_files() + self.findings_in_tables()

    def findings_in_files(self) -> list[Finding]:
        scanner = self.scanner()
        places = (self.served.data_dir, self.served.output, self.temporary)
        return [finding for place in places for finding in scanner.scan_files(place)]

    def findings_in_tables(self) -> list[Finding]:
        scanner = self.scanner()
        tables = _decoded(self.served.data_dir)
        return [finding for table, rows in tables for finding in scanner.scan(f"table {table}", rows)]


def _addresses(seed: int) -> Iterator[str]:
    choose = random.Random(seed)
    while True:
        high, low = choose.randrange(100, 250), choose.randrange(100, 250)
        yield str(IPv4Address(f"{choose.choice(NETWORKS)}.{high}.{low}"))
        yield str(IPv6Address(f"2a00:8a00:{choose.randrange(4096, 8191):x}:{choose.randrange(4096, 65535):x}::{low:x}"))


def _distinct(seed: int, unlike: set[str]) -> list[str]:
    made: dict[str, None] = {}
    for address in _addresses(seed):
        if address not in unlike:
            made[address] = None
        if len(made) == CANARIES:
            return list(made)
    raise AssertionError


def _choice(served: Served, **more: object) -> bytes:
    banner = banner_of(served.site, read_snippet(snippet())).version
    said = {"site": served.site.key, "banner": banner, "language": "en", "action": "accept_all", "source": "banner"}
    return orjson.dumps(said | {"choices": {"statistics": True}} | more)


Ways = list[Callable[[str, str], tuple[str, str, bytes, dict[str, str]]]]


def _ways(served: Served, token: str, receipt: str) -> Ways:
    """Return how a canary reaches the collector: method, path, body and headers from (canary, number)."""

    def choice(canary: str) -> bytes:
        return _choice(served, note=canary)

    def about(**more: object) -> bytes:
        return orjson.dumps({"site": served.site.key, **more})

    def event(_canary: str, number: str, **more: object) -> bytes:
        return event_body(served, token, f"/page/{number}", **more)

    def telling(canary: str, number: str) -> bytes:
        query = f"ip={canary}&utm_source={canary}&plan={canary}"
        url = f"{ORIGIN}/who/{canary}/at/{canary.replace('.', '-')}?{query}#{canary}"
        events = [
            {"kind": "pageview", "url": url, "referrer": f"https://{_host(canary)}/{canary}", "title": f"Hi {canary}"},
            {"kind": "goal", "name": "contact", "props": {"from": canary}},
        ]
        return orjson.dumps({"site": served.site.key, "token": token, "events": events, "number": number})

    return [
        lambda c, n: ("POST", "/f/e", event(c, n), {"x-forwarded-for": c}),
        lambda c, n: ("POST", "/f/e", event(c, n), {"x-forwarded-for": _mapped(c)}),
        lambda c, n: ("POST", "/f/e", event(c, n), {"forwarded": f'for="{_host(c)}:4711";proto=https'}),
        lambda c, n: ("POST", "/f/e", event(c, n), {"x-forwarded-for": f"10.9.8.7, {c}, 127.0.0.1"}),
        lambda c, n: ("POST", "/f/e", event(c, n), {"x-forwarded-for": f"{c}%eth0"}),
        lambda c, n: ("POST", "/f/e", event(c, n), {"x-forwarded-for": f"{c};{c}\t{c}"}),
        lambda c, n: ("POST", "/f/e", telling(c, n), {"x-forwarded-for": "131.228.1.1"}),
        lambda c, n: (
            "POST", "/f/e", event(c, n),
            {"x-forwarded-for": c, "x-real-ip": c, "cf-connecting-ip": c, "true-client-ip": c, "cookie": f"a={c}",
             "user-agent": f"{BROWSER} {c}", "referer": f"https://a.example/{c}"},
        ),
        lambda c, n: ("POST", "/f/fails", event(c, n), {"x-forwarded-for": c, "x-real-ip": c, "x-client-ip": c}),
        lambda c, n: ("POST", "/f/e", f'{{"site": "{c}", "events": [{n}'.encode(), {"x-forwarded-for": c}),
        lambda c, n: ("POST", f"/f/e?ip={c}", event(c, n, visit=c), {"x-forwarded-for": c}),
        lambda c, n: ("POST", "/f/c", orjson.dumps({"site": served.site.key, "language": c}), {"x-forwarded-for": c}),
        lambda c, n: (
            "POST", "/f/c", choice(c),
            {"x-forwarded-for": c, "user-agent": f"{BROWSER} {c}", "referer": f"{ORIGIN}/{c}", "accept-language": c,
             "cookie": f"firmly_receipt_{served.site.key}={c}"},
        ),
        lambda c, n: ("POST", "/f/c/history", about(receipt=c), {"x-forwarded-for": c}),
        lambda c, n: (
            "POST", ("/f/c/receipt", "/f/c/erase")[int(n[1:]) % 2], about(note=c, format="page"),
            {"x-forwarded-for": c, "cookie": f"firmly_receipt_{served.site.key}={receipt}"},
        ),
        lambda c, n: ("GET", f"/f/{c.replace(':', '-')}.js", b"", {"x-forwarded-for": c}),
        lambda c, n: ("GET", "/app/leads", b"", {"x-forwarded-for": c, "cookie": f"firmly_session={c}"}),
    ]  # fmt: skip


def _receipt(served: Served) -> str:
    """Make a choice and return the receipt, as a page elsewhere gets it."""
    headers = {"origin": ORIGIN, "sec-fetch-site": "cross-site"}
    answer = httpx.post(f"{served.url}/f/c", content=_choice(served), headers=headers).raise_for_status()
    return str(answer.json()["receipt"])


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _mapped(address: str) -> str:
    return address if ":" in address else f"::ffff:{address}"


async def _send(served: Served, canaries: list[str], ways: Ways) -> dict[int, int]:
    """Send every canary one way each and return how often each status was answered."""
    statuses: dict[int, int] = {}
    limits = httpx.Limits(max_connections=8)
    async with httpx.AsyncClient(base_url=served.url, limits=limits) as client:

        async def send(number: int, canary: str) -> None:
            method, path, body, headers = ways[number % len(ways)](canary, f"n{number}")
            base = {"origin": ORIGIN, "user-agent": BROWSER, "content-type": "text/plain"}
            answer = await client.request(method, path, content=body, headers=base | headers)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            assert answer.status_code != 500 or path == "/f/fails", (path, answer.text)
            assert canary not in answer.text or b'"site"' in body, "an answer repeats the address"

        for start in range(0, len(canaries), 8):
            await asyncio.gather(*(send(start + n, canary) for n, canary in enumerate(canaries[start : start + 8])))
    return statuses


def _send_proxy_lines(served: Served, canaries: list[str]) -> None:
    """A PROXY line that nobody asked for is refused, and does not land."""
    for canary in canaries:
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            family = "TCP6" if ":" in canary else "TCP4"
            line = f"PROXY {family} {canary} 10.0.0.1 4711 443\r\nPOST /f/e HTTP/1.1\r\nhost: a\r\n\r\n"
            connection.sendall(line.encode())
            assert connection.recv(64).startswith(b"HTTP/1.1 400")


def _decoded(data_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the decoded rows of every table."""
    command = [sys.executable, "-m", "tests.faults.decode", str(data_dir / "warehouse")]
    for part in subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout.split(b"\x00")[1:]:
        name, _, rows = part.partition(b"\x01")
        yield name.decode(), rows


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("canary")
    temporary = folder / "temporary"
    temporary.mkdir()
    served = Served(
        folder / "data",
        ORIGIN,
        environ={"TMPDIR": str(temporary)},
        titles=True,
        query_keys=frozenset({"plan"}),
        goals={"contact": frozenset({"from"})},
    )
    canaries = _distinct(1, set())
    run = Run(served, temporary, canaries, _distinct(2, set(canaries)))
    served.start((sys.executable, "-m", "tests.faults.canary_server"))
    token = served.token()
    ways = _ways(served, token, _receipt(served))
    statuses = asyncio.run(_send(served, canaries, ways))
    _send_proxy_lines(served, canaries[:20])
    served.stop()
    assert statuses[202] > CANARIES * 2 / 5
    assert statuses[201] >= CANARIES // len(ways)  # Choices that are on record.
    assert statuses[500] >= CANARIES // len(ways)  # The failing door failed.
    return run


def test_no_canary_is_found_anywhere(finished_run: Run) -> None:
    stored = finished_run.served.rows("select count() as n, countIf(path like '%*%') as masked from events")
    assert stored[0]["n"] > 100  # A run that stores nothing proves nothing.
    assert stored[0]["masked"] > 10
    assert b"a request failed: RuntimeError" in finished_run.served.output.read_bytes()
    assert finished_run.findings() == []


def test_packed_addresses_are_found_no_more_often_than_by_chance(finished_run: Run) -> None:
    canaries = [address for address in finished_run.canaries if ":" not in address]
    controls = [address for address in finished_run.controls if ":" not in address]
    folder = finished_run.served.data_dir
    chance = packed_ipv4_hits(controls, folder)
    assert packed_ipv4_hits(canaries, folder) <= chance + 20
    planted = folder / "planted"
    planted.write_bytes(b"".join(IPv4Address(address).packed for address in canaries[:50]))
    try:
        assert packed_ipv4_hits(canaries, folder) > chance + 20
    finally:
        planted.unlink()


def _hash_with_the_key_on_disk(run: Run, canary: str) -> bytes:
    import hashlib

    key = (run.served.data_dir / "secret.key").read_bytes().strip()
    return hashlib.blake2b(canary.encode(), key=key[:64], digest_size=16).digest()


PLANTED: dict[str, Callable[[Run, str], tuple[Path, bytes]]] = {
    "spool": lambda run, canary: (run.served.data_dir / "spool/main/events/x.sealed", canary.encode()),
    "quarantine": lambda run, canary: (run.served.data_dir / "quarantine.line", canary.encode()),
    "output": lambda run, canary: (run.served.output, b"error from " + canary.encode()),
    "temporary folder": lambda run, canary: (run.temporary / "upload", canary.encode()),
    "network": lambda run, canary: (run.temporary / "upload", canary.rpartition(".")[0].encode() + b".0/24"),
    "number": lambda run, canary: (run.temporary / "upload", str(int(IPv4Address(canary))).encode()),
    "hex": lambda run, canary: (run.temporary / "upload", IPv4Address(canary).packed.hex().encode()),
    "keyed hash": lambda run, canary: (run.temporary / "upload", _hash_with_the_key_on_disk(run, canary)),
    "file name": lambda run, canary: (run.temporary / f"from-{canary}", b""),
}


@pytest.mark.parametrize("place", PLANTED)
def test_planted_leak_is_found(finished_run: Run, place: str) -> None:
    canary = next(address for address in finished_run.canaries if ":" not in address)
    file, content = PLANTED[place](finished_run, canary)
    before = file.read_bytes() if file.exists() else None
    file.write_bytes((before or b"") + content)
    try:
        scanner = finished_run.scanner()
        assert canary in {finding.address for finding in scanner.scan_files(file.parent)}
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)


def test_leak_planted_in_a_table_is_found_decoded_and_in_a_detached_tables_bytes(finished_run: Run) -> None:
    canary = next(address for address in finished_run.canaries if ":" in address)
    program = (
        "import sys, clickhouse_connect\n"
        "client = clickhouse_connect.get_client(interface='chdb', path=sys.argv[1], database='firmly')\n"
        'client.command("create table planted (a IPv6) engine = MergeTree order by a "\n'
        "               \"settings default_compression_codec = 'NONE'\")\n"
        "client.command(f\"insert into planted values ('{sys.argv[2]}')\")\n"
    )
    warehouse = str(finished_run.served.data_dir / "warehouse")
    subprocess.run([sys.executable, "-c", program, warehouse, canary], check=True, env=dict(os.environ))
    places = {finding.place for finding in finished_run.findings_in_tables() if finding.address == canary}
    assert "table firmly.planted" in places
    detach = [*program.splitlines()[:2], "client.command('detach table planted permanently')"]
    subprocess.run([sys.executable, "-c", "\n".join(detach), warehouse], check=True)
    found = [finding for finding in finished_run.findings_in_files() if finding.address == canary]
    assert {finding.form for finding in found} == {"packed"}
