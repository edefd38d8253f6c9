"""Holders as registries write them, from many countries: each rule decides the cases it should."""

from dataclasses import replace

import pytest

from firmly.model import Confidence, DropReason, OrgKind
from firmly.organisations.classify import (
    RULES,
    Lists,
    Named,
    Withheld,
    classify,
    holder_facts,
    likely_firm,
    likely_public_body,
    public_body,
    well_known_firm,
)
from firmly.organisations.data_file import Holder
from firmly.organisations.estimate import Estimate


def holder(name: str, country: str, networks: int = 2, addresses: int = 1024) -> Holder:
    return Holder(64500, name, country, networks, addresses, 1)


BUSINESS, EDUCATION, GOVERNMENT, NONPROFIT = OrgKind

NAMED = [
    ("Siemens AG", "DE", BUSINESS),
    ("Robert Bosch Gesellschaft mit Beschraenkter Haftung", "DE", BUSINESS),
    ("AB Volvo", "SE", BUSINESS),
    ("Ericsson Inc.", "SE", BUSINESS),
    ("Novartis AG", "CH", BUSINESS),
    ("Nokia Solutions and Networks Oy", "FI", BUSINESS),
    ("UPM-Kymmene Oyj", "FI", BUSINESS),
    ("ING Bank N.V.", "NL", BUSINESS),
    ("Flughafen Muenchen GmbH", "DE", BUSINESS),
    ("Banca Mediolanum S.p.A.", "IT", BUSINESS),
    ("Fidelidade Companhia de Seguros SA", "PT", BUSINESS),
    ("Alior Bank S.A.", "PL", BUSINESS),
    ("IDNIC-EXAMPLE-AS-ID - PT. CONTOH ASURANSI", "ID", BUSINESS),
    ("Japan Airlines Co.,Ltd.", "JP", BUSINESS),
    ("Michigan State University Federal Credit Union", "US", BUSINESS),
    ("Massachusetts Institute of Technology", "US", EDUCATION),
    ("Aalto University", "FI", EDUCATION),
    ("Jyvaskylan yliopisto", "FI", EDUCATION),
    ("Universitaet Stuttgart", "DE", EDUCATION),
    ("Uniwersytet Warszawski", "PL", EDUCATION),
    ("Univerzita Karlova", "CZ", EDUCATION),
    ("Universita di Padova", "IT", EDUCATION),
    ("UNIVERSIDADE DE SAO PAULO", "BR", EDUCATION),
    ("Tallinna Tehnikaulikool", "EE", EDUCATION),
    ("Bogazici Universitesi", "TR", EDUCATION),
    ("Debreceni Egyetem", "HU", EDUCATION),
    ("Panepistimio Kritis", "GR", EDUCATION),
    ("CERN - European Organization for Nuclear Research", "CH", EDUCATION),
    ("Clark County School District", "US", EDUCATION),
    ("Sample Valley ISD", "US", EDUCATION),
    ("Exampleton Unviersity", "US", EDUCATION),
    ("Example Rural University", "CN", EDUCATION),
    ("Universitas Contoh Prof. Dr. Nama", "ID", EDUCATION),
    ("Medical University of the Ministry of Health", "RU", EDUCATION),
    ("Sample Police Academy", "IN", GOVERNMENT),
    ("Forestry Research Institute, Ministry of Agriculture", "JP", GOVERNMENT),
    ("Ministry of Higher Education", "TH", GOVERNMENT),
    ("Example Turnpike Authority", "US", GOVERNMENT),
    ("City of Espoo", "FI", GOVERNMENT),
    ("Oulun kaupunki", "FI", GOVERNMENT),
    ("Uppsala Kommun", "SE", GOVERNMENT),
    ("Oslo kommune", "NO", GOVERNMENT),
    ("Bundesministerium des Innern", "DE", GOVERNMENT),
    ("Gemeente Den Haag", "NL", GOVERNMENT),
    ("Ministere des Affaires Etrangeres", "FR", GOVERNMENT),
    ("Ayuntamiento de Madrid", "ES", GOVERNMENT),
    ("Comune di Novara", "IT", GOVERNMENT),
    ("Urzad Miasta Krakowa", "PL", GOVERNMENT),
    ("Ministerul Finantelor", "RO", GOVERNMENT),
    ("AS61656 - PREFEITURA MUNICIPAL DE LAJEADO", "BR", GOVERNMENT),
    ("Haridus- ja Teadusministeerium", "EE", GOVERNMENT),
    ("Orange County, Florida", "US", GOVERNMENT),
    ("Hauptverband der Sozialversicherung", "AT", NONPROFIT),
    ("Klinikum Ingolstadt GmbH", "DE", NONPROFIT),
    ("Fundacion Integra", "ES", NONPROFIT),
]


@pytest.mark.parametrize(("name", "country", "kind"), NAMED, ids=[name for name, _, _ in NAMED])
def test_an_organisation_with_positive_evidence_is_named(name: str, country: str, kind: OrgKind, lists: Lists) -> None:
    verdict = classify(holder(name, country), lists)

    assert isinstance(verdict, Named)
    assert verdict.kind is kind


WITHHELD = [
    ("Example Residential Pool", "US", DropReason.HOME_NETWORK),
    ("Private Customer, Example AB", "SE", DropReason.HOME_NETWORK),
    ("Dynamic IP Address for residential Broadband Customers", "SG", DropReason.HOME_NETWORK),
    ("Stiftelsen Goteborgs Studentbostader", "SE", DropReason.HOME_NETWORK),
    ("Bank Broadband Ltd", "GB", DropReason.HOME_NETWORK),
    ("CSC - Tieteen tietotekniikan keskus Oy", "FI", DropReason.CARRIER_NETWORK),
    ("SURFNET-NL SURF B.V.", "NL", DropReason.CARRIER_NETWORK),
    ("Verein zur Foerderung eines Deutschen Forschungsnetzes e.V.", "DE", DropReason.CARRIER_NETWORK),
    ("Jisc Services Limited", "GB", DropReason.CARRIER_NETWORK),
    ("GEANT Vereniging", "NL", DropReason.CARRIER_NETWORK),
    ("University of Missouri - dba the Missouri Research and Education Network (MOREnet)", "US",
     DropReason.CARRIER_NETWORK),
    ("Bankinsurance Muster e.K.", "DE", DropReason.PERSON),
    ("Chemie Muster Inh. Erika Muster", "DE", DropReason.PERSON),
    ("Bakkerij Voorbeeld eenmanszaak", "NL", DropReason.PERSON),
    ("Tmi Matti Meikalainen", "FI", DropReason.PERSON),
    ("FOP Petrenko Ivan", "UA", DropReason.PERSON),
    ("IP Ivanov Ivan Ivanovich", "RU", DropReason.PERSON),
    ("Juan Perez trading as Example Logistics Ltd", "GB", DropReason.PERSON),
    ("T-Mobile USA, Inc.", "US", DropReason.MOBILE_NETWORK),
    ("Vodafone Ireland Limited", "IE", DropReason.MOBILE_NETWORK),
    ("Hetzner Online GmbH", "DE", DropReason.HOSTING_NETWORK),
    ("Amazon.com, Inc.", "US", DropReason.HOSTING_NETWORK),
    ("31173 Services AB", "SE", DropReason.VPN_NETWORK),
    ("Example VPN Logistics Ltd", "GB", DropReason.VPN_NETWORK),
    ("Comcast Cable Communications, LLC", "US", DropReason.CARRIER_NETWORK),
    ("TSF-IP-Core Telia Finland Oyj", "FI", DropReason.CARRIER_NETWORK),
    ("Elisa Oyj", "FI", DropReason.CARRIER_NETWORK),
    ("REDE EXEMPLO TELECOMUNICACOES LTDA", "BR", DropReason.CARRIER_NETWORK),
    ("Stadtwerke Beispiel GmbH", "DE", DropReason.CARRIER_NETWORK),
    ("K-Net Forening", "DK", DropReason.CARRIER_NETWORK),
    ("Prof. Dr. Muster", "DE", DropReason.PERSON),
    ("British Broadcasting Corporation", "GB", DropReason.HOSTING_NETWORK),
    ("Beispiel Handel", "DE", DropReason.NO_EVIDENCE),
    ("Example Widgets Ltd", "GB", DropReason.NO_EVIDENCE),
    ("Karl Dyson", "GB", DropReason.PERSON),
    ("Dyson Karl", "GB", DropReason.PERSON),
    ("Chun Ming Ou", "TW", DropReason.PERSON),
    ("Maria Garcia Consulting", "ES", DropReason.PERSON),
    ("Lars Bank", "DK", DropReason.PERSON),
    ("Rein Kool", "EE", DropReason.PERSON),
    ("Roblox", "US", DropReason.HOSTING_NETWORK),
    ("4F, No.114, Sec.1, Chung-Shiao W. Road", "TW", DropReason.NO_EVIDENCE),
    ("", "PR", DropReason.NO_EVIDENCE),
]  # fmt: skip


@pytest.mark.parametrize(("name", "country", "reason"), WITHHELD, ids=[name for name, _, _ in WITHHELD])
def test_everybody_else_is_withheld_with_a_reason(name: str, country: str, reason: DropReason, lists: Lists) -> None:
    verdict = classify(holder(name, country), lists)

    assert isinstance(verdict, Withheld)
    assert verdict.reason is reason


def test_a_short_legal_form_counts_only_in_its_country(lists: Lists) -> None:
    assert isinstance(classify(holder("Naidis Metall OÜ", "EE"), lists), Named)
    assert isinstance(classify(holder("Naidis Metall OÜ", "TW"), lists), Withheld)


def test_a_firm_known_only_by_its_trade_is_not_named_when_it_is_as_large_as_a_carrier(lists: Lists) -> None:
    assert isinstance(classify(holder("Example Finance LLC", "US"), lists), Named)
    assert classify(holder("Example Finance LLC", "US", addresses=1 << 20), lists) == Withheld(
        DropReason.NO_EVIDENCE, ""
    )
    assert classify(holder("Example Finance LLC", "US", networks=400), lists) == Withheld(DropReason.NO_EVIDENCE, "")


def test_associations_are_named_with_less_confidence(lists: Lists) -> None:
    assert classify(holder("Fundacion Integra", "ES"), lists) == Named(NONPROFIT, Confidence.MEDIUM, "fundacion")


ONLY_BY = {
    "pool_word": ("Example Bank Pool Ltd", "GB"),
    "research_network": ("Geant University", "NL"),
    "natural_person": ("Chemie Muster GmbH Inh. Erika Muster", "DE"),
    "personal_name": ("Lars Bank", "DK"),
    "well_known_firm": ("Siemens", "DE"),
    "public_body": ("Example State University Federal Credit Union", "US"),
    "likely_public_body": ("Example Regional Government Telecommunications", "AU"),
    "carrier_word": ("Example Bank Telecom Ltd", "GB"),
    "hospital": ("Klinikum Beispiel", "DE"),
    "likely_firm": ("Example Insurance Ltd", "GB"),
    "non_profit": ("Fundacion Integra", "ES"),
}


def test_every_rule_has_a_case_that_only_it_decides(lists: Lists) -> None:
    assert [rule.__name__ for rule in RULES] == list(ONLY_BY)
    for rule in RULES:
        name, country = ONLY_BY[rule.__name__]
        facts = holder_facts(holder(name, country), lists)
        answers = [other(facts, lists) for other in RULES]
        assert answers[RULES.index(rule)] is not None, rule.__name__
        first = next(place for place, answer in enumerate(answers) if answer is not None)
        rest = next((answer for answer in answers[first + 1 :] if answer is not None), None)
        assert RULES[first] is rule
        assert getattr(rest, "reason", getattr(rest, "kind", None)) != getattr(
            answers[first], "reason", getattr(answers[first], "kind", None)
        )


PERSONS = ["John Smith", "Maria Garcia Lopez", "Matti Virtanen", "Anna-Lena Mueller", "Wei Zhang", "Giovanni Rossi",
           "Jean-Pierre Dubois", "Olga Petrova", "Yuki Tanaka", "Ahmet Yilmaz", "Margaret Court", "Charlotte Church",
           "Karl Dyson", "Henry Ford", "Ivan Novak", "Nguyen Van An", "Pedro Banco", "Zoe Kellogg"]  # fmt: skip


@pytest.mark.parametrize("name", PERSONS)
@pytest.mark.parametrize("form", ["{}", "Tmi {}", "{} e.K.", "{} t/a Example", "{} sole trader", "{} EIRELI"])
def test_a_person_is_never_named(name: str, form: str, lists: Lists) -> None:
    for country in ("FI", "DE", "GB", "BR", "TR", "TW", ""):
        assert isinstance(classify(holder(form.format(name), country), lists), Withheld)


LANGUAGES = {
    "fi": ("FI", "Esimerkin yliopisto", "Esimerkin kaupunki", "Esimerkin Vakuutus Oy", "Esimerkin sairaala"),
    "sv": ("SE", "Exempel universitet", "Exempel kommun", "Exempel Försäkring AB", "Exempel sjukhus"),
    "da": ("DK", "Eksempel Universitet", "Eksempel Kommune", "Eksempel Forsikring A/S", "Eksempel Sygehus Hospital"),
    "no": ("NO", "Eksempel høgskole", "Eksempel kommune", "Eksempel Forsikring AS", "Eksempel sykehus"),
    "et": ("EE", "Naidis Ülikool", "Naidis Linnavalitsus", "Naidis Kindlustus OÜ", "Naidis Haigla"),
    "lv": ("LV", "Parauga universitāte", "Parauga novada pašvaldība", "SIA Parauga apdrošināšana", "Parauga slimnīca"),
    "lt": ("LT", "Pavyzdzio universitetas", "Pavyzdzio savivaldybe", "UAB Pavyzdzio draudimas", "Pavyzdzio ligonine"),
    "de": ("DE", "Hochschule Beispiel", "Landkreis Beispiel", "Beispiel Versicherung AG", "Klinikum Beispiel"),
    "nl": ("NL", "Hogeschool Voorbeeld", "Gemeente Voorbeeld", "Voorbeeld Verzekeringen B.V.", "Voorbeeld Ziekenhuis"),
    "fr": ("FR", "Universite d'Exemple", "Ville de Exemple", "Exemple Assurances SA", "Centre Hospitalier d'Exemple"),
    "es": ("ES", "Universidad de Ejemplo", "Ayuntamiento de Ejemplo", "Ejemplo Seguros S.A.", "Hospital de Ejemplo"),
    "pt": (
        "PT",
        "Universidade de Exemplo",
        "Camara Municipal de Exemplo",
        "Exemplo Seguros S.A.",
        "Hospital de Exemplo",
    ),
    "it": ("IT", "Universita di Esempio", "Comune di Esempio", "Esempio Assicurazioni S.p.A.", "Ospedale di Esempio"),
    "pl": ("PL", "Uniwersytet Przykladowy", "Urzad Miasta Przyklad", "Przyklad Ubezpieczenia S.A.", "Szpital Przyklad"),
    "cs": ("CZ", "Univerzita Priklad", "Statutarni mesto Priklad", "Priklad Pojistovna a.s.", "Nemocnice Priklad"),
    "hu": ("HU", "Pelda Egyetem", "Pelda Onkormanyzat", "Pelda Biztosito Zrt.", "Pelda Korhaz"),
    "ro": ("RO", "Universitatea Exemplu", "Primaria Exemplu", "Exemplu Asigurari S.A.", "Spitalul Exemplu"),
    "el": (
        "GR",
        "Panepistimio Paradeigma",
        "Ypourgeio Paradeigma",
        "Paradeigma Asfalistiki AE",
        "Nosokomeio Paradeigma",
    ),
    "tr": ("TR", "Ornek Universitesi", "Ornek Belediyesi", "Ornek Sigorta A.S.", "Ornek Hastanesi"),
    "en": ("GB", "Example University", "City of Example", "Example Insurance Ltd", "Example Hospital"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_nouns_of_each_language_tell_the_kinds(language: str, lists: Lists) -> None:
    country, *names = LANGUAGES[language]
    told = [classify(holder(name, country, networks=1, addresses=512), lists) for name in names]

    assert [getattr(verdict, "kind", verdict) for verdict in told] == [EDUCATION, GOVERNMENT, BUSINESS, NONPROFIT]


def test_a_firm_the_estimate_is_less_sure_of_is_named_with_less_confidence(lists: Lists) -> None:
    verdict = classify(holder("Institut Beispiel AG", "CH"), lists)

    assert isinstance(verdict, Named)
    assert verdict.confidence is Confidence.MEDIUM
    assert verdict.evidence.startswith("estimate 0.")


def test_the_estimate_names_nobody_who_looks_like_a_host_or_the_public_sector(lists: Lists) -> None:
    facts = holder_facts(holder("Beispiel Metall GmbH", "DE"), lists)
    sure, hosts = Estimate(0, 0, 0.6, 0.3, 0.1, 0), Estimate(0, 0, 0.6, 0, 0.4, 0)
    public = Estimate(0, 0.3, 0.6, 0, 0.1, 0)

    told = [likely_firm(replace(facts, estimate=estimate), lists) for estimate in (sure, hosts, public)]

    assert [getattr(verdict, "confidence", None) for verdict in told] == [Confidence.HIGH, Confidence.MEDIUM, None]
    assert likely_firm(replace(facts, estimate=sure, ipv4_networks=61), lists) is None


def test_a_well_known_firm_whose_network_looks_like_a_host_is_not_named_for_its_name(lists: Lists) -> None:
    facts = holder_facts(holder("Siemens AG", "DE"), lists)

    assert well_known_firm(replace(facts, estimate=Estimate(0, 0, 0.4, 0, 0.6, 0)), lists) is None
    assert well_known_firm(replace(facts, estimate=Estimate(0, 0, 0.1, 0.9, 0, 0)), lists) is None


def test_a_public_body_known_only_by_estimate_needs_a_word_that_says_so(lists: Lists) -> None:
    certain = Estimate(0.9, 0.1, 0, 0, 0, 0)
    nameless = replace(holder_facts(holder("Qwxyzw", "US"), lists), estimate=certain)
    spoken = replace(holder_facts(holder("Qwxyzw University", "US"), lists), estimate=certain)

    assert likely_public_body(nameless, lists) is None
    assert likely_public_body(spoken, lists) is not None
    assert likely_public_body(replace(spoken, ipv4_addresses=1 << 19), lists) is None


def test_a_word_that_clubs_and_firms_bear_too_makes_no_public_body(lists: Lists) -> None:
    certain = Estimate(0.9, 0.1, 0, 0, 0, 0)
    vague = replace(holder_facts(holder("Qwxyzw National Center", "US"), lists), estimate=certain)

    assert likely_public_body(vague, lists) is None
    assert likely_public_body(replace(vague, core_words=("qwxyzw",)), lists) is not None  # Were it not vague.


def test_a_public_body_known_only_by_estimate_needs_one_likely_kind(lists: Lists) -> None:
    facts = holder_facts(holder("Qwxyzw University", "US"), lists)

    undecided, decided = Estimate(0.39, 0.38, 0.23, 0, 0, 0), Estimate(0.41, 0.38, 0.21, 0, 0, 0)
    told = [likely_public_body(replace(facts, estimate=estimate), lists) for estimate in (undecided, decided)]

    assert told[0] is None
    assert told[1] is not None


def test_a_public_noun_in_the_name_of_a_host_names_nobody(lists: Lists) -> None:
    facts = holder_facts(holder("Example Institute", "US"), lists)
    hosts, doubtful = Estimate(0.6, 0, 0, 0, 0.4, 0), Estimate(0.2, 0, 0.6, 0.2, 0, 0)
    school = holder_facts(holder("Example School", "US"), lists)

    assert public_body(replace(facts, estimate=hosts), lists) is None
    assert public_body(replace(facts, estimate=doubtful), lists) is None
    assert public_body(replace(school, estimate=doubtful), lists) is not None


def test_the_keeper_in_the_name_decides_unless_it_teaches_the_public(lists: Lists) -> None:
    certain = Estimate(0.9, 0.1, 0, 0, 0, 0)
    names = (
        "Sample Police Academy",
        "Sample Institute of the Ministry of Samples",
        "Sample University, Ministry of Samples",
    )
    facts = (replace(holder_facts(holder(name, "US"), lists), estimate=certain) for name in names)

    assert [getattr(public_body(one, lists), "kind", None) for one in facts] == [GOVERNMENT, GOVERNMENT, EDUCATION]
