"""One record of a choice, and the two texts that its entry of the log commits to.

The **proof** says what was chosen in which banner, and nothing about who. The **link** leads from the
receipt to it, and holds what is optional: it is what a visitor's erasure destroys.
"""

from dataclasses import dataclass, field
from datetime import date
from secrets import token_hex
from typing import Any

from firmly.consent.choice import Action, State
from firmly.consent.log_text import Kind, canonical, minute_text
from firmly.consent.tables import ConsentRecordRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A choice as it is recorded. ``categories`` in their one order, empty unless the state grants.

    Raises:
        ValueError: it grants what its action cannot grant (RULES R24).
    """

    action: Action
    state: State
    source: str
    categories: tuple[str, ...]
    banner: str
    script: str
    language: str
    receipt_hash: str
    expires_on: date
    record: str = field(default_factory=lambda: token_hex(16))

    def __post_init__(self) -> None:
        if bool(self.categories) is not self.state.grants or (self.state.grants and not self.action.may_grant):
            raise ValueError(
                f"a record cannot say {self.action} and {self.state} with {len(self.categories)} categories"
            )


def proof_text(site: str, kind: Kind, minute: str, record: Record) -> str:
    return canonical(
        {
            "schema": "firmly.consent-record.v1",
            "kind": kind,
            "site": site,
            "record": record.record,
            "minute": minute,
            "action": record.action,
            "state": record.state,
            "source": record.source,
            "categories": record.categories,
            "banner": record.banner,
            "script": record.script,
            "expires_on": record.expires_on,
        }
    )


def link_text(record: Record) -> str:
    return canonical(
        {"schema": "firmly.consent-link.v1", "receipt_hash": record.receipt_hash, "language": record.language}
    )


def columns_of(row: ConsentRecordRow) -> dict[str, Any]:
    """Return what a row holds, in the words of the committed texts, to be compared with them."""
    return {
        "id": row.id,
        "record": row.record,
        "minute": minute_text(row.minute),
        "action": row.action,
        "state": row.state,
        "source": row.source,
        "categories": row.categories,
        "banner": row.banner,
        "expires_on": row.expires_on.isoformat(),
        "receipt_hash": row.receipt_hash,
        "language": row.language,
    }
