"""The control plane's services, built together on one database.

What members do with their workspace is each service's own matter; what stands here is the operator's.
"""

from collections.abc import Sequence

from sqlalchemy import exists, func, select

from firmly.accounts.api_tokens import ApiTokens
from firmly.accounts.audit import Action, AuditLog, record
from firmly.accounts.credentials import Credentials
from firmly.accounts.database import ControlPlane
from firmly.accounts.disclosures import Disclosures
from firmly.accounts.letters import LetterLog, LetterWishes
from firmly.accounts.lockout import Lockout
from firmly.accounts.members import (
    find_member,
    insert_member,
    insert_membership,
    member_problems,
    normal_email,
    personal_words,
)
from firmly.accounts.passwords import Passwords, password_problems
from firmly.accounts.roles import Role
from firmly.accounts.scope import OPERATOR, State
from firmly.accounts.second_factor import SecretBox
from firmly.accounts.sign_in import SignIn
from firmly.accounts.sites import Breaches, Sites
from firmly.accounts.tables import MemberRow, MembershipRow, SiteRow, WorkspaceRow
from firmly.accounts.team import Team
from firmly.accounts.usage import Usage
from firmly.accounts.workspaces import Workspaces, WorkspaceSummary, insert_workspace
from firmly.model import Clock, InvalidInputError, MemberId, WorkspaceId


class Accounts:
    """Workspaces, members, sites and what belongs to them. Blocking; safe to use from several threads.

    ``keys`` sign links and encrypt second factors: newest first, older ones stay valid for reading.
    ``breaches`` are the rules of consent that sites must keep, as `firmly.consent.rules` judges them.
    """

    def __init__(
        self,
        control_plane: ControlPlane,
        clock: Clock,
        keys: Sequence[str],
        passwords: Passwords | None = None,
        lockout: Lockout | None = None,
        breaches: Breaches = lambda _site: [],
    ) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._passwords = passwords or Passwords()
        # Not `or`: a lockout that holds nothing yet is falsy.
        lockout = Lockout() if lockout is None else lockout
        box = SecretBox(keys)
        self.sign_in = SignIn(control_plane, clock, self._passwords, box, lockout)
        self.credentials = Credentials(control_plane, clock, self._passwords, box, lockout, keys)
        self.workspaces = Workspaces(control_plane, clock)
        self.team = Team(control_plane, clock, self._passwords, keys)
        self.sites = Sites(control_plane, clock, breaches)
        self.tokens = ApiTokens(control_plane, clock)
        self.audit = AuditLog(control_plane, clock)
        self.letters = LetterLog(control_plane, clock)
        self.wishes = LetterWishes(control_plane, keys)
        self.usage = Usage(control_plane, clock)
        self.disclosures = Disclosures(control_plane, clock)

    def create_workspace(self, name: str, time_zone: str) -> WorkspaceId:
        """Make a workspace; ``time_zone`` is an IANA name. Raises InvalidInputError."""
        with self._control_plane.session() as db:
            return insert_workspace(db, name, time_zone, self._clock())

    def summaries(self) -> tuple[WorkspaceSummary, ...]:
        """Return a line per workspace, oldest first: for the operator's command line."""
        members = select(func.count()).where(MembershipRow.workspace_id == WorkspaceRow.id).scalar_subquery()
        sites = select(func.count()).where(SiteRow.workspace_id == WorkspaceRow.id).scalar_subquery()
        with self._control_plane.reading() as db:
            return tuple(
                WorkspaceSummary(
                    WorkspaceId(row.id), row.name, State(row.state), its_members, its_sites, row.created_at
                )
                for row, its_members, its_sites in db.execute(
                    select(WorkspaceRow, members, sites).order_by(WorkspaceRow.id)
                )
            )

    def add_member(self, workspace_id: WorkspaceId, email: str, name: str, role: Role, password: str) -> MemberId:
        """Make a member with a place in a workspace: for the operator; others are invited (`Team`).

        Raises:
            InvalidInputError: with every problem of the values; neither password nor address is in it.
        """
        email = normal_email(email)
        problems = member_problems(email, name) + password_problems(password, personal_words(email, name))
        if problems:
            raise InvalidInputError("this member cannot be added", problems)
        password_hash, now = self._passwords.hashed(password), self._clock()
        with self._control_plane.session() as db:
            member_id = insert_member(db, email=email, name=name, password_hash=password_hash, now=now)
            insert_membership(db, workspace_id, member_id, role, None, now)
            about, detail = f"member {member_id}", {"role": role.value}
            record(db, workspace_id, OPERATOR, Action.MEMBER_ADDED, now, about, detail)
            return member_id

    def add_place(self, workspace_id: WorkspaceId, email: str, role: Role) -> bool:
        """Give somebody who has an account a place in another workspace: for the operator. False: nobody has it.

        Raises:
            InvalidInputError: they have a place there already.
        """
        now = self._clock()
        with self._control_plane.session() as db:
            member = find_member(db, normal_email(email))
            if member is None:
                return False
            insert_membership(db, workspace_id, MemberId(member.id), role, None, now)
            about, detail = f"member {member.id}", {"role": role.value}
            record(db, workspace_id, OPERATOR, Action.MEMBER_ADDED, now, about, detail)
            return True

    def has_account(self, email: str) -> bool:
        """Say whether somebody signs in with this address: for the operator's command line."""
        with self._control_plane.reading() as db:
            return find_member(db, normal_email(email)) is not None

    def has_members(self) -> bool:
        """Say whether anybody can sign in to this installation."""
        with self._control_plane.reading() as db:
            return db.scalar(select(exists(select(MemberRow.id)))) is True
