"""People who look at leads: workspaces with an owner and a site, in a real control plane."""

from datetime import UTC, datetime, timedelta

from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Role
from firmly.accounts.rules import OrgRules
from firmly.accounts.scope import MemberScope
from firmly.accounts.service import Accounts
from firmly.accounts.site import Site
from firmly.accounts.sites import new_site
from firmly.leads.resolving import Resolver
from firmly.measure.device import Devices
from firmly.model import WorkspaceId

PASSWORD = "a long enough phrase"
KEYS = ("n" * 32, "o" * 32)


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
        self._token = ""

    def add_site(self, name: str, origin: str) -> Site:
        return self.accounts.sites.create(new_site(self.id, name=name, origins=(origin,), controller="Firm Oy"))

    @property
    def token(self) -> str:
        token = self.accounts.sign_in.with_password(self.email, PASSWORD)
        assert token is not None
        return token

    @property
    def scope(self) -> MemberScope:
        """What the owner may now, in a session that goes on for as long as it stands."""
        scope = self.accounts.sign_in.scope(self._token) if self._token else None
        if scope is None:
            self._token = self.token
            scope = self.accounts.sign_in.scope(self._token)
        assert scope is not None
        return scope


class Town:
    """Makes firms."""

    def __init__(self, accounts: Accounts, rules: OrgRules, clock: HandClock, control_plane: ControlPlane) -> None:
        self.accounts = accounts
        self.rules = rules
        self.clock = clock
        self.devices = Devices()
        self.resolver = Resolver.over(control_plane, clock, accounts.sites.of)
        self.records, self.company_data = self.resolver.records, self.resolver.company_data
        self.control_plane = control_plane
        self._count = 0

    def firm(self) -> Firm:
        self._count += 1
        return Firm(self.accounts, self._count)
