"""Workspaces: their identity, billing details, rules of sign-in, and their end."""

import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.members import is_email
from firmly.accounts.roles import Right
from firmly.accounts.scope import OPERATOR, MemberScope, Scope, State
from firmly.accounts.site import is_line
from firmly.accounts.tables import WorkspaceRow
from firmly.model import Clock, FirmlyError, InvalidInputError, Problem, WorkspaceId

KEPT_AFTER_CANCELLATION = timedelta(days=30)
"""Source: promise LS8."""

_BETWEEN = r"[\s._/\-\u2010-\u2015\u2212]{1,3}"
_NUMBER = re.compile(rf"\d+(?:{_BETWEEN}\d+)*")
_TIME_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_VAT_ID = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,13}")
_LINES = re.compile(r"[^\x00-\x09\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]*")


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a workspace says of itself. Texts may be ``""``, except ``name`` and ``time_zone``.

    ``controller`` answers for the sites, ``contact`` is its e-mail address for privacy; ``region`` says
    where the data is stored, as visitors will read it. ``billing_reference`` is the customer's number at
    a payment processor. ``requires_second_factor``: members without one may do nothing. ``counts_usage``:
    uses of features are counted per day (LS4).
    """

    name: str
    time_zone: str
    controller: str = ""
    contact: str = ""
    region: str = ""
    plan: str = ""
    vat_id: str = ""
    billing_address: str = ""
    billing_reference: str = ""
    requires_second_factor: bool = False
    counts_usage: bool = True


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """``gone_at``: when the data of a cancelled workspace goes; None while it is active."""

    state: State
    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkspaceSummary:
    """One line of the operator's list."""

    id: WorkspaceId
    name: str
    state: State
    members: int
    sites: int
    created_at: datetime


BILLING = frozenset({"plan", "vat_id", "billing_address", "billing_reference"})
"""Fields of `Workspace` that only owners change."""


def insert_workspace(db: Session, name: str, time_zone: str, now: datetime) -> WorkspaceId:
    """Write a workspace. Raises InvalidInputError for a name or time zone that cannot be used."""
    _require_usable(Workspace(name, time_zone), "this workspace cannot be made")
    row = WorkspaceRow(name=name, time_zone=time_zone, created_at=now)
    db.add(row)
    db.flush()
    record(db, WorkspaceId(row.id), OPERATOR, Action.WORKSPACE_MADE, now)
    return WorkspaceId(row.id)


class Workspaces:
    """What members do with their workspace. Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock

    def of(self, scope: Scope) -> Workspace:
        with self._control_plane.reading() as db:
            return _read(db.get_one(WorkspaceRow, scope.workspace_id))

    def state(self, scope: Scope) -> WorkspaceState:
        with self._control_plane.reading() as db:
            row = db.get_one(WorkspaceRow, scope.workspace_id)
            return WorkspaceState(State(row.state), row.cancelled_at and row.cancelled_at + KEPT_AFTER_CANCELLATION)

    def change(self, scope: Scope, workspace: Workspace) -> None:
        """Replace what the workspace says of itself: ``dataclasses.replace`` what `of` gave.

        Raises:
            NotAllowedError: the member may not; billing is the owners'.
            InvalidInputError: with every problem of the values.
        """
        scope.require(Right.MANAGE_WORKSPACE)
        _require_usable(workspace, "these settings cannot be used")
        now = self._clock()
        with self._control_plane.session() as db:
            row = db.get_one(WorkspaceRow, scope.workspace_id)
            before, after = asdict(_read(row)), asdict(workspace)
            changed = {key: _told(key, before[key], after[key]) for key in after if before[key] != after[key]}
            if not changed:
                return
            if changed.keys() & BILLING:
                scope.require(Right.OWN)
            for key in changed:
                setattr(row, key, after[key])
            record(db, scope.workspace_id, scope.actor, Action.WORKSPACE_CHANGED, now, detail=changed)

    def cancel(self, scope: MemberScope) -> None:
        """Stop collecting at once; the data stays for 30 days (LS8). Harmless when repeated. Raises NotAllowedError."""
        self._set_state(scope, State.CANCELLED, Action.WORKSPACE_CANCELLED)

    def reactivate(self, scope: MemberScope) -> None:
        """Take a cancellation back. Harmless when there is none. Raises NotAllowedError."""
        self._set_state(scope, State.ACTIVE, Action.WORKSPACE_REACTIVATED)

    def _set_state(self, scope: MemberScope, state: State, action: Action) -> None:
        scope.require(Right.OWN)
        now = self._clock()
        with self._control_plane.session() as db:
            row = db.get_one(WorkspaceRow, scope.workspace_id)
            if row.state == State.PURGED:
                raise FirmlyError("this workspace's data is gone")
            if row.state == state:
                return
            row.state, row.cancelled_at = state.value, now if state is State.CANCELLED else None
            record(db, scope.workspace_id, scope.actor, action, now)


def _told(key: str, before: object, after: object) -> object:
    """Return what the audit log says of a change: of what may name a person only that it changed."""
    return "changed" if key in BILLING or key == "contact" else [before, after]


def _read(row: WorkspaceRow) -> Workspace:
    return Workspace(**{key: getattr(row, key) for key in Workspace.__dataclass_fields__})


def _require_usable(workspace: Workspace, said: str) -> None:
    problems = list(_problems(workspace))
    if problems:
        raise InvalidInputError(said, problems)


def _problems(workspace: Workspace) -> Iterator[Problem]:
    if not is_line(workspace.name, 100):
        yield Problem("name", workspace.name, "one line of 1 to 100 characters")
    if not _is_time_zone(workspace.time_zone):
        yield Problem("time_zone", workspace.time_zone, "a name of the IANA database such as Europe/Helsinki")
    if workspace.contact and not is_email(workspace.contact):
        yield Problem("contact", "(withheld)", "an e-mail address, or nothing")
    for key, most in (("controller", 200), ("region", 100)):
        value = getattr(workspace, key)
        if value and not is_line(value, most):
            yield Problem(key, value, f"one line of at most {most} characters, or nothing")
    yield from _billing_problems(workspace)


def _is_time_zone(name: str) -> bool:
    # Not by the library's list of all: it walks through 600 files each time.
    try:
        return bool(_TIME_ZONE.fullmatch(name)) and zoneinfo.ZoneInfo(name) is not None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder, or a name too long for one.
        return False


def _billing_problems(workspace: Workspace) -> Iterator[Problem]:
    for key, most in (("plan", 100), ("vat_id", 20), ("billing_address", 500), ("billing_reference", 100)):
        value = getattr(workspace, key)
        if looks_like_card_number(value):
            yield Problem(key, "(withheld)", "no card number: cards are the payment processor's matter alone")
        elif len(value) > most or not _LINES.fullmatch(value):
            yield Problem(key, "(withheld)", f"text of at most {most} characters")
    if workspace.vat_id and not _VAT_ID.fullmatch(workspace.vat_id.replace(" ", "").upper()):
        yield Problem("vat_id", "(withheld)", "a VAT number with its country, such as FI12345678, or nothing")


def looks_like_card_number(text: str) -> bool:
    """Say whether ``text`` holds 13 to 19 digits, in one group or several, that pass the check of card numbers.

    Source: ISO/IEC 7812-1 (lengths, Luhn); promise LS3.
    """
    for match in _NUMBER.finditer(text):
        groups = re.split(_BETWEEN, match[0])
        for first in range(len(groups)):
            joined = ""
            for group in groups[first:]:
                joined += group
                if len(joined) > 19:
                    break
                if len(joined) >= 13 and _passes_luhn([int(digit) for digit in joined]):
                    return True
    return False


def _passes_luhn(digits: list[int]) -> bool:
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
