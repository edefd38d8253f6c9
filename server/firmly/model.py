"""The words every part of Firmly shares: ids, closed sets, frozen records, errors.

Owns no behaviour beyond the shape of these values and imports nothing of Firmly's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NewType

WorkspaceId = NewType("WorkspaceId", int)
SiteId = NewType("SiteId", int)
SiteKey = NewType("SiteKey", str)
"""The public name of a site in its script's address: 8-32 of ``a-z 0-9``, no secret."""
MemberId = NewType("MemberId", int)
OrgId = NewType("OrgId", int)
"""Unsigned 64 bits, stable across data files; in addresses of pages 16 hexadecimal digits."""

Clock = Callable[[], datetime]
"""Answers the current time, aware and in UTC. Passed in, so that tests and the demo set it."""


def system_clock() -> datetime:
    return datetime.now(UTC)


class OrgKind(StrEnum):
    BUSINESS = "business"
    EDUCATION = "education"
    GOVERNMENT = "government"
    NONPROFIT = "nonprofit"


class Confidence(StrEnum):
    VERY_HIGH = "very_high"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Detail(StrEnum):
    """How much of a visit may be shown (docs/PRIVACY.md): ``counts`` keeps no page sequence."""

    ROUTE = "route"
    COUNTS = "counts"


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another organisation that the data named for a network, and why it lost.

    ``reason`` is the class for which it cannot be a visitor's organisation, None where it could be one
    and another said more about the network itself.
    """

    name: str
    source: str
    reason: "DropReason | None"


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation that a network belongs to, with the evidence for it. Never a network.

    ``country`` is ISO 3166-1 alpha-2 or ``""``; ``domain`` is the organisation's own or ``""``
    where unknown; ``registered_name`` is the name as the data set ``source`` of ``as_of`` has it.
    """

    id: OrgId
    name: str
    kind: OrgKind
    country: str
    domain: str
    asn: int
    registered_name: str
    source: str
    as_of: date
    confidence: Confidence
    detail: Detail
    alternatives: tuple[Alternative, ...] = ()


class DropReason(StrEnum):
    """Why an event was not kept: the closed set of the collector's refusals (docs/WIRE.md)."""

    UNKNOWN_SITE = "unknown_site"
    FOREIGN_ORIGIN = "foreign_origin"
    NO_CONSENT = "no_consent"
    OBJECTED = "objected"
    BOT = "bot"
    RATE_LIMITED = "rate_limited"
    DUPLICATE = "duplicate"
    FOREIGN_URL = "foreign_url"
    UNKNOWN_GOAL = "unknown_goal"
    ADDRESS_REFUSED = "address_refused"
    PRIVATE_NETWORK = "private_network"
    HOSTING_NETWORK = "hosting_network"
    VPN_NETWORK = "vpn_network"
    MOBILE_NETWORK = "mobile_network"
    HOME_NETWORK = "home_network"
    CARRIER_NETWORK = "carrier_network"
    PERSON = "person"
    TOO_SMALL = "too_small"
    NO_EVIDENCE = "no_evidence"
    UNKNOWN_NETWORK = "unknown_network"
    EXCLUDED = "excluded"
    NOT_A_COMPANY = "not_a_company"
    OWN_STAFF = "own_staff"
    LOW_CONFIDENCE = "low_confidence"


class BeforeConsent(StrEnum):
    """What a site measures before the visitor has chosen (docs/PRIVACY.md)."""

    WAIT = "wait"
    COMPANY = "company"


class Jurisdiction(StrEnum):
    """Whose rules hold for a site's visitors."""

    STRICTEST = "strictest"
    """The strictest rule for everybody: no look-up is needed to know it."""
    BY_COUNTRY = "by_country"
    """The controller names countries in which informing is enough; the strictest rule everywhere else."""


class Category(StrEnum):
    """What consent is asked for, and what needs none."""

    NECESSARY = "necessary"
    PREFERENCES = "preferences"
    STATISTICS = "statistics"
    MARKETING = "marketing"


OPTIONAL = (Category.PREFERENCES, Category.STATISTICS, Category.MARKETING)
"""The categories that need consent, in the one order in which they are shown and written."""


class FirmlyError(Exception):
    """An operator's or a member's input that cannot be used; the message says what and why."""


class NotFoundError(FirmlyError):
    """The workspace has no such thing: there is none, or it is another workspace's."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: its key, the value given, what was expected."""

    key: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.key}={self.value!r}: expected {self.expected}"


class InvalidInputError(FirmlyError):
    """Several problems of one input, reported together."""

    def __init__(self, what: str, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(f"{what}:\n" + "\n".join(f"  {problem}" for problem in problems))
