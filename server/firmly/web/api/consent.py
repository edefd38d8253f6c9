"""What visitors chose: as counts, and as the log that proves it, which holds no receipt but its keyed hash."""

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from firmly.accounts.roles import Right
from firmly.accounts.site import Site
from firmly.consent.bundle import fields_of
from firmly.consent.choice import Action, State
from firmly.model import NotFoundError
from firmly.web.api.operation import Call, JsonLines, Nothing, Operation
from firmly.web.api.sites import Key, SitePath, site_asked
from firmly.web.api.spans import Days, day_range

BUNDLE_COST = 60


class ConsentAsked(Days, frozen=True, kw_only=True):
    site: Key | UnsetType = UNSET


class ChoiceCount(Struct, frozen=True):
    """How many records of one day say the same."""

    day: date
    action: Action
    state: State
    records: int


class ConsentCountsView(Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """Records of choices per day (UTC), action and state; what is absent is none."""

    first: date
    last: date
    items: list[ChoiceCount]


def count_choices(call: Call[Nothing, ConsentAsked, Nothing]) -> ConsentCountsView:
    """Count what visitors chose in a range of days."""
    site = site_asked(call, call.query.site)
    days = day_range(call.query, call.parts.clock().date())
    counts = call.parts.consent.of(call.scope, days.first, days.last, site.id if site else None)
    items = [ChoiceCount(one.day, one.action, one.state, one.records) for one in counts]
    return ConsentCountsView(days.first, days.last, items)


class CheckpointView(Struct, frozen=True):
    """A site's log as it stood on a day (UTC), signed: keep it where the operator cannot reach."""

    site: Key
    day: Annotated[str, Meta(description="YYYY-MM-DD")]
    size: Annotated[int, Meta(description="How many entries the log had.")]
    root: Annotated[str, Meta(description="The root of the Merkle tree over them.")]
    last: Annotated[str, Meta(description="The hash of the last of them.")]
    key: Annotated[str, Meta(description="The first 16 digits of the fingerprint of the key that signed.")]
    signature: Annotated[str, Meta(description="Ed25519, base64url; of which text, docs/CONSENT.md says.")]


class CheckpointList(Struct, frozen=True):
    """Every checkpoint of a site's log."""

    items: list[CheckpointView]


def list_consent_checkpoints(call: Call[SitePath, Nothing, Nothing]) -> CheckpointList:
    """List the signed checkpoints of a site's log of choices, oldest first."""
    found = call.parts.consent_exports.checkpoints(call.scope, _site(call))
    return CheckpointList([CheckpointView(**fields_of(one)) for one in found])


def get_consent_bundle(call: Call[SitePath, Nothing, Nothing]) -> JsonLines:
    """Read a site's whole log of choices, as `firmly consent verify` takes it. Counts as sixty requests."""
    return JsonLines(call.parts.consent_exports.bundle(call.scope, _site(call)))


def _site(call: Call[SitePath, Nothing, Nothing]) -> Site:
    site = call.parts.accounts.sites.find(call.scope, call.path.key)
    if site is None:
        raise NotFoundError("this workspace has no such site")
    return site


_NEEDS = frozenset({Right.READ_CONSENT})

OPERATIONS = (
    Operation("GET", "/consent/counts", count_choices, _NEEDS, refuses=(422,)),
    Operation("GET", "/sites/{key}/consent/checkpoints", list_consent_checkpoints, _NEEDS),
    Operation("GET", "/sites/{key}/consent/bundle", get_consent_bundle, _NEEDS, refuses=(409,), cost=BUNDLE_COST),
)
