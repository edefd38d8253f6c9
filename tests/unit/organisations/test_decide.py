"""Each rule of the decision on chains of vendors' files: what it alone decides, and in which order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmly.model import Confidence, Detail, DropReason, Organisation, OrgKind
from firmly.organisations.address import Address
from firmly.organisations.chain import Chain, Decision
from firmly.organisations.decide import RULES
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from tests.unit.organisations.conftest import TODAY
from tests.vendor_files import write_vendor_file

CARRIER = "91.152.0.9"
"""Of a carrier's home network in the bundled data, like its whole /16."""
UNIVERSITY = "130.233.1.1"

Open = Callable[..., Chain]


@pytest.fixture
def chain(tmp_path: Path, shipped: Shipped) -> Open:
    """Open a chain of files of the test's own: database type to record, for one network."""

    def opened(network: str, overrides: str = "", exclusions: str = "", **files: dict[str, Any]) -> Chain:
        paths = []
        for kind, record in files.items():
            name = kind.replace("_", " ") if kind.startswith("ipinfo") else kind.replace("_", "-")
            paths.append(write_vendor_file(tmp_path / f"{kind}.mmdb", {network: record}, name, TODAY))
        rules, excluded = tmp_path / "rules.toml", tmp_path / "excluded.txt"
        rules.write_text(overrides)
        excluded.write_text(exclusions)
        return open_chain(OrgFiles(tuple(paths), (), rules, excluded), TODAY, shipped)

    return opened


def ask(resolver: Chain, text: str = CARRIER) -> Decision:
    return resolver.explain(Address.parse(text))


def named(resolver: Chain, text: str = CARRIER) -> Organisation:
    answer = ask(resolver, text).answer
    assert isinstance(answer, Organisation), answer
    return answer


def company(name: str, kind: str = "business", country: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "country": country, **more}


NAMED = [
    ("Muster Maschinenbau GmbH", "business", "DE", "Muster Maschinenbau", OrgKind.BUSINESS),
    ("Virtanen Konepaja Oy", "business", "FI", "Virtanen Konepaja", OrgKind.BUSINESS),
    ("Fabrique Exemple SAS", "business", "FR", "Fabrique Exemple", OrgKind.BUSINESS),
    ("Officine Esempio S.r.l.", "business", "IT", "Officine Esempio", OrgKind.BUSINESS),
    ("Przykład Sp. z o.o.", "business", "PL", "Przykład", OrgKind.BUSINESS),
    ("Példa Kft.", "business", "HU", "Példa", OrgKind.BUSINESS),
    ("Nordic Data OÜ", "business", "EE", "Nordic Data", OrgKind.BUSINESS),
    ("Voorbeeld Metaal B.V.", "business", "NL", "Voorbeeld Metaal", OrgKind.BUSINESS),
    ("Eksempel Industri A/S", "business", "DK", "Eksempel Industri", OrgKind.BUSINESS),
    ("Exempel Verkstad AB", "business", "SE", "Exempel Verkstad", OrgKind.BUSINESS),
    ("Ejemplo Tornillos S.L.", "business", "ES", "Ejemplo Tornillos", OrgKind.BUSINESS),
    ("Example Widgets Ltd", "business", "GB", "Example Widgets", OrgKind.BUSINESS),
    ("University of Nowhere", "education", "US", "University of Nowhere", OrgKind.EDUCATION),
    ("Stadt Musterhausen", "government", "DE", "Stadt Musterhausen", OrgKind.GOVERNMENT),
]


@pytest.mark.parametrize(("name", "kind", "country", "shown", "is_"), NAMED, ids=[row[0] for row in NAMED])
def test_a_customer_is_named_over_its_carrier(
    name: str, kind: str, country: str, shown: str, is_: OrgKind, chain: Open
) -> None:
    found = named(chain("91.152.0.0/25", ipinfo_company=company(name, kind, country)))

    assert (found.name, found.kind, found.country, found.detail) == (shown, is_, country, Detail.ROUTE)
    assert (found.source, found.as_of, found.registered_name) == ("IPinfo Company", TODAY, name)
    assert found.confidence is Confidence.HIGH


def test_a_carriers_own_record_says_nothing_more(chain: Open) -> None:
    resolver = chain("91.152.0.0/25", ipinfo_company=company("Muster GmbH", "isp", "DE"))
    assert ask(resolver).answer is DropReason.CARRIER_NETWORK


def test_where_the_company_file_is_silent_the_holder_decides(chain: Open) -> None:
    resolver = chain("91.152.0.0/25", ipinfo_company=company("Muster GmbH", "business", "DE"))
    assert named(resolver, UNIVERSITY).name == "Aalto University"


def test_companies_go_before_carriers_and_these_before_as_numbers(chain: Open) -> None:
    holder = {"autonomous_system_number": 1, "autonomous_system_organization": "Example University"}
    resolver = chain(
        "91.152.0.0/25",
        GeoLite2_ASN=holder,
        GeoIP2_ISP={"isp": "Carrier", "organization": "Beta GmbH", **holder},
        ipinfo_company=company("Alpha GmbH", "business", "DE"),
    )
    decision = ask(resolver)
    names = [offer.name for offer, _judged in decision.considered]

    assert names[:4] == ["Alpha GmbH", "Beta GmbH", "Example University", "Example University"]
    assert isinstance(decision.answer, Organisation)
    assert decision.answer.name == "Alpha"


EVIDENCE = [
    # A vendor's class alone names nobody; a form counts in its country only.
    (company("Muster Sonnenschein", "business", "DE"), DropReason.NO_EVIDENCE),
    (company("Blue Lantern Ou", "business", "TW"), DropReason.NO_EVIDENCE),
    (company("Muster Sonnenschein", "business", "DE", domain="carrier.example"), DropReason.NO_EVIDENCE),
    (company("Muster Sonnenschein", "business", "DE", domain="muster-sonnenschein.example"), Confidence.MEDIUM),
    (company("Muster Sonnenschein GmbH", "business", "DE"), Confidence.HIGH),
    (company("Muster Sonnenschein GmbH", "business", "DE", domain="muster.example"), Confidence.VERY_HIGH),
    (company("Muster Sonnenschein GmbH", "", "DE"), Confidence.HIGH),
    (company("Muster Sonnenschein GmbH", "something new", "DE"), DropReason.NO_EVIDENCE),
    (company("Muster Hochschule", "education", "DE", domain="muster-hochschule.example"), Confidence.VERY_HIGH),
]


@pytest.mark.parametrize(("record", "said"), EVIDENCE, ids=[str(number) for number in range(len(EVIDENCE))])
def test_confidence_grows_with_the_evidence(record: dict[str, Any], said: Confidence | DropReason, chain: Open) -> None:
    answer = ask(chain("91.152.0.0/25", ipinfo_company=record)).answer
    assert (answer if isinstance(answer, DropReason) else answer.confidence) is said


def test_a_domain_is_shown_only_where_the_name_bears_it_out(chain: Open) -> None:
    own = company("Muster GmbH", "business", "DE", domain="muster.example")
    other = company("Muster GmbH", "business", "DE", domain="carrier.example")

    assert named(chain("91.152.0.0/25", ipinfo_company=own)).domain == "muster.example"
    assert named(chain("91.152.0.0/25", ipinfo_company=other)).domain == ""
    hint = {"domain": "muster.example"}
    hinted = chain("91.152.0.0/25", ipinfo_company=company("Muster GmbH", country="DE"), GeoIP2_Domain=hint)
    assert named(hinted).domain == "muster.example"


COMPANY = company("Muster GmbH", "business", "DE")
VETOES: list[tuple[dict[str, Any], DropReason]] = [
    ({"ipinfo_privacy": {"vpn": "true"}}, DropReason.VPN_NETWORK),
    ({"ipinfo_privacy": {"vpn": "", "hosting": "true"}}, DropReason.HOSTING_NETWORK),
    ({"ipinfo_carrier": {"carrier": "Mobil", "mcc": "262", "mnc": "1"}}, DropReason.MOBILE_NETWORK),
    ({"GeoIP2_Anonymous_IP": {"is_tor_exit_node": True}}, DropReason.VPN_NETWORK),
    ({"GeoIP2_Connection_Type": {"connection_type": "Cellular"}}, DropReason.MOBILE_NETWORK),
    ({"GeoIP2_Connection_Type": {"connection_type": "Cable/DSL"}}, DropReason.HOME_NETWORK),
    ({"GeoIP2_Enterprise": {"traits": {"user_type": "residential"}}}, DropReason.HOME_NETWORK),
    ({"ipinfo_core": {"asn": "AS1", "as_name": "X", "as_type": "hosting"}}, DropReason.HOSTING_NETWORK),
]


@pytest.mark.parametrize(("files", "reason"), VETOES, ids=[next(iter(files)) for files, _ in VETOES])
def test_o2_a_vendors_flag_stands_against_any_company(files: dict[str, Any], reason: DropReason, chain: Open) -> None:
    assert ask(chain("91.152.0.0/25", ipinfo_company=COMPANY)).step == "O9"
    decision = ask(chain("91.152.0.0/25", ipinfo_company=COMPANY, **files))
    assert (decision.step, decision.answer) == ("O2", reason)


def test_o2_no_flag_is_no_veto(chain: Open) -> None:
    resolver = chain(
        "91.152.0.0/25",
        ipinfo_company=COMPANY,
        ipinfo_privacy={"vpn": "", "proxy": "", "tor": "", "hosting": ""},
        GeoIP2_Anonymous_IP={},
        GeoIP2_Connection_Type={"connection_type": "Corporate"},
    )
    assert named(resolver).name == "Muster"


POOLS: list[tuple[dict[str, Any], str]] = [
    ({"ipinfo_company": company("Dynamic IP Address for residential Broadband Customers")}, "the company"),
    ({"ipinfo_company": company("Muster GmbH DSL Pool", country="DE")}, "the company"),
    ({"ipinfo_company": {**COMPANY, "as_name": "Muster Broadband Ltd", "asn": "AS1"}}, "the holder of the number"),
    ({"ipinfo_company": COMPANY, "GeoIP2_ISP": {"isp": "Private Customer Lines"}}, "the carrier"),
]


@pytest.mark.parametrize(("files", "whose"), POOLS, ids=[f"{place}-{row[1]}" for place, row in enumerate(POOLS)])
def test_o3_a_pool_word_in_any_name_of_the_chain_vetoes(files: dict[str, Any], whose: str, chain: Open) -> None:
    decision = ask(chain("91.152.0.0/25", **files))
    assert (decision.step, decision.answer) == ("O3", DropReason.HOME_NETWORK)


@pytest.mark.parametrize(
    ("name", "country"),
    [
        ("Max Muster e.K.", "DE"),
        ("Tmi Maija Esimerkki", "FI"),
        ("Jan Voorbeeld eenmanszaak", "NL"),
        ("J Smith t/a Example", "GB"),
    ],
)
def test_o4_a_sole_traders_form_vetoes_whatever_the_vendor_says(name: str, country: str, chain: Open) -> None:
    decision = ask(chain("91.152.0.0/25", ipinfo_company=company(name, "business", country)))
    assert (decision.step, decision.answer) == ("O4-O6", DropReason.PERSON)


SIZES = [
    ("91.152.0.8/29", COMPANY, Detail.COUNTS),
    ("91.152.0.8/30", COMPANY, Detail.COUNTS),  # A vendor's class and a legal form lift the limit.
    ("91.152.0.8/30", company("Muster Hochschule", "education", "DE"), DropReason.TOO_SMALL),
    ("91.152.0.8/30", company("Muster GmbH", "", "DE"), DropReason.TOO_SMALL),
    ("91.152.0.0/26", COMPANY, Detail.ROUTE),
    ("91.152.0.0/27", COMPANY, Detail.COUNTS),
    ("2a00:1::/48", COMPANY, Detail.ROUTE),
    ("2a00:1::/49", COMPANY, Detail.COUNTS),
    ("2a00:1::/56", company("Muster Hochschule", "education", "DE"), Detail.COUNTS),
    ("2a00:1::/57", company("Muster Hochschule", "education", "DE"), DropReason.TOO_SMALL),
    ("91.152.0.0/24", company("Muster Sonnenschein", "business", "DE", domain="muster.example"), Detail.COUNTS),
]


@pytest.mark.parametrize(("network", "record", "said"), SIZES, ids=[f"{n}-{row[0]}" for n, row in enumerate(SIZES)])
def test_o7_o9_size_decides_how_much_is_shown(
    network: str, record: dict[str, Any], said: Detail | DropReason, chain: Open
) -> None:
    text = "2a00:1::9" if ":" in network else CARRIER
    answer = ask(chain(network, ipinfo_company=record), text).answer
    assert (answer if isinstance(answer, DropReason) else answer.detail) is said


def test_an_as_number_file_without_countries_takes_them_from_the_bundled_data(chain: Open) -> None:
    """ "Oyj" is a legal form in Finland only, and the vendor's file does not say where the holder is."""
    record = {"autonomous_system_number": 15496, "autonomous_system_organization": "Aalto University"}
    found = named(chain("91.152.0.0/25", GeoLite2_ASN=record))

    assert (found.country, found.source, found.asn) == ("FI", "GeoLite2 ASN", 15496)


RULES_FILE = """
[[rule]]
network = "91.152.0.0/24"
organisation = { name = "Our Customer", kind = "nonprofit", country = "FI", domain = "customer.example" }
note = "they told us"

[[rule]]
network = "91.152.0.128/25"
is = "own_staff"

[[rule]]
asn = 15496
is = "not_a_company"

[[rule]]
name = "massachusetts institute of TECHNOLOGY"
is = "own_staff"

[[rule]]
network = "88.198.0.0/16"
organisation = { name = "Our Cloud" }
"""
OVERRIDDEN: list[tuple[str, object]] = [
    ("91.152.0.9", "Our Customer"),
    ("91.152.0.200", DropReason.OWN_STAFF),
    (UNIVERSITY, DropReason.NOT_A_COMPANY),
    ("18.0.0.1", DropReason.OWN_STAFF),
    ("88.198.1.1", "Our Cloud"),  # Before O2: published as hosting.
]


@pytest.mark.parametrize(("text", "said"), OVERRIDDEN, ids=[text for text, _ in OVERRIDDEN])
def test_o1_the_operators_rule_goes_first(text: str, said: object, chain: Open) -> None:
    decision = ask(chain("198.0.0.0/24", overrides=RULES_FILE, ipinfo_company=COMPANY), text)
    answer = decision.answer
    assert (decision.step, answer.name if isinstance(answer, Organisation) else answer) == ("O1", said)


def test_o1_a_rule_names_with_the_operators_confidence_and_never_a_network(chain: Open) -> None:
    found = named(chain("198.0.0.0/24", overrides=RULES_FILE, ipinfo_company=COMPANY))

    assert (found.kind, found.country, found.domain) == (OrgKind.NONPROFIT, "FI", "customer.example")
    assert (found.confidence, found.detail, found.source) == (Confidence.VERY_HIGH, Detail.ROUTE, "operator's rule")
    assert "91.152" not in repr(found)


def test_o1_a_rule_for_a_few_addresses_shows_counts_only(chain: Open) -> None:
    rule = '[[rule]]\nnetwork = "203.1.1.1/32"\norganisation = { name = "Nobody Listed" }\n'
    found = named(chain("198.0.0.0/24", overrides=rule, ipinfo_company=COMPANY), "203.1.1.1")

    assert found.detail is Detail.COUNTS
    assert "203.1" not in repr(found)


def test_o0_what_the_operator_excludes_goes_before_the_rules(chain: Open) -> None:
    resolver = chain("198.0.0.0/24", overrides=RULES_FILE, exclusions="91.152.0.0/25", ipinfo_company=COMPANY)
    assert (ask(resolver).step, ask(resolver).answer) == ("O0", DropReason.EXCLUDED)


def test_the_rules_stand_in_the_order_of_the_documents() -> None:
    assert [step for step, _ in RULES] == ["O1", "O2", "O2", "-", "O3", "O4-O6", "O7", "O9"]
