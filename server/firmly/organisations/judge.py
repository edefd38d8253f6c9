"""What a data set offers for a network, and what each offer is worth (O3 to O6).

Owns the joining of a vendor's word, the AS facts file and the rules on names (`classify`) into one
verdict per offer. A verdict is of a holder or a customer, never of a network or an address.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from firmly.model import Alternative, Confidence, Detail, DropReason, Organisation, OrgKind
from firmly.organisations.classify import (
    Lists,
    Named,
    Withheld,
    classify,
    holder_facts,
    natural_person,
    pool_word,
    research_network,
)
from firmly.organisations.data_file import Holder
from firmly.organisations.decide import settle
from firmly.organisations.domains import is_own_domain
from firmly.organisations.facts import Claim, DataSet, Found, Level, NetworkFacts
from firmly.organisations.holder_facts import without_form
from firmly.organisations.names import display_name, holder_name, name_key, organisation_id, words
from firmly.organisations.offers import Basis, Considered, Judged, Offer, alternatives_to, offers_of
from firmly.organisations.readers.as_facts import AsFacts

_MOST_REMEMBERED = 150_000


class Weighed(NamedTuple):
    """Everything considered, and the reason where that alone settles that nobody is named."""

    considered: Considered
    settled: DropReason | None


_SETTLED = {reason: Weighed(Considered(), reason) for reason in DropReason}
_NOBODY = Weighed(Considered(), settle(Considered()))


class _Verdict(NamedTuple):
    said: Named | Withheld
    basis: Basis


@dataclass(slots=True)
class Judge:
    """Judges offers, each once: a verdict is remembered by the offer, of which an address is no part."""

    lists: Lists
    holders: Mapping[int, Holder]
    as_facts: AsFacts | None = None
    _judged: dict[Offer, Judged] = field(default_factory=dict)
    _beside: dict[tuple[Offer, tuple[Alternative, ...]], Judged] = field(default_factory=dict)
    _considered: dict[DataSet, dict[NetworkFacts, Weighed]] = field(default_factory=dict)

    def consider(self, found: tuple[Found, ...]) -> Weighed:
        """Judge everything that ``found`` offers. What is remembered is of holders; no network is part of it."""
        return self._consider(found, self.judge) if found else _NOBODY

    def consider_one(self, found: Found) -> Weighed:
        """Do the same for a single data set, whose word on a holder is remembered as a whole.

        Of holders that are settled, which most are, the reason alone is kept: a third of the memory.
        """
        facts, _prefix, data_set = found
        of_set = self._considered.get(data_set)
        if of_set is None:
            of_set = self._considered[data_set] = {}
        known = of_set.get(facts)
        if known is None:
            if len(of_set) >= _MOST_REMEMBERED:
                of_set.clear()
            known = self._consider((found,), self._judge)
            if known.settled is not None:
                known = _SETTLED[known.settled]
            of_set[facts] = known
        return known

    def judge(self, offer: Offer) -> Judged:
        """Return the verdict on one offer."""
        judged = self._judged.get(offer)
        if judged is None:
            if len(self._judged) >= _MOST_REMEMBERED:
                self._judged.clear()
            judged = self._judged[offer] = self._judge(offer)
        return judged

    def _consider(self, found: tuple[Found, ...], judge: Callable[[Offer], Judged]) -> Weighed:
        offers = offers_of(found)
        judged = tuple(judge(offer) for offer in offers)
        isps = (self.lists.pools.find(words(facts.isp)) for facts, _, _ in found if facts.isp)
        pools = (*(verdict.pool for verdict in judged), *isps)
        country = self._country_of(offers[0]) if offers else ""
        veto = next((facts.veto for facts, _, _ in found if facts.veto is not None), None)
        considered = Considered(offers, judged, next(filter(None, pools), ""), veto, country)
        if len(offers) > 1 and judged[0].organisation is not None:
            considered = considered._replace(judged=(self._beside_others(considered), *judged[1:]))
        return Weighed(considered, settle(considered))

    def _beside_others(self, considered: Considered) -> Judged:
        """Return the leading verdict with what the others said, the same object whenever they say the same."""
        leading = considered.judged[0]
        if leading.organisation is None:
            return leading
        others = alternatives_to(leading.organisation.name, considered)
        if not others:
            return leading
        key = considered.offers[0], others
        known = self._beside.get(key)
        if known is None:
            if len(self._beside) >= _MOST_REMEMBERED:
                self._beside.clear()
            organisation = replace(leading.organisation, alternatives=others)
            known = self._beside[key] = leading._replace(organisation=organisation, counted=_counted(organisation))
        return known

    def _country_of(self, offer: Offer) -> str:
        """Return the holder's home where the AS number decides, else the country of the record."""
        known = self.holders.get(offer.asn)
        if offer.level is Level.AS_NUMBER and known is not None and known.home:
            return known.home
        return offer.country

    def _judge(self, offer: Offer) -> Judged:
        holder = self._holder(offer)
        form, _core = without_form(words(holder_name(offer.name)), holder.home, self.lists.forms)
        pool, has_form = self.lists.pools.find(words(offer.name)), bool(form)
        own_domain = offer.domain if is_own_domain(offer.domain, offer.name, holder.home, self.lists.forms) else ""
        said, basis = self._verdict(offer, holder, has_form=has_form, has_domain=bool(own_domain))
        if isinstance(said, Withheld):
            return Judged(None, said.reason, basis, said.evidence, pool, False)
        organisation = self._organisation(offer, holder, said, own_domain)
        is_sure = offer.claim is OrgKind.BUSINESS and said.kind is OrgKind.BUSINESS and has_form
        return Judged(organisation, None, basis, said.evidence, pool, is_sure, _counted(organisation))

    def _holder(self, offer: Offer) -> Holder:
        """Return the offer as `classify` reads it; sizes are those of the AS number, if it decides."""
        if offer.level is not Level.AS_NUMBER:
            return Holder(offer.asn, offer.name, offer.country, 1, 256, 0)
        known = self.holders.get(offer.asn)
        if known is None:
            return Holder(offer.asn, offer.name, offer.country, 0, 0, 0)
        return known._replace(registered_name=offer.name, home=known.home or offer.country)

    def _verdict(self, offer: Offer, holder: Holder, *, has_form: bool, has_domain: bool) -> _Verdict:
        """Weigh the rules on the name, then the AS facts, then the vendor's word."""
        by_name = classify(holder, self.lists)
        if isinstance(by_name, Withheld) and by_name.reason in (DropReason.HOME_NETWORK, DropReason.PERSON):
            return _Verdict(by_name, Basis.NAME)
        if offer.level is Level.AS_NUMBER and self.as_facts and offer.asn in self.as_facts.claims:
            return self._by_as_facts(self.as_facts.claims[offer.asn], holder, by_name)
        if isinstance(offer.claim, DropReason):
            return _Verdict(Withheld(offer.claim, "the vendor's class"), Basis.VENDOR)
        if isinstance(by_name, Withheld) and by_name.reason is not DropReason.NO_EVIDENCE:
            return _Verdict(by_name, Basis.NAME)
        if offer.claim is not None:
            return _by_vendor(offer.claim, by_name, has_form=has_form, has_domain=has_domain)
        return _by_customer(offer, by_name, has_form=has_form) or _Verdict(by_name, Basis.NAME)

    def _by_as_facts(self, claim: Claim, holder: Holder, by_name: Named | Withheld) -> _Verdict:
        facts = holder_facts(holder, self.lists)
        veto = pool_word(facts, self.lists) or natural_person(facts, self.lists)
        if claim is OrgKind.EDUCATION:
            veto = veto or research_network(facts, self.lists)
        if isinstance(veto, Withheld):
            return _Verdict(veto, Basis.NAME)
        if isinstance(claim, DropReason):
            return _Verdict(Withheld(claim, "the AS facts"), Basis.AS_FACTS)
        agrees = isinstance(by_name, Named) and by_name.kind is claim and by_name.confidence is Confidence.HIGH
        confidence = Confidence.VERY_HIGH if agrees else Confidence.HIGH
        return _Verdict(Named(claim, confidence, "the AS facts"), Basis.AS_FACTS)

    def _organisation(self, offer: Offer, holder: Holder, said: Named, own_domain: str) -> Organisation:
        country, name, forms = holder.home, offer.name, self.lists.forms
        return Organisation(
            id=organisation_id(name_key(name, country, forms), country),
            name=display_name(name, country, forms),
            kind=said.kind,
            country=country,
            domain=own_domain,
            asn=offer.asn,
            registered_name=name,
            source=offer.data_set.name,
            as_of=offer.data_set.as_of,
            confidence=said.confidence,
            detail=Detail.ROUTE,
        )


def _counted(organisation: Organisation) -> Organisation:
    return replace(organisation, detail=Detail.COUNTS)


def _by_vendor(claim: OrgKind, by_name: Named | Withheld, *, has_form: bool, has_domain: bool) -> _Verdict:
    """O5: a vendor's class names nobody alone; it needs a legal form, a noun or the own domain beside it."""
    if isinstance(by_name, Named):
        agrees = by_name.kind is claim
        confidence = Confidence.VERY_HIGH if agrees and has_domain else Confidence.HIGH
        return _Verdict(Named(by_name.kind, confidence, by_name.evidence), Basis.NAME)
    if has_form:
        confidence = Confidence.VERY_HIGH if has_domain else Confidence.HIGH
        return _Verdict(Named(claim, confidence, "the vendor's class and a legal form"), Basis.VENDOR)
    if has_domain:
        return _Verdict(Named(claim, Confidence.MEDIUM, "the vendor's class and the own domain"), Basis.VENDOR)
    return _Verdict(Withheld(DropReason.NO_EVIDENCE, "the vendor's class alone"), Basis.VENDOR)


def _by_customer(offer: Offer, by_name: Named | Withheld, *, has_form: bool) -> _Verdict | None:
    """O5: a customer with a legal form; all the surer where a registry made the assignment out to it."""
    if not has_form or offer.level is Level.AS_NUMBER:
        return None
    kind = by_name.kind if isinstance(by_name, Named) else OrgKind.BUSINESS
    if offer.is_registered:
        return _Verdict(Named(kind, Confidence.VERY_HIGH, "a legal form, registered to itself"), Basis.REGISTRY)
    return _Verdict(Named(kind, Confidence.HIGH, "a customer with a legal form"), Basis.CUSTOMER)
