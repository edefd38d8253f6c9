"""The exact texts that the consent log hashes and signs. No database, no key: verification reads the same.

A change here is another version of the log: what is signed and handed out must verify for years.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

import orjson

FIRST = "0" * 64
"""Stands for the entry before the first, and for the link of an entry that has none."""
COMPARED = ("record", "minute", "action", "state", "source", "categories", "banner", "expires_on")
COMPARED_LINK = ("receipt_hash", "language")
"""What a record's row repeats of its proof and of its link."""


class Kind(StrEnum):
    RECORD = "record"
    SEALED = "sealed"
    """A record from before the log: nothing protected it until it was sealed into it."""
    ERASURE = "erasure"
    """Says which payloads were destroyed, and why."""
    ADOPTED = "adopted"
    """The operator signed on although no key in force could check the head (docs/CONSENT.md)."""


class Reason(StrEnum):
    """Why a payload was destroyed."""

    VISITOR = "visitor"
    """The visitor asked: what links the records to them is gone, a minimal proof stays until its deadline."""
    RETENTION = "retention"
    """The deadline of the proof: everything is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What stays of an entry for ever. Commitments and hashes are 64 hexadecimal digits."""

    site: str
    sequence: int
    minute: str
    kind: str
    commitment: str
    link_commitment: str
    previous: str

    @property
    def hash(self) -> str:
        parts = (self.site, self.sequence, self.minute, self.kind, self.commitment, self.link_commitment, self.previous)
        return sha256("\n".join(("firmly.consent-log.v1", *map(str, parts))).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest state of a site's log, signed; kept only as the newest one."""

    site: str
    size: int
    minute: str
    root: str
    last: str
    key: str
    signature: str

    @property
    def text(self) -> str:
        return head_text(self.site, self.size, self.minute, self.root, self.last)

    @property
    def root_of(self) -> tuple[int, str]:
        return self.size, self.root


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state of a site's log on a day (UTC), signed so that it can never pass for a head."""

    site: str
    day: str
    size: int
    root: str
    last: str
    key: str
    signature: str

    @property
    def text(self) -> str:
        return checkpoint_text(self.site, self.day, self.size, self.root, self.last)


def head_text(site: str, size: int, minute: str, root: str, last: str) -> str:
    return "\n".join(("firmly.consent-head.v1", site, str(size), minute, root, last))


def checkpoint_text(site: str, day: str, size: int, root: str, last: str) -> str:
    return "\n".join(("firmly.consent-checkpoint.v1", site, day, str(size), root, last))


def commitment_of(nonce: str, text: str) -> str:
    """Return the hash of hexadecimal ``nonce`` and text, from which neither can be guessed once both are gone."""
    return sha256(bytes.fromhex(nonce) + text.encode()).hexdigest()


def differing(row: Mapping[str, Any], proof: str, link: str | None) -> list[str]:
    """Return the names of what a record's row says otherwise than the texts; its link's are empty where that is gone.

    Raises:
        KeyError, TypeError, ValueError: they do not have the form of such texts.
    """
    committed = orjson.loads(proof)
    shown = orjson.loads(link) if link is not None else dict.fromkeys(COMPARED_LINK, "")
    found = [name for name in COMPARED if row[name] != committed[name]]
    return found + [name for name in COMPARED_LINK if row[name] != shown[name]]


def minute_text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def canonical(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: kept as it is from then on, never made anew to be compared."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def erasure_text(site: str, minute: str, reason: Reason, sequences: Iterable[int], expires_on: date | None) -> str:
    """``expires_on`` as in the entry's row: when the deadline of this text itself begins, None where it has none."""
    return canonical(
        {
            "schema": "firmly.consent-erasure.v1",
            "kind": Kind.ERASURE,
            "site": site,
            "minute": minute,
            "reason": reason,
            "sequences": runs_of(sequences),
            "expires_on": expires_on,
        }
    )


def adoption_text(site: str, minute: str, key: str) -> str:
    """``key``: the key that signed until then, as the log's row names it."""
    said = {"schema": "firmly.consent-adoption.v1", "kind": Kind.ADOPTED, "site": site, "minute": minute, "key": key}
    return canonical(said)


def runs_of(sequences: Iterable[int]) -> list[list[int]]:
    """Return numbers as pairs of first and last."""
    runs: list[list[int]] = []
    for sequence in sorted(set(sequences)):
        if runs and runs[-1][1] == sequence - 1:
            runs[-1][1] = sequence
        else:
            runs.append([sequence, sequence])
    return runs
