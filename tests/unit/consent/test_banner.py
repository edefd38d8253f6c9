"""A banner version names the exact bytes; what was asked decides whether an earlier choice stands."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson
import pytest

from firmly.accounts.site import Site
from firmly.consent.banner import MONTHS_REMEMBERED, SnippetFiles, banner_of, read_snippet, script_of
from firmly.model import BeforeConsent, SiteKey
from firmly.packaged import snippet
from tests.unit.consent.conftest import FILES


def test_equal_settings_and_code_are_the_same_version(site: Site) -> None:
    again = SnippetFiles(core="core", banner="banner", texts={"en": {"accept": "Accept"}})
    assert banner_of(site, FILES) == banner_of(replace(site), again)
    assert banner_of(site, FILES).version == sha256(banner_of(site, FILES).bundle).hexdigest()


def test_bundle_holds_what_the_visitor_saw(site: Site) -> None:
    bundle = orjson.loads(banner_of(site, FILES).bundle)
    assert bundle["code"] == {"core.js": "core", "banner.js": "banner"}
    assert bundle["config"]["texts"] == {"en": {"accept": "Accept"}}
    assert (bundle["config"]["controller"], bundle["config"]["months"]) == ("Example Ltd", MONTHS_REMEMBERED)


@pytest.mark.parametrize(
    "files",
    [
        replace(FILES, core="core "),
        replace(FILES, banner="Banner"),
        replace(FILES, texts={"en": {"accept": "accept"}}),
        replace(FILES, texts={"en": {"accept": "Accept"}, "de": {"accept": "Ja"}}),
    ],
    ids=["core", "banner", "one letter of a text", "a language"],
)
def test_any_byte_of_code_or_text_is_another_version_that_asks_for_the_same(site: Site, files: SnippetFiles) -> None:
    before, after = banner_of(site, FILES), banner_of(site, files)
    assert (before.version != after.version, before.purposes == after.purposes) == (True, True)


@pytest.mark.parametrize(
    ("change", "asks_for_the_same"),
    [
        ({"privacy_url": "https://www.example.com/privacy"}, True),
        ({"language": "fi"}, True),
        ({"titles": True}, True),
        ({"before_consent": BeforeConsent.COMPANY}, True),
        ({"controller": "Another Ltd"}, False),
        ({"key": SiteKey("anothersite")}, False),
    ],
    ids=str,
)
def test_setting_that_visitors_see_is_another_version(
    site: Site, change: dict[str, Any], asks_for_the_same: bool
) -> None:
    before, after = banner_of(site, FILES), banner_of(replace(site, **change), FILES)
    assert before.version != after.version
    assert (before.purposes == after.purposes) is asks_for_the_same


@pytest.mark.parametrize("change", [{"name": "Renamed"}, {"retention_days": 30}, {"query_keys": frozenset({"plan"})}])
def test_setting_that_visitors_do_not_see_is_the_same_version(site: Site, change: dict[str, Any]) -> None:
    assert banner_of(site, FILES) == banner_of(replace(site, **change), FILES)


def test_script_holds_its_configuration_and_cannot_be_broken_out_of(new_site: Callable[..., Site]) -> None:
    site = new_site(controller="</script><script>alert(1)//<!--")
    script = script_of(site, FILES, "ab" * 32, ["cd" * 32, "ef" * 32]).decode()
    assert "<" not in script
    head, _, rest = script.partition("})(")
    assert head == "(function(F){\ncore\nbanner\n"
    config = orjson.loads(rest.removesuffix(");\n"))
    assert config["controller"] == site.controller
    assert (config["banner"], config["unchanged"]) == ("ab" * 32, ["cd" * 8, "ef" * 8])


def test_line_separators_are_escaped(site: Site) -> None:
    files = replace(FILES, texts={"en": {"a": "one\u2028two\u2029three"}})
    script = script_of(site, files, "ab" * 32, []).decode()
    assert "\u2028" not in script
    assert "one\\u2028two\\u2029three" in script


def test_packaged_snippet_is_there_and_has_english() -> None:
    files = read_snippet(snippet())
    assert files.core
    assert files.banner
    assert "en" in files.texts
