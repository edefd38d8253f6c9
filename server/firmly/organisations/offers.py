"""What data sets offer for a network, and the form of the verdicts on it."""

from enum import StrEnum
from typing import NamedTuple

from firmly.model import Alternative, DropReason, Organisation
from firmly.organisations.facts import Claim, DataSet, Found, Level, NetworkFacts


class Basis(StrEnum):
    """What a verdict rests on, as it is shown."""

    OPERATOR = "operator_rule"
    AS_FACTS = "as_facts"
    VENDOR = "vendor_class"
    CUSTOMER = "customer"
    REGISTRY = "registry"
    NAME = "registered_name"


class Offer(NamedTuple):
    """An organisation that a data set offers: a customer, or the holder of the AS number."""

    level: Level
    name: str
    asn: int
    country: str
    claim: Claim | None
    domain: str
    is_registered: bool
    data_set: DataSet


class Judged(NamedTuple):
    """A verdict. ``organisation`` is None where ``reason`` says why; ``evidence`` are the deciding words.

    ``pool`` is the word for which any name of the chain would be vetoed. ``is_sure_business`` holds
    where a vendor's class and a legal form agree, and lifts the limit of size. ``counted`` is the
    organisation as it is where only counts may be kept of it.
    """

    organisation: Organisation | None
    reason: DropReason | None
    basis: Basis
    evidence: str
    pool: str
    is_sure_business: bool
    counted: Organisation | None = None


class Considered(NamedTuple):
    """Every offer for a network with its verdict, the leading one first.

    ``pool`` is a word of home lines in any name of the chain, ``veto`` a vendor's flag on the
    network, ``country`` the leading holder's.
    """

    offers: tuple[Offer, ...] = ()
    judged: tuple[Judged, ...] = ()
    pool: str = ""
    veto: DropReason | None = None
    country: str = ""


def offers_of(found: tuple[Found, ...]) -> tuple[Offer, ...]:
    """Return what is offered, customers before holders of AS numbers, each in the order of the files."""
    domain = next((facts.domain for facts, _, data_set in found if facts.domain and data_set.level is Level.VETO), "")
    customers = [_customer(facts, data_set, domain) for facts, _, data_set in found if facts.company]
    holders = [_as_holder(facts, data_set) for facts, _, data_set in found if facts.as_name]
    return (*customers, *holders)


def _customer(facts: NetworkFacts, data_set: DataSet, domain: str) -> Offer:
    level = Level.ISP if data_set.level is Level.ISP else Level.COMPANY
    claim, domain = facts.company_claim, facts.domain or domain
    return Offer(level, facts.company, facts.asn, facts.country, claim, domain, facts.is_registered, data_set)


def _as_holder(facts: NetworkFacts, data_set: DataSet) -> Offer:
    domain = facts.as_domain or facts.domain
    return Offer(Level.AS_NUMBER, facts.as_name, facts.asn, facts.country, facts.as_claim, domain, False, data_set)


_MOST_ALTERNATIVES = 3
_TELLABLE = frozenset(
    {
        DropReason.CARRIER_NETWORK,
        DropReason.HOME_NETWORK,
        DropReason.HOSTING_NETWORK,
        DropReason.MOBILE_NETWORK,
        DropReason.VPN_NETWORK,
    }
)
"""Classes of AS holders that are told beside an organisation: a customer of that class may be a person."""


def alternatives_to(name: str, considered: Considered) -> tuple[Alternative, ...]:
    """Return what the data named besides ``name``, the leading first; no more than three.

    What is no certain organisation may be a person's name and is not told.
    """
    found: dict[str, Alternative] = {}
    for offer, judged in zip(considered.offers, considered.judged, strict=True):
        is_holder = offer.level is Level.AS_NUMBER
        is_tellable = judged.organisation is not None or (is_holder and judged.reason in _TELLABLE)
        said = judged.organisation.name if judged.organisation is not None else offer.name
        if is_tellable and said != name:
            found.setdefault(said, Alternative(said, offer.data_set.name, judged.reason))
    return tuple(found.values())[:_MOST_ALTERNATIVES]
