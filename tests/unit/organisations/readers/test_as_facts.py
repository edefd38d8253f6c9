"""The AS facts file: read in its makers' schema, and weighed against the rules on names."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmly.model import Confidence, DropReason, FirmlyError, Organisation, OrgKind
from firmly.organisations.address import Address
from firmly.organisations.confidence import meets
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from firmly.organisations.readers.as_facts import read_as_facts
from tests.unit.organisations.conftest import TODAY
from tests.vendor_files import write_vendor_file


def entry(asn: int, category: str | None, role: str | None = "stub", **more: Any) -> dict[str, Any]:
    metadata = {
        "handle": f"EXAMPLE-{asn}",
        "description": "Example",
        "countryCode": "DE",
        "category": category,
        "networkRole": role,
        "origin": "authoritative",
    }
    stats = {
        "ipv4": {"prefixes": 2, "prefixesAggregated": 1, "largestPrefix": 22},
        "ipv6": {"prefixes": 0, "prefixesAggregated": 0, "largestPrefix": None},
        "connectivity": {"providers": 1, "customers": 0, "peers": 3, "degree": 4, "reach": 0.1},
    }
    return {"asn": asn, "metadata": metadata, "stats": stats, "lastAnnounced": "2026-11-01", **more}


def facts_file(path: Path, *entries: dict[str, Any]) -> Path:
    path.write_text(json.dumps(entries))
    return path


SAID = [
    ("isp", "stub", DropReason.CARRIER_NETWORK),
    ("hosting", "content_network", DropReason.HOSTING_NETWORK),
    ("business", "stub", OrgKind.BUSINESS),
    ("business", "content_network", OrgKind.BUSINESS),
    ("business", None, OrgKind.BUSINESS),
    ("business", "access_provider", DropReason.CARRIER_NETWORK),
    ("education_research", "stub", OrgKind.EDUCATION),
    ("education_research", "midsize_transit", DropReason.CARRIER_NETWORK),
    ("government_admin", "stub", OrgKind.GOVERNMENT),
    ("government_admin", "tier1_transit", DropReason.CARRIER_NETWORK),
    (None, "stub", None),
    (None, "access_provider", None),
    ("something new", "stub", None),
]


@pytest.mark.parametrize(("category", "role", "claim"), SAID, ids=[f"{row[0]}-{row[1]}" for row in SAID])
def test_category_and_role_make_one_claim(
    category: str | None, role: str | None, claim: OrgKind | DropReason | None, tmp_path: Path
) -> None:
    facts = read_as_facts(facts_file(tmp_path / "as.json", entry(64500, category, role)))
    assert facts.claims.get(64500) is claim


def test_entries_without_statistics_are_read(tmp_path: Path) -> None:
    facts = read_as_facts(facts_file(tmp_path / "as.json", entry(1, "isp", stats=None, lastAnnounced=None)))
    assert dict(facts.claims) == {1: DropReason.CARRIER_NETWORK}


@pytest.mark.parametrize("content", ["", "{}", '[{"asn": "1"}]', '[{"metadata": {}}]'])
def test_another_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "as.json").write_text(content)
    with pytest.raises(FirmlyError, match=r"as\.json: not an AS facts file"):
        read_as_facts(tmp_path / "as.json")


WEIGHED = [
    # Elisa, a carrier by its name; Aalto University; the Finnish research network; a hosting firm.
    (719, "91.152.0.9", "business", OrgKind.BUSINESS),
    (15496, "130.233.1.1", "isp", DropReason.CARRIER_NETWORK),
    (15496, "130.233.1.1", "hosting", DropReason.HOSTING_NETWORK),
    (1741, "2001:708::1", "education_research", DropReason.CARRIER_NETWORK),
    (719, "91.152.0.9", None, DropReason.CARRIER_NETWORK),
]


@pytest.mark.parametrize(("asn", "text", "category", "said"), WEIGHED, ids=[f"{row[0]}-{row[2]}" for row in WEIGHED])
def test_the_facts_go_before_the_guess_from_the_name_but_not_before_research_networks(
    asn: int, text: str, category: str | None, said: object, tmp_path: Path, shipped: Shipped
) -> None:
    chain = open_chain(OrgFiles((facts_file(tmp_path / "as.json", entry(asn, category)),)), TODAY, shipped)
    answer = chain.resolve(Address.parse(text))
    assert (answer.kind if isinstance(answer, Organisation) else answer) is said


FIRMS = {
    "FI": ("Esimerkki Konepaja Oy", "Malli Valimo Oy", "Koe Paperi Oyj", "Näyte Laiva Oy"),
    "SE": ("Exempel Verkstad AB", "Prov Gruva AB", "Mönster Skog AB", "Förebild"),
    "DE": ("Muster Getriebe GmbH", "Beispiel Werkzeug AG", "Probe Papier GmbH & Co. KG", "Vorbild"),
    "AT": ("Muster Seilbahnen GmbH", "Probe Holz GmbH", "Beispiel Glas AG", "Vorlage"),
    "CH": ("Muster Uhren AG", "Exemple Chocolats SA", "Esempio Orologi SA", "Vorlage"),
    "NL": ("Voorbeeld Bloemen B.V.", "Proef Kaas B.V.", "Model Scheepswerf N.V.", "Toonbeeld"),
    "FR": ("Exemple Vins SA", "Modele Textiles SAS", "Essai Aciers SA", "Echantillon"),
    "ES": ("Ejemplo Aceites S.L.", "Muestra Calzados S.A.", "Modelo Azulejos S.A.", "Prueba"),
    "IT": ("Esempio Ceramiche S.p.A.", "Prova Macchine S.r.l.", "Modello Arredi S.p.A.", "Campione"),
    "PL": ("Przyklad Meble Sp. z o.o.", "Wzor Okna S.A.", "Proba Stal S.A.", "Model"),
    "CZ": ("Priklad Strojirny a.s.", "Vzor Sklo s.r.o.", "Zkouska Pivovar a.s.", "Ukazka"),
    "HU": ("Pelda Gepgyar Kft.", "Minta Malom Zrt.", "Proba Bor Kft.", "Pelda"),
    "TR": ("Ornek Tekstil A.S.", "Numune Demir A.S.", "Deneme Gida Ltd. Sti.", "Ornek"),
    "US": ("Sample Valves Inc.", "Specimen Tools LLC", "Pattern Mills Corp.", "Exemplar"),
    "JP": ("Mihon Kogyo K.K.", "Hyohon Seisakusho Co., Ltd.", "Rei Denki Co., Ltd.", "Mihon"),
}
"""Firms as their registered names read; the last of each country has no legal form."""

CARRIERS = ("Beispiel Kabel GmbH", "Exempel Bredband AB", "Sample Wireless LLC", "Muster Hosting GmbH")


def said_of_firm(place: int) -> tuple[str | None, str | None]:
    """Return category and role as the file has them: mostly right, at times silent, at times wrong."""
    if place % 10 == 4:
        return None, "stub"
    if place % 20 == 9:
        return "isp", "access_provider"
    return "business", ("stub", "stub", "content_network", None)[place % 4]


@pytest.fixture
def named_firms(tmp_path: Path, shipped: Shipped) -> Callable[[bool], list[tuple[str, str]]]:
    """Resolve one address of each firm and carrier, with or without the facts; who is named, and as what."""
    holders = [(name, country) for country, names in FIRMS.items() for name in names]
    holders += [(name, "DE") for name in CARRIERS]
    records, entries = {}, []
    for place, (name, country) in enumerate(holders):
        asn = 4_199_990_000 + place
        records[f"91.152.{place}.0/24"] = {"asn": f"AS{asn}", "as_name": name, "country_code": country}
        said = said_of_firm(place) if place < len(holders) - len(CARRIERS) else ("business", "stub")
        entries.append(entry(asn, *said))
    sets = (
        write_vendor_file(tmp_path / "lite.mmdb", records, "ipinfo lite.mmdb", TODAY),
        facts_file(tmp_path / "as.json", *entries),
    )

    def named(with_facts: bool) -> list[tuple[str, str]]:
        chain = open_chain(OrgFiles(sets if with_facts else sets[:1]), TODAY, shipped)
        answers = [chain.resolve(Address.parse(f"91.152.{place}.9")) for place in range(len(holders))]
        return [
            (one.registered_name, one.kind.value)
            for one in answers
            if isinstance(one, Organisation) and meets(one, Confidence.HIGH)
        ]

    return named


def test_most_firms_are_named_where_the_facts_say_business(
    named_firms: Callable[[bool], list[tuple[str, str]]],
) -> None:
    firms = [name for names in FIRMS.values() for name in names]
    without, beside = named_firms(False), named_firms(True)
    share_without, share = (len([1 for name, _ in named if name in firms]) / len(firms) for named in (without, beside))

    assert len(FIRMS) >= 12
    assert share >= 0.75 > share_without
    assert {kind for _, kind in beside} == {"business"}


def test_the_facts_name_no_home_network_whatever_they_say(
    named_firms: Callable[[bool], list[tuple[str, str]]],
) -> None:
    assert "Exempel Bredband AB" not in [name for name, _ in named_firms(True)]
