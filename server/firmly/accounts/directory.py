"""Sites by their public key and rules by their workspace, in memory: what the collector reads for every request."""

from collections.abc import Mapping
from ipaddress import ip_network
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmly.accounts.banner_json import read_banner
from firmly.accounts.banner_settings import BannerSettings
from firmly.accounts.database import ControlPlane
from firmly.accounts.rules import RuleId, all_rules, as_overrides, state_of
from firmly.accounts.scope import State
from firmly.accounts.site import Site
from firmly.accounts.site_rows import read_site
from firmly.accounts.tables import SiteRow, WorkspaceRow
from firmly.model import DropReason, InvalidInputError, SiteId
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.overrides import Overrides
from firmly.organisations.ranges import KnownRanges


class SiteDirectory:
    """A snapshot of all sites and of the workspaces' corrections, empty until the first `refresh`.

    `get` never touches the database and takes no lock: a refresh replaces the whole snapshot in
    one assignment. A change reaches this process with the next refresh.

    Sites of cancelled workspaces are not in it: nothing is collected for them (LS8).
    ``staff`` has the sites with networks of their own people, ``rules`` the workspaces with corrections. A
    correction that cannot be read is left out and its id is in ``damaged_rules``.
    """

    def __init__(self, control_plane: ControlPlane, forms: LegalForms) -> None:
        self._control_plane = control_plane
        self._forms = forms
        self._sites: Mapping[str, Site] = MappingProxyType({})
        self._rules_state = (0, 0, 0)
        self._banners: dict[str, tuple[object, BannerSettings]] = {}
        self.staff: Mapping[SiteId, KnownRanges] = MappingProxyType({})
        self.rules: Mapping[int, Overrides] = MappingProxyType({})
        self.damaged_rules: tuple[RuleId, ...] = ()

    def get(self, key: str) -> Site | None:
        return self._sites.get(key)

    def refresh(self) -> tuple[str, ...]:
        """Read all sites anew; blocking. When the database cannot be read, it raises and the old snapshot stays.

        Returns the keys of sites whose rows somebody damaged: these are not served (fails closed),
        the others are.
        """
        sites: dict[str, Site] = {}
        damaged: list[str] = []
        with self._control_plane.reading() as db:
            served = select(SiteRow).join(WorkspaceRow, SiteRow.workspace_id == WorkspaceRow.id)
            for row in db.scalars(served.where(WorkspaceRow.state == State.ACTIVE)):
                try:
                    sites[row.key] = read_site(row, self._banner_of)
                except InvalidInputError:
                    damaged.append(row.key)
            self._refresh_rules(db)
        self.staff = MappingProxyType({site.id: _staff_of(site) for site in sites.values() if site.staff_networks})
        self._sites = MappingProxyType(sites)
        return tuple(damaged)

    def _banner_of(self, row: SiteRow) -> BannerSettings:
        """Read a banner that is not as it was: one with many services takes milliseconds."""
        given, banner = self._banners.get(row.key, (None, None))
        if banner is None or given != row.banner:
            banner = read_banner(row.banner)
            self._banners[row.key] = (row.banner, banner)
        return banner

    def _refresh_rules(self, db: Session) -> None:
        """Read the rules anew where one was added or removed: making them ready takes longer than sites."""
        state = state_of(db)
        if state == self._rules_state:
            return
        found, self.damaged_rules = all_rules(db)
        self.rules = MappingProxyType({key: as_overrides(rules, self._forms) for key, rules in found.items()})
        self._rules_state = state


def _staff_of(site: Site) -> KnownRanges:
    return KnownRanges.of_networks([ip_network(text) for text in site.staff_networks], DropReason.OWN_STAFF)
