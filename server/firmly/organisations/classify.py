"""What the holder of a network is, judged by its registered name and facts about its networks.

An ordered tuple of pure rules over frozen `HolderFacts`; the first that answers decides. A company
needs positive evidence: the absence of a carrier's words is none. Source of the order: the
decision steps O3 to O5 in docs/ORGANISATIONS.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

from firmly.model import Confidence, DropReason, OrgKind
from firmly.organisations.data_file import Holder
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.names import holder_name, words
from firmly.organisations.word_lists import WordList, read_lines, read_list

_MOST_ADDRESSES = 1 << 17
_MOST_NETWORKS = 40
"""Beyond these a firm known only by a word of its trade is rather a carrier (tuned on labels)."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Every word list the rules use."""

    pools: WordList
    mobile: WordList
    vpn: WordList
    hosting: WordList
    carriers: WordList
    research: WordList
    education: WordList
    government: WordList
    nonprofit: WordList
    industries: WordList
    technology: WordList
    firms: WordList
    harmless: frozenset[str]
    ministries: frozenset[str]
    not_of_companies: frozenset[str]
    persons: WordList
    persons_by_country: dict[str, WordList]
    forms: LegalForms

    @classmethod
    def bundled(cls) -> "Lists":
        """Read the lists that ship with Firmly."""
        persons = read_lines("persons")
        by_country: dict[str, list[str]] = {}
        for line in persons:
            if ":" in line:
                country, _, entry = line.partition(":")
                by_country.setdefault(country, []).append(entry.strip())
        return cls(
            pools=read_list("pools"),
            mobile=read_list("mobile"),
            vpn=read_list("vpn"),
            hosting=read_list("hosting"),
            carriers=read_list("carriers"),
            research=read_list("research"),
            education=read_list("education"),
            government=read_list("government"),
            nonprofit=read_list("nonprofit"),
            industries=read_list("industries"),
            technology=read_list("technology"),
            firms=read_list("firms"),
            harmless=frozenset(read_lines("harmless")),
            ministries=frozenset(read_lines("ministries")),
            not_of_companies=frozenset(read_lines("not_of_companies")),
            persons=WordList.of(line for line in persons if ":" not in line),
            persons_by_country={country: WordList.of(entries) for country, entries in by_country.items()},
            forms=LegalForms.bundled(),
        )


@dataclass(frozen=True, slots=True)
class HolderFacts:
    """What the rules look at. ``all_words`` includes the registry's handle, ``own_words`` does not."""

    all_words: tuple[str, ...]
    own_words: tuple[str, ...]
    country: str
    has_form: bool
    ipv4_networks: int
    ipv4_addresses: int
    ipv6_networks: int


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


def holder_facts(holder: Holder, lists: Lists) -> HolderFacts:
    """Return the facts the rules look at."""
    own = words(holder_name(holder.registered_name))
    return HolderFacts(
        all_words=words(holder.registered_name),
        own_words=own,
        country=holder.home,
        has_form=lists.forms.is_borne_by(own, holder.home),
        ipv4_networks=holder.ipv4_networks,
        ipv4_addresses=holder.ipv4_addresses,
        ipv6_networks=holder.ipv6_networks,
    )


def classify(holder: Holder, lists: Lists) -> Verdict:
    """Judge one holder of an AS number; the first rule that answers decides."""
    facts = holder_facts(holder, lists)
    for rule in RULES:
        verdict = rule(facts, lists)
        if verdict is not None:
            return verdict
    return Withheld(DropReason.NO_EVIDENCE, "")


def pool_word(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O3: a name that speaks of lines to homes, in whichever part of it."""
    found = lists.pools.find(facts.all_words)
    return Withheld(DropReason.HOME_NETWORK, found) if found else None


def research_network(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """A research network carries its members' visitors and is not their organisation."""
    found = lists.research.find(facts.all_words)
    if found and (" " in found or found == next(iter(facts.own_words), "") or found == facts.all_words[0]):
        return Withheld(DropReason.CARRIER_NETWORK, found)
    return None


def natural_person(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O4: a form or a word of sole traders and private persons."""
    found = lists.persons.find(facts.all_words)
    local = lists.persons_by_country.get(facts.country)
    found = found or (local.find(facts.all_words) if local else "")
    return Withheld(DropReason.PERSON, found) if found else None


def public_body(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a noun of education, government or the non-profit sector, and no word of a carrier."""
    found = _public_noun(facts.own_words, lists)
    if found is None or (facts.has_form and found.evidence in lists.not_of_companies):
        return None
    if _sells_connections(facts.own_words, lists, tolerated=lists.harmless) is not None:
        return None
    return found


def _public_noun(own: tuple[str, ...], lists: Lists) -> Named | None:
    head = lists.government.starts_with(own)
    if head and (head in lists.ministries or not lists.education.find(own)):
        return Named(OrgKind.GOVERNMENT, Confidence.HIGH, head)
    if "credit union" in " ".join(own):
        return Named(OrgKind.BUSINESS, Confidence.HIGH, "credit union")
    for kind, nouns in ((OrgKind.EDUCATION, lists.education), (OrgKind.GOVERNMENT, lists.government)):
        if noun := nouns.find(own):
            return Named(kind, Confidence.HIGH, noun)
    return None


def well_known_firm(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a firm that everybody knows, by the first words of its name; a surname alone is none."""
    found = lists.firms.starts_with(facts.own_words)
    if not found:
        return None
    is_certain = facts.has_form or " " in found or found == " ".join(facts.own_words)
    if not is_certain or _sells_connections(facts.all_words, lists, tolerated=lists.harmless) is not None:
        return None
    return Named(OrgKind.BUSINESS, Confidence.HIGH, found)


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


def firm_of_a_trade(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a legal form valid in the country, and a word of a trade that sells no connections."""
    trade = lists.industries.find(facts.own_words)
    if trade and facts.has_form and facts.ipv4_addresses <= _MOST_ADDRESSES and facts.ipv4_networks <= _MOST_NETWORKS:
        return Named(OrgKind.BUSINESS, Confidence.HIGH, trade)
    return None


def non_profit(facts: HolderFacts, lists: Lists) -> Verdict | None:
    """O5: a noun of associations and foundations; weaker, since hobby networks call themselves so."""
    found = lists.nonprofit.find(facts.own_words)
    return Named(OrgKind.NONPROFIT, Confidence.MEDIUM, found) if found else None


RULES: tuple[Rule, ...] = (
    pool_word,
    research_network,
    natural_person,
    well_known_firm,
    public_body,
    carrier_word,
    firm_of_a_trade,
    non_profit,
)
