"""Sites as rows: made, changed with their history, found. Every function runs in the caller's transaction."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmly.accounts.banner_json import banner_json, read_banner
from firmly.accounts.banner_settings import BannerSettings
from firmly.accounts.site import Site
from firmly.accounts.tables import MemberRow, SiteChangeRow, SiteRow, WorkspaceRow
from firmly.model import (
    BeforeConsent,
    Confidence,
    FirmlyError,
    InvalidInputError,
    Jurisdiction,
    MemberId,
    NotFoundError,
    Problem,
    SiteId,
    SiteKey,
    WorkspaceId,
)


@dataclass(frozen=True, slots=True)
class SiteChange:
    """One entry of a site's history. ``author`` is ``None`` for the command line and for API tokens,
    ``author_name`` also once they have left; ``before`` is ``None`` when the site was made."""

    at: datetime
    author: MemberId | None
    author_name: str | None
    before: dict[str, Any] | None
    after: dict[str, Any]


def new_key() -> SiteKey:
    return SiteKey(secrets.token_hex(6))


def insert_site(db: Session, site: Site, author: MemberId | None, now: datetime) -> SiteId:
    """Write a new site, whose own ``id`` does not count, and the first entry of its history.

    Raises:
        InvalidInputError: the key is taken, or there is no such workspace.
    """
    row = SiteRow(
        workspace_id=site.workspace_id,
        key=site.key,
        before_consent_author=author,
        before_consent_at=now,
        created_at=now,
    )
    _write(row, site)
    if db.get(WorkspaceRow, site.workspace_id) is None:
        problem = Problem("workspace_id", str(site.workspace_id), "a workspace that exists")
        raise InvalidInputError("this site cannot be made", [problem])
    if db.scalars(select(SiteRow.id).where(SiteRow.key == site.key)).first() is not None:
        raise InvalidInputError("this site cannot be made", [Problem("key", site.key, "a key that is not taken")])
    db.add(row)
    db.flush()
    db.add(SiteChangeRow(site_id=row.id, at=now, member_id=author, before=None, after=instructions(site)))
    return SiteId(row.id)


def change_site(db: Session, site: Site, author: MemberId | None, now: datetime) -> bool:
    """Give the row of ``site`` its values and write the history; nothing, and False, when nothing differs.

    Raises:
        NotFoundError: the workspace has no such site.
        FirmlyError: the site's key is another.
    """
    row = db.scalars(
        select(SiteRow).where(SiteRow.workspace_id == site.workspace_id, SiteRow.id == site.id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFoundError("this workspace has no such site")
    if row.key != site.key:
        raise FirmlyError("a site's key stays as it is: it is part of the tags that are out on pages")
    before, after = instructions(read_site(row)), instructions(site)
    if before == after:
        return False
    if row.before_consent != site.before_consent:
        row.before_consent_author, row.before_consent_at = author, now
    _write(row, site)
    db.add(SiteChangeRow(site_id=row.id, at=now, member_id=author, before=before, after=after))
    return True


def find_site(db: Session, key: str) -> Site | None:
    """Return the site with this public key, of whichever workspace."""
    row = db.scalars(select(SiteRow).where(SiteRow.key == key)).one_or_none()
    return read_site(row) if row else None


def sites_of(db: Session, workspace_id: WorkspaceId) -> tuple[Site, ...]:
    """Return the sites of one workspace by name."""
    rows = db.scalars(select(SiteRow).where(SiteRow.workspace_id == workspace_id).order_by(SiteRow.name, SiteRow.id))
    return tuple(read_site(row) for row in rows)


def history_of(db: Session, workspace_id: WorkspaceId, site_id: SiteId) -> tuple[SiteChange, ...]:
    """Return the changes of a site, oldest first; none for a site of another workspace."""
    rows = db.execute(
        select(SiteChangeRow, MemberRow.name)
        .join(SiteRow, SiteChangeRow.site_id == SiteRow.id)
        .outerjoin(MemberRow, SiteChangeRow.member_id == MemberRow.id)
        .where(SiteRow.workspace_id == workspace_id, SiteRow.id == site_id)
        .order_by(SiteChangeRow.id)
    )
    return tuple(
        SiteChange(row.at, None if row.member_id is None else MemberId(row.member_id), name, row.before, row.after)
        for row, name in rows
    )


def read_site(row: SiteRow, banner_of: Callable[[SiteRow], BannerSettings] | None = None) -> Site:
    """Turn a row into the checked record.

    ``banner_of`` reads its banner: for who reads the same rows again and again.

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
            jurisdiction=Jurisdiction(row.jurisdiction),
            staff_networks=tuple(row.staff_networks),
            banner=banner_of(row) if banner_of else read_banner(row.banner),
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
        "jurisdiction": site.jurisdiction.value,
        "staff_networks": list(site.staff_networks),
        "banner": banner_json(site.banner),
    }


def _write(row: SiteRow, site: Site) -> None:
    for column, value in instructions(site).items():
        setattr(row, column, value)
