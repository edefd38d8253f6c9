"""The decision about one network, in the order of docs/ORGANISATIONS.md; the first rule that answers ends it.

Rules are pure functions of a `Case`, which holds no address: only what data sets say about the
network, what published ranges and the operator say, and the verdicts on the offers.
"""

from collections.abc import Callable
from typing import NamedTuple

from firmly.model import Confidence, DropReason, Organisation
from firmly.organisations.facts import Found
from firmly.organisations.offers import Basis, Considered, alternatives_to
from firmly.organisations.overrides import Matcher, OverrideRule, Overrides

SMALLEST = {4: 29, 16: 56}
SMALLEST_FOR_ROUTE = {4: 26, 16: 48}
"""Longest prefixes by the address's bytes: 8 IPv4 addresses and a /56; 64 addresses and a /48."""

_MACHINES = frozenset((DropReason.HOSTING_NETWORK, DropReason.VPN_NETWORK, DropReason.MOBILE_NETWORK))

Answer = Organisation | DropReason


class Case(NamedTuple):
    """What is known about one network. ``size`` is that of the address in bytes, 4 or 16.

    ``network_rule`` is the operator's rule for the network, ``machine`` the reason of a published range.
    """

    size: int
    network_rule: OverrideRule | None
    machine: DropReason | None
    found: tuple[Found, ...]
    considered: Considered
    overrides: Overrides

    @property
    def prefix(self) -> int:
        """The length of the prefix with which the leading data set knows the network."""
        if len(self.found) == 1:
            return self.found[0].prefix
        leading = self.considered.offers[0].data_set
        return next(prefix for _facts, prefix, data_set in self.found if data_set is leading)


Rule = Callable[[Case], Answer | None]


def operators_rule(case: Case) -> Answer | None:
    """O1: the operator's word: by network, else by the leading name, else by AS number."""
    if not case.overrides.rules:
        return None
    rule = case.network_rule or rule_by_holder(case)
    if rule is None:
        return None
    asn, name, prefix = 0, "", 0
    if case.considered.offers:
        leading = case.considered.offers[0]
        asn, prefix = leading.asn, case.prefix
        # What the data names nobody by may be a person's name, and a rule makes it no organisation's.
        name = leading.name if case.considered.judged[0].organisation is not None else ""
    if rule.matcher is Matcher.NETWORK:
        prefix = int(rule.value.partition("/")[2])
    is_route = prefix <= SMALLEST_FOR_ROUTE[case.size]
    said = alternatives_to("", case.considered)
    return case.overrides.answer(rule, asn=asn, registered_name=name, is_route=is_route, alternatives=said)


def is_of_machines_or_homes(case: Case) -> bool:
    """O2 and O3: what a member's rule by network makes no organisation of."""
    return case.machine is not None or vendors_flag(case.considered) is not None or bool(case.considered.pool)


def rule_by_holder(case: Case) -> OverrideRule | None:
    offers, overrides = case.considered.offers, case.overrides
    if not offers:
        return None
    by_name = overrides.by_name(offers[0].name, case.considered.country)
    return by_name or next((rule for offer in offers if (rule := overrides.by_asn(offer.asn))), None)


def published_range(case: Case) -> Answer | None:
    """O2: published ranges of hosting, content delivery, VPNs, Tor and crawlers."""
    return case.machine


def vendors_flag(considered: Considered) -> DropReason | None:
    """O2: a flag of a vendor on the network, or the class of the AS number beneath a customer."""
    if considered.veto is not None:
        return considered.veto
    for judged in considered.judged[1:]:
        if judged.reason in _MACHINES and judged.basis is not Basis.NAME:
            return judged.reason
    return None


def nobody_listed(considered: Considered) -> DropReason | None:
    """No data set lists the network, or none of them knows a name."""
    return None if considered.offers else DropReason.UNKNOWN_NETWORK


def pool_in_any_name(considered: Considered) -> DropReason | None:
    """O3: a word of pools or home lines, in whichever name of the chain."""
    return DropReason.HOME_NETWORK if considered.pool else None


def no_organisation(considered: Considered) -> DropReason | None:
    """O4 to O6: the verdict on the leading offer, where it is not named."""
    return considered.judged[0].reason


def too_small(case: Case) -> Answer | None:
    """O7: so small that it may be one person's line, unless class and legal form both say business."""
    is_small = case.prefix > SMALLEST[case.size]
    return DropReason.TOO_SMALL if is_small and not case.considered.judged[0].is_sure_business else None


def route_or_counts(case: Case) -> Answer | None:
    """O9: only strong evidence and a network of some size may show the pages of a visit."""
    judged = case.considered.judged[0]
    organisation = judged.organisation
    if organisation is None:
        return None
    is_strong = organisation.confidence in (Confidence.VERY_HIGH, Confidence.HIGH)
    is_route = is_strong and case.prefix <= SMALLEST_FOR_ROUTE[case.size]
    return organisation if is_route else judged.counted


SETTLING: tuple[tuple[str, Callable[[Considered], DropReason | None]], ...] = (
    ("O2", vendors_flag),
    ("-", nobody_listed),
    ("O3", pool_in_any_name),
    ("O4-O6", no_organisation),
)
"""The rules in the middle, which need no network: their answer is the same each time a holder is met."""

RULES: tuple[tuple[str, Rule], ...] = (
    ("O1", operators_rule),
    ("O2", published_range),
    *((step, lambda case, rule=rule: rule(case.considered)) for step, rule in SETTLING),
    ("O7", too_small),
    ("O9", route_or_counts),
)


def settle(considered: Considered) -> DropReason | None:
    """Return why nobody is named whatever the network, None where that depends on it."""
    return next((reason for _step, rule in SETTLING if (reason := rule(considered)) is not None), None)


def decide_by_size(case: Case) -> Answer:
    """Answer a case that has an organisation and is open to O7 and O9 alone: no rule of the operator, no machine."""
    return too_small(case) or route_or_counts(case) or DropReason.NO_EVIDENCE


def decide(case: Case) -> tuple[str, Answer]:
    """Return the step that answered, and its answer."""
    for step, rule in RULES:
        answer = rule(case)
        if answer is not None:
            return step, answer
    return "O5", DropReason.NO_EVIDENCE
