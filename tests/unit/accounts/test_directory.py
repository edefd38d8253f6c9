"""The collector's snapshot of sites: no database behind `get`, whole at any moment, closed for damaged rows."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from firmly.accounts.banner_settings import BannerSettings
from firmly.accounts.database import ControlPlane
from firmly.accounts.directory import SiteDirectory
from firmly.accounts.site import Site
from firmly.accounts.sites import new_site
from firmly.accounts.tables import SiteRow
from firmly.model import SiteKey
from firmly.organisations.legal_forms import LegalForms

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office


@pytest.fixture
def directory(control_plane: ControlPlane) -> SiteDirectory:
    return SiteDirectory(control_plane, LegalForms())


def make_site(office: "Office", key: str = "demosite1") -> Site:
    site = new_site(
        office.workspace_id,
        name="Shop",
        origins=("https://www.example.com",),
        controller="Example Oy",
        key=SiteKey(key),
    )
    return office.accounts.sites.create(site)


def test_get_knows_nothing_before_the_first_refresh(office: "Office", directory: SiteDirectory) -> None:
    make_site(office)
    assert directory.get("demosite1") is None


def test_get_after_refresh_gives_the_site(office: "Office", directory: SiteDirectory) -> None:
    site = make_site(office)
    damaged = directory.refresh()
    assert damaged == ()
    assert directory.get("demosite1") == site
    assert directory.get("nosuchsite") is None


def test_refresh_brings_changes(office: "Office", directory: SiteDirectory) -> None:
    scope, site = office.member("mia@example.com"), make_site(office)
    directory.refresh()
    changed = replace(site, origins=("https://other.example",))
    office.accounts.sites.change(scope, changed)
    before = directory.get("demosite1")
    directory.refresh()
    assert (before, directory.get("demosite1")) == (site, changed)


def test_refresh_brings_a_changed_banner_and_keeps_one_that_is_as_it_was(
    office: "Office", directory: SiteDirectory
) -> None:
    scope, site = office.member("mia@example.com"), make_site(office)
    found = []
    for months in (12, 12, 3):
        office.accounts.sites.change(scope, replace(site, banner=BannerSettings(months=months)))
        directory.refresh()
        read = directory.get("demosite1")
        assert read is not None
        found.append(read.banner)
    assert [banner.months for banner in found] == [12, 12, 3]
    assert found[0] is found[1]


def test_get_does_not_touch_the_database(
    office: "Office", directory: SiteDirectory, control_plane: ControlPlane
) -> None:
    site = make_site(office)
    directory.refresh()
    with control_plane.connection() as connection:
        connection.exec_driver_sql("alter table sites rename to away")
    with pytest.raises(DBAPIError):
        directory.refresh()
    assert directory.get("demosite1") == site


@pytest.mark.parametrize(
    "damage",
    [
        {"origins": ["*"]},
        {"retention_days": 9999},
        {"goals": []},
        {"origins": None},
        {"query_keys": 5},
        {"before_consent": "newer"},
        {"banner": {"months": "six"}},
        {"banner": []},
    ],
    ids=["origins", "retention", "goals", "null", "number", "newer mode", "banner", "no banner"],
)
def test_refresh_damaged_row_is_named_and_not_served(
    office: "Office", directory: SiteDirectory, control_plane: ControlPlane, damage: dict[str, object]
) -> None:
    make_site(office, "demosite1")
    sound = make_site(office, "demosite2")
    with control_plane.session() as db:
        db.execute(update(SiteRow).where(SiteRow.key == "demosite1").values(**damage))
    assert directory.refresh() == ("demosite1",)
    assert (directory.get("demosite1"), directory.get("demosite2")) == (None, sound)
