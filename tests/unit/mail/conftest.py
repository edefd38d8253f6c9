"""A letter of every template, with values as they would come."""

from datetime import UTC, date, datetime

import pytest

from firmly.mail.letter import Letter, SecondFactorChange, Template, Value
from firmly.mail.templates import LetterTemplates
from firmly.model import WorkspaceId
from firmly.packaged import dashboards

NOW = datetime(2026, 11, 22, 12, 5, 59, tzinfo=UTC)
LINK = "https://firmly.example.com/app/x?token=abc.def-ghi"
UNSUBSCRIBE = "https://firmly.example.com/app/mail/stop?token=" + "s" * 120
RECIPIENT = "mia@customer.example"

CONTEXTS: dict[Template, dict[str, Value]] = {
    Template.INVITATION: {
        "workspace": "Acme & Söhne", "inviter": "Jo Miller", "role": "privacy officer", "link": LINK, "expires_at": NOW,
    },
    Template.PASSWORD_RESET: {"link": LINK, "hours": 1},
    Template.PASSWORD_CHANGED: {"changed_at": NOW, "link": LINK},
    Template.SECOND_FACTOR_CHANGED: {"change": SecondFactorChange.OFF, "changed_at": NOW, "link": LINK},
    Template.ACCOUNT_ENDS: {"last_day": date(2024, 12, 22), "ends_on": date(2026, 12, 22), "link": LINK},
    Template.AUDIT_REPORT: {
        "workspace": "Acme & Söhne",
        "first_day": date(2026, 10, 1),
        "last_day": date(2026, 10, 31),
        "actions": [("Signed in", 1204), ("Exported companies", 3)],
        "entries": 12345,
        "head_hash": "0123456789abcdef" * 4,
        "broken_at": 0,
        "checkpoints": ['{"site":"examplesite","root":"' + "ab" * 60 + '"}'],
        "link": LINK,
    },
    Template.TEST: {"link": LINK},
}  # fmt: skip


def letter(template: Template = Template.PASSWORD_RESET, recipient: str = RECIPIENT, **changes: Value) -> Letter:
    unsubscribe = None if template.is_transactional else UNSUBSCRIBE
    return Letter(template, recipient, {**CONTEXTS[template], **changes}, WorkspaceId(1), unsubscribe)


@pytest.fixture(scope="session")
def templates() -> LetterTemplates:
    return LetterTemplates(dashboards() / "templates" / "mail")
