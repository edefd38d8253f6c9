"""People who look at leads: workspaces with an owner and a site, in a real control plane."""

from datetime import UTC, datetime, timedelta

from firmly.accounts.roles import Role
from firmly.accounts.rules import OrgRules
from firmly.accounts.scope import Scope
from firmly.accounts.service import Accounts
from firmly.accounts.site import Site
from firmly.model import WorkspaceId

PASSWORD = "a long enough phrase"


class HandClock:
    """A clock that stands at noon until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


class Firm:
    """A workspace of its own with one owner and one site."""

    def __init__(self, accounts: Accounts, number: int) -> None:
        self.accounts = accounts
        self.email = f"owner{number}@firm.example"
        self.id: WorkspaceId = accounts.create_workspace(f"Firm {number}", "Europe/Helsinki")
        accounts.add_member(self.id, self.email, "Anna Virtanen", Role.OWNER, PASSWORD)
        self.site = self.add_site("Main site", "https://www.firm.example")

    def add_site(self, name: str, origin: str) -> Site:
        return self.accounts.create_site(self.id, name=name, origins=(origin,), controller="Firm Oy", author=None)

    @property
    def token(self) -> str:
        token = self.accounts.sign_in(self.email, PASSWORD)
        assert token is not None
        return token

    @property
    def scope(self) -> Scope:
        scope = self.accounts.scope(self.token)
        assert scope is not None
        return scope


class Town:
    """Makes firms."""

    def __init__(self, accounts: Accounts, rules: OrgRules, clock: HandClock) -> None:
        self.accounts = accounts
        self.rules = rules
        self.clock = clock
        self._count = 0

    def firm(self) -> Firm:
        self._count += 1
        return Firm(self.accounts, self._count)
