"""Every vendor's file in its own schema: what it is taken for, and what is read of it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from firmly.model import DropReason, FirmlyError, OrgKind
from firmly.organisations.address import Address
from firmly.organisations.facts import Level, NetworkFacts
from firmly.organisations.sources import Key, open_source
from tests.vendor_files import write_vendor_file

TODAY = date(2026, 11, 22)
HOLDER = {"autonomous_system_number": 64500, "autonomous_system_organization": "Carrier AG"}
AS_FACTS = NetworkFacts(asn=64500, as_name="Carrier AG")

FORMS: list[tuple[str, dict[str, Any], Level, NetworkFacts]] = [
    ("GeoLite2-ASN", HOLDER, Level.AS_NUMBER, AS_FACTS),
    ("GeoLite2-ASN", {"autonomous_system_number": 64500}, Level.AS_NUMBER, NetworkFacts(asn=64500)),
    ("DBIP-ASN-Lite (compat=GeoLite2-ASN)", HOLDER, Level.AS_NUMBER, AS_FACTS),
    ("asn ipv4", HOLDER, Level.AS_NUMBER, AS_FACTS),
    ("IP2LITE-ASN", HOLDER, Level.AS_NUMBER, AS_FACTS),
    (
        "GeoIP2-ISP",
        {**HOLDER, "isp": "Carrier", "organization": "Muster GmbH"},
        Level.ISP,
        AS_FACTS._replace(isp="Carrier", company="Muster GmbH"),
    ),
    (
        "GeoIP2-Precision-ISP",
        {**HOLDER, "isp": "Carrier", "organization": "CARRIER"},
        Level.ISP,
        AS_FACTS._replace(isp="Carrier"),
    ),
    ("GeoIP2-ISP", {"organization": "Muster GmbH"}, Level.ISP, NetworkFacts(company="Muster GmbH")),
    (
        "DBIP-ISP (compat=Enterprise)",
        {"traits": {**HOLDER, "isp": "Carrier", "organization": "Muster GmbH", "user_type": "business"}},
        Level.ISP,
        AS_FACTS._replace(isp="Carrier", company="Muster GmbH", company_claim=OrgKind.BUSINESS),
    ),
    (
        "DBIP-Location-ISP (compat=Enterprise)",
        {"traits": {"isp": "Carrier", "user_type": "consumer"}, "city": {"names": {"en": "Bern"}}},
        Level.ISP,
        NetworkFacts(isp="Carrier", veto=DropReason.HOME_NETWORK),
    ),
    (
        "GeoIP2-Enterprise",
        {
            "traits": {
                **HOLDER,
                "isp": "Carrier",
                "organization": "Muster Schule",
                "domain": "muster.example",
                "user_type": "school",
                "connection_type": "Cable/DSL",
                "static_ip_score": 3,
            },
            "country": {"iso_code": "FR"},
            "registered_country": {"iso_code": "DE"},
            "city": {"names": {"en": "Berlin"}},
            "postal": {"code": "10115"},
        },
        Level.COMPANY,
        AS_FACTS._replace(
            isp="Carrier",
            company="Muster Schule",
            company_claim=OrgKind.EDUCATION,
            domain="muster.example",
            country="DE",
        ),
    ),
    (
        "GeoIP2-Precision-Enterprise",
        {"traits": {**HOLDER, "user_type": "business", "connection_type": "Cellular"}},
        Level.COMPANY,
        AS_FACTS._replace(as_claim=OrgKind.BUSINESS, veto=DropReason.MOBILE_NETWORK),
    ),
    (
        "GeoIP2-Enterprise",
        {"traits": {**HOLDER, "user_type": "something new"}},
        Level.COMPANY,
        AS_FACTS._replace(veto=DropReason.NO_EVIDENCE),
    ),
    ("GeoIP2-Domain", {"domain": "Muster.Example"}, Level.VETO, NetworkFacts(domain="muster.example")),
    (
        "GeoIP2-Connection-Type",
        {"connection_type": "Cable/DSL"},
        Level.VETO,
        NetworkFacts(veto=DropReason.HOME_NETWORK),
    ),
    ("GeoIP2-Connection-Type", {"connection_type": "Corporate"}, Level.VETO, NetworkFacts()),
    (
        "GeoIP2-Connection-Type",
        {"connection_type": "Satellite"},
        Level.VETO,
        NetworkFacts(veto=DropReason.HOME_NETWORK),
    ),
    (
        "GeoIP2-Anonymous-IP",
        {"is_anonymous": True, "is_hosting_provider": True},
        Level.VETO,
        NetworkFacts(veto=DropReason.HOSTING_NETWORK),
    ),
    (
        "GeoIP-Anonymous-Plus",
        {"is_anonymous": True, "is_anonymous_vpn": True, "provider_name": "x", "anonymizer_confidence": 99},
        Level.VETO,
        NetworkFacts(veto=DropReason.VPN_NETWORK),
    ),
    ("GeoIP2-Anonymous-IP", {}, Level.VETO, NetworkFacts()),
    (
        "ipinfo bundle_location_lite.mmdb",
        {"asn": "AS64500", "as_name": "Carrier AG", "as_domain": "carrier.example", "country_code": "DE"},
        Level.AS_NUMBER,
        AS_FACTS._replace(as_domain="carrier.example", country="DE"),
    ),
    (
        "ipinfo generic_country_asn_free.mmdb",
        {"asn": "AS64500", "as_name": "Carrier AG", "as_domain": "carrier.example", "country": "DE"},
        Level.AS_NUMBER,
        AS_FACTS._replace(as_domain="carrier.example", country="DE"),
    ),
    (
        "ipinfo core_sample.mmdb",
        {"asn": "AS64500", "as_name": "Carrier AG", "as_type": "isp", "is_hosting": False, "is_mobile": True},
        Level.AS_NUMBER,
        AS_FACTS._replace(as_claim=DropReason.CARRIER_NETWORK, veto=DropReason.MOBILE_NETWORK),
    ),
    (
        "ipinfo plus_sample.mmdb",
        {"asn": "AS64500", "as_name": "Carrier AG", "as_type": "hosting", "is_satellite": True},
        Level.AS_NUMBER,
        AS_FACTS._replace(as_claim=DropReason.HOSTING_NETWORK, veto=DropReason.HOME_NETWORK),
    ),
    (
        "ipinfo standard_company.mmdb",
        {
            "name": "Muster GmbH-20190412",
            "domain": "muster.example",
            "type": "business",
            "asn": "AS64500",
            "as_name": "Carrier AG",
            "as_domain": "carrier.example",
            "as_type": "isp",
            "country": "DE",
        },
        Level.COMPANY,
        AS_FACTS._replace(
            company="Muster GmbH",
            company_claim=OrgKind.BUSINESS,
            domain="muster.example",
            as_domain="carrier.example",
            as_claim=DropReason.CARRIER_NETWORK,
            country="DE",
        ),
    ),
    (
        "ipinfo standard_asn.mmdb",
        {"asn": "AS64500", "name": "Carrier AG", "domain": "carrier.example", "type": "", "country": "DE"},
        Level.AS_NUMBER,
        AS_FACTS._replace(as_domain="carrier.example", country="DE"),
    ),
    (
        "ipinfo standard_privacy.mmdb",
        {"vpn": "true", "proxy": "", "tor": "", "relay": "", "hosting": "true", "service": "x"},
        Level.VETO,
        NetworkFacts(veto=DropReason.VPN_NETWORK),
    ),
    (
        "ipinfo privacy_extended",
        {"vpn": False, "proxy": False, "tor": False, "relay": False, "hosting": True},
        Level.VETO,
        NetworkFacts(veto=DropReason.HOSTING_NETWORK),
    ),
    (
        "ipinfo standard_carrier.mmdb",
        {"carrier": "Mobil", "mcc": "262", "mnc": "01", "country": "DE"},
        Level.VETO,
        NetworkFacts(veto=DropReason.MOBILE_NETWORK),
    ),
    (
        "Somebody's companies",
        {"name": "Muster GmbH", "type": "business", "as_name": "Carrier AG", "asn": "64500"},
        Level.COMPANY,
        AS_FACTS._replace(company="Muster GmbH", company_claim=OrgKind.BUSINESS),
    ),
    ("Somebody's flags", {"is_tor_exit_node": 1}, Level.VETO, NetworkFacts(veto=DropReason.VPN_NETWORK)),
]


@pytest.mark.parametrize(
    ("kind", "record", "level", "facts"), FORMS, ids=[f"{n}-{row[0]}" for n, row in enumerate(FORMS)]
)
def test_a_vendors_record_is_read_into_one_form(
    kind: str, record: dict[str, Any], level: Level, facts: NetworkFacts, tmp_path: Path
) -> None:
    source = open_source(write_vendor_file(tmp_path / "v.mmdb", {"198.51.0.0/24": record}, kind), TODAY)
    found = source.find(Key(Address.parse("198.51.0.9").packed()))

    assert found is not None
    assert (found.facts, found.prefix, found.data_set.level) == (facts, 24, level)
    assert source.find(Key(Address.parse("198.52.0.9").packed())) is None


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("GeoLite2-City", {"city": {"names": {"en": "Bern"}}}, "tells places"),
    ("DBIP-Country-Lite", {"country": {"iso_code": "DE"}}, "tells places"),
    ("ipinfo standard_location.mmdb", {"city": "Bern", "region": "x"}, "keys city, region"),
    ("ipinfo standard_abuse.mmdb", {"name": "x", "email": "x", "country": "DE"}, "have email"),
    ("ipinfo standard_company.mmdb", {"name": "x", "contacts": [{"phone": "1"}]}, "have phone"),
    ("GeoLite2-ASN", {**HOLDER, "admin_contact": "x"}, "have admin_contact"),
    ("GeoIP2-Enterprise", {"traits": {"street_address": "x"}}, "have street_address"),
    ("anything", {"tech": "x", "person": "y"}, "have person, tech"),
    ("anything", {"colour": "red"}, "keys colour"),
    ("anything", {}, "keys none"),
]


@pytest.mark.parametrize(("kind", "record", "why"), REFUSED, ids=[f"{n}-{row[0]}" for n, row in enumerate(REFUSED)])
def test_other_files_are_refused_with_the_reason(kind: str, record: dict[str, Any], why: str, tmp_path: Path) -> None:
    path = write_vendor_file(tmp_path / "v.mmdb", {"198.51.0.0/24": record}, kind)

    with pytest.raises(FirmlyError, match=f"v.mmdb: .*{why}"):
        open_source(path, TODAY)


def test_a_forbidden_key_far_into_the_file_is_found(tmp_path: Path) -> None:
    records: dict[str, Any] = {f"10.{n // 256}.{n % 256}.0/24": HOLDER for n in range(400)}
    records["64.0.0.0/3"] = {**HOLDER, "person": "x"}

    with pytest.raises(FirmlyError, match="have person"):
        open_source(write_vendor_file(tmp_path / "v.mmdb", records, "GeoLite2-ASN"), TODAY)
