"""The outermost layer of every edge: moves the client's address out of reach and contains errors.

What lies further in sees `Address` under `ADDRESS` and neither peer nor forwarding headers; on the
collector's paths only headers of an allow-list, so no cookie on `/f/e`. No exception leaves it, and
what is logged of one is its type and place: messages and values may hold what a visitor sent.
"""

import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType

from starlette.types import ASGIApp, Receive, Scope, Send

from firmly.collect.problem import send_problem
from firmly.organisations.address import Address
from firmly.settings import Network

log = logging.getLogger(__name__)

ADDRESS = "firmly.address"
"""Where the scope holds the `Address` from here on."""

MAX_HOPS = 32
_FORWARDING = frozenset({b"x-forwarded-for", b"forwarded"})

_EVENT_HEADERS = frozenset(
    {
        b"accept-encoding", b"access-control-request-headers", b"access-control-request-method", b"content-encoding",
        b"content-length", b"content-type", b"host", b"if-none-match", b"origin", b"sec-fetch-site", b"sec-gpc",
        b"user-agent",
    }
)  # fmt: skip
_CHOICE_HEADERS = _EVENT_HEADERS | {b"cookie"}
_TELLING = re.compile(
    rb"forwarded|^(x-)?(true-|real-|original-|cluster-|envoy-external-|appengine-user-)?(client-)?(ip|address|addr|host-ip)$"
    rb"|client-?(ip|addr)|remote-?(ip|addr)|real-?(ip|addr)|user-?ip|external-address|connecting-ip|^via$|^referer$"
)
"""Headers in which a proxy may pass an address on, and the one that may carry another page's address."""

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_VALUE = r'(?:[^\s",;=\\]++|"(?:[^"\\]|\\.)*+")'
_HOP = rf"{_NAME}={_VALUE}(?:[ \t]*+;[ \t]*+(?:{_NAME}={_VALUE})?+)*+"
_PAIR = re.compile(rf"(?P<name>{_NAME})=(?P<value>{_VALUE})")
_ELEMENT = re.compile(_HOP)
_LINE = re.compile(rf"[ \t,]*+(?:{_HOP}[ \t]*+(?:,[ \t,]*+|$))*+")
"""The grammar of `Forwarded`, with the blanks that lists allow, and with addresses outside of quotes
as they are written in practice. Source: RFC 7239, 4; RFC 9110, 5.6."""
_NODE = re.compile(r"\[(?P<v6>[^\]:]*:[^\]]*)\](?::[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}")


class Edge:
    """Wraps an ASGI application. ``trusted``: proxies whose forwarding headers count.

    ``direct`` answers some paths past the application's routing, which costs more than the answer.
    """

    def __init__(
        self, app: ASGIApp, trusted: Iterable[Network], direct: Mapping[str, ASGIApp] = MappingProxyType({})
    ) -> None:
        self._app = app
        self._direct = direct
        self._trusted = _TrustedProxies(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            direct = self._direct.get(scope["path"])
            self._withhold_address(scope, _EVENT_HEADERS if direct else _allowed_on(scope["path"]))
            await (direct or self._app)(scope, receive, send)
        except Exception as error:  # noqa: BLE001  # The last line of defence: see the module's docstring.
            log.error("a request failed: %s", place_of(error))
            with suppress(Exception):  # An answer has begun: the server takes no second one, and cuts the connection.
                await send_problem(send, 500, "Something failed here", "Nothing of this request was stored.")
        finally:
            if ADDRESS in scope:
                scope[ADDRESS].drop()

    def _withhold_address(self, scope: Scope, allowed: frozenset[bytes] | None) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        peer, scope["client"] = scope.get("client"), None
        scope[ADDRESS] = self._trusted.client_of(peer[0] if peer else "", headers)
        if allowed:
            scope["headers"] = [header for header in headers if header[0] in allowed]
        else:
            scope["headers"] = [header for header in headers if not _TELLING.search(header[0])]


def _allowed_on(path: str) -> frozenset[bytes] | None:
    if path == "/f/c" or path.startswith("/f/c/"):
        return _CHOICE_HEADERS
    return _EVENT_HEADERS if path.startswith("/f/") else None


def place_of(error: BaseException) -> str:
    """Say what failed and where, without its message and without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.name} ({frame.filename.rsplit('/', 1)[-1]}:{frame.lineno})" for frame in frames[::-1])
    return f"{type(error).__name__} in {places}"


class _TrustedProxies:
    """Finds the client: the right-most address that is no trusted proxy's. Source: RFC 7239, 5.2 and 8.1."""

    def __init__(self, networks: Iterable[Network]) -> None:
        networks = tuple(networks)
        self._hosts = {str(network.network_address) for network in networks if network.num_addresses == 1}
        """Proxies that are named one by one are known by their text; these are no visitors' addresses."""
        self._networks = [
            (network.max_prefixlen // 8, int(network.netmask), int(network.network_address)) for network in networks
        ]

    def client_of(self, peer: str, headers: list[tuple[bytes, bytes]]) -> Address:
        """Return the client's address; refused where it is unknown or the headers contradict each other.

        A proxy that writes one of the two headers passes the other on as the client made it up.
        Where both are there they must agree, or nobody is named.
        """
        address = Address.parse(peer)
        if peer not in self._hosts and not self._is_trusted(address):
            return address
        said = [header for header in headers if header[0] in _FORWARDING]
        if not said:
            return address
        if len(said) == 1 and said[0][0] == b"x-forwarded-for" and b"," not in said[0][1]:
            only = said[0][1].decode("latin-1").strip(" \t")  # One proxy that names one client: the usual case.
            return Address.parse(_without_port(only)) if only else address
        chains = [chain for chain in (_x_forwarded_for(said), _forwarded(said)) if chain]
        if not chains:
            return address
        found = [self._right_most_untrusted(chain) for chain in chains]
        if len({one.packed() for one in found}) > 1:
            return Address(b"")
        return found[0]

    def _right_most_untrusted(self, chain: list[str]) -> Address:
        for text in reversed(chain):
            address = Address.parse(text)
            if not self._is_trusted(address):
                return address
        return address

    def _is_trusted(self, address: Address) -> bool:
        packed = address.packed()
        size, value = len(packed), int.from_bytes(packed, "big")
        for of_size, mask, base in self._networks:  # noqa: SIM110  # Twice as fast as any(), for every request.
            if size == of_size and value & mask == base:
                return True
        return False


def _values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key == name]


def _x_forwarded_for(headers: list[tuple[bytes, bytes]]) -> list[str]:
    items = (item.strip(" \t") for value in _values(headers, b"x-forwarded-for") for item in value.split(","))
    return [_without_port(item) for item in items if item][-MAX_HOPS:]


def _forwarded(headers: list[tuple[bytes, bytes]]) -> list[str]:
    """Return one node per element, left to right, "" for a hop that does not say.

    Read by the grammar, quotes too: a proxy that quotes the client's `Host` into its own element
    must not be made to write a comma and another `for` (RFC 7239, 4). A line that does not parse
    is one node that is refused.
    """
    nodes = []
    for line in _values(headers, b"forwarded"):
        elements = [match[0] for match in _ELEMENT.finditer(line)] if _LINE.fullmatch(line) else [""]
        nodes += [_node(element) for element in elements]
    return nodes[-MAX_HOPS:]


def _node(element: str) -> str:
    said = [pair["value"] for pair in _PAIR.finditer(element) if pair["name"].lower() == "for"]
    if len(said) != 1:
        return ""
    value: str = said[0]
    return _without_port(value[1:-1] if value.startswith('"') else value)


def _without_port(node: str) -> str:
    """Take brackets and port off a forwarding header's node; anything odd stays odd and is refused."""
    match = _NODE.fullmatch(node)
    return match["v6"] or match["v4"] if match else node
