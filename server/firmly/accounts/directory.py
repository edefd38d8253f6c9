"""Sites by their public key, in memory: what the collector reads for every request."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import select

from firmly.accounts.database import ControlPlane
from firmly.accounts.site import Site
from firmly.accounts.sites import read_site
from firmly.accounts.tables import SiteRow
from firmly.model import InvalidInputError


class SiteDirectory:
    """A snapshot of all sites, empty until the first `refresh`.

    `get` never touches the database and takes no lock: a refresh replaces the whole snapshot in
    one assignment. A change reaches this process with the next refresh.
    """

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._sites: Mapping[str, Site] = MappingProxyType({})

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
        self._sites = MappingProxyType(sites)
        return tuple(damaged)
