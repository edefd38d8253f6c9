"""Small types that several operations share."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

RowId = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Time = Annotated[datetime, Meta(tz=True)]


class NotACompany(StrEnum):
    """What a correction makes of visits that no company made."""

    NOT_A_COMPANY = "not_a_company"
    OWN_STAFF = "own_staff"
