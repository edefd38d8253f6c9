"""What the holder of a network is, judged by its registered name and facts about its networks.

An ordered tuple of pure rules over frozen `HolderFacts`; the first that answers decides. A company
needs positive evidence: the absence of a carrier's words is none. Where words alone leave it open,
a fitted estimate weighs the name's parts and the sizes. Source of the order: the decision steps O3
to O6 in docs/ORGANISATIONS.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

from firmly.model import Confidence, DropReason, OrgKind
from firmly.organisations.data_file import Holder
from firmly.organisations.holder_facts import HolderFacts, holder_facts
from firmly.organisations.lists import Lists

__all__ = ["RULES", "HolderFacts", "Lists", "Named", "Verdict", "Withheld", "classify", "holder_facts"]

_MOST_ADDRESSES = 1 << 18
_MOST_NETWORKS = 60
"""Beyond these a holder known only by estimate is rather a carrier (tuned on labels)."""

_KNOWN_FIRM = 0.2
_KNOWN_FIRM_HOSTS = 0.5
_FIRM_HOSTS = 0.3
_TEACHING_NOUN = 0.1
_PUBLIC_NOUN = 0.3
_CLEARLY = 1.5
_PUBLIC_NOUN_OF_LARGE = 0.5
_PUBLIC_BODY_HOSTS = 0.3
_PUBLIC_BODY = 0.45
_PUBLIC_BODY_BESIDE_CARRIER = 0.6
_OF_ONE_KIND = 0.4
_FIRM = 0.45
_PERHAPS_FIRM = 0.35
_OF_PUBLIC_SECTOR = 0.15
_LEAST_IN_A_WORD = 0.2
"""Probabilities, and how much one word must say; tuned on one half of the labels."""

_PROFESSOR = "prof dr"
_PERSONAL_WORDS = (2, 4)
_NAME_OF_A_TRADE = 3
"""How many words people's names have; and from how many on a word of a trade is hardly a surname."""

_KINDS = (OrgKind.EDUCATION, OrgKind.GOVERNMENT, OrgKind.BUSINESS)
_BUSINESS = _KINDS.index(OrgKind.BUSINESS)


@dataclass(frozen=True, slots=True)
class Named:
    """The verdict that a holder may be named, with the words that decided it."""

    kind: OrgKind
    confidence: Confidence
    evidence: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """The verdict that a holder is not named, with the words that decided it."""

    reason: DropReason
    evidence: str


Verdict = Named | Withheld
Rule = Callable[[HolderFacts, Lists], Verdict | None]


def classify(holder: Holder, lists: Lists) -> Verdict:
    """Judge one holder of an AS number; the first rule that answers decides."""
    facts = holder_facts(holder, lists)
    for rule in RULES:
        verdict = rule(facts, lists)
        if verdict is not None:
            return verdict
    return Withheld(DropReason.NO_EVIDENCE, "")


def pool_word(facts: HolderFacts, lists: Lists) -> Withheld | None:
    """O3: a name that speaks of lines to homes, in whichever part of it."""
    found = lists.pools.find(facts.all_words)
    return Withheld(DropReason.HOME_NETWORK, found) if found else None


def research_network(facts: HolderFacts, lists: Lists) -> Withheld | None:
    """A research network carries its members' visitors and is not their organisation."""
    found = lists.research.find(facts.all_words)
    if found and (" " in found or found == next(iter(facts.own_words), "") or found == facts.all_words[0]):
        return Withheld(DropReason.CARRIER_NETWORK, found)
    return None


def natural_person(facts: HolderFacts, lists: Lists) -> Withheld | None:
    """O4: a form or a word of sole traders and private persons; a professor may be a university's patron."""
    found = lists.persons.find(facts.all_words)
    local = lists.persons_by_country.get(facts.country)
    found = found or (local.find(facts.all_words) if local else "")
    is_patron = found == _PROFESSOR and bool(lists.teaching.find(facts.own_words))
    return Withheld(DropReason.PERSON, found) if found and not is_patron else None


def personal_name(facts: HolderFacts, lists: Lists) -> Withheld | None:
    """O6: a given name and little else; beside a legal form only where the operator is strict."""
    if facts.has_form and not lists.is_strict:
        return None
    name = tuple(word for word in facts.core_words if not lists.technology.find((word,)))
    fewest, most = _PERSONAL_WORDS
    given = next((word for word in name if word in lists.given_names), "")
    if not given or not fewest <= len(name) <= most:
        return None
    if lists.never_surnames.find(name):
        return None
    if len(name) > fewest and not lists.is_strict and _speaks_of_organisations(facts, lists):
        return None
    return Withheld(DropReason.PERSON, given)


def _speaks_of_organisations(facts: HolderFacts, lists: Lists) -> bool:
    own = facts.own_words
    of_public_bodies = _public_noun(facts, lists) or lists.nonprofit.find(own) or lists.hospitals.find(own)
    return bool(of_public_bodies or lists.industries.find(facts.core_words))


def well_known_firm(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a firm that everybody knows, by the first words of its name; a surname alone is none."""
    found = lists.firms.starts_with(facts.own_words)
    if not found or facts.estimate.business < _KNOWN_FIRM or facts.estimate.hosting > _KNOWN_FIRM_HOSTS:
        return None
    is_whole = " " in found or found == " ".join(facts.core_words if lists.is_strict else facts.own_words)
    is_certain = is_whole or (facts.has_form and not lists.is_strict)
    if not is_certain or _sells_connections(facts.all_words, lists, tolerated=lists.harmless) is not None:
        return None
    return Named(OrgKind.BUSINESS, Confidence.HIGH, found)


def public_body(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a noun of education or government, no word of a carrier, and an estimate that is not against it."""
    found = _public_noun(facts, lists)
    if found is None or (facts.has_form and found.evidence in lists.not_of_companies):
        return None
    if _sells_connections(facts.own_words, lists, tolerated=lists.harmless) is not None:
        return None
    if found.kind is OrgKind.BUSINESS:
        return found
    guess = facts.estimate
    least = _TEACHING_NOUN if lists.teaching.find(facts.own_words) else _PUBLIC_NOUN
    if guess.public_body < (_PUBLIC_NOUN_OF_LARGE if _is_large(facts) else least) or guess.hosting > _PUBLIC_BODY_HOSTS:
        return None
    fewer, more = sorted((guess.education, guess.government))
    is_certain = (more > 0.5 or more > _CLEARLY * fewer) and found.evidence != _keeper(facts.own_words, lists)
    return Named(_likelier_public_kind(facts) if is_certain else found.kind, Confidence.HIGH, found.evidence)


def _public_noun(facts: HolderFacts, lists: Lists) -> Named | None:
    own = facts.own_words
    head = lists.government.starts_with(own)
    keeper = _keeper(own, lists)
    if keeper or (head and not lists.education.find(own)):
        return Named(OrgKind.GOVERNMENT, Confidence.HIGH, keeper or head)
    if "credit union" in " ".join(own):
        return Named(OrgKind.BUSINESS, Confidence.HIGH, "credit union")
    for kind, nouns in ((OrgKind.EDUCATION, lists.education), (OrgKind.GOVERNMENT, lists.government)):
        if noun := nouns.find(own):
            return Named(kind, Confidence.HIGH, noun)
    return None


def _keeper(own: tuple[str, ...], lists: Lists) -> str:
    """Return the ministry, force or agency of which the name speaks, unless it goes on to teach the public."""
    if head := lists.ministries.starts_with(own):
        return head
    found = lists.ministries.find(own)
    rest = tuple(word for word in own if word not in found.split())
    return "" if lists.teaching.find(rest) else found


def _likelier_public_kind(facts: HolderFacts) -> OrgKind:
    guess = facts.estimate
    return OrgKind.EDUCATION if guess.education > guess.government else OrgKind.GOVERNMENT


def likely_public_body(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a name whose parts are those of public bodies, though no noun is in the lists."""
    is_carrier = _sells_connections(facts.all_words, lists, tolerated=frozenset()) is not None
    if facts.estimate.public_body < (_PUBLIC_BODY_BESIDE_CARRIER if is_carrier else _PUBLIC_BODY):
        return None
    kind = _likelier_public_kind(facts)
    place = _KINDS.index(kind)
    if _is_large(facts) or facts.estimate[place] < _OF_ONE_KIND:
        return None
    vague = (word for word in facts.core_words if lists.technology.find((word,)) or word in lists.general)
    if lists.weights.said_in_a_word(facts.marks - {f"w:{word}" for word in vague}, place) < _LEAST_IN_A_WORD:
        return None
    return _by_estimate(facts, lists, kind, Confidence.HIGH)


def _is_large(facts: HolderFacts) -> bool:
    return facts.ipv4_addresses > _MOST_ADDRESSES or facts.ipv4_networks > _MOST_NETWORKS


def _by_estimate(facts: HolderFacts, lists: Lists, kind: OrgKind, confidence: Confidence) -> Named:
    place = _KINDS.index(kind)
    reasons = lists.weights.reasons(facts.marks, place)
    return Named(kind, confidence, f"estimate {facts.estimate[place]:.2f}: {reasons}")


def carrier_word(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O2, O3: a name that speaks of VPNs, mobile or fixed lines, hosting or transit."""
    return _sells_connections(facts.all_words, lists, tolerated=frozenset())


def _sells_connections(words_: tuple[str, ...], lists: Lists, tolerated: frozenset[str]) -> Withheld | None:
    for reason, listed in (
        (DropReason.VPN_NETWORK, lists.vpn),
        (DropReason.MOBILE_NETWORK, lists.mobile),
        (DropReason.HOSTING_NETWORK, lists.hosting),
        (DropReason.CARRIER_NETWORK, lists.carriers),
    ):
        for place in range(len(words_)):
            found = listed.starts_with(words_[place:]) or listed.find(words_[place : place + 1])
            if found and found not in tolerated:
                return Withheld(reason, found)
    return None


def likely_firm(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a legal form valid in the country, or a word of a trade, and an estimate that says business."""
    trade = lists.industries.find(facts.core_words)
    fewest = _NAME_OF_A_TRADE + lists.is_strict
    has_trade = bool(trade) and "*" not in trade and (len(facts.core_words) >= fewest or "bank" in trade)
    if not (has_trade or (facts.has_form and not lists.is_strict)) or facts.estimate.government >= _OF_PUBLIC_SECTOR:
        return None
    if _is_large(facts):
        return None
    if facts.estimate.business >= _FIRM and facts.estimate.hosting < _FIRM_HOSTS:
        return _by_estimate(facts, lists, OrgKind.BUSINESS, Confidence.HIGH)
    if facts.has_form and facts.estimate.business >= _PERHAPS_FIRM:
        return _by_estimate(facts, lists, OrgKind.BUSINESS, Confidence.MEDIUM)
    return None


def hospital(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a noun of hospitals and clinics."""
    found = lists.hospitals.find(facts.own_words)
    return Named(OrgKind.NONPROFIT, Confidence.HIGH, found) if found else None


def non_profit(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a noun of associations and foundations; weaker, since hobby networks call themselves so."""
    found = lists.nonprofit.find(facts.own_words)
    return Named(OrgKind.NONPROFIT, Confidence.MEDIUM, found) if found else None


RULES: tuple[Rule, ...] = (
    pool_word,
    research_network,
    natural_person,
    personal_name,
    well_known_firm,
    public_body,
    likely_public_body,
    carrier_word,
    hospital,
    likely_firm,
    non_profit,
)
