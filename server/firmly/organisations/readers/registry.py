"""Registries' split files, which an operator with the right to use them supplies: assignments of networks.

RPSL (inetnum, inet6num, organisation), ARIN's text form and delegated statistics. Only the listed
keys are read; persons, roles, streets, addresses of mail and telephone numbers never are (O8).
Source: RFC 2622, RFC 4012, the RIPE database's documentation on statuses and ARIN's on network
types, and the RIR statistics exchange format, all read 2026-11.
"""

import gzip
import io
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple

from firmly.model import FirmlyError

RIGHTS = {
    "ripe": "the RIPE database's terms 4.4 bar advertising, direct marketing and marketing research",
    "arin": "ARIN's bulk whois terms bar marketing",
    "apnic": "APNIC's terms on bulk access bar marketing",
    "afrinic": "AFRINIC's terms on bulk access bar marketing",
    "lacnic": "LACNIC's terms on bulk access bar marketing",
}
"""What stands against the use for which a builder is run, by source: why it asks for the right."""


class Standing(StrEnum):
    """Whose an assignment is."""

    OWN = "own"
    CUSTOMER = "customer"
    CARRIER = "carrier"


class Assignment(NamedTuple):
    """One range of a registry. IPv4 is under ``::/96``, so all are numbers of 128 bits.

    ``org`` is a handle, resolved later; ``name`` the first line of the description.
    """

    start: int
    end: int
    org: str
    name: str
    netname: str
    country: str
    standing: Standing


class Holding(NamedTuple):
    """An organisation by its handle."""

    org: str
    name: str
    country: str


class Delegation(NamedTuple):
    """A range that a registry delegated to a country."""

    start: int
    end: int
    country: str


Entry = Assignment | Holding | Delegation
_Object = dict[str, str]

_LINE = re.compile(
    r"(?m)^(inetnum|inet6num|org|org-name|organisation|descr|netname|country|status|"
    r"NetHandle|OrgID|OrgName|CustID|CustName|NetRange|NetType|NetName|Country):[ \t]*(.*)$"
)
"""The only lines that are read, of RPSL and of ARIN's form."""

_CHUNK = 1 << 20
_OWN = frozenset(("ASSIGNED PI", "ASSIGNED PORTABLE", "ASSIGNED", "ASSIGNMENT", "DIRECT ASSIGNMENT", "LEGACY"))
_CUSTOMER = frozenset(("ASSIGNED PA", "ASSIGNED NON-PORTABLE", "REASSIGNED", "REASSIGNMENT"))


def read_registry(path: Path, progress: Callable[[int], None] = lambda _bytes: None) -> Iterator[Entry]:
    """Yield what a file holds, told apart by its first line; ``.gz`` is unpacked on the way.

    ``progress`` is told how many bytes of the file were read since it was last told.

    Raises:
        FirmlyError: when it cannot be read.
    """
    try:
        with (
            path.open("rb") as raw,
            _unpacked(raw, is_packed=path.suffix == ".gz") as unpacked,
            io.TextIOWrapper(unpacked, "latin-1") as text,
        ):
            chunks = _chunks(text, raw, progress)
            first = next(chunks, "")
            is_delegations = first.partition("\n")[0].count("|") >= 5
            yield from (_delegations if is_delegations else _objects)(chain([first], chunks))
    except (OSError, EOFError) as error:
        raise FirmlyError(f"{path}: not a registry file that can be read ({type(error).__name__})") from None


@contextmanager
def _unpacked(raw: IO[bytes], *, is_packed: bool) -> Iterator[IO[bytes]]:
    if not is_packed:
        yield raw
        return
    with gzip.GzipFile(fileobj=raw) as unpacked:
        yield unpacked  # type: ignore[misc]  # It reads bytes, which is all that is asked of it.


def _chunks(text: IO[str], raw: IO[bytes], progress: Callable[[int], None]) -> Iterator[str]:
    told = 0
    while chunk := text.read(_CHUNK):
        yield chunk
        at = raw.tell()
        progress(at - told)
        told = at


def _pieces(chunks: Iterable[str], mark: str) -> Iterator[str]:
    """Yield the pieces of a text that ``mark`` parts, whatever its chunks cut through."""
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(mark)
        yield from whole
    yield rest


def _objects(chunks: Iterable[str]) -> Iterator[Entry]:
    """Yield the objects of a file, which blank lines part; a key's first line counts."""
    for piece in _pieces(chunks, "\n\n"):
        found: _Object = {}
        for key, value in _LINE.findall(piece):
            found.setdefault(key.lower(), value.strip())
        entry = _entry(found) if found else None
        if entry is not None:
            yield entry


def _entry(found: _Object) -> Entry | None:
    ranged = found.get("inetnum") or found.get("inet6num") or found.get("netrange")
    if ranged:
        return _assignment(found, ranged)
    handle = found.get("organisation") or found.get("orgid") or found.get("custid")
    name = found.get("org-name") or found.get("orgname") or found.get("custname")
    return Holding(handle, _readable(name), found.get("country", "")[:2].upper()) if handle and name else None


def _assignment(found: _Object, ranged: str) -> Assignment | None:
    ends = span_of(ranged)
    if ends is None:
        return None
    org = found.get("org") or found.get("custid") or found.get("orgid") or ""
    said = (found.get("status") or found.get("nettype") or "").upper()
    standing = Standing.CARRIER
    if said in _CUSTOMER or (said == "LEGACY" and not org):
        standing = Standing.CUSTOMER
    elif said in _OWN:
        standing = Standing.OWN
    country = found.get("country", "")[:2].upper()
    return Assignment(*ends, org, _readable(found.get("descr", "")), found.get("netname", ""), country, standing)


def _readable(text: str) -> str:
    """Read a text as UTF-8 where it is, else as Latin-1, in which registries' older entries are."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


def span_of(text: str) -> tuple[int, int] | None:
    """Return the ends of ``a - b`` or ``a/n`` as numbers; None for anything else."""
    first, dash, last = text.partition("-")
    if dash:
        ends = number_of(first.strip()), number_of(last.strip())
        return (ends[0], ends[1]) if ends[0] is not None and ends[1] is not None and ends[0] <= ends[1] else None
    address, _, length = text.partition("/")
    start = number_of(address.strip())
    bits = 128 if ":" in address else 32
    if start is None or not length.strip().isdecimal() or int(length) > bits:
        return None
    size = 1 << (bits - int(length))
    return (start, start + size - 1) if start % size == 0 else None


def number_of(text: str) -> int | None:
    """Return an address as a number, or None."""
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text))
    except (OSError, ValueError):
        return None


def _delegations(chunks: Iterable[str]) -> Iterator[Entry]:
    for line in _pieces(chunks, "\n"):
        fields = line.split("|")
        if len(fields) >= 7 and fields[2] in ("ipv4", "ipv6") and fields[6] in ("allocated", "assigned"):
            start = number_of(fields[3])
            if start is not None and fields[4].isdecimal() and len(fields[1]) == 2:
                count = int(fields[4]) if fields[2] == "ipv4" else 1 << (128 - int(fields[4]))
                yield Delegation(start, start + count - 1, fields[1].upper())
