"""Checkpoints: a site's log as it stood on a day, signed, to be kept where the operator cannot reach."""

from collections.abc import Sequence
from datetime import date, datetime

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from firmly.accounts.database import ControlPlane
from firmly.accounts.tables import SiteRow
from firmly.consent.bundle import checkpoint_of, fields_of
from firmly.consent.keys import to_base64
from firmly.consent.log import ConsentLog
from firmly.consent.log_text import Checkpoint, Head, checkpoint_text
from firmly.consent.tables import CheckpointRow
from firmly.model import WorkspaceId


def keep_checkpoint(db: Session, log: ConsentLog, site_id: int, site: str, now: datetime) -> Checkpoint | None:
    """Return the newest checkpoint, made now where the log has grown since and today has none yet.

    None where the log has not begun. Raises ConsentLogError.
    """
    head, newest = log.head(db, site_id, site), newest_checkpoint(db, site_id, site)
    today = now.date()
    if head is None or not _wants(head, newest, today):
        return newest
    text = checkpoint_text(site, today.isoformat(), head.size, head.root, head.last)
    row = CheckpointRow(
        site_id=site_id,
        day=today,
        size=head.size,
        root=head.root,
        last=head.last,
        key=log.keys.newest,
        public=to_base64(log.keys.public[0]),
        signature=log.keys.sign(text),
    )
    db.add(row)
    db.flush()
    return checkpoint_of(row, site)


def wants_checkpoint(db: Session, log: ConsentLog, site_id: int, site: str, now: datetime) -> bool:
    """Tell whether the day has yet to get its checkpoint. Raises ConsentLogError."""
    head = log.head(db, site_id, site)
    return head is not None and _wants(head, newest_checkpoint(db, site_id, site), now.date())


def _wants(head: Head, newest: Checkpoint | None, today: date) -> bool:
    return newest is None or (newest.size != head.size and newest.day < today.isoformat())


def newest_checkpoint(db: Session, site_id: int, site: str) -> Checkpoint | None:
    found = select(CheckpointRow).where(CheckpointRow.site_id == site_id).order_by(CheckpointRow.day.desc())
    row = db.scalars(found.limit(1)).one_or_none()
    return checkpoint_of(row, site) if row else None


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """Return a checkpoint as one line of JSON: as it is mailed, published, and read by `firmly consent verify`."""
    return orjson.dumps(fields_of(checkpoint)).decode()


class Checkpoints:
    """The newest checkpoints, for the letters that carry them out of the house. Blocking."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    def lines_of(self, workspace_id: WorkspaceId) -> Sequence[str]:
        """Return the newest checkpoint of each of a workspace's sites that has one, as lines."""
        sites = select(SiteRow.id, SiteRow.key).where(SiteRow.workspace_id == workspace_id).order_by(SiteRow.id)
        with self._control_plane.reading() as db:
            found = [newest_checkpoint(db, site_id, key) for site_id, key in db.execute(sites)]
        return [checkpoint_line(one) for one in found if one]
