"""What a member or an API token may do in a workspace: the one table of rights.

Every page, command and API operation asks for one `Right`; nothing else decides.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Right(StrEnum):
    """What a `Scope` may be asked for."""

    READ_LEADS = "read_leads"
    """See companies, their visits, and the sites with their tags: of some feeds only, where the membership says so."""
    READ_ALL_LEADS = "read_all_leads"
    """See what is about all leads together: the overview, coverage, corrections. Nobody restricted to feeds has it."""
    EDIT_LEADS = "edit_leads"
    """Give leads a status, an owner, tags and notes, hide them, and bring the team's own data about companies."""
    EDIT_FEEDS = "edit_feeds"
    """Make, change and remove feeds. Nobody restricted to feeds has it: they could widen what they see."""
    CORRECT = "correct"
    """Correct organisations for the whole workspace."""
    READ_CONSENT = "read_consent"
    """See what visitors chose, as counts."""
    INSTRUCT = "instruct"
    """Make sites and change what they measure: the controller's instructions (LO1)."""
    MANAGE_TEAM = "manage_team"
    """See members and their roles, invite, change and remove them: personal data of colleagues."""
    MANAGE_TOKENS = "manage_tokens"
    MANAGE_WORKSPACE = "manage_workspace"
    """Change the workspace's identity, billing details and rules of sign-in."""
    READ_AUDIT = "read_audit"
    """Read and export the audit log and the log of outgoing mail."""
    OWN = "own"
    """Cancel and reactivate the workspace; make, change and remove owners."""


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    SALES = "sales"
    PRIVACY_OFFICER = "privacy_officer"
    VIEWER = "viewer"


class TokenScope(StrEnum):
    """What an API token is for; one may have several."""

    READ_LEADS = "read_leads"
    WRITE_LEADS = "write_leads"
    READ_CONSENT = "read_consent"
    ADMINISTER = "administer"


RIGHTS_OF_ROLE: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Right),
        Role.ADMIN: frozenset(Right) - {Right.OWN},
        Role.SALES: frozenset({Right.READ_LEADS, Right.READ_ALL_LEADS, Right.EDIT_LEADS, Right.EDIT_FEEDS}),
        Role.PRIVACY_OFFICER: frozenset(
            {Right.READ_LEADS, Right.READ_ALL_LEADS, Right.READ_CONSENT, Right.INSTRUCT, Right.READ_AUDIT}
        ),
        Role.VIEWER: frozenset({Right.READ_LEADS, Right.READ_ALL_LEADS}),
    }
)

OF_ALL_LEADS = frozenset({Right.READ_ALL_LEADS, Right.EDIT_FEEDS, Right.CORRECT})
"""What is about more than the leads of some feeds: a membership that is restricted to feeds lacks it."""

RESTRICTABLE = frozenset({Role.SALES, Role.VIEWER})
"""Roles that may be given for some feeds only: the others see, or can give themselves, everything."""

RIGHTS_OF_TOKEN: Mapping[TokenScope, frozenset[Right]] = MappingProxyType(
    {
        TokenScope.READ_LEADS: frozenset({Right.READ_LEADS, Right.READ_ALL_LEADS}),
        TokenScope.WRITE_LEADS: frozenset({Right.CORRECT, Right.EDIT_LEADS, Right.EDIT_FEEDS}),
        TokenScope.READ_CONSENT: frozenset({Right.READ_CONSENT}),
        # Neither OWN nor MANAGE_TOKENS: a token that leaked can outlive neither its revocation nor its owner.
        TokenScope.ADMINISTER: frozenset({Right.INSTRUCT, Right.MANAGE_TEAM, Right.MANAGE_WORKSPACE, Right.READ_AUDIT}),
    }
)
