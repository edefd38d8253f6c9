"""What a site may be: each value is checked, and a site cannot change under its readers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.accounts.site import Site, canonical_origin
from firmly.model import BeforeConsent, InvalidInputError, SiteId, SiteKey, WorkspaceId


def site(**changed: Any) -> Site:
    values: dict[str, Any] = {
        "id": SiteId(1),
        "workspace_id": WorkspaceId(1),
        "key": SiteKey("abcdef12"),
        "name": "Shop",
        "origins": ("https://www.example.com",),
        "before_consent": BeforeConsent.WAIT,
        "controller": "Example Oy",
        "privacy_url": "https://www.example.com/privacy",
        "language": "en",
        "query_keys": frozenset({"product"}),
        "goals": {"signup": frozenset({"plan"})},
        "titles": False,
        "retention_days": 395,
    }
    return Site(**(values | changed))


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("HTTPS://WWW.Example.com", "https://www.example.com"),
        ("https://www.example.com:443", "https://www.example.com"),
        ("http://example.com:80", "http://example.com"),
        ("https://example.com:80", "https://example.com:80"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://192.0.2.7:8080", "http://192.0.2.7:8080"),
        ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_canonical_origin_is_what_a_browser_sends(text: str, origin: str) -> None:
    assert canonical_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "https://*",
        "https://*.example.com",
        "www.example.com",
        "//www.example.com",
        "ftp://www.example.com",
        "javascript:alert(1)",
        "https://",
        "https://:443",
        "https://www.example.com/",
        "https://www.example.com/shop",
        "https://www.example.com?",
        "https://www.example.com?a=1",
        "https://www.example.com#",
        "https://user@www.example.com",
        "https://user:secret@www.example.com",
        "https://www.example.com:",
        "https://www.example.com:0",
        "https://www.example.com:65536",
        "https://www.example.com:+443",
        "https://www.example.com:0443",
        "https://www.example.com:https",
        "https://www.example.com\n",
        " https://www.example.com",
        "https://www.exa\tmple.com",
        "https://www.example.com\\evil",
        "https://bücher.example",
        "https://-a.example",
        "https://a..example",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://" + "a" * 64 + ".example",
    ],
)
def test_canonical_origin_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # Several parsers raise it, each with its own words.
        canonical_origin(text)


@given(st.text(alphabet="htps:/w.example0123[]@?#%-A\n\t ", max_size=40) | st.text(max_size=20))
def test_canonical_origin_result_is_stable(text: str) -> None:
    try:
        origin = canonical_origin("https://" + text)
    except ValueError:
        return
    assert canonical_origin(origin) == origin
    assert origin.isascii()
    assert origin.count("/") == 2


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"key": "short"}, "key"),
        ({"key": "ABCDEFGH"}, "key"),
        ({"key": "abcdef12\n"}, "key"),
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"controller": ""}, "controller"),
        ({"origins": ()}, "origins"),
        ({"origins": ("https://example.com/",)}, "origins"),
        ({"origins": tuple(f"https://a{n}.example" for n in range(51))}, "origins"),
        ({"privacy_url": "javascript:alert(1)"}, "privacy_url"),
        ({"privacy_url": "/privacy"}, "privacy_url"),
        ({"privacy_url": "https://[broken"}, "privacy_url"),
        ({"privacy_url": 'https://a.example/ "onclick'}, "privacy_url"),
        ({"language": "english!"}, "language"),
        ({"language": ""}, "language"),
        ({"query_keys": frozenset({"a=b"})}, "query_keys"),
        ({"query_keys": frozenset(str(n) for n in range(51))}, "query_keys"),
        ({"goals": {"": frozenset()}}, "goals"),
        ({"goals": {"<b>": frozenset()}}, "goals"),
        ({"goals": {"signup": frozenset({"e-mail"})}}, "goals.signup"),
        ({"goals": {str(n): frozenset() for n in range(101)}}, "goals"),
        ({"retention_days": 0}, "retention_days"),
        ({"retention_days": 761}, "retention_days"),
    ],
)
def test_site_value_that_cannot_be_used_is_named(changed: dict[str, Any], key: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        site(**changed)
    assert [problem.key for problem in caught.value.problems] == [key]


def test_site_problems_are_told_together() -> None:
    with pytest.raises(InvalidInputError) as caught:
        site(name="", language="", retention_days=0)
    assert [problem.key for problem in caught.value.problems] == ["name", "language", "retention_days"]


def test_site_limits_are_allowed() -> None:
    assert site(retention_days=1).retention_days == 1
    assert site(retention_days=760).retention_days == 760
    assert site(privacy_url="").privacy_url == ""


def test_site_origins_are_canonical_and_each_once() -> None:
    made = site(origins=("https://B.example:443", "https://a.example", "https://b.example"))
    assert made.origins == ("https://b.example", "https://a.example")


def test_site_is_cut_off_from_the_values_it_was_made_of() -> None:
    goals = {"signup": {"plan"}}
    made = site(goals=goals)
    goals["signup"].add("email")
    goals["other"] = set()
    assert dict(made.goals) == {"signup": frozenset({"plan"})}
    with pytest.raises(TypeError):
        made.goals["other"] = frozenset()  # type: ignore[index]


def test_site_can_be_compared_and_hashed() -> None:
    assert site() == site()
    assert {site(), site()} == {site()}
    assert site() != site(goals={})
