"""Consent's rows in the control plane: records are only ever appended. A column here needs a migration.

No column holds an address, user agent, page or referrer, nor anything that leads from a record to an
event. Source: GDPR Art. 7(1); ISO/IEC TS 27560:2023 for the fields.
"""

from datetime import date, datetime

from sqlalchemy import JSON, Date, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from firmly.accounts.database import Base, UtcDateTime


class BannerVersionRow(Base):
    """The exact texts, style and code that a record's visitor saw, under their SHA-256."""

    __tablename__ = "banner_versions"

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(64), primary_key=True)
    purposes: Mapped[str] = mapped_column(String(64))
    bundle: Mapped[bytes] = mapped_column(LargeBinary)
    first_served_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConsentRecordRow(Base):
    """One choice of one visitor. ``minute`` is the server's time in whole minutes."""

    __tablename__ = "consent_records"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    record: Mapped[str] = mapped_column(String(32), unique=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    receipt_hash: Mapped[str] = mapped_column(String(64), index=True)
    minute: Mapped[datetime] = mapped_column(UtcDateTime)
    action: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(String(32))
    categories: Mapped[list[str]] = mapped_column(JSON)
    banner: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(35))
    expires_on: Mapped[date] = mapped_column(Date)
