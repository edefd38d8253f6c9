"""A team in a workspace of its own, on either database: members of each role, a clock, what they say of leads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import select

from firmly.accounts.database import ControlPlane
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role, TokenScope
from firmly.accounts.scope import MemberScope, Scope
from firmly.accounts.service import Accounts
from firmly.accounts.tables import AuditEntryRow, MembershipRow
from firmly.leads.company_data.service import CompanyData
from firmly.leads.records import LeadRecords
from tests.town import KEYS, PASSWORD

START = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


class Desk:
    """``clock`` stands until a test moves it."""

    _count = 0

    def __init__(self, control_plane: ControlPlane) -> None:
        Desk._count += 1
        self.number = Desk._count
        self.control_plane = control_plane
        self.now = START
        quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        self.accounts = Accounts(control_plane, self.clock, KEYS, quick)
        self.records = LeadRecords(control_plane, self.clock)
        self.company_data = CompanyData(control_plane, self.clock)
        self.workspace_id = self.accounts.create_workspace(f"Team {self.number}", "UTC")

    def clock(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def email(self, name: str) -> str:
        return f"{name.lower()}.{self.number}@team.example"

    def member(self, name: str, role: Role = Role.SALES) -> MemberScope:
        self.accounts.add_member(self.workspace_id, self.email(name), name, role, PASSWORD)
        return self.scope_of(name)

    def scope_of(self, name: str) -> MemberScope:
        scope = self.accounts.sign_in.scope(self.accounts.sign_in.with_password(self.email(name), PASSWORD) or "")
        assert scope is not None
        return scope

    def restricted(self, name: str) -> MemberScope:
        """Return a member who may see the leads of one feed only."""
        scope = self.member(name)
        with self.control_plane.session() as db:
            row = db.scalars(select(MembershipRow).where(MembershipRow.member_id == scope.member_id)).one()
            row.feeds = [1]
        return self.scope_of(name)

    def token(self, owner: Scope, *scopes: TokenScope) -> Scope:
        made = self.accounts.tokens.make(owner, "A program", scopes, 30)
        scope = self.accounts.tokens.scope(made)
        assert scope is not None
        return scope

    def audited(self) -> list[tuple[str, str, dict[str, object]]]:
        """Return the audit log's actions about leads and company data."""
        wanted = AuditEntryRow.workspace_id == self.workspace_id
        with self.control_plane.reading() as db:
            rows = db.scalars(select(AuditEntryRow).where(wanted).order_by(AuditEntryRow.number)).all()
        return [(row.action, row.object, dict(row.detail)) for row in rows if row.action.startswith(("lead", "comp"))]


NewDesk = Callable[[], Desk]
