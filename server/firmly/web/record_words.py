"""How what a team says of leads is said in pages."""

from firmly.accounts.scope import ActorKind
from firmly.leads.company_data.facts import Fact
from firmly.leads.record import LeadChange, LeadStatus, Note, Said
from firmly.leads.scoring import Score, Share, Term

_STATUSES = {
    LeadStatus.NEW: "New",
    LeadStatus.WATCHING: "Watching",
    LeadStatus.CONTACTED: "Contacted",
    LeadStatus.QUALIFIED: "Qualified",
    LeadStatus.CUSTOMER: "Customer",
    LeadStatus.NOT_RELEVANT: "Not relevant",
}


def lead_status(value: LeadStatus) -> str:
    return _STATUSES[value]


def fact(value: Fact) -> str:
    """Return what a page calls a column of the team's own data."""
    return {
        Fact.DOMAIN: "Domain",
        Fact.INDUSTRY: "Industry",
        Fact.SIZE: "Size",
        Fact.ICP: "Ideal customer",
        Fact.OWNER: "Owner",
        Fact.CRM_ID: "CRM id",
    }[value]


def changed_by(change: LeadChange) -> str:
    """Return who changed a record: a name where the member is still here."""
    if change.actor is ActorKind.TOKEN:
        return f"API token {change.actor_id}"
    return change.actor_name or f"Former member {change.actor_id}"


def note_by(note: Note) -> str:
    return note.author or (f"API token {note.token}" if note.token else "A former member")


def record_change(change: LeadChange) -> str:
    """Return what changed, in one line."""
    match change.what:
        case Said.STATUS:
            return f"Status: {_status(change.before)} \u2192 {_status(change.after)}"
        case Said.OWNER:
            return f"Owner: {change.before or 'nobody'} \u2192 {change.after or 'nobody'}"
        case Said.TAGS:
            added = [f"added {change.after}"] if change.after else []
            return "Tags: " + "; ".join([*added, *([f"removed {change.before}"] if change.before else [])])
        case Said.HIDDEN:
            return "Hidden for everybody" if change.after == "hidden" else "Shown again to everybody"
        case Said.NOTE:
            return "Note added" if change.after else "Note removed"


def _status(value: str) -> str:
    return _STATUSES[LeadStatus(value)] if value in set(LeadStatus) else value


_TERMS = {
    Term.GOALS: ("Goals", "goals"),
    Term.HIGH_PAGES: ("High-value pages", "pages"),
    Term.DAYS: ("Days with a visit", "days"),
    Term.VISITS: ("Visits", "visits"),
    Term.DEPTH: ("Pages beyond a visit's first", "pages"),
    Term.MINUTES: ("Minutes of reading", "minutes"),
    Term.BOUNCES: ("Visits of one page", "visits"),
    Term.LOW_PAGES: ("Low-value pages", "pages"),
}


def score_term(term: Term) -> str:
    return _TERMS[term][0]


def score_unit(term: Term) -> str:
    return _TERMS[term][1]


def score_share(share: Share) -> str:
    """Return what a term gave or took: "+12.5"."""
    return f"{share.points:+.1f}".replace("-", "\u2212")


def score_words(score: Score) -> str:
    """Return a score with its terms in one line."""
    if not score.shares:
        return f"Score {score.value}: nothing in the last weeks counts"
    said = (f"{score_term(share.term)} {score_share(share)}" for share in score.shares)
    return f"Score {score.value} ({score.tier}): {', '.join(said)}"
