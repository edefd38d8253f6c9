"""Stored versions are found by their first digits, within their own site."""

from collections.abc import Callable
from dataclasses import replace

from firmly.accounts.database import ControlPlane
from firmly.accounts.site import Site
from firmly.consent.banner import banner_of
from firmly.consent.service import Consent
from firmly.consent.versions import BannerVersions
from tests.unit.consent.conftest import FILES


def test_bundle_is_found_by_the_whole_version_and_by_its_first_digits(
    plane: ControlPlane, consent: Consent, new_site: Callable[..., Site]
) -> None:
    site, other = new_site(), new_site()
    banners = [banner_of(site, replace(FILES, core=f"core {number}")) for number in range(20)]
    for banner in banners:
        consent.keep_banner(site, banner)
    versions = BannerVersions(plane)
    for banner in banners:
        assert versions.bundle(site, banner.version) == versions.bundle(site, banner.version[:16]) == banner.bundle
        assert versions.bundle(other, banner.version) is None


def test_bundle_of_a_version_that_was_never_served_is_none(plane: ControlPlane, consent: Consent, site: Site) -> None:
    banner = banner_of(site, FILES)
    assert BannerVersions(plane).bundle(site, banner.version) is None
    consent.keep_banner(site, banner)
    first = "0" if banner.version[0] != "0" else "1"
    assert BannerVersions(plane).bundle(site, first + banner.version[1:16]) is None
