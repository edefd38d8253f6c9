"""Rows of a workspace are reached with a proof only: every method of the services asks for one.

What asks for none is named here, with who calls it.
"""

import inspect
from typing import get_type_hints

import pytest

from firmly.accounts.api_tokens import ApiTokens
from firmly.accounts.audit import AuditLog
from firmly.accounts.credentials import Credentials
from firmly.accounts.disclosures import Disclosures
from firmly.accounts.letters import LetterLog, LetterWishes
from firmly.accounts.rules import OrgRules
from firmly.accounts.scope import MemberScope, Scope, SignedIn
from firmly.accounts.service import Accounts
from firmly.accounts.sign_in import SignIn
from firmly.accounts.sites import Sites
from firmly.accounts.team import Team
from firmly.accounts.usage import Usage
from firmly.accounts.workspaces import Workspaces
from firmly.consent.counts import ConsentCounts
from firmly.leads.rule_book import RuleBook
from firmly.leads.service import Leads

PROOFS = (Scope, MemberScope, SignedIn)
SERVICES = (
    Accounts,
    ApiTokens,
    AuditLog,
    ConsentCounts,
    Credentials,
    Disclosures,
    Leads,
    LetterLog,
    LetterWishes,
    OrgRules,
    RuleBook,
    SignIn,
    Sites,
    Team,
    Usage,
    Workspaces,
)
WITHOUT_PROOF = {
    "Accounts": {"create_workspace", "summaries", "add_member", "add_place", "has_account", "has_members"},
    "ApiTokens": {"scope"},
    "Credentials": {"begin_reset", "holds_reset", "reset", "reset_by_operator", "remove_second_factor_by_operator"},
    "Leads": {"today"},
    "LetterLog": {"queued", "ended"},
    "AuditLog": {"verify"},
    "LetterWishes": {"holds", "unsubscribe", "unsubscribe_secret"},
    "OrgRules": {"every", "overrides"},
    "SignIn": {"with_password", "with_provider", "confirm", "signed_in", "scope", "switch", "sign_out"},
    "Sites": {"create", "by_key", "replace_banner_by_operator"},
    "Team": {"welcome", "join"},
    "Usage": {"count", "flush"},
}
"""The operator's command line (of a chain it learns a number and a digest, no entry); the ways in, which hold a
token or a link's secret; the outbox's journal; what counts and returns nothing; and what is public: a site by its
public key, today's date."""


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.__name__)
def test_every_method_asks_for_a_proof(service: type) -> None:
    without = set()
    for name, method in inspect.getmembers(service, inspect.isfunction):
        if name.startswith("_"):
            continue
        hints = get_type_hints(method)
        hints.pop("return", None)
        if not any(hint in PROOFS for hint in hints.values()):
            without.add(name)
    assert without == WITHOUT_PROOF.get(service.__name__, set())
