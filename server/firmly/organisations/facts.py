"""What data sets say about a network, in one form: every reader answers with `NetworkFacts`.

Nothing here names a network: facts are of a holder, a customer or a connection. The length of the
network's prefix travels beside them, for the rules of size.
"""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from firmly.model import DropReason, OrgKind

Claim = OrgKind | DropReason
"""What a vendor says a holder is: a kind that may be named, or a reason not to name it."""


class Level(StrEnum):
    """How close to the visitor's organisation a data set looks; the closest goes first."""

    COMPANY = "company"
    ISP = "isp"
    AS_NUMBER = "as_number"
    VETO = "veto"


class NetworkFacts(NamedTuple):
    """What one data set says about one network; whatever it does not say is empty.

    ``company`` is a customer told apart from its carrier, ``isp`` that carrier, ``as_name`` the
    holder of the AS number ``asn``. ``domain`` is the customer's, often in truth the carrier's.
    ``country`` is ISO 3166-1 alpha-2. ``veto`` stands against any name (privacy, connection).
    ``is_registered`` marks an assignment that a registry made out to the customer itself.
    """

    asn: int = 0
    as_name: str = ""
    as_domain: str = ""
    as_claim: Claim | None = None
    company: str = ""
    company_claim: Claim | None = None
    domain: str = ""
    isp: str = ""
    country: str = ""
    veto: DropReason | None = None
    is_registered: bool = False


class DataSet(NamedTuple):
    """Where facts come from, as it is shown: a name, never a file's path, and the date of the data."""

    name: str
    as_of: date
    level: Level


class Found(NamedTuple):
    """Facts about one network, and the length of its prefix in its own family's bits."""

    facts: NetworkFacts
    prefix: int
    data_set: DataSet
