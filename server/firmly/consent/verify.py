"""Verifies a bundle: what a site's log says is what was appended, in that order, and nothing is missing.

It needs the bundle and, to be worth something, the fingerprint of the key and a checkpoint that left the
house: no settings, no network, no database. It believes nothing in the bundle, not even its form.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from firmly.accounts.site import is_key
from firmly.consent.banner import script_hash_of
from firmly.consent.bundle import FORMAT
from firmly.consent.keys import PublicKeys, fingerprint, from_base64, key_id
from firmly.consent.log_text import (
    FIRST,
    Checkpoint,
    Head,
    Header,
    Kind,
    Reason,
    commitment_of,
    differing,
)
from firmly.consent.merkle import Frontier, leaf_of

Json = Mapping[str, Any]
WITH_LINK = (Kind.RECORD, Kind.SEALED)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold; ``sequence`` None where it is about no single entry."""

    sequence: int | None
    text: str

    def __str__(self) -> str:
        return self.text if self.sequence is None else f"entry {self.sequence}: {self.text}"


@dataclass(frozen=True, slots=True)
class Point:
    """A state of the log that was signed and left the house: out of a checkpoint or a receipt."""

    size: int
    root: str
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``keys``: fingerprints of the keys that signed; ``is_compared``: they were given from outside.

    ``points``: how many states from outside were compared.
    """

    site: str
    entries: int
    kinds: Mapping[str, int]
    erased: int
    first_minute: str
    last_minute: str
    keys: tuple[str, ...]
    is_compared: bool
    checkpoints: int
    points: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return not self.findings


def verify(lines: Iterable[bytes], trusted: Sequence[str] = (), outside: Sequence[Json] = ()) -> Verdict:
    """Verify a bundle's lines.

    ``trusted``: fingerprints (64 hexadecimal digits) of the keys that may have signed; empty: those in the bundle,
    which proves only that it is of one piece. ``outside``: checkpoints and receipts that were kept elsewhere.
    """
    bundle = _Bundle()
    for number, line in enumerate(lines, 1):
        bundle.read(number, line)
    return _Verification(bundle, frozenset(trusted), outside).verdict()


@dataclass(slots=True)
class _Bundle:
    """The lines by what they are, unchecked."""

    site: str = ""
    keys: list[bytes] = field(default_factory=list)
    heads: list[Json | None] = field(default_factory=list)
    checkpoints: list[Json] = field(default_factory=list)
    banners: dict[str, str] = field(default_factory=dict)
    entries: list[Json] = field(default_factory=list)
    loose: list[Json] = field(default_factory=list)
    odd: list[Finding] = field(default_factory=list)

    def read(self, number: int, line: bytes) -> None:
        try:
            self._take(orjson.loads(line))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            self.odd.append(Finding(None, f"line {number} is no line of a bundle"))

    def _take(self, said: Any) -> None:
        match said:
            case {"bundle": str(form), "site": str(site)} if form == FORMAT and not self.site and is_key(site):
                self.site = site
            case {"key": {"id": str(key), "public": str(public)}} if key == key_id(from_base64(public)):
                self.keys.append(from_base64(public))
            case {"head": None}:
                self.heads.append(None)
            case {"head": dict(head)}:
                self.heads.append(head)
            case {"checkpoint": dict(checkpoint)}:
                self.checkpoints.append(checkpoint)
            case {"banner": {"version": str(version), "bundle": str(text)}}:
                self.banners[version] = text
            case {"entry": dict(entry)}:
                self.entries.append(entry)
            case {"loose": dict(row)}:
                self.loose.append(row)
            case _:
                raise ValueError


class _Verification:
    def __init__(self, bundle: _Bundle, trusted: frozenset[str], outside: Sequence[Json]) -> None:
        self._bundle = bundle
        self._trusted = trusted
        self._findings = list(bundle.odd)
        self._outside = outside
        raw = [key for key in bundle.keys if not trusted or fingerprint(key) in trusted]
        self._keys = PublicKeys(raw)
        self._raw = {fingerprint(key)[:16]: fingerprint(key) for key in raw}
        self._signed: set[str] = set()
        self._frontier = Frontier()
        self._roots: dict[int, str] = {0: Frontier().root.hex()}
        self._lasts: dict[int, str] = {0: FIRST}
        self._kinds: dict[str, int] = {}
        self._codes: dict[str, str | None] = {}
        self._last_id = 0
        self._without_link: set[int] = set()
        self._without_proof: set[int] = set()
        self._link_covered: set[int] = set()
        self._proof_covered: set[int] = set()

    def verdict(self) -> Verdict:
        bundle = self._bundle
        if not bundle.site:
            self._find(None, "the header of the bundle is missing")
        points = list(self._points())
        wanted = {point.size for point in points} | {_number(one.get("size")) for one in bundle.checkpoints}
        self._entries(wanted)
        self._erasures()
        self._head()
        self._checkpoints()
        self._compare(points)
        for row in bundle.loose:
            self._find(None, f"record {_short(row.get('record'))} stands outside the log")
        minutes = [str(entry.get("minute")) for entry in bundle.entries]
        return Verdict(
            site=bundle.site,
            entries=len(bundle.entries),
            kinds=self._kinds,
            erased=len(self._without_link | self._without_proof),
            first_minute=minutes[0] if minutes else "",
            last_minute=minutes[-1] if minutes else "",
            keys=tuple(sorted(self._signed)),
            is_compared=bool(self._trusted),
            checkpoints=len(bundle.checkpoints),
            points=len(points),
            findings=tuple(self._findings),
        )

    def _find(self, sequence: int | None, text: str) -> None:
        self._findings.append(Finding(sequence, text))

    def _entries(self, wanted: set[int]) -> None:
        previous, minute = FIRST, ""
        for place, entry in enumerate(self._bundle.entries):
            try:
                header = _header(self._bundle.site, entry)
                self._chain(place, header, entry, previous, minute)
                self._payload(place, header, entry)
                previous, minute = str(entry["hash"]), header.minute
                leaf = leaf_of(bytes.fromhex(header.hash))
            except (KeyError, TypeError, ValueError, AttributeError):
                self._find(place, "it does not have the form of an entry")
                leaf = leaf_of(b"")
            self._frontier, _ = self._frontier.append(leaf)
            if self._frontier.size in wanted or self._frontier.size == len(self._bundle.entries):
                self._roots[self._frontier.size] = self._frontier.root.hex()
                self._lasts[self._frontier.size] = previous

    def _chain(self, place: int, header: Header, entry: Json, previous: str, minute: str) -> None:
        self._kinds[header.kind] = self._kinds.get(header.kind, 0) + 1
        if Kind(header.kind) is Kind.SEALED and self._kinds[Kind.SEALED] <= place:
            self._find(place, "a record from before the log was sealed after the log had begun")
        if header.sequence != place:
            self._find(place, f"it says that it is entry {header.sequence}: entries are missing, repeated or moved")
        if header.previous != previous:
            self._find(place, "it does not follow the entry before")
        if header.hash != entry["hash"]:
            self._find(place, "its hash is not that of what it says")
        if header.minute < minute:
            self._find(place, f"its minute {header.minute} is before that of the entry before")

    def _payload(self, place: int, header: Header, entry: Json) -> None:
        proof, link = entry["proof"], entry["link"]
        if (proof is None) is not (entry["nonce"] is None) or (link is None) is not (entry["link_nonce"] is None):
            self._find(place, "a text and its nonce are not both there")
            return
        if proof is None:
            self._without_proof.add(place)
        elif commitment_of(entry["nonce"], proof) != header.commitment:
            self._find(place, "its proof is not what was committed to")
        if header.kind not in WITH_LINK:
            if link is not None or header.link_commitment != FIRST:
                self._find(place, "it has a link and can have none")
        elif link is None:
            self._without_link.add(place)
        elif commitment_of(entry["link_nonce"], link) != header.link_commitment:
            self._find(place, "its link is not what was committed to")
        said = orjson.loads(proof) if proof is not None else {}
        if entry["expires_on"] != said.get("expires_on"):
            self._find(place, "the day from which its deadline counts is not the one that was committed to")
        if proof is not None:
            self._proof(place, header, said)
        self._row(place, header, entry)

    def _proof(self, place: int, header: Header, said: Json) -> None:
        if said["site"] != self._bundle.site or said["kind"] != header.kind:
            self._find(place, "its proof is of another site or kind")
        if (said["minute"] > header.minute) if header.kind == Kind.SEALED else (said["minute"] != header.minute):
            self._find(place, "its proof is of another minute")
        if header.kind == Kind.ERASURE:
            self._cover(place, said)
        elif header.kind in WITH_LINK:
            code = self._code_of(said["banner"])
            if code is None:
                self._find(place, f"the bytes of the banner {_short(said['banner'])} that it names are not there")
            elif said["script"] not in ("", code):
                self._find(place, f"the code of the banner {_short(said['banner'])} is not the one that it names")
            if said["categories"] and (said["action"] not in ("accept_all", "custom") or said["source"] == "signal"):
                self._find(place, "something was granted without an action of the visitor")

    def _code_of(self, version: str) -> str | None:
        """Return the hash of a banner version's code; None where its exact bytes are not in the bundle."""
        if version not in self._codes:
            text = self._bundle.banners.get(version)
            is_exact = text is not None and sha256(text.encode()).hexdigest() == version
            self._codes[version] = script_hash_of(text.encode()) if text is not None and is_exact else None
        return self._codes[version]

    def _cover(self, place: int, said: Json) -> None:
        for first, last in said["sequences"]:
            if not 0 <= first <= last < place:
                self._find(place, "it claims the erasure of entries that were not there yet")
                return
            named = range(first, last + 1)
            self._link_covered.update(named)
            if said["reason"] == Reason.RETENTION:
                self._proof_covered.update(named)

    def _row(self, place: int, header: Header, entry: Json) -> None:
        """Compare what queries read with what was committed to."""
        row, proof, link = entry["row"], entry["proof"], entry["link"]
        if header.kind not in WITH_LINK or proof is None:
            if row is not None:
                self._find(place, "a record stands in the database that the log does not hold")
            return
        if row is None:
            self._find(place, "its record is missing from the database")
            return
        if row["id"] <= self._last_id:
            self._find(place, "its record was put into another order in the database")
        self._last_id = row["id"]
        names = differing(row, proof, link)
        if names:
            self._find(place, f"its record in the database says something else: {', '.join(names)}")

    def _erasures(self) -> None:
        """What is gone must be named by an erasure, and what an erasure names must be gone."""
        for place in sorted(self._without_proof - self._proof_covered):
            self._find(place, "its proof is gone, and no erasure says so")
        for place in sorted(self._without_link - self._link_covered - self._without_proof):
            self._find(place, "its link is gone, and no erasure says so")
        kept = (self._proof_covered - self._without_proof) | (
            {place for place in self._link_covered if self._has_link(place)} - self._without_link
        )
        for place in sorted(kept):
            self._find(place, "an erasure names it, and it is still there")

    def _has_link(self, place: int) -> bool:
        return self._bundle.entries[place].get("kind") in WITH_LINK

    def _head(self) -> None:
        heads, count = self._bundle.heads, len(self._bundle.entries)
        if len(heads) != 1 or heads[0] is None:
            self._find(None, "there is no signed head: nothing was ever recorded, or it was taken away")
            return
        try:
            head = Head(**heads[0])
            is_signed = self._is_signed(head)
        except (TypeError, ValueError, AttributeError):
            self._find(None, "the head does not have the form of one")
            return
        if not is_signed:
            self._find(None, self._unsigned("the head", head.key))
        if head.site != self._bundle.site:
            self._find(None, "the head is another site's")
        if head.size != count:
            self._find(None, f"the head was signed over {head.size} entries, and there are {count}")
        elif (head.root, head.last) != (self._roots[count], self._lasts[count]):
            self._find(None, "the head was signed over other entries than these")
        elif count and head.minute != self._bundle.entries[-1].get("minute"):
            self._find(None, "the head is of another minute than the last entry")

    def _checkpoints(self) -> None:
        day, size = "", 0
        for said in self._bundle.checkpoints:
            try:
                one = Checkpoint(**said)
                self._checkpoint(one)
                if one.day <= day or one.size < size:
                    self._find(None, f"the checkpoint of {one.day} is out of order")
                day, size = one.day, one.size
            except (TypeError, ValueError, AttributeError):
                self._find(None, "a checkpoint does not have the form of one")

    def _checkpoint(self, one: Checkpoint) -> None:
        if one.site != self._bundle.site:
            self._find(None, f"the checkpoint of {one.day} is another site's")
        if not self._is_signed(one):
            self._find(None, self._unsigned(f"the checkpoint of {one.day}", one.key))
        if (self._roots.get(one.size), self._lasts.get(one.size)) != (one.root, one.last):
            self._find(None, f"the checkpoint of {one.day} was signed over other entries than these")

    def _is_signed(self, signed: Head | Checkpoint) -> bool:
        holds = self._keys.holds(signed.key, signed.text, signed.signature)
        if holds:
            self._signed.add(self._raw[signed.key])
        return holds

    def _unsigned(self, what: str, key: str) -> str:
        if self._keys.knows(key):
            return f"{what} was not signed as it stands"
        return f"{what} is signed by a key that was not expected ({_short(key)})"

    def _points(self) -> Iterator[Point]:
        """Yield the states from outside that bear a signature that was to be expected."""
        for said in self._outside:
            found = 0
            for kind, what in ((Head, "head"), (Checkpoint, "checkpoint")):
                try:
                    one = kind(**(said.get(what) or said))
                    is_signed = self._is_signed(one)
                except (TypeError, ValueError, AttributeError):
                    continue
                found += 1
                day = one.minute if isinstance(one, Head) else one.day
                if one.site != self._bundle.site or not is_signed:
                    self._find(None, f"what was kept outside of {day} is of another site or key")
                elif isinstance(one.size, int):
                    yield Point(one.size, one.root, day)
            if not found:
                self._find(None, "what was kept outside is neither a checkpoint nor a receipt")

    def _compare(self, points: Sequence[Point]) -> None:
        for point in points:
            if point.size > len(self._bundle.entries):
                count = len(self._bundle.entries)
                self._find(None, f"on {point.what} there were {point.size} entries, and now there are {count}")
            elif self._roots.get(point.size) != point.root:
                self._find(None, f"the first {point.size} entries are not those of {point.what}")


def _header(site: str, entry: Json) -> Header:
    """Return an entry's header. Raises KeyError, TypeError: it has none."""
    if not isinstance(entry["sequence"], int):
        raise TypeError
    names = ("minute", "kind", "commitment", "link_commitment", "previous")
    if not all(isinstance(entry[name], str) for name in names):
        raise TypeError
    return Header(site=site, sequence=entry["sequence"], **{name: entry[name] for name in names})


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1


def _short(value: object) -> str:
    return str(value)[:16]
