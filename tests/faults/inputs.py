"""Makes inputs for the collector's routes: from the schema of a body, from valid ones, and from nothing at all."""

from collections.abc import Mapping
from random import Random
from typing import Any

import msgspec
import orjson

_ODD_TEXTS = [
    "",
    "\0",
    "x" * 5000,
    "é" * 300,
    "\U0001f600",
    "\u202e",
    "null",
    "../../etc",
    "' or 1=1 --",
    "\\ud800",
    "{}",
]
_ODD_NUMBERS = [0, -1, 1, 2**31, 2**63 - 1, -(2**63), 86_400_001, 1.5, -0.0, 1e308]
_HEADER_NAMES = [
    b"accept-encoding", b"connection", b"content-encoding", b"content-length", b"content-type", b"cookie", b"expect",
    b"forwarded", b"host", b"if-none-match", b"origin", b"sec-fetch-site", b"sec-gpc", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"user-agent", b"x-forwarded-for",
]  # fmt: skip
_METHODS = [
    b"GET",
    b"POST",
    b"PUT",
    b"OPTIONS",
    b"HEAD",
    b"DELETE",
    b"CONNECT",
    b"PRI",
    b"post",
    b"",
    b"\xff",
    b"G" * 300,
]
_VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/11", b"http/1.1", b"", b"RTSP/1.0"]
_LINE_ENDS = [b"\r\n"] * 8 + [b"\n", b"\r", b"\r\n\r\n", b"\0"]


class Shaped:
    """Makes JSON bodies of the type ``shape``, of which part is not what the type says.

    ``known`` holds values by key that the collector knows, which most bodies have.
    """

    def __init__(self, random: Random, shape: type, known: Mapping[str, list[Any]]) -> None:
        self._random = random
        self._schema = msgspec.json.schema(shape)
        self._known = known

    def body(self) -> bytes:
        odd = self._random.choice([0.0, 0.0, 0.02, 0.2])
        return orjson.dumps(self._value(self._schema, "", odd))

    def _value(self, schema: Mapping[str, Any], key: str, odd: float) -> Any:
        random = self._random
        if random.random() < odd:
            return anything(random)
        if key in self._known and random.random() < 0.9:
            return random.choice(self._known[key])
        match schema:
            case {"$ref": reference}:
                return self._value(self._schema["$defs"][reference.rpartition("/")[2]], key, odd)
            case {"anyOf": several}:
                return self._value(random.choice(several), key, odd)
            case {"enum": values}:
                return random.choice(values)
            case {"type": "object", "properties": properties}:
                return self._object(properties, set(schema.get("required", ())), odd)
            case {"type": "object"}:
                return {text_of(random): self._value(schema["additionalProperties"], "", odd) for _ in range(2)}
            case {"type": "array"}:
                return [self._value(schema["items"], "", odd) for _ in range(random.choice([1, 1, 2, 3, 60]))]
            case {"type": "integer"}:
                return random.choice([schema["minimum"], schema["maximum"], random.randint(0, 100)])
            case {"type": "number"}:
                return random.choice(_ODD_NUMBERS)
            case {"type": "boolean"}:
                return random.random() < 0.5
            case {"type": "null"}:
                return None
            case _:
                return text_of(random)

    def _object(self, properties: Mapping[str, Any], required: set[str], odd: float) -> dict[str, Any]:
        return {
            key: self._value(schema, key, odd)
            for key, schema in properties.items()
            if self._random.random() > odd / 2 and (key in required or self._random.random() < 0.6)
        }


def anything(random: Random, depth: int = 0) -> Any:
    """Return any JSON value."""
    match random.randrange(8 if depth < 3 else 5):
        case 0:
            return None
        case 1:
            return random.random() < 0.5
        case 2:
            return random.choice(_ODD_NUMBERS)
        case 3 | 4:
            return text_of(random)
        case 5:
            return [anything(random, depth + 1) for _ in range(random.randrange(4))]
        case _:
            return {text_of(random)[:50]: anything(random, depth + 1) for _ in range(random.randrange(4))}


def text_of(random: Random) -> str:
    if random.random() < 0.3:
        return random.choice(_ODD_TEXTS)
    return "".join(chr(random.randrange(32, 1000)) for _ in range(random.randrange(40)))


def bytes_from(random: Random, valid: bytes) -> bytes:
    """Return bytes of any kind: random ones, or ``valid`` cut, repeated, or changed in a few places."""
    match random.randrange(8):
        case 0:
            return random.randbytes(random.choice([0, 1, 2, 10, 100, 1000, 65_536, 65_537]))
        case 1:
            return random.choice([b"[", b'{"a":', b"[[", b'"\\u', b"\xff\xfe", b"0", b"-"]) * random.choice([1, 5000])
        case 2:
            return valid[: random.randrange(len(valid) + 1)]
        case 3:
            return valid + random.randbytes(random.randrange(1, 20))
        case _:
            changed = bytearray(valid)
            for _ in range(random.choice([1, 1, 3, 20])):
                at = random.randrange(len(changed) + 1)
                changed[at : at + random.randrange(3)] = random.randbytes(random.randrange(3))
            return bytes(changed)


def request_from(random: Random, path: bytes, body: bytes) -> bytes:
    """Return what may or may not be a request in HTTP/1.1."""
    if random.random() < 0.1:
        return random.randbytes(random.randrange(1, 400))
    target = random.choice(
        [path] * 6 + [path + b"?" + random.randbytes(20), b"/" * 5000, b"*", b"http://a" + path, b""]
    )
    line_end = random.choice(_LINE_ENDS) if random.random() < 0.2 else b"\r\n"
    lines = [
        b" ".join((random.choice(_METHODS + [b"POST"] * 12), target, random.choice(_VERSIONS + [b"HTTP/1.1"] * 12)))
    ]
    lines += [name + b": " + value for name, value in headers_from(random)]
    if random.random() < 0.8:
        lines.append(b"content-length: %d" % (len(body) + random.choice([0] * 8 + [1, -1, 10**6])))
    whole = line_end.join(lines) + line_end * 2 + body
    if random.random() < 0.2:
        at = random.randrange(len(whole))
        whole = whole[:at] + random.randbytes(random.randrange(1, 8)) + whole[at + random.randrange(8) :]
    return whole


def headers_from(random: Random) -> list[tuple[bytes, bytes]]:
    """Return headers: known and unknown, some repeated, huge, empty, or not in ASCII."""
    chosen = random.choices(
        [*_HEADER_NAMES, b"x" * 300, b"\xe9", b"x-" + text_of(random).encode()[:9]], k=random.randrange(8)
    )
    repeated = chosen * random.choice([1, 1, 1, 1, 2, 30])
    return [(name, _header_value(random)) for name in repeated]


def _header_value(random: Random) -> bytes:
    match random.randrange(6):
        case 0:
            return text_of(random).encode("utf-8", "replace")
        case 1:
            return random.randbytes(random.randrange(30))
        case 2:
            return b"x" * random.choice([0, 300, 5000, 20_000])
        case 3:
            return random.choice(
                [b"close", b"keep-alive", b"upgrade", b"websocket", b"chunked", b"gzip", b"100-continue"]
            )
        case 4:
            return random.choice(
                [b"0", b"-1", b"9" * 400, b"1, 2", b"null", b"text/plain", b"application/json; charset=x"]
            )
        case _:
            return b",".join([b"for=192.0.2.1;by=x", b'"', b"192.0.2.1", b"[::1]:80"] * random.choice([1, 200]))
