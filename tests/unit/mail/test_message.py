"""Messages: the headers that they have, and none that somebody else made up."""

import re
import socket
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmly.mail.letter import Template
from firmly.mail.message import Mailbox, compose
from firmly.mail.templates import LetterTemplates
from tests.unit.mail.conftest import NOW, UNSUBSCRIBE, letter
from tests.unit.mail.test_templates import ATTACKS, NAMES

SENDER = Mailbox("Firmly", "firmly@sender.example")
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"]
UNSUBSCRIBING = ["List-Unsubscribe", "List-Unsubscribe-Post"]
CONTENT = ["MIME-Version", "Content-Type"]


def arrived(message: EmailMessage) -> EmailMessage:
    """Return the message as whoever gets it reads it."""
    parsed: Any = message_from_bytes(message.as_bytes(), policy=SMTP)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


@pytest.mark.parametrize("template", Template)
def test_message_has_these_headers_and_two_parts(templates: LetterTemplates, template: Template) -> None:
    rendered = templates.render(letter(template))
    message = arrived(compose(letter(template), rendered, SENDER, NOW))
    assert message.keys() == [*HEADERS, *([] if template.is_transactional else UNSUBSCRIBING), *CONTENT]
    assert message["From"] == "Firmly <firmly@sender.example>"
    assert message["To"] == "mia@customer.example"
    assert message["Subject"] == rendered.subject
    assert message["Date"].datetime == NOW.replace(microsecond=0)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    parts = [part.get_content() for part in message.iter_parts()]
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert parts == [part.replace("\n", "\r\n") for part in (rendered.text, rendered.html)]


def test_unsubscribing_takes_one_click_and_its_address_stays_whole(templates: LetterTemplates) -> None:
    one = letter(Template.AUDIT_REPORT)
    raw = compose(one, templates.render(one), SENDER, NOW).as_bytes()
    assert f"\r\nList-Unsubscribe: <{UNSUBSCRIBE}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_id_is_of_the_senders_domain_and_tells_no_machine(templates: LetterTemplates) -> None:
    messages = [compose(letter(), templates.render(letter()), SENDER, NOW) for _ in range(2)]
    ids = [message["Message-ID"] for message in messages]
    assert all(re.fullmatch(r"<[0-9a-f]{32}@sender\.example>", one) for one in ids)
    assert ids[0] != ids[1]
    assert socket.gethostname().encode() not in messages[0].as_bytes()


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize(("template", "key"), NAMES)
@pytest.mark.parametrize("before", ["", "x" * 60])
def test_name_makes_no_header(
    templates: LetterTemplates, template: Template, key: str, attack: str, before: str
) -> None:
    one = letter(template, **{key: before + attack})
    rendered = templates.render(one)
    message = compose(one, rendered, SENDER, NOW)
    read = arrived(message)
    assert read.keys() == [*HEADERS, *([] if template.is_transactional else UNSUBSCRIBING), *CONTENT]
    assert read["Subject"] == rendered.subject
    head = message.as_bytes().split(b"\r\n\r\n")[0]
    assert not re.search(rb"(?i)(^|\n)bcc", head)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", head)


@pytest.mark.parametrize(
    ("text", "mailbox", "shown"),
    [
        ("firmly@x.example", Mailbox("", "firmly@x.example"), "firmly@x.example"),
        ("Firmly <firmly@x.example>", Mailbox("Firmly", "firmly@x.example"), "Firmly <firmly@x.example>"),
        ("Acme, Inc. <a@x.example>", Mailbox("Acme, Inc.", "a@x.example"), '"Acme, Inc." <a@x.example>'),
        ("Åbo Ä, B <a@x.example>", Mailbox("Åbo Ä, B", "a@x.example"), '"Åbo Ä, B" <a@x.example>'),
    ],
)
def test_sender_is_shown_with_its_name(templates: LetterTemplates, text: str, mailbox: Mailbox, shown: str) -> None:
    assert Mailbox.of(text) == mailbox
    message = arrived(compose(letter(), templates.render(letter()), mailbox, NOW))
    assert message["From"] == shown
    assert [(one.display_name, one.addr_spec) for one in message["From"].addresses] == [(mailbox.name, mailbox.address)]


@pytest.mark.parametrize(
    ("recipient", "to"),
    [
        ("mia@straße.example", "mia@xn--strae-oqa.example"),
        (f"{'m' * 64}@{'d' * 60}.{'e' * 60}.{'f' * 58}.example", None),
        (f"{'m' * 34}@{'d' * 33}.example", None),
        ("a..b.@example.com", None),
        ("o'brien+x=y/z?@example.com", None),
    ],
)
def test_recipient_is_written_as_the_dns_has_it_and_whole(
    templates: LetterTemplates, recipient: str, to: str | None
) -> None:
    one = letter(recipient=recipient)
    raw = compose(one, templates.render(one), SENDER, NOW).as_bytes()
    assert f"\r\nTo: {to or recipient}\r\n".encode() in raw


@settings(deadline=None)
@given(name=st.text(st.characters(categories=["L", "Nd", "Zs", "P"], exclude_characters='<>@"\\='), max_size=64))
def test_sender_of_any_name_arrives(templates: LetterTemplates, name: str) -> None:
    name = " ".join(name.split())
    message = compose(letter(), templates.render(letter()), Mailbox(name, "a@x.example"), NOW)
    # TRICKY: the newer classes add a blank where they read an encoded name in two parts; the older are right.
    written, address = parseaddr(str(message_from_bytes(message.as_bytes())["From"]))
    assert (str(make_header(decode_header(written))), address) == (name, "a@x.example")


@settings(deadline=None)
@given(name=st.text(max_size=150))
def test_subject_of_any_name_arrives(templates: LetterTemplates, name: str) -> None:
    one = letter(Template.INVITATION, inviter=name)
    rendered = templates.render(one)
    message = compose(one, rendered, SENDER, NOW)
    assert arrived(message)["Subject"] == rendered.subject
    assert all(len(line) < 79 for line in message.as_bytes().split(b"\r\n\r\n")[0].splitlines())


def test_bodies_are_ascii_for_servers_of_seven_bits(templates: LetterTemplates) -> None:
    assert (
        compose(letter(Template.INVITATION), templates.render(letter(Template.INVITATION)), SENDER, NOW)
        .as_bytes()
        .isascii()
    )
