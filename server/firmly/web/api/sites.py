"""Sites: the list with their tags for who reads leads, the instructions for who may give them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, convert
from msgspec.structs import asdict

from firmly.accounts.banner_json import read_banner
from firmly.accounts.banner_settings import Position, Signal, Storage, Theme
from firmly.accounts.roles import Right
from firmly.accounts.site import MAX_RETENTION_DAYS, Site
from firmly.accounts.site_rows import instructions
from firmly.accounts.sites import new_site
from firmly.model import BeforeConsent, Category, Confidence, InvalidInputError, Jurisdiction, NotFoundError, Problem
from firmly.web.api.operation import Call, Nothing, Operation
from firmly.web.api.paging import Page, Paged, slice_of
from firmly.web.api.sets import Time

Key = Annotated[str, Meta(pattern="^[a-z0-9]{8,32}$", description="The site's public key.")]
Mode = Annotated[
    BeforeConsent,
    Meta(
        description="What is measured before a visitor has chosen. `company` is contested in law: docs/PRIVACY.md.",
    ),
]
Days = Annotated[int, Meta(ge=1, le=MAX_RETENTION_DAYS)]
Goals = Annotated[dict[str, list[str]], Meta(description="Names of goals, each with the properties that it may carry.")]


Tag = Annotated[str, Meta(description="A language tag such as en or pt-BR (BCP 47).")]
Colours = dict[Literal["surface", "text", "muted", "border", "accent", "on-accent"], str]
GivenBanner = Annotated[
    dict[str, Any],
    Meta(
        description="The whole banner, in the form of an answer's; what is absent takes its usual value. "
        "What is refused, and under which rule of consent: docs/BANNER.md.",
        examples=[{"languages": ["en", "fi"], "months": 6}],
    ),
]


class StoredItem(Struct, frozen=True):
    """Something that a service keeps in the browser."""

    name: Annotated[str, Meta(description="May end in *.")]
    kind: Storage
    days: Annotated[int | None, Meta(description="Null until the tab is closed.")]


class Service(Struct, frozen=True):
    """A service that the site uses, held back until its category is granted."""

    key: str
    category: Category
    name: str
    provider: str
    privacy_url: str
    purposes: Annotated[dict[Tag, str], Meta(description="By language.")]
    stores: list[StoredItem]
    reasons: Annotated[
        dict[Tag, str], Meta(description="Why it is necessary, by language; empty for every other category.")
    ]


class Banner(Struct, frozen=True):
    """What visitors are asked for, and how that looks."""

    languages: Annotated[list[Tag], Meta(description="Besides the site's own.")]
    services: list[Service]
    texts: Annotated[dict[Tag, dict[str, str]], Meta(description="Own wording, by language and key.")]
    position: Position
    theme: Theme
    colours: dict[Literal["light", "dark"], Colours]
    signals: Annotated[list[Signal], Meta(description="Whose tags are told what the visitor chose.")]
    honours_dnt: Annotated[bool, Meta(description="Whether Do Not Track refuses, as Global Privacy Control does.")]
    months: Annotated[int, Meta(description="How long a choice is remembered.", ge=6, le=13)]
    inform_in: Annotated[
        list[Annotated[str, Meta(pattern="^[A-Z]{2}$")]],
        Meta(description="Countries (ISO 3166-1) where the controller informs and does not ask first: docs/BANNER.md."),
    ]


class SitePath(Struct, frozen=True):
    key: Key


class SiteSummary(Struct, frozen=True):
    """A site, by name."""

    key: Key
    name: str
    origins: list[str]
    script: Annotated[str, Meta(description="The address of the script that its pages load.")]


class SiteInstructions(Struct, frozen=True, kw_only=True):
    """A site with all that its controller instructs."""

    key: Key
    script: str
    name: str
    origins: list[str]
    before_consent: Mode
    controller: str
    privacy_url: str
    language: str
    query_keys: list[str]
    goals: Goals
    titles: bool
    retention_days: Days
    min_confidence: Confidence
    jurisdiction: Jurisdiction
    staff_networks: list[str]
    banner: Banner


class SiteChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent stays. The key never changes."""

    name: str | UnsetType = UNSET
    origins: list[str] | UnsetType = UNSET
    before_consent: Mode | UnsetType = UNSET
    controller: str | UnsetType = UNSET
    privacy_url: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    query_keys: list[str] | UnsetType = UNSET
    goals: Goals | UnsetType = UNSET
    titles: bool | UnsetType = UNSET
    retention_days: Days | UnsetType = UNSET
    min_confidence: Confidence | UnsetType = UNSET
    jurisdiction: Jurisdiction | UnsetType = UNSET
    staff_networks: list[str] | UnsetType = UNSET
    banner: GivenBanner | UnsetType = UNSET


class NewSite(SiteChanges, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site to make; what is absent takes the usual value. The key is random."""

    name: Annotated[str, Meta(examples=["Main site"])]
    origins: Annotated[list[str], Meta(examples=[["https://www.example.com"]])]
    controller: Annotated[str, Meta(examples=["Example Ltd"])]


class SiteHistoryEntry(Struct, frozen=True):
    """One change of a site's instructions."""

    at: Time
    author_id: Annotated[int | None, Meta(description="Null for a token and for the operator.")]
    author_name: Annotated[str | None, Meta(description="Null also once they have left.")]
    before: Annotated[dict[str, Any] | None, Meta(description="Null where the site was made.")]
    after: dict[str, Any]


def list_sites(call: Call[Nothing, Paged, Nothing]) -> Page[SiteSummary]:
    """List the sites, oldest first."""
    shown, more = slice_of(call.parts.accounts.sites.of(call.scope), call.query, lambda site: site.id)
    return Page([SiteSummary(one.key, one.name, list(one.origins), _script(call, one)) for one in shown], more)


def make_site(call: Call[Nothing, Nothing, NewSite]) -> SiteInstructions:
    """Make a site."""
    site = new_site(call.scope.workspace_id, **_values(call.body))
    return _view(call, call.parts.accounts.sites.add(call.scope, site))


def get_site(call: Call[SitePath, Nothing, Nothing]) -> SiteInstructions:
    """Read a site's instructions."""
    return _view(call, own_site(call, call.path.key))


def change_site(call: Call[SitePath, Nothing, SiteChanges]) -> SiteInstructions:
    """Change a site's instructions."""
    site = replace(own_site(call, call.path.key), **_values(call.body))
    call.parts.accounts.sites.change(call.scope, site)
    return _view(call, site)


def list_site_history(call: Call[SitePath, Paged, Nothing]) -> Page[SiteHistoryEntry]:
    """List the changes of a site's instructions, oldest first."""
    site = own_site(call, call.path.key)
    history = enumerate(call.parts.accounts.sites.history(call.scope, site.id), 1)
    shown, more = slice_of(history, call.query, lambda numbered: numbered[0])
    entries = [SiteHistoryEntry(one.at, one.author, one.author_name, one.before, one.after) for _, one in shown]
    return Page(entries, more)


def own_site(call: Call[Any, Any, Any], key: str) -> Site:
    """Return a site of the token's workspace. Raises NotFoundError for every other."""
    site = call.parts.accounts.sites.find(call.scope, key)
    if site is None:
        raise NotFoundError
    return site


def site_asked(call: Call[Any, Any, Any], key: str | UnsetType) -> Site | None:
    """Return the site that a filter names, None where it names none.

    Raises:
        InvalidInputError: the workspace has no such site.
    """
    if key is UNSET:
        return None
    site = call.parts.accounts.sites.find(call.scope, key)
    if site is None:
        problem = Problem("site", key, "the key of a site of this workspace")
        raise InvalidInputError("there is no such site", [problem])
    return site


def _script(call: Call[Any, Any, Any], site: Site) -> str:
    return f"{call.parts.base_url}/f/{site.key}.js"


def _view(call: Call[Any, Any, Any], site: Site) -> SiteInstructions:
    said = {"key": site.key, "script": _script(call, site), **instructions(site)}
    return convert(said, SiteInstructions)


def _values(given: SiteChanges) -> Mapping[str, Any]:
    """Return what was given, as `Site` holds it."""
    values = {key: value for key, value in asdict(given).items() if value is not UNSET}
    for key in ("origins", "staff_networks"):
        if key in values:
            values[key] = tuple(values[key])
    if "query_keys" in values:
        values["query_keys"] = frozenset(values["query_keys"])
    if "goals" in values:
        values["goals"] = {name: frozenset(props) for name, props in values["goals"].items()}
    if "banner" in values:
        values["banner"] = read_banner(values["banner"])
    return values


_MAY_LIST = frozenset({Right.READ_LEADS, Right.INSTRUCT})
_INSTRUCT = frozenset({Right.INSTRUCT})

OPERATIONS = (
    Operation("GET", "/sites", list_sites, _MAY_LIST),
    Operation("POST", "/sites", make_site, _INSTRUCT, 201, refuses=(422,)),
    Operation("GET", "/sites/{key}", get_site, _INSTRUCT),
    Operation("PATCH", "/sites/{key}", change_site, _INSTRUCT, refuses=(422,)),
    Operation("GET", "/sites/{key}/history", list_site_history, _INSTRUCT),
)
