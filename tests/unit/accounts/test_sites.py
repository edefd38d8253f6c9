"""Sites are the controller's documented instructions: kept with author and time, sealed in their workspace."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Role
from firmly.accounts.scope import MemberScope, NotAllowedError
from firmly.accounts.site import Site
from firmly.accounts.site_rows import SiteChange
from firmly.accounts.sites import new_site
from firmly.accounts.tables import SiteRow
from firmly.model import (
    BeforeConsent,
    Confidence,
    FirmlyError,
    InvalidInputError,
    SiteId,
    SiteKey,
    WorkspaceId,
)

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

INSTRUCTIONS: dict[str, Any] = {
    "name": "Shop",
    "origins": ["https://www.example.com"],
    "before_consent": "wait",
    "controller": "Example Oy",
    "privacy_url": "",
    "language": "en",
    "query_keys": [],
    "goals": {},
    "titles": False,
    "retention_days": 395,
    "min_confidence": "high",
    "jurisdiction": "strictest",
    "staff_networks": [],
    "banner": {
        "languages": [],
        "services": [],
        "texts": {},
        "position": "bar",
        "theme": "auto",
        "colours": {},
        "signals": [],
        "honours_dnt": False,
        "months": 6,
        "inform_in": [],
    },
}


def make_site(office: "Office", workspace_id: WorkspaceId | None = None, **values: Any) -> Site:
    defaults: dict[str, Any] = {"name": "Shop", "origins": ("https://www.example.com",), "controller": "Example Oy"}
    author: MemberScope | None = values.pop("author", None)
    site = new_site(workspace_id or office.workspace_id, **(defaults | values))
    return office.accounts.sites.add(author, site) if author else office.accounts.sites.create(site)


def test_create_site_is_read_back_equal(office: "Office") -> None:
    scope = office.member("mia@example.com")
    site = make_site(
        office,
        origins=("https://www.example.com", "https://shop.example.com:8443"),
        before_consent=BeforeConsent.COMPANY,
        privacy_url="https://www.example.com/privacy",
        language="fi",
        query_keys=frozenset({"b", "a"}),
        goals={"signup": frozenset({"plan", "seats"}), "download": frozenset()},
        titles=True,
        retention_days=30,
        min_confidence=Confidence.MEDIUM,
        author=scope,
    )
    assert office.accounts.sites.of(scope) == (site,)
    assert office.accounts.sites.by_key(site.key) == site


def test_create_site_keys_are_new_and_can_be_given(office: "Office") -> None:
    first, second, third = make_site(office), make_site(office), make_site(office, key=SiteKey("demosite1"))
    assert len({first.key, second.key, third.key}) == 3
    assert len(first.key) == 12
    assert third.key == "demosite1"


def test_create_site_key_that_is_taken_is_refused(office: "Office") -> None:
    make_site(office, key=SiteKey("demosite1"))
    with pytest.raises(InvalidInputError):
        make_site(office, key=SiteKey("demosite1"))


def test_create_site_bad_values_write_nothing(office: "Office") -> None:
    scope = office.member("mia@example.com")
    with pytest.raises(InvalidInputError):
        make_site(office, origins=("https://www.example.com/shop",))
    assert office.accounts.sites.of(scope) == ()


def test_create_site_in_a_workspace_that_does_not_exist_is_refused(office: "Office") -> None:
    with pytest.raises(InvalidInputError):
        make_site(office, WorkspaceId(99))


def test_site_by_key_unknown_is_nothing(office: "Office") -> None:
    assert all(office.accounts.sites.by_key(key) is None for key in ("", "nosuchsite", "\0" * 8, "\ud800" * 8))


def test_sites_are_those_of_the_own_workspace_by_name(office: "Office") -> None:
    other = office.accounts.create_workspace("Other", "UTC")
    mia, bo = office.member("mia@example.com"), office.member("bo@example.com", workspace_id=other)
    shop, blog, foreign = make_site(office), make_site(office, name="Blog"), make_site(office, other)
    assert office.accounts.sites.of(mia) == (blog, shop)
    assert office.accounts.sites.of(bo) == (foreign,)


def test_history_tells_author_time_before_and_after(office: "Office") -> None:
    scope = office.member("mia@example.com")
    site = make_site(office)
    made_at = office.clock.now
    office.clock.advance(days=1)
    office.accounts.sites.change(scope, replace(site, name="Store", query_keys=frozenset({"q"})))
    after = INSTRUCTIONS | {"name": "Store", "query_keys": ["q"]}
    assert office.accounts.sites.history(scope, site.id) == (
        SiteChange(made_at, None, None, None, INSTRUCTIONS),
        SiteChange(office.clock.now, scope.member_id, "Mia Smith", INSTRUCTIONS, after),
    )


def test_history_of_a_site_of_another_workspace_is_empty(office: "Office") -> None:
    other = office.accounts.create_workspace("Other", "UTC")
    site = make_site(office)
    bo = office.member("bo@example.com", workspace_id=other)
    assert office.accounts.sites.history(bo, site.id) == ()


def test_update_site_that_changes_nothing_leaves_no_entry(office: "Office") -> None:
    scope = office.member("mia@example.com")
    site = make_site(office)
    office.accounts.sites.change(scope, site)
    assert len(office.accounts.sites.history(scope, site.id)) == 1


def test_update_site_mode_before_consent_keeps_its_author_and_date(
    office: "Office", control_plane: ControlPlane
) -> None:
    def author_and_date() -> tuple[object, ...]:
        with control_plane.reading() as db:
            return tuple(db.execute(select(SiteRow.before_consent_author, SiteRow.before_consent_at)).one())

    scope = office.member("mia@example.com")
    site = make_site(office)
    made_at = office.clock.now
    office.clock.advance(days=1)
    office.accounts.sites.change(scope, replace(site, name="Store"))
    after_renaming = author_and_date()
    office.accounts.sites.change(scope, replace(site, before_consent=BeforeConsent.COMPANY))
    assert after_renaming == (None, made_at)
    assert author_and_date() == (scope.member_id, office.clock.now)


@pytest.mark.parametrize("role", [Role.SALES, Role.VIEWER])
def test_update_site_by_a_role_that_may_not_is_refused(office: "Office", role: Role) -> None:
    scope = office.member("mia@example.com", role)
    site = make_site(office)
    with pytest.raises(NotAllowedError):
        office.accounts.sites.change(scope, replace(site, name="Store"))
    assert office.accounts.sites.of(scope) == (site,)


def test_update_site_of_another_workspace_is_refused(office: "Office") -> None:
    other = office.accounts.create_workspace("Other", "UTC")
    mia, bo = office.member("mia@example.com"), office.member("bo@example.com", workspace_id=other)
    site = make_site(office)
    for forged in (replace(site, name="Mine"), replace(site, name="Mine", workspace_id=other)):
        with pytest.raises(FirmlyError, match="no such site"):
            office.accounts.sites.change(bo, forged)
    assert office.accounts.sites.of(mia) == (site,)


def test_update_site_cannot_be_moved_to_another_key_or_id(office: "Office") -> None:
    scope = office.member("mia@example.com")
    site = make_site(office)
    with pytest.raises(FirmlyError, match="key stays"):
        office.accounts.sites.change(scope, replace(site, key=SiteKey("another12")))
    with pytest.raises(FirmlyError, match="no such site"):
        office.accounts.sites.change(scope, replace(site, id=SiteId(99)))
