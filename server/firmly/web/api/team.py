"""The members of the workspace and the invitations that stand. Owners are made, changed and removed by owners only."""

from typing import Annotated

from msgspec import Meta, Struct

from firmly.accounts.audit import Action
from firmly.accounts.roles import Right, Role
from firmly.accounts.team import InvitationId
from firmly.model import MemberId, NotFoundError
from firmly.web.api.operation import Call, Nothing, Operation
from firmly.web.api.paging import Page, Paged, slice_of
from firmly.web.api.sets import RowId, Time

Email = Annotated[str, Meta(max_length=254, examples=["name@example.com"])]


class MemberPath(Struct, frozen=True):
    id: RowId


class InvitationPath(Struct, frozen=True):
    id: RowId


class MemberView(Struct, frozen=True):
    """A member as colleagues see them."""

    id: RowId
    name: str
    email: str
    role: Role
    has_second_factor: bool
    joined_at: Time
    last_seen_at: Annotated[Time | None, Meta(description="In this workspace; null where they have no session.")]


class MemberChanges(Struct, frozen=True, forbid_unknown_fields=True):
    role: Role


class InvitationView(Struct, frozen=True):
    """An invitation that stands."""

    id: RowId
    email: str
    role: Role
    invited_by: Annotated[str | None, Meta(description="Null for a token, and once they have left.")]
    created_at: Time
    expires_at: Time


class NewInvitation(Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    role: Role


class InvitationMade(Struct, frozen=True):
    """An invitation that was made."""

    id: RowId
    role: Role
    expires_at: Time
    link: Annotated[
        str | None,
        Meta(
            description="Null where a mail server is set: the link went to the invited person only. "
            "Otherwise the link, to be passed on: it is a credential."
        ),
    ]


def list_members(call: Call[Nothing, Paged, Nothing]) -> Page[MemberView]:
    """List the members. The reading is logged: it is personal data."""
    shown, more = slice_of(call.parts.accounts.team.members(call.scope), call.query, lambda member: member.id)
    members = [
        MemberView(one.id, one.name, one.email, one.role, one.has_second_factor, one.joined_at, one.last_seen_at)
        for one in shown
    ]
    return Page(members, more)


def change_member(call: Call[MemberPath, Nothing, MemberChanges]) -> None:
    """Give a member another role; their sessions in this workspace end."""
    call.parts.accounts.team.change_role(call.scope, MemberId(call.path.id), call.body.role)


def remove_member(call: Call[MemberPath, Nothing, Nothing]) -> None:
    """End a membership; with their last one a person's account is erased."""
    call.parts.accounts.team.remove(call.scope, MemberId(call.path.id))


def list_invitations(call: Call[Nothing, Paged, Nothing]) -> Page[InvitationView]:
    """List the invitations that stand, newest first. The reading is logged: addresses are personal data."""
    found = call.parts.accounts.team.invitations(call.scope)
    call.parts.accounts.audit.note(call.scope, Action.MEMBERS_READ, "invitations")
    shown, more = slice_of(found, call.query, lambda invitation: invitation.id, newest_first=True)
    views = [
        InvitationView(one.id, one.email, one.role, one.invited_by, one.created_at, one.expires_at) for one in shown
    ]
    return Page(views, more)


def invite_member(call: Call[Nothing, Nothing, NewInvitation]) -> InvitationMade:
    """Invite somebody by mail; the link works once, for seven days."""
    invited = call.parts.accounts.team.invite(call.scope, call.body.email, call.body.role)
    post = call.parts.post
    if not post.can_send:
        return InvitationMade(invited.id, invited.role, invited.expires_at, post.invitation_link(invited))
    # A token acts for the workspace, not for the member who made it.
    post.invite(call.scope, invited, call.scope.workspace_name)
    return InvitationMade(invited.id, invited.role, invited.expires_at, None)


def revoke_invitation(call: Call[InvitationPath, Nothing, Nothing]) -> None:
    """End an invitation: its link no longer works."""
    if not call.parts.accounts.team.revoke(call.scope, InvitationId(call.path.id)):
        raise NotFoundError


_NEEDS = frozenset({Right.MANAGE_TEAM})

OPERATIONS = (
    Operation("GET", "/members", list_members, _NEEDS),
    Operation("PATCH", "/members/{id}", change_member, _NEEDS, 204, refuses=(409,)),
    Operation("DELETE", "/members/{id}", remove_member, _NEEDS, 204, refuses=(409,)),
    Operation("GET", "/invitations", list_invitations, _NEEDS),
    Operation("POST", "/invitations", invite_member, _NEEDS, 201, refuses=(422,)),
    Operation("DELETE", "/invitations/{id}", revoke_invitation, _NEEDS, 204),
)
