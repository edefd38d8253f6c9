"""Looks for addresses in whatever a run left behind, in every form that could stand for one (RULES R15)."""

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_WORD = frozenset(b"0123456789abcdefABCDEF")
HEAD = 8
"""Bytes of the shortest form."""
_HASHES = ("md5", "sha1", "sha256", "blake2b")


@dataclass(frozen=True)
class Finding:
    place: str
    form: str
    address: str


class Scanner:
    """Finds any of ``addresses``; ``keys`` are the keys a run left on disk, with which hashes are tried too."""

    def __init__(self, addresses: Iterable[str], keys: Iterable[bytes]) -> None:
        self._patterns: dict[bytes, list[tuple[bytes, str, str]]] = {}
        keys = list(keys)
        for address in addresses:
            for form, pattern in _forms(address, keys):
                assert len(pattern) >= HEAD
                self._patterns.setdefault(pattern[:HEAD], []).append((pattern, form, address))
        # A table over the first three bytes: one look per position of a file; of what is left the first eight, then the
        # exact comparison.
        self._is_start = np.zeros(2**24, dtype=np.bool_)
        for head in self._patterns:
            self._is_start[int.from_bytes(head[:3], "little")] = True
        self._heads = np.array(sorted(int.from_bytes(head, "little") for head in self._patterns), dtype=np.uint64)

    def scan(self, place: str, data: bytes) -> Iterator[Finding]:
        if len(data) < HEAD:
            return
        raw = np.frombuffer(data, dtype=np.uint8)
        wide = raw.astype(np.uint32)
        starts = np.nonzero(self._is_start[wide[:-2] | wide[1:-1] << 8 | wide[2:] << 16])[0]
        starts = starts[starts <= len(data) - HEAD]
        heads = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(raw, HEAD)[starts]).view("<u8").ravel()
        nearest = np.minimum(np.searchsorted(self._heads, heads), len(self._heads) - 1)
        for position in starts[self._heads[nearest] == heads].tolist():
            for pattern, form, address in self._patterns[data[position : position + HEAD]]:
                if data.startswith(pattern, position) and _stands_alone(data, position, len(pattern), form):
                    yield Finding(place, form, address)

    def scan_files(self, folder: Path) -> Iterator[Finding]:
        files = [folder] if folder.is_file() else [file for file in folder.rglob("*") if file.is_file()]
        for file in files:
            yield from self.scan(str(file.relative_to(folder.parent)), file.read_bytes())
            yield from self.scan(f"name of {file.name}", file.name.encode())


def packed_ipv4_hits(addresses: Iterable[str], folder: Path) -> int:
    """Count the four raw bytes of IPv4 addresses; some match by chance, so compare with a control set."""
    wanted = np.array(
        [int.from_bytes(ipaddress.IPv4Address(address).packed, "little") for address in addresses], dtype=np.uint32
    )
    hits = 0
    for file in (file for file in folder.rglob("*") if file.is_file() and file.stat().st_size >= 4):
        raw = np.frombuffer(file.read_bytes(), dtype=np.uint8).astype(np.uint32)
        windows = raw[:-3] | raw[1:-2] << 8 | raw[2:-1] << 16 | raw[3:] << 24
        hits += int(np.isin(windows, wanted).sum())
    return hits


def _forms(text: str, keys: list[bytes]) -> Iterator[tuple[str, bytes]]:
    address = ipaddress.ip_address(text)
    packed = address.packed
    texts = {str(address), address.exploded}
    if address.version == 4:
        texts.add(f"::ffff:{packed[0]:02x}{packed[1]:02x}:{packed[2]:02x}{packed[3]:02x}")
        yield "its /24", text.rpartition(".")[0].encode() + b"."
    else:
        yield "packed", packed
        yield "its /48", ":".join(address.exploded.split(":")[:3]).encode() + b":"
        yield "its /48", (str(ipaddress.ip_network((packed[:6] + bytes(10), 48))[0]).rstrip(":") + ":").encode()
    for form in texts:
        yield "text", form.encode()
        yield "base64 of the text", base64.b64encode(form.encode()).rstrip(b"=")
    yield "number", str(int(address)).encode()
    yield "hex", packed.hex().encode()
    yield "hex", packed.hex().upper().encode()
    yield "base64", base64.b64encode(packed)
    yield "base64", base64.urlsafe_b64encode(packed)
    for source in (packed, *(form.encode() for form in texts)):
        for digest in _digests(source, keys):
            yield "hash", digest[:8]
            yield "hash in hex", digest[:8].hex().encode()


def _digests(source: bytes, keys: list[bytes]) -> Iterator[bytes]:
    for name in _HASHES:
        yield hashlib.new(name, source).digest()
        for key in keys:
            yield hashlib.new(name, key + source).digest()
            yield hmac.digest(key, source, name)
    for key in keys:
        yield hashlib.blake2b(source, key=key[:64], digest_size=16).digest()


def _stands_alone(data: bytes, position: int, length: int, form: str) -> bool:
    """A short number or hexadecimal inside a longer one is chance, not the address."""
    if form not in ("number", "hex"):
        return True
    before = data[position - 1] if position else 0
    after = data[position + length] if position + length < len(data) else 0
    return before not in _WORD and after not in _WORD
