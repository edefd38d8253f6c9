"""How roles, tokens and what the audit log holds are said in pages."""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from firmly.accounts.audit import Action, AuditEntry
from firmly.accounts.roles import Role, TokenScope
from firmly.accounts.scope import ActorKind
from firmly.leads.lead import Moment
from firmly.mail.letter import Template
from firmly.model import BeforeConsent


def moment(at: datetime) -> Moment:
    """Return a time of ours in the form that pages show times of visits in."""
    return Moment(at, is_exact=True)


def role(value: Role) -> str:
    return value.value.replace("_", " ").capitalize()


def role_meaning(value: Role) -> str:
    match value:
        case Role.OWNER:
            return "Everything, also billing, other owners and the end of the workspace."
        case Role.ADMIN:
            return "Team, sites, corrections, tokens and settings; not billing and not owners."
        case Role.SALES:
            return "Leads and coverage."
        case Role.PRIVACY_OFFICER:
            return "What sites measure, consent, the audit log; leads and coverage."
        case Role.VIEWER:
            return "Leads and coverage, to look at."
        case _:
            assert_never(value)


def token_scope(value: TokenScope) -> str:
    match value:
        case TokenScope.READ_LEADS:
            return "Read leads, visits, coverage and sites"
        case TokenScope.WRITE_LEADS:
            return "Correct organisations"
        case TokenScope.READ_CONSENT:
            return "Read counts of consent"
        case TokenScope.ADMINISTER:
            return "Change sites, team and workspace; read the audit log"
        case _:
            assert_never(value)


_ACTIONS: dict[Action, str] = {
    Action.SIGNED_IN: "Signed in",
    Action.PASSWORD_CHANGED: "Password changed",
    Action.SECOND_FACTOR_ON: "Second factor set up",
    Action.SECOND_FACTOR_OFF: "Second factor removed",
    Action.RECOVERY_CODE_USED: "Signed in with a recovery code",
    Action.SESSIONS_ENDED: "Signed-in browsers ended",
    Action.RECOVERY_CODES_RENEWED: "Recovery codes made anew",
    Action.PROVIDER_TIED: "Sign-in provider tied, password ended",
    Action.WORKSPACE_MADE: "Workspace made",
    Action.WORKSPACE_CHANGED: "Workspace settings changed",
    Action.WORKSPACE_CANCELLED: "Workspace cancelled",
    Action.WORKSPACE_REACTIVATED: "Workspace reactivated",
    Action.MEMBERS_READ: "Team looked at",
    Action.MEMBER_ADDED: "Member added",
    Action.MEMBER_INVITED: "Member invited",
    Action.INVITATION_REVOKED: "Invitation revoked",
    Action.INVITATION_ACCEPTED: "Invitation accepted",
    Action.ROLE_CHANGED: "Role changed",
    Action.MEMBER_REMOVED: "Member removed",
    Action.SITE_MADE: "Site added",
    Action.SITE_CHANGED: "Site changed",
    Action.CORRECTION_ADDED: "Correction added",
    Action.CORRECTION_REMOVED: "Correction removed",
    Action.TOKEN_MADE: "API token made",
    Action.TOKEN_REVOKED: "API token revoked",
    Action.AUDIT_READ: "Audit log looked at",
    Action.LEADS_EXPORTED: "Leads exported",
    Action.VISITS_EXPORTED: "Visits exported",
    Action.OVERVIEW_EXPORTED: "Overview exported",
    Action.LEADS_CHANGED: "Leads changed",
    Action.MEMBER_RESTRICTED: "What a member sees changed",
    Action.FEED_ADDED: "Feed added",
    Action.FEED_CHANGED: "Feed changed",
    Action.FEED_REMOVED: "Feed removed",
    Action.SCORING_CHANGED: "Score or ideal customer changed",
    Action.COMPANY_DATA_IMPORTED: "Company data imported",
    Action.COMPANY_DATA_UNDONE: "Import of company data undone",
    Action.COMPANY_DATA_DELETED: "Company data deleted",
    Action.AUDIT_EXPORTED: "Audit log exported",
    Action.LETTERS_READ: "Log of mails looked at",
    Action.DISCLOSURES_READ: "Disclosures looked at",
    Action.DISCLOSURE_ADDED: "Disclosure added",
    Action.ACCOUNT_EXPIRED: "Unused account erased",
    Action.REPORT_SENT: "Audit report sent",
}


def action(value: Action) -> str:
    return _ACTIONS[value]


def who(entry: AuditEntry) -> str:
    """Return who did it: a name where the member is still here, else their number."""
    match entry.actor:
        case ActorKind.MEMBER:
            return entry.actor_name or f"Former member {entry.actor_id}"
        case ActorKind.TOKEN:
            return f"API token {entry.actor_id}"
        case ActorKind.OPERATOR:
            return "The operator"
        case ActorKind.FIRMLY:
            return "Firmly"
        case _:
            assert_never(entry.actor)


_MODES: dict[BeforeConsent, tuple[str, str]] = {
    BeforeConsent.WAIT: (
        "Wait for consent",
        (
            "Nothing is measured, looked up or stored before the visitor agrees. This is what the ePrivacy Directive "
            "asks for in its plain reading, and the mode that nobody disputes."
        ),
    ),
    BeforeConsent.COMPANY: (
        "Companies without cookies",
        (
            "Page views at company level from the first page on, without anything stored on the device, until the "
            "visitor refuses. Contested: whether this needs consent under Art. 5(3) of the ePrivacy Directive is not "
            "settled, and the EDPB reads that article broadly (Guidelines 2/2023). It is for controllers who have "
            "taken a position; you decide, and your name is kept with the choice. An objection link is always there."
        ),
    ),
}


def mode_title(value: BeforeConsent) -> str:
    return _MODES[value][0]


def mode_name(value: str) -> str:
    """Return the title of a mode that a history names; an unknown one as it is."""
    return _MODES[BeforeConsent(value)][0] if value in tuple(BeforeConsent) else value


def mode_meaning(value: BeforeConsent) -> str:
    return _MODES[value][1]


_LETTERS: dict[Template, tuple[str, str]] = {
    Template.INVITATION: ("Invitation", "An invitation to a workspace."),
    Template.PASSWORD_RESET: ("Link for a new password", "Asked for by whoever knows the address."),
    Template.PASSWORD_CHANGED: ("Password changed", "Said after every change."),
    Template.SECOND_FACTOR_CHANGED: ("Second factor changed", "Said after every change."),
    Template.AUDIT_REPORT: (
        "Monthly audit report",
        (
            "What was done in the workspace, as counts, with the digest of the log: keep it to prove that nobody "
            "rewrote the log."
        ),
    ),
    Template.ACCOUNT_ENDS: ("Unused account", "A month before an account that nobody uses is erased."),
    Template.TEST: ("Test", "A try of the mail server."),
}


def letter(value: str) -> str:
    return _LETTERS[Template(value)][0]


def letter_meaning(value: Template) -> str:
    return _LETTERS[value][1]


def shown(value: object) -> str:
    """Return a value of a site's history in one line."""
    match value:
        case None | "" | [] | {}:
            return "nothing"
        case bool():
            return "on" if value else "off"
        case list():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{key} ({', '.join(props)})" if props else str(key) for key, props in value.items())
        case _:
            return str(value).replace("_", " ")


def banner_fields(after: Mapping[str, object], before: Mapping[str, object] | None = None) -> str:
    """Name what differs between two states of a banner; ``before`` is not a mapping where there was none yet."""
    known = before if isinstance(before, Mapping) else {}
    return ", ".join(key.replace("_", " ") for key, value in after.items() if value != known.get(key))


def change(value: object) -> str:
    """Return a detail of an audit entry: a pair is what it was before and what it became."""
    if isinstance(value, list) and len(value) == 2 and not isinstance(value[0], list):
        return f"{shown(value[0])} \u2192 {shown(value[1])}"
    return shown(value)


_FIELDS = {
    "from": "From",
    "to": "To",
    "q": "Search",
    "filter": "Filter",
    "format": "Format",
    "month": "Month",
    "picked": "Picked companies",
    "site": "Site",
    "feed": "Feed",
    "sort": "Order",
    "field": "What",
    "op": "How",
    "value": "Value",
    "times": "At least",
    "day": "Day",
    "asked_by": "Who asked",
    "basis": "Legal basis",
    "given": "What was given",
    "name": "Name",
    "time_zone": "Time zone",
    "controller": "Controller",
    "contact": "Privacy contact",
    "region": "Where data is stored",
    "plan": "Plan",
    "vat_id": "VAT number",
    "billing_address": "Billing address",
    "billing_reference": "Customer number at the payment processor",
    "requires_second_factor": "Second factor",
    "counts_usage": "Counting of features",
    "origins": "Pages on",
    "before_consent": "Before consent",
    "privacy_url": "Privacy policy",
    "language": "Language",
    "query_keys": "Query keys",
    "goals": "Goals",
    "titles": "Page titles",
    "retention_days": "Kept for",
    "min_confidence": "Least confidence",
    "jurisdiction": "Rules",
    "staff_networks": "Own networks",
    "banner": "Banner",
    "email": "E-mail address",
    "password": "New password",
    "current": "Current password",
    "code": "Code",
    "scopes": "May",
    "days": "Valid for",
    "role": "Role",
    "key": "Key",
    "invitations": "Invitations",
    "tokens": "Tokens",
    "sites": "Sites",
    "leads": "Leads",
    "status": "Status",
    "owner": "Owner",
    "tag": "Tag",
    "tags": "Tags",
    "note": "Note",
    "hidden": "Hidden",
    "org": "Companies",
    "domain": "Domain",
    "industry": "Industry",
    "size": "Size",
    "icp": "Ideal customer",
    "crm_id": "CRM id",
    "file": "File",
    "import": "Import",
    "sure": "Delete all",
    "companies": "Companies",
}


def field(key: str) -> str:
    """Return what pages call a field, by its key in records and problems."""
    return _FIELDS.get(key, key)
