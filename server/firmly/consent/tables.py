"""Consent's rows in the control plane: the log is only ever appended. A column here needs a migration.

No column holds an address, user agent, page or referrer, nor anything that leads from a record to an
event. Source: GDPR Art. 7(1); ISO/IEC TS 27560:2023 for the fields.
"""

from datetime import date, datetime

from sqlalchemy import JSON, Date, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from firmly.accounts.database import Base, UtcDateTime


class BannerVersionRow(Base):
    """The exact texts, style and code that a record's visitor saw, under their SHA-256.

    ``script`` is the hash of the code alone; ``""`` for a version from before the log until it is used again.
    """

    __tablename__ = "banner_versions"

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(64), primary_key=True)
    purposes: Mapped[str] = mapped_column(String(64))
    bundle: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """Read only where it is asked for: a choice and a renewal want the rest of the row, and this is long."""
    first_served_at: Mapped[datetime] = mapped_column(UtcDateTime)
    script: Mapped[str] = mapped_column(String(64), server_default=text("''"))


class ConsentRecordRow(Base):
    """What queries read of a choice: a copy of what its entry of the log commits to.

    ``minute`` is the server's time in whole minutes. ``sequence`` is the entry's place in the site's log, None for
    a record from before the log. ``receipt_hash`` and ``language`` are ``""`` once the visitor erased them; the row
    goes with the entry's proof at its deadline.
    """

    __tablename__ = "consent_records"
    __table_args__ = (
        Index("ix_consent_records_site_id_sequence", "site_id", "sequence", unique=True),
        Index("ix_consent_records_site_id_receipt_hash_id", "site_id", "receipt_hash", "id"),
        Index("ix_consent_records_site_id_banner_expires_on", "site_id", "banner", "expires_on"),
        Index("ix_consent_records_site_id_expires_on", "site_id", "expires_on"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    record: Mapped[str] = mapped_column(String(32), unique=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    receipt_hash: Mapped[str] = mapped_column(String(64))
    minute: Mapped[datetime] = mapped_column(UtcDateTime)
    action: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(String(32))
    categories: Mapped[list[str]] = mapped_column(JSON)
    banner: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(35))
    expires_on: Mapped[date] = mapped_column(Date)
    sequence: Mapped[int | None]


class ConsentEntryRow(Base):
    """One entry of a site's log. The header stays for ever; texts and nonces are destroyed together.

    ``expires_on`` is the day from which the deadline of the payload counts, None where it has none.
    """

    __tablename__ = "consent_entries"
    __table_args__ = (Index("ix_consent_entries_site_id_expires_on", "site_id", "expires_on"),)

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    minute: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(16))
    commitment: Mapped[str] = mapped_column(String(64))
    link_commitment: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    proof: Mapped[str | None] = mapped_column(Text)
    nonce: Mapped[str | None] = mapped_column(String(64))
    link: Mapped[str | None] = mapped_column(Text)
    link_nonce: Mapped[str | None] = mapped_column(String(64))
    expires_on: Mapped[date | None] = mapped_column(Date)


class ConsentNodeRow(Base):
    """A perfect subtree of the site's Merkle tree, above its leaves: makes a path of a million entries short."""

    __tablename__ = "consent_nodes"

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))


class ConsentLogRow(Base):
    """The newest state of a site's log with its signature; ``peaks`` are the tree's largest subtrees."""

    __tablename__ = "consent_logs"

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    size: Mapped[int]
    minute: Mapped[datetime] = mapped_column(UtcDateTime)
    last: Mapped[str] = mapped_column(String(64))
    peaks: Mapped[list[str]] = mapped_column(JSON)
    key: Mapped[str] = mapped_column(String(16))
    signature: Mapped[str] = mapped_column(String(100))


class CheckpointRow(Base):
    """A signed state of a day (UTC); ``public`` is the key, so that it can be checked after a rotation."""

    __tablename__ = "consent_checkpoints"

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    size: Mapped[int]
    root: Mapped[str] = mapped_column(String(64))
    last: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(16))
    public: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(100))
