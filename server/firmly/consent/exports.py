"""What leaves the house of a site's log: bundles and checkpoints, for members who may, programs and the operator."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import select

from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.accounts.site import Site
from firmly.accounts.site_rows import find_site
from firmly.consent.bundle import bundle_lines, checkpoint_of, entries_of
from firmly.consent.checkpoints import keep_checkpoint
from firmly.consent.log import ConsentLog
from firmly.consent.log_text import Checkpoint
from firmly.consent.tables import CheckpointRow
from firmly.model import Clock, FirmlyError, NotFoundError

MAX_ENTRIES_AT_ONCE = 20_000
"""Of a bundle that is made in memory; a kilobyte each."""


class ConsentExports:
    """Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane, log: ConsentLog, clock: Clock) -> None:
        self._control_plane = control_plane
        self._log = log
        self._clock = clock

    def checkpoints(self, scope: Scope, site: Site) -> tuple[Checkpoint, ...]:
        """Return the checkpoints of a site of the workspace, oldest first.

        Raises:
            NotAllowedError: the token or member may not.
            NotFoundError: the site is not of their workspace.
        """
        _require(scope, site)
        found = select(CheckpointRow).where(CheckpointRow.site_id == site.id).order_by(CheckpointRow.day)
        with self._control_plane.reading() as db:
            return tuple(checkpoint_of(row, site.key) for row in db.scalars(found))

    def bundle(self, scope: Scope, site: Site) -> bytes:
        """Return the whole log of a site of the workspace, as lines of JSON.

        Raises:
            NotAllowedError, NotFoundError: as `checkpoints`.
            FirmlyError: it is too long for one answer.
        """
        _require(scope, site)
        with self._control_plane.reading() as db:
            entries = entries_of(db, site.id)
            if entries > MAX_ENTRIES_AT_ONCE:
                raise FirmlyError(
                    f"the log has {entries} entries, and one answer at most {MAX_ENTRIES_AT_ONCE}: "
                    "the operator exports it with `firmly consent export`"
                )
            return b"".join(bundle_lines(db, site.id, site.key, self._log.keys.public, self._clock()))

    def site(self, key: str) -> Site | None:
        """Return the site with this key, of whichever workspace: for the operator."""
        with self._control_plane.reading() as db:
            return find_site(db, key)

    @contextmanager
    def lines(self, site: Site) -> Iterator[Iterable[bytes]]:
        """Read a site's whole log for the operator, of one moment and however long."""
        with self._control_plane.reading() as db:
            yield bundle_lines(db, site.id, site.key, self._log.keys.public, self._clock())

    def checkpoint(self, site: Site) -> Checkpoint | None:
        """Return the newest checkpoint for the operator, made now where today has none and the log has grown.

        None where the log has not begun. Raises ConsentLogError.
        """
        with self._control_plane.session() as db:
            return keep_checkpoint(db, self._log, site.id, site.key, self._clock())

    def adopt(self, site: Site) -> None:
        """Let the log of a site go on whose head only a lost key could check. Raises ConsentLogError."""
        with self._control_plane.session() as db:
            self._log.adopt(db, site.id, site.key, self._clock())


def _require(scope: Scope, site: Site) -> None:
    scope.require(Right.READ_CONSENT)
    if site.workspace_id != scope.workspace_id:
        raise NotFoundError("this workspace has no such site")
