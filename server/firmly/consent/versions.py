"""The banner versions that a site has served, byte for byte (RULES R20). Reads only; `Consent` keeps them."""

from sqlalchemy import select

from firmly.accounts.database import ControlPlane
from firmly.accounts.site import Site
from firmly.consent.tables import BannerVersionRow


class BannerVersions:
    """Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    def bundle(self, site: Site, digits: str) -> bytes | None:
        """Return the bundle of the version that begins with ``digits``, hexadecimal; None where the site has none."""
        found = select(BannerVersionRow.bundle).where(
            BannerVersionRow.site_id == site.id,
            BannerVersionRow.version >= digits,
            BannerVersionRow.version <= digits.ljust(64, "f"),
        )
        with self._control_plane.reading() as db:
            return db.scalars(found.order_by(BannerVersionRow.version).limit(1)).one_or_none()
