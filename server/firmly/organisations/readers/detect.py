"""Tells what a vendor's file is: by its metadata, else by the shape of its records, else it is refused."""

import random
import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from itertools import islice

import maxminddb

from firmly.model import FirmlyError
from firmly.organisations.facts import Level, NetworkFacts
from firmly.organisations.readers import geoip, ipinfo
from firmly.organisations.readers.record import Record

FORBIDDEN_KEYS = frozenset(("email", "phone", "address", "street", "admin", "tech", "person"))
"""A file with any of these holds contacts of people; it is refused as a whole (O8)."""

_SAMPLE_AHEAD = 300
_SAMPLE_PROBES = 500


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of file: its name as shown, where it stands in the chain, how its records are read.

    ``refused_after_days`` is a limit of the licence, ``old_after_days`` the age that is warned of.
    """

    name: str
    level: Level
    read: Callable[[Record], NetworkFacts]
    old_after_days: int = 60
    refused_after_days: int | None = None


_LICENCE_DAYS = 30
"""MaxMind's GeoLite2 licence: updates are to be used, and older files destroyed, within 30 days."""

_BY_TYPE: tuple[tuple[re.Pattern[str], Form], ...] = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"^DBIP-ASN", Form("DB-IP ASN", Level.AS_NUMBER, geoip.read_as_number)),
        (r"^DBIP-(Location-)?ISP", Form("DB-IP ISP", Level.ISP, geoip.read_enterprise)),
        (
            r"^GeoLite2-ASN",
            Form("GeoLite2 ASN", Level.AS_NUMBER, geoip.read_as_number, _LICENCE_DAYS - 7, _LICENCE_DAYS),
        ),
        (r"^GeoIP2-(Precision-)?ISP", Form("GeoIP2 ISP", Level.ISP, geoip.read_isp, _LICENCE_DAYS)),
        (r"^GeoIP2-Domain", Form("GeoIP2 Domain", Level.VETO, geoip.read_domain, _LICENCE_DAYS)),
        (r"^GeoIP2-Connection-Type", Form("GeoIP2 Connection Type", Level.VETO, geoip.read_connection, _LICENCE_DAYS)),
        (
            r"^GeoIP2-(Precision-)?Enterprise",
            Form("GeoIP2 Enterprise", Level.COMPANY, geoip.read_enterprise, _LICENCE_DAYS),
        ),
        (
            r"^GeoIP2?-Anonymous-(IP|Plus)",
            Form("GeoIP Anonymous", Level.VETO, geoip.read_anonymous, _LICENCE_DAYS),
        ),
        (r"^asn ipv[46]", Form("ip-location-db ASN", Level.AS_NUMBER, geoip.read_as_number)),
    )
)
_PLACES = re.compile(r"^(GeoIP2|GeoLite2|DBIP)-.*(City|Country|Location)|^IP2LITE-(Country|City)", re.IGNORECASE)

_COMPANY = Form("IPinfo Company", Level.COMPANY, ipinfo.read_company)
_IPINFO: tuple[tuple[frozenset[str], Form], ...] = (
    (frozenset(("company",)), _COMPANY),
    (frozenset(("privacy",)), Form("IPinfo Privacy", Level.VETO, ipinfo.read_privacy, 30)),
    (frozenset(("carrier",)), Form("IPinfo Carrier", Level.VETO, ipinfo.read_carrier)),
    (frozenset(("lite",)), Form("IPinfo Lite", Level.AS_NUMBER, ipinfo.read_lite)),
    (frozenset(("core",)), Form("IPinfo Core", Level.AS_NUMBER, ipinfo.read_lite)),
    (frozenset(("plus",)), Form("IPinfo Plus", Level.AS_NUMBER, ipinfo.read_lite)),
    (frozenset(("country", "asn")), Form("IPinfo Country and ASN", Level.AS_NUMBER, ipinfo.read_lite)),
    (frozenset(("asn",)), Form("IPinfo ASN", Level.AS_NUMBER, ipinfo.read_as_number)),
)
_IPINFO_NOISE = frozenset(("ipinfo", "extended", "free", "generic", "ip", "sample", "standard", "mmdb"))

_BY_SHAPE: tuple[tuple[frozenset[str], Form], ...] = (
    (frozenset(("traits",)), Form("traits of networks", Level.COMPANY, geoip.read_enterprise)),
    (frozenset(("organization", "isp")), Form("carriers and customers", Level.ISP, geoip.read_isp)),
    (frozenset(("autonomous_system_number",)), Form("AS numbers", Level.AS_NUMBER, geoip.read_as_number)),
    (frozenset(("connection_type",)), Form("connection types", Level.VETO, geoip.read_connection)),
    (frozenset(("vpn", "proxy", "tor")), Form("privacy flags", Level.VETO, ipinfo.read_privacy)),
    (frozenset(("mcc", "mnc")), Form("mobile carriers", Level.VETO, ipinfo.read_carrier)),
    (frozenset(("name", "type", "as_name")), Form("companies", Level.COMPANY, ipinfo.read_company)),
    (frozenset(("asn", "as_name")), Form("AS numbers", Level.AS_NUMBER, ipinfo.read_lite)),
    (frozenset(("asn", "name", "domain")), Form("AS numbers", Level.AS_NUMBER, ipinfo.read_as_number)),
)
_ANONYMOUS_SHAPE = Form("anonymous networks", Level.VETO, geoip.read_anonymous)
_ANONYMOUS_KEYS = frozenset(
    ("is_anonymous", "is_anonymous_vpn", "is_hosting_provider", "is_public_proxy", "is_tor_exit_node")
)


def form_of(reader: maxminddb.Reader) -> Form:
    """Return what kind of file is open.

    Raises:
        FirmlyError: when it is of no known kind, or holds what is never read; says why.
    """
    keys = _sampled_keys(reader)
    forbidden = sorted(key for key in keys if FORBIDDEN_KEYS.intersection(re.split(r"[_\-.]", key.lower())))
    if forbidden:
        raise FirmlyError(f"its records have {', '.join(forbidden[:5])}: files about people are never read")
    database_type = reader.metadata().database_type
    form = _by_type(database_type) or _by_shape(keys)
    if form is not None:
        return form
    if _PLACES.search(database_type):
        raise FirmlyError(f"of type {database_type!r}: it tells places, which are never read, and no organisations")
    shown = ", ".join(sorted(keys)[:8]) or "none"
    raise FirmlyError(f"of type {database_type!r} with the keys {shown}: no known kind (docs/ORGANISATIONS.md)")


def _by_type(database_type: str) -> Form | None:
    for pattern, form in _BY_TYPE:
        if pattern.search(database_type):
            return form
    if not database_type.lower().startswith("ipinfo"):
        return None
    said = frozenset(re.split(r"[ ._]", database_type.lower())) - _IPINFO_NOISE
    return next((form for words, form in _IPINFO if words <= said), None)


def _by_shape(keys: Set[str]) -> Form | None:
    if keys & _ANONYMOUS_KEYS and "autonomous_system_number" not in keys and "as_name" not in keys:
        return _ANONYMOUS_SHAPE
    return next((form for needed, form in _BY_SHAPE if needed <= keys), None)


def _sampled_keys(reader: maxminddb.Reader) -> set[str]:
    """Return every key, nested ones included, of records at the start and all over the file."""
    found = set[str]()
    for record in _sampled(reader):
        _collect(record, found)
    return found


def _sampled(reader: maxminddb.Reader) -> Iterator[object]:
    try:
        for _network, record in islice(reader, _SAMPLE_AHEAD):
            yield record
        choose = random.Random(1)  # noqa: S311  # A spread over the file, not a secret.
        for _ in range(_SAMPLE_PROBES):
            yield reader.get(".".join(str(choose.randrange(1, 224)) for _ in range(4)))
    except (maxminddb.InvalidDatabaseError, ValueError) as error:
        raise FirmlyError("its records cannot be read: the file is damaged") from error


def _collect(value: object, keys: set[str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            keys.add(str(key))
            _collect(inner, keys)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, keys)
