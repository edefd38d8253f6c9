"""The audit log and the log of outgoing mail. Each reading is itself logged."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from firmly.accounts.audit import Action, AuditFilter
from firmly.accounts.roles import Right
from firmly.accounts.scope import ActorKind
from firmly.web.api.operation import Call, Nothing, Operation
from firmly.web.api.paging import Page, Paged, following
from firmly.web.api.sets import RowId, Time
from firmly.web.api.spans import moment

CHAIN_COST = 60


class AuditAsked(Paged, frozen=True, kw_only=True):
    action: Action | UnsetType = UNSET
    member: Annotated[int, Meta(ge=1, le=2**31 - 1, description="Only what this member did.")] | UnsetType = UNSET
    since: Annotated[datetime, Meta(tz=True, description="From this time on.")] | UnsetType = UNSET
    until: Annotated[datetime, Meta(tz=True, description="Before this time.")] | UnsetType = UNSET


class AuditEntryView(Struct, frozen=True):
    """Who did what to which object, from which session."""

    number: int
    at: Time
    actor: ActorKind
    actor_id: int | None
    actor_name: Annotated[str | None, Meta(description="The member's name today; null where there is none any more.")]
    session: str
    action: Action
    object: str
    detail: dict[str, Any]
    digest: Annotated[str, Meta(description="Over this entry and the digest of the one before.")]


class ChainView(Struct, frozen=True):
    """How the chain of the log stands, computed anew."""

    entries: int
    head: Annotated[str, Meta(description="The digest of the newest entry: keep it elsewhere to compare.")]
    broken_at: Annotated[int | None, Meta(description="The first entry that does not fit; null where all do.")]


class LetterView(Struct, frozen=True):
    """One mail of the workspace; never its text."""

    id: RowId
    recipient: str
    template: str
    queued_at: Time
    ended_at: Time | None
    result: str


def list_audit_entries(call: Call[Nothing, AuditAsked, Nothing]) -> Page[AuditEntryView]:
    """List what was done in the workspace, newest first. The reading is logged."""
    asked, audit = call.query, call.parts.accounts.audit
    wanted = AuditFilter(
        asked.action or None, asked.member or None, moment("since", asked.since), moment("until", asked.until)
    )
    found = audit.page(call.scope, wanted, asked.after, asked.limit + 1)
    entries = [
        AuditEntryView(
            one.number,
            one.at,
            one.actor,
            one.actor_id,
            one.actor_name,
            one.session,
            one.action,
            one.object,
            dict(one.detail),
            one.digest,
        )
        for one in found[: asked.limit]
    ]
    return Page(entries, following(found, asked.limit, lambda one: one.number))


def check_audit_chain(call: Call[Nothing, Nothing, Nothing]) -> ChainView:
    """Compute the chain of the audit log anew. Counts as sixty requests."""
    chain = call.parts.accounts.audit.chain(call.scope)
    return ChainView(chain.entries, chain.head, chain.broken_at)


def list_letters(call: Call[Nothing, Paged, Nothing]) -> Page[LetterView]:
    """List the mails of the workspace, newest first. The reading is logged."""
    found = call.parts.accounts.letters.page(call.scope, call.query.after, call.query.limit + 1)
    letters = [
        LetterView(one.id, one.recipient, one.template, one.queued_at, one.ended_at, one.result)
        for one in found[: call.query.limit]
    ]
    return Page(letters, following(found, call.query.limit, lambda one: one.id))


_NEEDS = frozenset({Right.READ_AUDIT})

OPERATIONS = (
    Operation("GET", "/audit", list_audit_entries, _NEEDS, refuses=(422,)),
    Operation("GET", "/audit/chain", check_audit_chain, _NEEDS, cost=CHAIN_COST),
    Operation("GET", "/letters", list_letters, _NEEDS),
)
