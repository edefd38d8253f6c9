"""What a list of leads is asked for: the filter, and the place to go on from.

The complete filter tree of feeds grows here; a `LeadFilter` is its first, fixed form.
"""

import base64
import binascii
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from firmly.leads.days import DayRange
from firmly.model import InvalidInputError, OrgId, Problem, SiteId

MAX_NAME = 100
_CURSOR = struct.Struct(">IQ")
_ORG_ID = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """``name`` is part of a name or domain in any case, ``""`` for all; ``site`` None for all."""

    days: DayRange
    name: str = ""
    site: SiteId | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: rows before it in the order (time, id) come next.

    As text it is opaque and safe in an address; it holds a minute and an id, no secret.
    """

    at: datetime
    id: int

    def __str__(self) -> str:
        packed = _CURSOR.pack(int(self.at.timestamp()), self.id)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read what `str` wrote.

        Raises:
            InvalidInputError: it is not a cursor.
        """
        try:
            seconds, identity = _CURSOR.unpack(base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True))
        except (binascii.Error, struct.error, UnicodeEncodeError):
            problem = Problem("after", text[:40], "the value of a link to older rows, unchanged")
            raise InvalidInputError("this page cannot be found in the list", [problem]) from None
        return cls(datetime.fromtimestamp(seconds, UTC), identity)


NEWEST = Cursor(datetime.fromtimestamp(2**32 - 1, UTC), 2**64 - 1)
"""Before every row: where a list starts."""


def org_id_of(text: str) -> OrgId | None:
    """Read an organisation's id from 16 hexadecimal digits in lower case; None when it is not one."""
    return OrgId(int(text, 16)) if _ORG_ID.fullmatch(text) else None


def org_id_text(org_id: OrgId) -> str:
    return f"{org_id:016x}"
