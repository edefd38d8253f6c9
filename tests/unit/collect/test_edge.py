"""The outermost layer: which address is the visitor's, what is kept from the rest, what a failure says."""

import ipaddress
import logging
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firmly.collect.edge import ADDRESS, MAX_HOPS, Edge

pytestmark = pytest.mark.anyio

TRUSTED = tuple(map(ipaddress.ip_network, ("127.0.0.1/32", "10.0.0.0/8", "2001:db8:ffff::/48")))
Headers = list[tuple[bytes, bytes]]


class Seen:
    """An application that notes what reaches it and answers 204."""

    def __init__(self) -> None:
        self.packed: bytes | None = None
        self.scope: Scope = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.packed, self.scope = scope[ADDRESS].packed(), dict(scope)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def scope_of(headers: Headers, peer: str | None = "127.0.0.1", path: str = "/f/e") -> Scope:
    return {"type": "http", "path": path, "headers": headers, "client": (peer, 50_000) if peer is not None else None}


async def ask(app: ASGIApp, scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if sent and message["type"] == "http.response.start":
            raise RuntimeError("a server takes one answer")
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def client_of(headers: Headers, peer: str | None = "127.0.0.1") -> str:
    """Return the address that the edge finds as text, "" where it is refused."""
    seen = Seen()
    await ask(Edge(seen, TRUSTED), scope_of(headers, peer))
    return str(ipaddress.ip_address(seen.packed)) if seen.packed else ""


def xff(*values: str) -> Headers:
    return [(b"x-forwarded-for", value.encode("latin-1")) for value in values]


def fwd(*values: str) -> Headers:
    return [(b"forwarded", value.encode("latin-1")) for value in values]


FOUND: list[tuple[str, Headers, str]] = [
    ("no header", [], "127.0.0.1"),
    ("one hop", xff("203.0.113.7"), "203.0.113.7"),
    ("right-most untrusted, not what the client made up", xff("8.8.8.8, 203.0.113.7, 10.0.0.3"), "203.0.113.7"),
    ("all trusted", xff("10.0.0.1, 10.0.0.2"), "10.0.0.1"),
    ("two header lines are one list", xff("8.8.8.8", "203.0.113.7", "10.0.0.3"), "203.0.113.7"),
    ("blanks and empty items", xff(" ,203.0.113.7 ,\t10.0.0.3,, "), "203.0.113.7"),
    ("only empty items", xff("", " , "), "127.0.0.1"),
    ("port", xff("203.0.113.7:4711"), "203.0.113.7"),
    ("IPv6", xff("2001:DB8:0:0:0:0:0:7"), "2001:db8::7"),
    ("IPv6 in brackets", xff("[2001:db8::7]"), "2001:db8::7"),
    ("IPv6 in brackets with port", xff("[2001:db8::7]:4711, [2001:db8:ffff::1]:80"), "2001:db8::7"),
    ("mapped IPv6 is its IPv4", xff("::ffff:203.0.113.7, ::ffff:10.0.0.3"), "203.0.113.7"),
    ("unknown", xff("8.8.8.8, unknown"), ""),
    ("obfuscated", xff("8.8.8.8, _hidden"), ""),
    ("nothing behind an odd hop counts", xff("8.8.8.8, 203.0.113.300, 10.0.0.3"), ""),
    ("open bracket", xff("[2001:db8::7"), ""),
    ("text behind the bracket", xff("[2001:db8::7]x"), ""),
    ("IPv4 in brackets", xff("[203.0.113.7]"), ""),
    ("port of odd digits", xff("203.0.113.7:²"), ""),
    ("port missing", xff("203.0.113.7:"), ""),
    ("odd blank", xff("\xa0203.0.113.7"), ""),
    ("a script", xff("<script>alert(1)</script>"), ""),
    ("Forwarded", fwd("for=203.0.113.7"), "203.0.113.7"),
    ("Forwarded in any case, with more", fwd("Proto=https;FOR=203.0.113.7;by=10.0.0.1"), "203.0.113.7"),
    ("Forwarded quoted", fwd('for="203.0.113.7:80"'), "203.0.113.7"),
    ("Forwarded IPv6", fwd('for="[2001:db8::7]:4711"'), "2001:db8::7"),
    ("Forwarded IPv6 without quotes", fwd("for=[2001:db8::7]"), "2001:db8::7"),
    ("Forwarded chain", fwd("for=8.8.8.8, for=203.0.113.7;proto=http, for=10.0.0.3"), "203.0.113.7"),
    ("Forwarded on two lines", fwd("for=8.8.8.8", "for=203.0.113.7"), "203.0.113.7"),
    ("Forwarded obfuscated", fwd("for=8.8.8.8, for=_hidden"), ""),
    ("Forwarded unknown", fwd("for=8.8.8.8, for=unknown"), ""),
    ("last hop does not say", fwd("for=8.8.8.8, proto=https"), ""),
    ("said twice", fwd("for=8.8.8.8;for=203.0.113.7"), ""),
    ("comma inside quotes is no hop", fwd('for=203.0.113.7;host="a,for=8.8.8.8"'), "203.0.113.7"),
    ("semicolon inside quotes is no pair", fwd('host="a;for=8.8.8.8";for=203.0.113.7'), "203.0.113.7"),
    ("escaped quote does not end quotes", fwd('host="a\\",for=8.8.8.8";for=203.0.113.7'), "203.0.113.7"),
    ("open quote on the client's own line", fwd('for=8.8.8.8;x="', "for=203.0.113.7"), "203.0.113.7"),
    ("open quote swallows the rest", fwd('for=8.8.8.8;x=", for=203.0.113.7'), ""),
    ("not the grammar", fwd("for 203.0.113.7"), ""),
    ("empty value", fwd("for="), ""),
    ("both agree", xff("203.0.113.7") + fwd("for=203.0.113.7"), "203.0.113.7"),
    ("both agree in other spellings", xff("2001:db8::7") + fwd('for="[2001:DB8:0::7]:1"'), "2001:db8::7"),
    ("both disagree", xff("203.0.113.7") + fwd("for=8.8.8.8"), ""),
    ("one of both is odd", xff("203.0.113.7") + fwd("for=_hidden"), ""),
    ("other headers name nobody", [(b"x-real-ip", b"8.8.8.8"), (b"true-client-ip", b"8.8.8.8")], "127.0.0.1"),
]


@pytest.mark.parametrize(("headers", "client"), [case[1:] for case in FOUND], ids=[case[0] for case in FOUND])
async def test_client_behind_trusted_proxies(headers: Headers, client: str) -> None:
    assert await client_of(headers) == client


@pytest.mark.parametrize("peer", ["203.0.113.9", "127.0.0.2", "2001:db8::9"])
async def test_headers_of_an_untrusted_peer_are_ignored(peer: str) -> None:
    assert await client_of(xff("8.8.8.8") + fwd("for=8.8.8.8"), peer) == peer


@pytest.mark.parametrize("peer", [None, "", "unix:", "fe80::1%eth0", "testclient"])
async def test_peer_without_an_address_is_refused(peer: str | None) -> None:
    assert await client_of(xff("8.8.8.8"), peer) == ""


async def test_mapped_peer_is_the_trusted_proxy_it_is() -> None:
    assert await client_of(xff("203.0.113.7"), "::ffff:127.0.0.1") == "203.0.113.7"


async def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    seen = Seen()
    await ask(Edge(seen, ()), scope_of(xff("8.8.8.8")))
    assert seen.packed == bytes([127, 0, 0, 1])


async def test_only_so_many_hops_are_read() -> None:
    chain = ["203.0.113.7", *["10.0.0.1"] * (MAX_HOPS - 1)]
    assert await client_of(xff(", ".join(chain))) == "203.0.113.7"
    assert await client_of(xff(", ".join([*chain, "10.0.0.1"]))) == "10.0.0.1"


# An oracle of its own: it walks the text by characters and knows nothing of the edge's expressions.

NODES = st.sampled_from(
    [
        "8.8.8.8",
        "203.0.113.7",
        "10.0.0.3",
        "10.9.9.9:80",
        "[2001:db8::7]",
        "[2001:db8::7]:9",
        "2001:db8:ffff::1",
        "::ffff:10.1.1.1",
        "::ffff:1.2.3.4",
        "unknown",
        "_x",
        "",
        " ",
        "1.2.3",
        "[::1",
        "1.2.3.4:x",
        '"',
        "ÿ",
        "\0",
    ]
)


def read_node(node: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    host, port = node, "1"
    if node.startswith("["):
        host, bracket, rest = node[1:].partition("]")
        if not bracket or ":" not in host or (rest and not rest.startswith(":")):
            return None
        port = rest[1:] if rest else "1"
    elif node.count(":") == 1:
        host, port = node.split(":")
    if not (port.isascii() and port.isdigit() and len(port) < 6):
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def expected_of(nodes: list[str]) -> str:
    address = None
    for node in reversed(nodes):
        address = read_node(node)
        if address is None or not any(address in network for network in TRUSTED):
            break
    return str(address) if address else ""


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(NODES, min_size=1, max_size=4), max_size=3))
async def test_forwarded_for_names_whom_the_rule_names(lines: list[list[str]]) -> None:
    nodes = [node.strip(" ") for line in lines for node in line]
    nodes = [node for node in nodes if node]
    expected = expected_of(nodes) if nodes else "127.0.0.1"
    assert await client_of(xff(*(",".join(line) for line in lines))) == expected


@settings(max_examples=300, deadline=None)
@given(
    st.lists(NODES.filter(lambda node: '"' not in node), min_size=1, max_size=5), st.text('a,;=" \\for8.', max_size=12)
)
async def test_forwarded_names_whom_the_rule_names_whatever_is_quoted(nodes: list[str], host: str) -> None:
    quoted = host.replace("\\", "\\\\").replace('"', '\\"')
    line = ", ".join(f'host="{quoted}";for="{node}"' for node in nodes)
    assert await client_of(fwd(line)) == expected_of(nodes)


VALUES = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from([b"for=", b"8.8.8.8", b"10.0.0.1", b",", b";", b'"', b"\\", b" ", b"[", b"]", b":"]),
        max_size=12,
    ).map(b"".join),
)
NAMES = st.sampled_from([b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via", b"cookie"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=5), st.text(max_size=20) | st.just("127.0.0.1"))
async def test_any_header_is_survived_and_never_names_who_is_not_in_it(headers: Headers, peer: str) -> None:
    found = await client_of(headers, peer)
    texts = " ".join(value.decode("latin-1") for _, value in headers) + " " + peer
    known = {str(address) for part in split(texts) if (address := read_node(part))}
    assert found == "" or found in known


def split(text: str) -> Iterator[str]:
    for separator in ',;="\\ \t\xa0\x1c\x1d\x1e\x1f\x85\n\r\x0b\x0c':
        text = text.replace(separator, "\n")
    yield from text.split("\n")


@settings(max_examples=100, deadline=None)
@given(st.lists(NODES, max_size=3), st.lists(NODES, max_size=3))
async def test_address_before_an_untrusted_peer_never_counts(first: list[str], second: list[str]) -> None:
    headers = xff(",".join(first)) + fwd(",".join(f"for={node}" for node in second))
    assert await client_of(headers, "203.0.113.9") == "203.0.113.9"


SENT: Headers = [
    (b"host", b"collector.example"),
    (b"origin", b"https://www.example.com"),
    (b"user-agent", b"Firefox"),
    (b"content-type", b"text/plain"),
    (b"sec-gpc", b"1"),
    (b"cookie", b"firmly_receipt=secret"),
    (b"accept", b"*/*"),
    (b"authorization", b"Bearer x"),
    *[
        (name, b"203.0.113.7")
        for name in (
            b"x-forwarded-for", b"forwarded", b"x-real-ip", b"true-client-ip", b"cf-connecting-ip", b"client-ip",
            b"x-client-ip", b"x-cluster-client-ip", b"x-original-forwarded-for", b"fastly-client-ip", b"via",
            b"x-remote-addr", b"x-envoy-external-address", b"x-appengine-user-ip", b"x-azure-clientip",
            b"x-forwarded", b"forwarded-for", b"x-proxyuser-ip", b"remote-addr", b"do-connecting-ip", b"x-real-ipaddr",
            b"x-original-host-ip", b"referer",
        )
    ],
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/f/e", {b"host", b"origin", b"user-agent", b"content-type", b"sec-gpc"}),
        ("/f/abcdefgh.js", {b"host", b"origin", b"user-agent", b"content-type", b"sec-gpc"}),
        ("/f/companyx.js", {b"host", b"origin", b"user-agent", b"content-type", b"sec-gpc"}),
        ("/f/c", {b"host", b"origin", b"user-agent", b"content-type", b"sec-gpc", b"cookie"}),
        ("/f/c/token", {b"host", b"origin", b"user-agent", b"content-type", b"sec-gpc", b"cookie"}),
        (
            "/app/",
            {b"host", b"origin", b"user-agent", b"content-type", b"sec-gpc", b"cookie", b"accept", b"authorization"},
        ),
    ],
)
async def test_headers_that_reach_the_inside(path: str, kept: set[bytes]) -> None:
    seen = Seen()
    await ask(Edge(seen, TRUSTED), scope_of(SENT, path=path))
    assert {name for name, _ in seen.scope["headers"]} == kept
    assert seen.scope["client"] is None
    assert b"203.0.113.7" not in repr(seen.scope).encode()


async def test_address_is_dropped_once_the_request_is_answered() -> None:
    seen = Seen()
    await ask(Edge(seen, TRUSTED), scope_of(xff("203.0.113.7")))
    assert seen.scope[ADDRESS]._packed is None


class Failing:
    """Fails with the address it was given in its message, before or after it began to answer."""

    def __init__(self, *, has_started: bool) -> None:
        self.has_started = has_started

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.has_started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        text = str(ipaddress.ip_address(scope[ADDRESS].packed()))
        try:
            raise KeyError(text)
        except KeyError:
            raise RuntimeError(f"cannot serve {text}") from None


@pytest.mark.parametrize("has_started", [False, True])
async def test_failure_is_logged_by_type_and_place_only(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], has_started: bool
) -> None:
    scope = scope_of(xff("203.0.113.77"))
    with caplog.at_level(logging.DEBUG):
        sent = await ask(Edge(Failing(has_started=has_started), TRUSTED), scope)
    assert scope[ADDRESS]._packed is None
    [record] = caplog.records
    assert record.getMessage().startswith("a request failed: RuntimeError in __call__ (test_edge.py:")
    everything = caplog.text + "".join(capfd.readouterr()) + repr(sent) + repr(vars(record))
    assert "203.0" not in everything
    if has_started:
        assert [message["type"] for message in sent] == ["http.response.start"]
    else:
        assert sent[0]["status"] == 500
        assert orjson.loads(sent[1]["body"])["title"] == "Something failed here"


async def test_direct_path_gets_the_same_care(caplog: pytest.LogCaptureFixture) -> None:
    seen, routed = Seen(), Seen()
    edge = Edge(routed, TRUSTED, {"/f/e": seen, "/f/x": Failing(has_started=False)})
    await ask(edge, scope_of([*SENT[:6], *xff("203.0.113.7")]))
    assert (seen.packed, seen.scope["client"], routed.scope) == (bytes([203, 0, 113, 7]), None, {})
    assert b"cookie" not in {name for name, _ in seen.scope["headers"]}
    await ask(edge, scope_of([], path="/f/e/more"))
    assert routed.scope["path"] == "/f/e/more"
    [start, _] = await ask(edge, scope_of(xff("203.0.113.77"), path="/f/x"))
    assert (start["status"], "203.0" in caplog.text) == (500, False)


async def test_other_kinds_of_connections_are_not_served() -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("reached")

    websocket: dict[str, Any] = {**scope_of([]), "type": "websocket"}
    assert await ask(Edge(never, TRUSTED), websocket) == []


async def test_lifespan_passes_untouched() -> None:
    reached: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["type"])
        assert ADDRESS not in scope

    await ask(Edge(app, TRUSTED), {"type": "lifespan"})
    assert reached == ["lifespan"]
