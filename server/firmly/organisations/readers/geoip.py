"""Records of MaxMind's files, and of DB-IP's, which have the same shapes.

Source: the vendor's pages on the binary databases' fields (dev.maxmind.com, read 2026-11) and the
files' own metadata. City, postal code and location are never read.
"""

from firmly.model import DropReason, OrgKind
from firmly.organisations.facts import Claim, NetworkFacts
from firmly.organisations.names import fold
from firmly.organisations.readers.record import Record, country, domain, flag, number, part, text

_USER_TYPES: dict[str, Claim] = {
    "business": OrgKind.BUSINESS,
    "corporate": OrgKind.BUSINESS,
    "college": OrgKind.EDUCATION,
    "school": OrgKind.EDUCATION,
    "library": OrgKind.EDUCATION,
    "government": OrgKind.GOVERNMENT,
    "military": OrgKind.GOVERNMENT,
    "residential": DropReason.HOME_NETWORK,
    "consumer": DropReason.HOME_NETWORK,
    "dialup": DropReason.HOME_NETWORK,
    "cafe": DropReason.HOME_NETWORK,
    "traveler": DropReason.HOME_NETWORK,
    "cellular": DropReason.MOBILE_NETWORK,
    "hosting": DropReason.HOSTING_NETWORK,
    "content_delivery_network": DropReason.HOSTING_NETWORK,
    "search_engine_spider": DropReason.HOSTING_NETWORK,
    "consumer_privacy_network": DropReason.VPN_NETWORK,
    "router": DropReason.CARRIER_NETWORK,
}
_CONNECTIONS = {
    "cable/dsl": DropReason.HOME_NETWORK,
    "dialup": DropReason.HOME_NETWORK,
    "satellite": DropReason.HOME_NETWORK,
    "cellular": DropReason.MOBILE_NETWORK,
}
_ANONYMOUS = (
    ("is_tor_exit_node", DropReason.VPN_NETWORK),
    ("is_anonymous_vpn", DropReason.VPN_NETWORK),
    ("is_public_proxy", DropReason.VPN_NETWORK),
    ("is_residential_proxy", DropReason.VPN_NETWORK),
    ("is_hosting_provider", DropReason.HOSTING_NETWORK),
    ("is_anonymous", DropReason.VPN_NETWORK),
)


def read_as_number(record: Record) -> NetworkFacts:
    """Read AS number and name; the name may be absent."""
    return NetworkFacts(
        asn=number(record, "autonomous_system_number"), as_name=text(record, "autonomous_system_organization")
    )


def read_isp(record: Record) -> NetworkFacts:
    """Read a carrier and, where the organisation is another one, its customer."""
    isp, organisation = text(record, "isp"), text(record, "organization")
    holder = text(record, "autonomous_system_organization")
    is_customer = organisation and fold(organisation) not in (fold(isp), fold(holder))
    return NetworkFacts(
        asn=number(record, "autonomous_system_number"),
        as_name=holder,
        company=organisation if is_customer else "",
        isp=isp,
    )


def read_enterprise(record: Record) -> NetworkFacts:
    """Read the traits of a network. A user type that is no organisation's, or unknown, is a veto."""
    traits = part(record, "traits")
    facts = read_isp(traits)
    user_type = text(traits, "user_type").lower()
    claim = _USER_TYPES.get(user_type, DropReason.NO_EVIDENCE) if user_type else None
    is_kept = isinstance(claim, OrgKind)
    veto = claim if isinstance(claim, DropReason) else None
    connection = text(traits, "connection_type").lower()
    # Offices do have cable and DSL lines: where the vendor calls the user a business, they are no veto.
    if veto is None and not (is_kept and connection == "cable/dsl"):
        veto = _CONNECTIONS.get(connection)
    home = country(part(record, "registered_country"), "iso_code") or country(part(record, "country"), "iso_code")
    return facts._replace(
        as_claim=claim if is_kept and not facts.company else None,
        company_claim=claim if is_kept and facts.company else None,
        domain=domain(traits, "domain"),
        country=home,
        veto=veto,
    )


def read_domain(record: Record) -> NetworkFacts:
    return NetworkFacts(domain=domain(record, "domain"))


def read_connection(record: Record) -> NetworkFacts:
    """Read a connection type: all but ``Corporate`` is a line to homes or phones."""
    return NetworkFacts(veto=_CONNECTIONS.get(text(record, "connection_type").lower()))


def read_anonymous(record: Record) -> NetworkFacts:
    """Read flags, which are present only where they are true; ``{}`` is a record like any other."""
    return NetworkFacts(veto=next((reason for key, reason in _ANONYMOUS if flag(record, key)), None))
