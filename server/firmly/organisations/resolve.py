"""From one address to the organisation behind it, or to the reason why none is named.

Owns the order of the decision (docs/ORGANISATIONS.md). Never keeps an address or anything made
from one: what is remembered is a verdict per holder of an AS number.
"""

import ipaddress
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from firmly.model import Confidence, Detail, DropReason, FirmlyError, Organisation
from firmly.organisations.address import Address
from firmly.organisations.classify import Lists, Named, classify
from firmly.organisations.data_file import Holder, OrganisationData
from firmly.organisations.names import display_name, name_key, organisation_id
from firmly.organisations.ranges import KnownRanges

_SMALLEST = {4: 29, 16: 56}
_SMALLEST_FOR_ROUTE = {4: 26, 16: 48}


class NetworkFacts(NamedTuple):
    """What the rules by network look at; ``prefix`` is a length, ``size`` the address's bytes (4 or 16)."""

    prefix: int
    size: int
    country: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """The organisation of a holder, in both forms it may be shown in."""

    route: Organisation
    counts: Organisation


Answer = Organisation | DropReason
NetworkRule = Callable[[Candidate, NetworkFacts], Answer | None]


def too_small(_candidate: Candidate, network: NetworkFacts) -> Answer | None:
    """O7: a network so small that it may be one person's line."""
    return DropReason.TOO_SMALL if network.prefix > _SMALLEST[network.size] else None


def route_or_counts(candidate: Candidate, network: NetworkFacts) -> Answer | None:
    """O9: only strong evidence and a network of some size may show the pages of a visit."""
    is_strong = candidate.route.confidence in (Confidence.VERY_HIGH, Confidence.HIGH)
    is_route = is_strong and network.prefix <= _SMALLEST_FOR_ROUTE[network.size]
    return candidate.route if is_route else candidate.counts


NETWORK_RULES: tuple[NetworkRule, ...] = (too_small, route_or_counts)


class Resolver:
    """Resolves addresses against one data file. Safe to use from one thread at a time."""

    def __init__(self, data: OrganisationData, lists: Lists, special: KnownRanges, machines: KnownRanges) -> None:
        self._data = data
        self._lists = lists
        self._special = special
        self._machines = machines
        self._lookup = data.reader.get_with_prefix_len
        self._candidates: list[Candidate | DropReason | None] = [None] * len(data.holders)

    def resolve(self, address: Address) -> Answer:
        """Return the organisation, or why none is named. Does not drop the address and does not keep it.

        Raises:
            FirmlyError: when the data file turns out to be damaged.
        """
        packed = address.packed()
        if not packed:
            return DropReason.ADDRESS_REFUSED
        reason = self._special.find(packed) or self._machines.find(packed)
        if reason is not None:
            return reason
        row, prefix = self._row_of(packed)
        if row is None:
            return DropReason.UNKNOWN_NETWORK
        candidate = self._candidate(self._data.row_holders[row])
        if isinstance(candidate, DropReason):
            return candidate
        network = NetworkFacts(prefix, len(packed), self._data.row_countries[row])
        answers = (rule(candidate, network) for rule in NETWORK_RULES)
        return next((answer for answer in answers if answer is not None), DropReason.NO_EVIDENCE)

    def _row_of(self, packed: bytes) -> tuple[int | None, int]:
        """Look the address up; an error of the reader, which names the address, goes no further."""
        address = ipaddress.IPv4Address(packed) if len(packed) == 4 else ipaddress.IPv6Address(packed)
        found: object = None
        prefix = -1
        with suppress(Exception):  # Whatever the error is, its text has the address in it.
            found, prefix = self._lookup(address)
        # The error below is raised here, outside, so that it has no context that could be printed.
        del address, packed
        if prefix >= 0 and (found is None or (isinstance(found, int) and found < len(self._data.row_holders))):
            return found, prefix
        raise FirmlyError("the organisation data is damaged; build the file again with `firmly orgs build`")

    def _candidate(self, place: int) -> Candidate | DropReason:
        candidate = self._candidates[place]
        if candidate is None:
            candidate = self._candidates[place] = self._judge(self._data.holders[place])
        return candidate

    def _judge(self, holder: Holder) -> Candidate | DropReason:
        verdict = classify(holder, self._lists)
        if not isinstance(verdict, Named):
            return verdict.reason
        country, registered = holder.home, holder.registered_name
        route = Organisation(
            id=organisation_id(name_key(registered, country, self._lists.forms), country),
            name=display_name(registered, country, self._lists.forms),
            kind=verdict.kind,
            country=country,
            domain="",
            asn=holder.asn,
            registered_name=registered,
            source=self._data.source,
            as_of=self._data.as_of,
            confidence=verdict.confidence,
            detail=Detail.ROUTE,
        )
        return Candidate(route, replace(route, detail=Detail.COUNTS))
