"""Sites by their public key and rules by their workspace, in memory: what the collector reads for every request."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmly.accounts.database import ControlPlane
from firmly.accounts.rules import RuleId, all_rules, as_overrides, state_of
from firmly.accounts.site import Site
from firmly.accounts.sites import read_site
from firmly.accounts.tables import SiteRow
from firmly.model import InvalidInputError
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.overrides import Overrides


class SiteDirectory:
    """A snapshot of all sites and of the workspaces' corrections, empty until the first `refresh`.

    `get` never touches the database and takes no lock: a refresh replaces the whole snapshot in
    one assignment. A change reaches this process with the next refresh.

    ``rules`` has the workspaces with corrections only. A correction that cannot be read is left out
    and its id is in ``damaged_rules``.
    """

    def __init__(self, control_plane: ControlPlane, forms: LegalForms) -> None:
        self._control_plane = control_plane
        self._forms = forms
        self._sites: Mapping[str, Site] = MappingProxyType({})
        self._rules_state = (0, 0, 0)
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
            for row in db.scalars(select(SiteRow)):
                try:
                    sites[row.key] = read_site(row)
                except InvalidInputError:
                    damaged.append(row.key)
            self._refresh_rules(db)
        self._sites = MappingProxyType(sites)
        return tuple(damaged)

    def _refresh_rules(self, db: Session) -> None:
        """Read the rules anew where one was added or removed: making them ready takes longer than sites."""
        state = state_of(db)
        if state == self._rules_state:
            return
        found, self.damaged_rules = all_rules(db)
        self.rules = MappingProxyType({key: as_overrides(rules, self._forms) for key, rules in found.items()})
        self._rules_state = state
