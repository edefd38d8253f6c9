"""Records of IPinfo's files. Source: the vendor's database samples and field lists, read 2026-11."""

import re

from firmly.model import DropReason, OrgKind
from firmly.organisations.facts import Claim, NetworkFacts
from firmly.organisations.readers.record import Record, country, domain, flag, number, text

_TYPES: dict[str, Claim] = {
    "business": OrgKind.BUSINESS,
    "education": OrgKind.EDUCATION,
    "government": OrgKind.GOVERNMENT,
    "isp": DropReason.CARRIER_NETWORK,
    "hosting": DropReason.HOSTING_NETWORK,
}
_ORDER_TAG = re.compile(r"-\d{6,}")
"""Order and customer numbers that carriers leave in names, as in ``ACME-20190412``."""

_PRIVACY = (
    (("vpn", "is_vpn", "proxy", "is_proxy", "tor", "is_tor", "relay", "is_relay"), DropReason.VPN_NETWORK),
    (("hosting", "is_hosting"), DropReason.HOSTING_NETWORK),
    (("is_mobile",), DropReason.MOBILE_NETWORK),
    (("is_satellite",), DropReason.HOME_NETWORK),
    (("is_anonymous",), DropReason.VPN_NETWORK),
)


def read_lite(record: Record) -> NetworkFacts:
    """Read Lite, Core and Plus: the AS number with its domain, in the larger ones also type and flags."""
    return NetworkFacts(
        asn=number(record, "asn"),
        as_name=_name(record, "as_name"),
        as_domain=domain(record, "as_domain"),
        as_claim=_type(record, "as_type"),
        country=country(record, "country_code") or country(record, "country"),
        veto=_privacy(record),
    )


def read_company(record: Record) -> NetworkFacts:
    """Read the company of a network, which may be the carrier itself, and its AS number."""
    return read_lite(record)._replace(
        company=_name(record, "name"), company_claim=_type(record, "type"), domain=domain(record, "domain")
    )


def read_as_number(record: Record) -> NetworkFacts:
    return NetworkFacts(
        asn=number(record, "asn"),
        as_name=_name(record, "name"),
        as_domain=domain(record, "domain"),
        as_claim=_type(record, "type"),
        country=country(record, "country"),
    )


def read_privacy(record: Record) -> NetworkFacts:
    """Read flags, written as booleans or as ``"true"`` and ``""``."""
    return NetworkFacts(veto=_privacy(record))


def read_carrier(record: Record) -> NetworkFacts:
    """Read a mobile carrier: whoever is listed is its customer."""
    is_listed = any(record.get(key) for key in ("carrier", "name", "mcc", "mnc"))
    return NetworkFacts(veto=DropReason.MOBILE_NETWORK if is_listed else None)


def _name(record: Record, key: str) -> str:
    return _ORDER_TAG.sub("", text(record, key)).strip()


def _type(record: Record, key: str) -> Claim | None:
    """Return what the vendor says; a type that is not known here is no evidence, so a reason."""
    said = text(record, key).lower()
    return _TYPES.get(said, DropReason.NO_EVIDENCE) if said else None


def _privacy(record: Record) -> DropReason | None:
    return next((reason for keys, reason in _PRIVACY for key in keys if flag(record, key)), None)
