"""What a list of leads is asked for: the range of days, the filter, and the place to go on from."""

import base64
import binascii
import json
import re
from dataclasses import dataclass

from firmly.leads.days import DayRange
from firmly.model import InvalidInputError, OrgId, Problem, SiteId
from firmly.warehouse.conditions import EVERYTHING, Comparison, Condition, Group, Op, both
from firmly.warehouse.ordering import NEWEST_FIRST, Order, Sorting

MAX_NAME = 100
MAX_CURSOR = 2000
_ORG_ID = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """``name`` is part of a name or domain in any case, ``""`` for all; ``site`` None for all.

    ``condition`` is what else a lead has to pass (condition_json.py); companies that the team hid come
    ``with_hidden`` only.
    """

    days: DayRange
    name: str = ""
    site: SiteId | None = None
    condition: Condition = EVERYTHING
    sorting: Sorting = NEWEST_FIRST
    with_hidden: bool = False

    @property
    def whole(self) -> Condition:
        """The condition together with the search for a name."""
        if not self.name:
            return self.condition
        named = (Comparison(field, Op.CONTAINS, (self.name,)) for field in ("name", "domain"))
        return both(Group(is_any=True, parts=tuple(named)), self.condition)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page, by what the list is ordered by and its id: those that follow come next.

    As text it is opaque and safe in an address; it holds what the row shows, no secret. ``value`` is a text or a whole
    number of 64 bits: of visits the second in which they began.
    """

    value: int | str
    id: int

    def __str__(self) -> str:
        packed = json.dumps([self.value, f"{self.id:x}"], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, *, is_text: bool = False) -> "Cursor":
        """Read what `str` wrote; ``is_text`` tells what the list is ordered by.

        Raises:
            InvalidInputError: it is not a cursor of such a list.
        """
        try:
            # Without padding, as it is written; one that is too long is none.
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            value, identity = json.loads(base64.b64decode(padded[:MAX_CURSOR], altchars=b"-_", validate=True))
            found = cls(value, int(identity, 16))
            is_ours = 0 <= found.id < 2**64 and str(found) == text
        except (binascii.Error, ValueError, TypeError, RecursionError):
            raise _no_cursor(text) from None
        fits = isinstance(value, str) if is_text else type(value) is int and -(2**63) <= value < 2**63
        if not fits or not is_ours:
            raise _no_cursor(text)
        return found


def _no_cursor(text: str) -> InvalidInputError:
    problem = Problem("after", text[:40], "the value of a link to the next rows, unchanged")
    return InvalidInputError("this page cannot be found in the list", [problem])


def sorting_of(text: str) -> Sorting:
    """Read what a list is ordered by: a column's name, with a minus before it to begin with the most or newest.

    Raises:
        InvalidInputError: there is no such column.
    """
    name = text.removeprefix("-")
    if name not in set(Order):
        known = ", ".join(Order)
        problem = Problem("sort", text[:40], f"one of {known}, or with a minus before it")
        raise InvalidInputError("this list cannot be ordered so", [problem])
    return Sorting(Order(name), text.startswith("-"))


def org_id_of(text: str) -> OrgId | None:
    """Read an organisation's id from 16 hexadecimal digits in lower case; None when it is not one."""
    return OrgId(int(text, 16)) if _ORG_ID.fullmatch(text) else None


def org_id_text(org_id: OrgId) -> str:
    return f"{org_id:016x}"
