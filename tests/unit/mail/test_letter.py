"""Letters: only what a template takes, one recipient, and unsubscribing where it is due."""

import copy
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmly.mail.letter import VALUES, Letter, Template, is_recipient
from tests.unit.mail.conftest import CONTEXTS, LINK, RECIPIENT, UNSUBSCRIBE, letter

TRANSACTIONAL = [template for template in Template if template.is_transactional]
OTHERS = [template for template in Template if not template.is_transactional]


def test_only_the_periodic_report_is_not_transactional() -> None:
    assert OTHERS == [Template.AUDIT_REPORT]


def test_every_template_says_what_it_takes() -> None:
    assert VALUES.keys() == CONTEXTS.keys() == set(Template)
    assert all(meaning for values in VALUES.values() for _kind, meaning in values.values())


@pytest.mark.parametrize("template", OTHERS)
def test_letter_that_is_not_transactional_cannot_be_made_without_unsubscribing(template: Template) -> None:
    with pytest.raises(ValueError, match=f"{template}: expected an unsubscribe_url"):
        Letter(template, RECIPIENT, CONTEXTS[template])


@pytest.mark.parametrize("template", TRANSACTIONAL)
def test_transactional_letter_cannot_be_unsubscribed_from(template: Template) -> None:
    with pytest.raises(ValueError, match=f"{template}: expected no unsubscribe_url"):
        Letter(template, RECIPIENT, CONTEXTS[template], None, UNSUBSCRIBE)


@pytest.mark.parametrize("template", Template)
def test_value_that_is_missing_or_unknown_is_an_error(template: Template) -> None:
    whole = dict(CONTEXTS[template])
    unsubscribe = None if template.is_transactional else UNSUBSCRIBE
    for keys in (list(whole)[1:], [*whole, "extra"]):
        with pytest.raises(ValueError, match=f"{template}: expected the values "):
            Letter(template, RECIPIENT, {key: whole.get(key, "x") for key in keys}, None, unsubscribe)


@pytest.mark.parametrize(
    ("template", "key", "value"),
    [
        (Template.PASSWORD_RESET, "link", "javascript:alert(1)"),
        (Template.PASSWORD_RESET, "link", "https://x.example/ y"),
        (Template.PASSWORD_RESET, "link", "https://x.example/\r\nBcc: x@y.example"),
        (Template.PASSWORD_RESET, "link", "https://x.example/=?utf-8?q?=0A?="),
        (Template.PASSWORD_RESET, "link", 'https://x.example/"onclick="'),
        (Template.PASSWORD_RESET, "hours", "1"),
        (Template.PASSWORD_RESET, "hours", True),
        (Template.PASSWORD_RESET, "hours", -1),
        (Template.INVITATION, "workspace", 7),
        (Template.INVITATION, "role", 7),
        (Template.INVITATION, "expires_at", CONTEXTS[Template.AUDIT_REPORT]["first_day"]),
        (Template.SECOND_FACTOR_CHANGED, "change", "on"),
        (Template.AUDIT_REPORT, "first_day", CONTEXTS[Template.INVITATION]["expires_at"]),
        (Template.AUDIT_REPORT, "head_hash", "not hexadecimal"),
        (Template.AUDIT_REPORT, "actions", [("Signed in", "3")]),
        (Template.AUDIT_REPORT, "actions", "Signed in"),
    ],
)
def test_value_of_another_kind_is_an_error_that_does_not_quote_it(template: Template, key: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{template}: {key}: expected a value of the kind ") as failure:
        letter(template, **{key: value})  # type: ignore[arg-type]  # That is what is tested.
    assert str(value) not in str(failure.value).removeprefix(f"{template}: {key}")


def test_unsubscribe_address_is_checked_like_a_link() -> None:
    with pytest.raises(ValueError, match="unsubscribe_url: expected an http or https address"):
        Letter(
            Template.AUDIT_REPORT, RECIPIENT, CONTEXTS[Template.AUDIT_REPORT], None, "https://x.example/>\r\nBcc: a@b"
        )


GOOD = ["mia@example.com", "m.i+a@sub.example.co.uk", "root@localhost", "ünal@example.com", "mia@straße.example"]
BAD = [
    "",
    "mia",
    "mia@",
    "@example.com",
    "mia@example.com, jo@example.com",
    "mia@example.com\r\nBcc: jo@example.com",
    "mia@example.com\n",
    "mia@example.com\0",
    "Mia <mia@example.com>",
    "mia@@example.com",
    "mia@a..b",
    "mia@.example.com",
    "mia@[127.0.0.1]",
    "=?utf-8?q?mia=0D=0A?=@example.com",
    "mia\udc80@example.com",
    "mia@ex%ample.com",
    f"mia@{'a' * 64}.example",
    f"{'m' * 65}@example.com",
]


@pytest.mark.parametrize("address", GOOD)
def test_recipient_is_one_address(address: str) -> None:
    assert is_recipient(address)


@pytest.mark.parametrize("address", BAD)
def test_recipient_that_is_no_address_is_an_error_that_does_not_quote_it(address: str) -> None:
    assert not is_recipient(address)
    with pytest.raises(ValueError, match=r"expected one e-mail address as the recipient$"):
        letter(recipient=address)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_a_recipient_or_not(text: str) -> None:
    assert is_recipient(f"{text}@{text}.example") in (True, False)


def test_text_form_tells_the_template_only() -> None:
    one = letter()
    assert (repr(one), str(one), f"{one}") == ("Letter(password_reset)",) * 3
    assert LINK not in repr([one])


def test_letter_does_not_change_with_what_it_was_made_of() -> None:
    context = copy.copy(CONTEXTS[Template.TEST])
    one = Letter(Template.TEST, RECIPIENT, context)
    context["link"] = "https://evil.example"
    assert one.context["link"] == LINK
    with pytest.raises(TypeError):
        one.context["link"] = "https://evil.example"  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        one.recipient = "x@y.example"  # type: ignore[misc]
