"""Files between their preview and their import: rows of one session, gone with the import or within the hour.

They are rows and no files, because several web processes may serve one member, a row goes with its workspace's
backup and erasure, and nothing has to be tied to a file name.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from firmly.accounts.scope import Scope
from firmly.leads.tables import CompanyUploadRow
from firmly.model import InvalidInputError, Problem

KEPT = timedelta(hours=1)
MAX_NAME = 100


def put_upload(db: Session, scope: Scope, file_name: str, content: bytes, now: datetime) -> str:
    """Keep a file in the place of this session's last, and return the name that it is found by."""
    forget_uploads(db, now)
    drop_uploads(db, scope)
    row = CompanyUploadRow(
        id=secrets.token_urlsafe(32),
        workspace_id=scope.workspace_id,
        session=scope.actor.session,
        file_name=_printable(file_name),
        content=content,
        created_at=now,
    )
    db.add(row)
    db.flush()
    return row.id


def find_upload(db: Session, scope: Scope, upload_id: str, now: datetime) -> CompanyUploadRow:
    """Raises InvalidInputError where there is none of this session that is younger than an hour."""
    row = None
    if upload_id.isprintable():
        query = select(CompanyUploadRow).where(
            CompanyUploadRow.workspace_id == scope.workspace_id,
            CompanyUploadRow.session == scope.actor.session,
            CompanyUploadRow.id == upload_id,
            CompanyUploadRow.created_at > now - KEPT,
        )
        row = db.scalars(query).one_or_none()
    if row is None:
        problem = Problem("file", "", "a file that was sent within the last hour; send it again")
        raise InvalidInputError("this file is not here any more", [problem])
    return row


def drop_uploads(db: Session, scope: Scope) -> None:
    db.execute(
        delete(CompanyUploadRow).where(
            CompanyUploadRow.workspace_id == scope.workspace_id, CompanyUploadRow.session == scope.actor.session
        )
    )


def forget_uploads(db: Session, now: datetime) -> None:
    """Delete the files of every workspace that are older than an hour."""
    db.execute(delete(CompanyUploadRow).where(CompanyUploadRow.created_at <= now - KEPT))


def _printable(name: str) -> str:
    return "".join(one for one in name if one.isprintable())[:MAX_NAME]
