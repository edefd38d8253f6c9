"""A scope cannot be made, copied, changed or carried off: it comes from a checked membership."""

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import TYPE_CHECKING, Any

import pytest

from firmly.accounts.roles import RIGHTS_OF_ROLE, Right, Role
from firmly.accounts.scope import OPERATOR, Scope, State
from firmly.model import WorkspaceId

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

FORGED: dict[str, Any] = {
    "workspace_id": WorkspaceId(1),
    "workspace_name": "Acme",
    "state": State.ACTIVE,
    "rights": frozenset(Right),
    "feeds": None,
    "actor": OPERATOR,
}


@pytest.mark.parametrize("proof", [None, True, object(), "proof"])
def test_scope_made_by_hand_is_refused(proof: object) -> None:
    with pytest.raises(TypeError, match="checked membership"):
        Scope(**FORGED, proof=proof)


def test_scope_without_proof_is_refused() -> None:
    with pytest.raises(TypeError):
        Scope(**FORGED)


def test_scope_holds_what_the_membership_says(office: "Office") -> None:
    scope = office.member("mia@example.com", Role.SALES)
    assert (scope.workspace_id, scope.role, scope.member_name, scope.workspace_name, scope.email) == (
        office.workspace_id,
        Role.SALES,
        "Mia Smith",
        "Acme",
        "mia@example.com",
    )


def test_scope_cannot_be_turned_to_another_workspace(office: "Office") -> None:
    scope = office.member("mia@example.com")
    with pytest.raises(FrozenInstanceError):
        scope.workspace_id = WorkspaceId(2)  # type: ignore[misc]
    with pytest.raises((TypeError, ValueError)):
        replace(scope, workspace_id=WorkspaceId(2))  # type: ignore[call-arg]


@pytest.mark.parametrize("carry", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"])
def test_scope_cannot_be_copied_or_pickled(office: "Office", carry: Any) -> None:
    scope = office.member("mia@example.com")
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        carry(scope)


def test_scope_repr_names_nobody(office: "Office") -> None:
    shown = repr(office.member("mia@example.com"))
    assert not any(word in shown for word in ("mia", "Mia", "Acme"))


@pytest.mark.parametrize("role", Role)
def test_scope_holds_the_rights_of_its_role(office: "Office", role: Role) -> None:
    scope = office.member("mia@example.com", role)
    assert {right for right in Right if scope.may(right)} == RIGHTS_OF_ROLE[role]
