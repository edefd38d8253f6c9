"""What the rest of Firmly asks of the control plane: members sign in, sites are kept.

Owns the transactions and the order of checks; the rows are the matter of the modules beside it.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlalchemy import exists, select

from firmly.accounts.database import ControlPlane
from firmly.accounts.lockout import Lockout
from firmly.accounts.members import (
    end_sessions,
    find_member,
    insert_member,
    insert_workspace,
    member_problems,
    normal_email,
)
from firmly.accounts.passwords import Passwords, password_problems
from firmly.accounts.roles import Role, may_instruct
from firmly.accounts.scope import Scope, find_scope
from firmly.accounts.sessions import SEEN_EVERY, end_session, see_session, session_id, start_session
from firmly.accounts.site import DEFAULT_RETENTION_DAYS, Site, is_key
from firmly.accounts.sites import SiteChange, change_site, history_of, insert_site, new_key, read_site, sites_of
from firmly.accounts.tables import MemberRow, SiteRow, WorkspaceRow
from firmly.model import (
    BeforeConsent,
    Clock,
    Confidence,
    FirmlyError,
    InvalidInputError,
    MemberId,
    SiteId,
    SiteKey,
    WorkspaceId,
)

_NO_GOALS: Mapping[str, frozenset[str]] = MappingProxyType({})


class Accounts:
    """Workspaces, members, sessions and sites. Blocking; safe to use from several threads."""

    def __init__(
        self,
        control_plane: ControlPlane,
        clock: Clock,
        passwords: Passwords | None = None,
        lockout: Lockout | None = None,
    ) -> None:
        self._control_plane = control_plane
        self._clock = clock
        self._passwords = passwords or Passwords()
        # Not `or`: a lockout that holds nothing yet is falsy.
        self._lockout = Lockout() if lockout is None else lockout

    def create_workspace(self, name: str, time_zone: str) -> WorkspaceId:
        """Make a workspace; ``time_zone`` is an IANA name. Raises InvalidInputError."""
        with self._control_plane.session() as db:
            return insert_workspace(db, name, time_zone, self._clock())

    def workspaces(self) -> tuple[tuple[WorkspaceId, str], ...]:
        """Return every workspace's id and name, oldest first: for the operator's command line."""
        with self._control_plane.reading() as db:
            rows = db.execute(select(WorkspaceRow.id, WorkspaceRow.name).order_by(WorkspaceRow.id))
            return tuple((WorkspaceId(row.id), row.name) for row in rows)

    def add_member(self, workspace_id: WorkspaceId, email: str, name: str, role: Role, password: str) -> MemberId:
        """Make a member of a workspace. An e-mail address belongs to one member of the installation.

        Raises:
            InvalidInputError: with every problem of the values; neither password nor address is in it.
        """
        email = normal_email(email)
        problems = member_problems(email, name) + password_problems(password, _personal(email, name))
        if problems:
            raise InvalidInputError("this member cannot be added", problems)
        password_hash = self._passwords.hashed(password)
        with self._control_plane.session() as db:
            return insert_member(
                db,
                workspace_id,
                email=email,
                name=name,
                role=role,
                password_hash=password_hash,
                now=self._clock(),
            )

    def reset_password(self, email: str, password: str) -> None:
        """Give a member a new password and sign them out everywhere: for the operator.

        Raises:
            FirmlyError: where no member has this address, or the password is refused.
        """
        email = normal_email(email)
        with self._control_plane.reading() as db:
            member = find_member(db, email)
        if member is None:
            raise FirmlyError("no member has this e-mail address")
        problems = password_problems(password, _personal(email, member.name))
        if problems:
            raise InvalidInputError("this password cannot be used", problems)
        self._keep_password(member.id, password, ends_sessions=True)
        self._lockout.forget(email)

    def has_members(self) -> bool:
        """Say whether anybody can sign in to this installation."""
        with self._control_plane.reading() as db:
            return db.scalar(select(exists(select(MemberRow.id)))) is True

    def sign_in(self, email: str, password: str) -> str | None:
        """Return a new session's token (43 URL-safe characters, 256 random bits), for a cookie and nowhere else.

        ``None``: the address or the password is wrong, or this address was tried too often and has
        to wait (`lockout`). The answer never tells which, and an address without a member takes as
        long and is slowed down like one with a member.
        """
        email = normal_email(email)
        if not self._lockout.admit(email, self._clock()):
            return None
        with self._control_plane.reading() as db:
            member = find_member(db, email)
        if not self._passwords.verify(member.password_hash if member else None, password) or member is None:
            return None
        self._lockout.forget(email)
        if self._passwords.is_outdated(member.password_hash):
            self._keep_password(member.id, password, ends_sessions=False)
        with self._control_plane.session() as db:
            return start_session(db, member.id, self._clock())

    def scope(self, session_token: str) -> Scope | None:
        """Return what the holder of the token may see, as the member's row says now.

        ``None``: no such session, or it ended: 30 days after sign-in or after 14 days without use.
        """
        row_id, now = session_id(session_token), self._clock()
        if row_id is None:
            return None
        with self._control_plane.reading() as db:
            found = find_scope(db, row_id, now)
        if found is None:
            return None
        scope, last_seen_at = found
        if now - last_seen_at >= SEEN_EVERY:
            with self._control_plane.session() as db:
                see_session(db, row_id, now)
        return scope

    def sign_out(self, session_token: str) -> None:
        """End the session of the token. Harmless when there is none."""
        row_id = session_id(session_token)
        if row_id is None:
            return
        with self._control_plane.session() as db:
            end_session(db, row_id)

    def create_site(
        self,
        workspace_id: WorkspaceId,
        *,
        name: str,
        origins: tuple[str, ...],
        controller: str,
        author: MemberId | None,
        privacy_url: str = "",
        language: str = "en",
        before_consent: BeforeConsent = BeforeConsent.WAIT,
        query_keys: frozenset[str] = frozenset(),
        goals: Mapping[str, frozenset[str]] = _NO_GOALS,
        titles: bool = False,
        retention_days: int = DEFAULT_RETENTION_DAYS,
        min_confidence: Confidence = Confidence.HIGH,
        key: SiteKey | None = None,
    ) -> Site:
        """Make a site with a random key, or ``key``; ``author`` is ``None`` for the operator's command line.

        Raises:
            InvalidInputError: with every problem of the values.
            sqlalchemy.exc.IntegrityError: where the key is taken or the workspace does not exist.
        """
        site = Site(
            id=SiteId(0),  # The database gives the real one.
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
        )
        with self._control_plane.session() as db:
            return replace(site, id=insert_site(db, site, author, self._clock()))

    def update_site(self, scope: Scope, site: Site) -> None:
        """Replace the instructions of a site: ``dataclasses.replace`` what `sites` gave.

        Raises:
            FirmlyError: where the member may not, or the site is not of their workspace.
        """
        if not may_instruct(scope.role):
            raise FirmlyError(f"a member with the role {scope.role} cannot change a site")
        if site.workspace_id != scope.workspace_id:
            raise FirmlyError("this workspace has no such site")
        with self._control_plane.session() as db:
            change_site(db, site, scope.member_id, self._clock())

    def sites(self, scope: Scope) -> tuple[Site, ...]:
        """Return the sites of the member's workspace by name."""
        with self._control_plane.reading() as db:
            return sites_of(db, scope.workspace_id)

    def site_history(self, scope: Scope, site_id: SiteId) -> tuple[SiteChange, ...]:
        """Return the changes of a site's instructions, oldest first; none for a site of another workspace."""
        with self._control_plane.reading() as db:
            return history_of(db, scope.workspace_id, site_id)

    def site_by_key(self, key: str) -> Site | None:
        """Return the site with this public key. The collector asks `SiteDirectory` instead."""
        if not is_key(key):
            return None
        with self._control_plane.reading() as db:
            row = db.scalars(select(SiteRow).where(SiteRow.key == key)).one_or_none()
            return read_site(row) if row else None

    def _keep_password(self, member_id: int, password: str, *, ends_sessions: bool) -> None:
        password_hash = self._passwords.hashed(password)
        with self._control_plane.session() as db:
            db.get_one(MemberRow, member_id).password_hash = password_hash
            if ends_sessions:
                end_sessions(db, member_id)


def _personal(email: str, name: str) -> tuple[str, ...]:
    """Return the words that a member's password may not be."""
    return (email, email.partition("@")[0], email.partition("@")[2], name)
