"""A chain of data sets: asks each about one address and hands what they say to `decide`.

Never keeps an address or anything made from one: what is remembered is a verdict per offer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from firmly.model import Confidence, DropReason, FirmlyError, Organisation
from firmly.organisations.address import Address
from firmly.organisations.confidence import meets
from firmly.organisations.decide import (
    SMALLEST_FOR_ROUTE,
    Answer,
    Case,
    decide,
    decide_by_size,
    is_of_machines_or_homes,
    operators_rule,
    rule_by_holder,
)
from firmly.organisations.facts import Found
from firmly.organisations.judge import Judge
from firmly.organisations.offers import Judged, Offer
from firmly.organisations.overrides import Matcher, Overrides
from firmly.organisations.ranges import KnownRanges
from firmly.organisations.sources import Key, Source


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer with its evidence, for `firmly orgs lookup` and tests; it holds no address.

    ``step`` is the step that answered (docs/ORGANISATIONS.md), ``considered`` every offer with its
    verdict, the leading one first.
    """

    step: str
    answer: Answer
    considered: tuple[tuple[Offer, Judged], ...] = ()


@dataclass(frozen=True, slots=True)
class Ranges:
    """Networks decided without a look-up: nobody's, the operator's exclusions, and machines'."""

    special: KnownRanges
    machines: KnownRanges
    excluded: KnownRanges


class Chain:
    """Resolves addresses against open data sets, the closest first. Safe to use from one thread at a time."""

    def __init__(self, sources: Sequence[Source], judge: Judge, ranges: Ranges, overrides: Overrides) -> None:
        self.sources = tuple(sources)
        self._finds = tuple(source.find for source in sources)
        self._judge = judge
        self._ranges = ranges
        is_plain = len(sources) == 1 and not overrides.rules and not ranges.excluded
        self._nobody = ranges.special.over(ranges.machines) if is_plain else ranges.special
        self._look = self._look_quickly_at if is_plain else self._look_at
        self._decide = decide_by_size if is_plain else _decided
        self._overrides = overrides

    def resolve(self, address: Address) -> Answer:
        """Return the organisation, or why none is named. Does not drop the address and does not keep it.

        Raises:
            FirmlyError: when a data file turns out to be damaged.
        """
        seen = self._look(address.packed())
        if seen is None:
            raise _damaged()
        return seen if isinstance(seen, DropReason) else self._decide(seen)

    def resolve_under(self, rules: Overrides, address: Address, minimum: Confidence) -> Answer:
        """Return the same answer where a workspace's own ``rules`` go first, before the operator's.

        A rule about a holder hides anybody, but names nobody whom the data does not name: a provider's
        number is also its customers' home lines. What is named surely enough (``minimum``) keeps its
        name here: such a rule is applied when history is read, and can be undone.

        Raises:
            FirmlyError: when a data file turns out to be damaged.
        """
        seen = self._case_of(address)
        if isinstance(seen, DropReason):
            return seen
        under = seen._replace(network_rule=rules.by_network(address.packed()), overrides=rules)
        said = decide(seen)[1]
        if under.network_rule is not None:
            may_name = isinstance(under.network_rule.outcome, DropReason) or not is_of_machines_or_homes(seen)
            return (operators_rule(under) if may_name else None) or said
        if isinstance(said, DropReason):
            rule = rule_by_holder(under)
            return rule.outcome if rule is not None and isinstance(rule.outcome, DropReason) else said
        return _corrected(under, said, minimum)

    def explain(self, address: Address) -> Decision:
        """Return the same answer with the step and everything that was considered.

        Raises:
            FirmlyError: when a data file turns out to be damaged.
        """
        seen = self._case_of(address)
        if isinstance(seen, DropReason):
            return Decision("O0", seen)
        offers, judged = seen.considered.offers, seen.considered.judged
        return Decision(*decide(seen), considered=tuple(zip(offers, judged, strict=True)))

    def _case_of(self, address: Address) -> DropReason | Case:
        seen = self._look_at(address.packed())
        if seen is None:
            raise _damaged()
        return seen

    def _look_at(self, packed: bytes) -> DropReason | Case | None:
        """O0, and all that is known about anything else; None where a file is damaged.

        Nothing is raised while this has the address: a traceback would hold it.
        """
        if not packed:
            return DropReason.ADDRESS_REFUSED
        reason = self._ranges.special.find(packed) or self._ranges.excluded.find(packed)
        if reason is not None:
            return reason
        found = self._look_up(packed)
        if found is None:
            return None
        considered, _settled = self._judge.consider(found)
        machine = self._ranges.machines.find(packed)
        return Case(len(packed), self._overrides.by_network(packed), machine, found, considered, self._overrides)

    def _look_quickly_at(self, packed: bytes) -> DropReason | Case | None:
        """Do the same for the usual chain: one data set, no rules and no exclusions of the operator.

        Most is settled by the holder alone and answered at once; `decide` comes to the same, in twice the time.
        """
        if not packed:
            return DropReason.ADDRESS_REFUSED
        reason = self._nobody.find(packed)
        if reason is not None:
            return reason
        try:
            found = self._finds[0](Key(packed))
        except Exception:  # noqa: BLE001  # Whatever the error is, its text has the address in it.
            return None
        if found is None:
            return DropReason.UNKNOWN_NETWORK
        considered, settled = self._judge.consider_one(found)
        if settled is not None:
            return settled
        return Case(len(packed), None, None, (found,), considered, self._overrides)

    def _look_up(self, packed: bytes) -> tuple[Found, ...] | None:
        """Ask every data set. None where one is damaged: the reader's error names the address."""
        key = Key(packed)
        try:
            return tuple([one for find in self._finds if (one := find(key)) is not None])
        except Exception:  # noqa: BLE001  # As above.
            return None


def _corrected(case: Case, said: Organisation, minimum: Confidence) -> Answer:
    """Return what the closest rule of ``case`` makes, from now on, of an organisation that the data names."""
    rules = case.overrides
    rule = rules.by_organisation(said.id) or rules.by_holder(said.registered_name, said.country, said.asn)
    if rule is None:
        return said
    if isinstance(rule.outcome, DropReason):
        return rule.outcome
    if rule.matcher is Matcher.ORGANISATION or meets(said, minimum):
        return said
    return rules.answer(
        rule,
        asn=said.asn,
        registered_name=said.registered_name,
        is_route=case.prefix <= SMALLEST_FOR_ROUTE[case.size],
        alternatives=said.alternatives,
    )


def _decided(case: Case) -> Answer:
    return decide(case)[1]


def _damaged() -> FirmlyError:
    return FirmlyError("the organisation data is damaged; build or download the file again")
