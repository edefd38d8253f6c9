"""The sites of workspaces: made and changed by members who may, each change with author and time (LO1)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlalchemy.orm import Session

from firmly.accounts.audit import Action, record
from firmly.accounts.banner_settings import BannerSettings
from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import OPERATOR, Actor, Scope
from firmly.accounts.site import DEFAULT_RETENTION_DAYS, Site, is_key
from firmly.accounts.site_rows import (
    SiteChange,
    change_site,
    find_site,
    history_of,
    insert_site,
    new_key,
    sites_of,
)
from firmly.model import (
    BeforeConsent,
    Clock,
    Confidence,
    InvalidInputError,
    Jurisdiction,
    NotFoundError,
    Problem,
    SiteId,
    SiteKey,
    WorkspaceId,
)

Breaches = Callable[[Site], list[Problem]]

MAX_SITES = 500
"""Of one workspace."""

_NO_GOALS: Mapping[str, frozenset[str]] = MappingProxyType({})
_UNWRITTEN = SiteId(0)


def new_site(
    workspace_id: WorkspaceId,
    *,
    name: str,
    origins: tuple[str, ...],
    controller: str,
    privacy_url: str = "",
    language: str = "en",
    before_consent: BeforeConsent = BeforeConsent.WAIT,
    query_keys: frozenset[str] = frozenset(),
    goals: Mapping[str, frozenset[str]] = _NO_GOALS,
    titles: bool = False,
    retention_days: int = DEFAULT_RETENTION_DAYS,
    min_confidence: Confidence = Confidence.HIGH,
    jurisdiction: Jurisdiction = Jurisdiction.STRICTEST,
    staff_networks: tuple[str, ...] = (),
    banner: BannerSettings | None = None,
    key: SiteKey | None = None,
) -> Site:
    """Return a site that is not written yet, with a random key or ``key``. Raises InvalidInputError."""
    return Site(
        id=_UNWRITTEN,  # The database gives the real one.
        workspace_id=workspace_id,
        key=key or new_key(),
        name=name,
        origins=origins,
        before_consent=before_consent,
        controller=controller,
        privacy_url=privacy_url,
        language=language,
        query_keys=query_keys,
        goals=goals,
        titles=titles,
        retention_days=retention_days,
        min_confidence=min_confidence,
        jurisdiction=jurisdiction,
        staff_networks=staff_networks,
        banner=banner or BannerSettings(),
    )


class Sites:
    """Blocking; safe to use from several threads.

    ``breaches`` says what in a site's settings breaks a rule of consent: such a site is not written.
    """

    def __init__(self, control_plane: ControlPlane, clock: Clock, breaches: Breaches) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._breaches = breaches

    def create(self, site: Site) -> Site:
        """Write what `new_site` made: for the operator.

        Raises:
            InvalidInputError: the key is taken, the workspace does not exist, or a rule of consent is broken.
        """
        self._require_lawful(site)
        with self._control_plane.session() as db:
            return self._insert(db, site, OPERATOR, None)

    def add(self, scope: Scope, site: Site) -> Site:
        """Write what `new_site` made for the member's workspace.

        Raises:
            NotAllowedError: the member may not.
            InvalidInputError: the key is taken, the workspace has too many sites, or a rule of consent is broken.
        """
        scope.require(Right.INSTRUCT)
        _require_own(scope, site)
        self._require_lawful(site)
        with self._control_plane.session() as db:
            count = len(sites_of(db, scope.workspace_id))
            if count >= MAX_SITES:
                problem = Problem("sites", str(count), f"at most {MAX_SITES} in one workspace")
                raise InvalidInputError("this site cannot be made", [problem])
            return self._insert(db, site, scope.actor, scope)

    def change(self, scope: Scope, site: Site) -> None:
        """Replace the instructions of a site: ``dataclasses.replace`` what `of` gave.

        Raises:
            NotAllowedError: the member may not.
            NotFoundError: the site is not of their workspace.
            InvalidInputError: a rule of consent is broken.
        """
        scope.require(Right.INSTRUCT)
        _require_own(scope, site)
        self._require_lawful(site)
        now = self._clock()
        with self._control_plane.session() as db:
            if change_site(db, site, scope.author, now):
                record(db, scope.workspace_id, scope.actor, Action.SITE_CHANGED, now, f"site {site.key}")

    def of(self, scope: Scope) -> tuple[Site, ...]:
        """Return the sites of the workspace by name."""
        with self._control_plane.reading() as db:
            return sites_of(db, scope.workspace_id)

    def find(self, scope: Scope, key: str) -> Site | None:
        """Return the workspace's own site with this key, None for every other."""
        site = self.by_key(key)
        return site if site is not None and site.workspace_id == scope.workspace_id else None

    def history(self, scope: Scope, site_id: SiteId) -> tuple[SiteChange, ...]:
        """Return the changes of a site's instructions, oldest first; none for a site of another workspace."""
        with self._control_plane.reading() as db:
            return history_of(db, scope.workspace_id, site_id)

    def by_key(self, key: str) -> Site | None:
        """Return the site with this public key, of whichever workspace. The collector asks `SiteDirectory` instead."""
        if not is_key(key):
            return None
        with self._control_plane.reading() as db:
            return find_site(db, key)

    def replace_banner_by_operator(self, key: str, banner: BannerSettings) -> bool:
        """Replace the banner of the site with this key: for the operator. False: there is no such site.

        Raises:
            InvalidInputError: a rule of consent is broken.
        """
        now = self._clock()
        with self._control_plane.session() as db:
            found = find_site(db, key)
            if found is None:
                return False
            site = replace(found, banner=banner)
            self._require_lawful(site)
            if change_site(db, site, None, now):
                record(db, site.workspace_id, OPERATOR, Action.SITE_CHANGED, now, f"site {site.key}")
        return True

    def _require_lawful(self, site: Site) -> None:
        problems = self._breaches(site)
        if problems:
            raise InvalidInputError("these settings break rules of consent", problems)

    def _insert(self, db: Session, site: Site, actor: Actor, scope: Scope | None) -> Site:
        now = self._clock()
        written = replace(site, id=insert_site(db, site, scope.author if scope else None, now))
        record(db, site.workspace_id, actor, Action.SITE_MADE, now, f"site {site.key}")
        return written


def _require_own(scope: Scope, site: Site) -> None:
    if site.workspace_id != scope.workspace_id:
        raise NotFoundError("this workspace has no such site")
