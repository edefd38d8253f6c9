"""What a member is in a workspace, and what follows from it."""

from enum import StrEnum
from typing import assert_never


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    SALES = "sales"
    PRIVACY_OFFICER = "privacy_officer"
    VIEWER = "viewer"


def may_correct(role: Role) -> bool:
    """Say whether ``role`` may correct organisations for the whole workspace."""
    match role:
        case Role.OWNER | Role.ADMIN:
            return True
        case Role.PRIVACY_OFFICER | Role.SALES | Role.VIEWER:
            return False
        case _:
            assert_never(role)


def may_instruct(role: Role) -> bool:
    """Say whether ``role`` may change what a site measures: the controller's instructions."""
    match role:
        case Role.OWNER | Role.ADMIN | Role.PRIVACY_OFFICER:
            return True
        case Role.SALES | Role.VIEWER:
            return False
        case _:
            assert_never(role)
