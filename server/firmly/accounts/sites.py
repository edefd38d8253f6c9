"""Sites as rows: made, changed with their history, found. Every function runs in the caller's transaction."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmly.accounts.site import Site
from firmly.accounts.tables import SiteChangeRow, SiteRow
from firmly.model import (
    BeforeConsent,
    Confidence,
    FirmlyError,
    InvalidInputError,
    MemberId,
    Problem,
    SiteId,
    SiteKey,
    WorkspaceId,
)


@dataclass(frozen=True, slots=True)
class SiteChange:
    """One entry of a site's history. ``author`` is ``None`` for the command line; ``before`` when it was made."""

    at: datetime
    author: MemberId | None
    before: dict[str, Any] | None
    after: dict[str, Any]


def new_key() -> SiteKey:
    return SiteKey(secrets.token_hex(6))


def insert_site(db: Session, site: Site, author: MemberId | None, now: datetime) -> SiteId:
    """Write a new site, whose own ``id`` does not count, and the first entry of its history."""
    row = SiteRow(
        workspace_id=site.workspace_id,
        key=site.key,
        before_consent_author=author,
        before_consent_at=now,
        created_at=now,
    )
    _write(row, site)
    db.add(row)
    db.flush()
    db.add(SiteChangeRow(site_id=row.id, at=now, member_id=author, before=None, after=instructions(site)))
    return SiteId(row.id)


def change_site(db: Session, site: Site, author: MemberId | None, now: datetime) -> None:
    """Give the row of ``site`` its values and write the history; nothing when nothing differs.

    Raises:
        FirmlyError: where the workspace has no such site, or the site's key is another.
    """
    row = db.scalars(
        select(SiteRow).where(SiteRow.workspace_id == site.workspace_id, SiteRow.id == site.id).with_for_update()
    ).one_or_none()
    if row is None:
        raise FirmlyError("this workspace has no such site")
    if row.key != site.key:
        raise FirmlyError("a site's key stays as it is: it is part of the tags that are out on pages")
    before, after = instructions(read_site(row)), instructions(site)
    if before == after:
        return
    if row.before_consent != site.before_consent:
        row.before_consent_author, row.before_consent_at = author, now
    _write(row, site)
    db.add(SiteChangeRow(site_id=row.id, at=now, member_id=author, before=before, after=after))


def sites_of(db: Session, workspace_id: WorkspaceId) -> tuple[Site, ...]:
    """Return the sites of one workspace by name."""
    rows = db.scalars(select(SiteRow).where(SiteRow.workspace_id == workspace_id).order_by(SiteRow.name, SiteRow.id))
    return tuple(read_site(row) for row in rows)


def history_of(db: Session, workspace_id: WorkspaceId, site_id: SiteId) -> tuple[SiteChange, ...]:
    """Return the changes of a site, oldest first; none for a site of another workspace."""
    rows = db.scalars(
        select(SiteChangeRow)
        .join(SiteRow, SiteChangeRow.site_id == SiteRow.id)
        .where(SiteRow.workspace_id == workspace_id, SiteRow.id == site_id)
        .order_by(SiteChangeRow.id)
    )
    return tuple(
        SiteChange(row.at, None if row.member_id is None else MemberId(row.member_id), row.before, row.after)
        for row in rows
    )


def read_site(row: SiteRow) -> Site:
    """Turn a row into the checked record.

    Raises:
        InvalidInputError: where the row holds what no site of this release may be.
    """
    try:
        return Site(
            id=SiteId(row.id),
            workspace_id=WorkspaceId(row.workspace_id),
            key=SiteKey(row.key),
            name=row.name,
            origins=tuple(row.origins),
            before_consent=BeforeConsent(row.before_consent),
            controller=row.controller,
            privacy_url=row.privacy_url,
            language=row.language,
            query_keys=frozenset(row.query_keys),
            goals={name: frozenset(props) for name, props in row.goals.items()},
            titles=row.titles,
            retention_days=row.retention_days,
            min_confidence=Confidence(row.min_confidence),
        )
    except (AttributeError, TypeError, ValueError) as error:
        # JSON of another shape, or a mode that only a newer release knows.
        raise InvalidInputError("this site cannot be used", [Problem("site", row.key, "an undamaged row")]) from error


def instructions(site: Site) -> dict[str, Any]:
    """Return what the controller instructs, as JSON: the shape of the history."""
    return {
        "name": site.name,
        "origins": list(site.origins),
        "before_consent": site.before_consent.value,
        "controller": site.controller,
        "privacy_url": site.privacy_url,
        "language": site.language,
        "query_keys": sorted(site.query_keys),
        "goals": {name: sorted(props) for name, props in sorted(site.goals.items())},
        "titles": site.titles,
        "retention_days": site.retention_days,
        "min_confidence": site.min_confidence.value,
    }


def _write(row: SiteRow, site: Site) -> None:
    for column, value in instructions(site).items():
        setattr(row, column, value)
