"""The workspace itself."""

from dataclasses import asdict, replace
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict as fields_of

from firmly.accounts.roles import Right
from firmly.accounts.scope import State
from firmly.accounts.workspaces import Workspace
from firmly.web.api.operation import Call, Nothing, Operation
from firmly.web.api.sets import Time


class WorkspaceSettings(Struct, frozen=True):
    """What a workspace says of itself. Texts may be empty, except `name` and `time_zone`. Billing is for owners."""

    name: str
    time_zone: Annotated[str, Meta(description="A name of the IANA database.")]
    controller: Annotated[str, Meta(description="Who answers for the sites.")]
    contact: Annotated[str, Meta(description="The controller's e-mail address for privacy.")]
    region: Annotated[str, Meta(description="Where the data is stored, as visitors read it.")]
    requires_second_factor: bool
    counts_usage: Annotated[bool, Meta(description="Whether uses of features are counted per day.")]


class WorkspaceView(Struct, frozen=True):
    """The workspace that the token is for."""

    name: str
    state: State
    gone_at: Annotated[Time | None, Meta(description="When the data of a cancelled workspace goes.")]
    rights: Annotated[list[Right], Meta(description="What the token may do there.")]
    settings: Annotated[
        WorkspaceSettings | None, Meta(description="Null where the token lacks the right manage_workspace.")
    ]


class WorkspaceChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent stays. Plan, VAT id and billing are for owners, in the dashboard."""

    name: str | UnsetType = UNSET
    time_zone: Annotated[str, Meta(examples=["Europe/Helsinki"])] | UnsetType = UNSET
    controller: str | UnsetType = UNSET
    contact: str | UnsetType = UNSET
    region: str | UnsetType = UNSET
    plan: str | UnsetType = UNSET
    vat_id: str | UnsetType = UNSET
    billing_address: str | UnsetType = UNSET
    billing_reference: str | UnsetType = UNSET
    requires_second_factor: bool | UnsetType = UNSET
    counts_usage: bool | UnsetType = UNSET


def get_workspace(call: Call[Nothing, Nothing, Nothing]) -> WorkspaceView:
    """Read the workspace and what the token may do in it."""
    workspaces, scope = call.parts.accounts.workspaces, call.scope
    state = workspaces.state(scope)
    settings = _settings(workspaces.of(scope)) if scope.may(Right.MANAGE_WORKSPACE) else None
    return WorkspaceView(scope.workspace_name, state.state, state.gone_at, sorted(scope.rights), settings)


def change_workspace(call: Call[Nothing, Nothing, WorkspaceChanges]) -> WorkspaceSettings:
    """Change what the workspace says of itself."""
    workspaces = call.parts.accounts.workspaces
    given = {key: value for key, value in fields_of(call.body).items() if value is not UNSET}
    changed = replace(workspaces.of(call.scope), **given)
    workspaces.change(call.scope, changed)
    return _settings(changed)


def _settings(workspace: Workspace) -> WorkspaceSettings:
    said = asdict(workspace)
    return WorkspaceSettings(**{field: said[field] for field in WorkspaceSettings.__struct_fields__})


OPERATIONS = (
    Operation("GET", "/workspace", get_workspace, frozenset()),
    Operation("PATCH", "/workspace", change_workspace, frozenset({Right.MANAGE_WORKSPACE}), refuses=(422,)),
)
