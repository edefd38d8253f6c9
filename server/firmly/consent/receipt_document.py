"""A visitor's receipt as data, in the parts of ISO/IEC TS 27560:2023: metadata, processing, event.

What the specification asks for and Firmly cannot know, such as the authority, is said in words.
"""

from collections.abc import Sequence
from typing import Any

from firmly.accounts.site import Site
from firmly.consent.choice import State
from firmly.consent.log_text import minute_text
from firmly.consent.shown import Shown
from firmly.consent.tables import ConsentRecordRow

SCHEMA = "ISO/IEC TS 27560:2023; firmly.consent-receipt.v1"
LAWFUL_BASIS = "consent: GDPR Art. 6(1)(a), ePrivacy Directive Art. 5(3)"
AUTHORITY = "the supervisory authority of where you live or work, or of the controller (GDPR Art. 77)"
WITHDRAWAL = "at any time on every page of the site, under “{label}”"


def receipt_fields(site: Site, rows: Sequence[ConsentRecordRow], minute: str) -> dict[str, Any]:
    """Return what stands above the records. ``rows`` are a visitor's, at least one, the oldest first."""
    return {
        "schema": SCHEMA,
        "site": site.key,
        "controller": site.controller,
        "privacy_url": site.privacy_url,
        "origins": list(site.origins),
        "pii_principal_id": rows[-1].receipt_hash,
        "made": minute,
    }


def record_fields(row: ConsentRecordRow, shown: Shown, region: str, keep_months: int) -> dict[str, Any]:
    """Return one record. ``region``: where the controller has it kept, ``""`` where they do not say."""
    return {
        "metadata": {
            "schema_version": SCHEMA,
            "record_id": row.record,
            "pii_principal_id": row.receipt_hash,
        },
        "processing": {
            "privacy_notice": {"version": row.banner, "language": row.language, "url": shown.privacy_url},
            "purposes": [
                {
                    "purpose": one.category,
                    "name": one.name,
                    "description": one.about,
                    "description_sha256": one.hash,
                    "lawful_basis": LAWFUL_BASIS,
                    "is_given": State(row.state).grants and one.category in row.categories,
                    "recipients": shown.recipients.get(one.category, ""),
                }
                for one in shown.purposes
            ],
            "pii_controllers": [{"name": shown.controller, "privacy_url": shown.privacy_url}],
            "collection_method": row.source,
            "storage_location": region or "not stated by the controller",
            "retention_period": f"P{keep_months}M after {row.expires_on.isoformat()}",
            "jurisdiction": "the strictest of the European Union",
            "recipients": sorted(set(shown.recipients.values())),
            "withdrawal_method": WITHDRAWAL.format(label=shown.label),
            "authority_party": AUTHORITY,
        },
        "event": {
            "event_time": minute_text(row.minute),
            "validity_duration": f"until {row.expires_on.isoformat()}",
            "event_type": row.action,
            "event_state": row.state,
        },
        "action": row.action,
        "state": row.state,
        "source": row.source,
        "categories": row.categories,
        "banner": row.banner,
        "language": row.language,
        "minute": minute_text(row.minute),
        "expires_on": row.expires_on.isoformat(),
        "shown": shown.fields,
    }
