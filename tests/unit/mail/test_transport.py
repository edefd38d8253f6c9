"""The SMTP server as it is met: encryption, login, refusals, silence; and errors that tell nothing of the letter."""

import logging
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from firmly.mail.letter import Template
from firmly.mail.message import Mailbox
from firmly.mail.templates import LetterTemplates
from firmly.mail.transport import Encryption, MailError, Smtp, mail_server
from firmly.settings import read_settings
from tests.smtp import HOST, Certificate, MailServer
from tests.unit.mail.conftest import LINK, NOW, RECIPIENT, letter

SENDER = "Firmly <firmly@sender.example>"
LOGIN = ("mailer", "p@ss:word/1")
LOGINS = dict([LOGIN])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def message(templates: LetterTemplates) -> EmailMessage:
    return Smtp.of("smtp://localhost", SENDER).compose(letter(), templates.render(letter()), NOW)


def smtp(port: int, encryption: Encryption = Encryption.NONE, **more: Any) -> Smtp:
    return Smtp(HOST, port, encryption, Mailbox.of(SENDER), **{"timeout_s": 5.0, **more})


def refusal(transport: Smtp, message: EmailMessage, recipient: str = RECIPIENT) -> tuple[str, bool]:
    """Send and be refused; whatever the error shows anywhere holds nothing of the letter."""
    with pytest.raises(MailError) as failure:
        transport.send(message, recipient)
    error = failure.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__context__) + repr(error.__cause__)
    assert (error.__context__, error.__cause__) == (None, None)
    assert not [secret for secret in (recipient, LINK, *LOGIN, "quoted") if secret in shown]
    return str(error), error.is_passing


@pytest.mark.parametrize("template", Template)
def test_letter_arrives_as_it_was_written(templates: LetterTemplates, template: Template) -> None:
    one = letter(template)
    rendered = templates.render(one)
    with MailServer() as server:
        transport = Smtp.of(server.url, SENDER)
        transport.send(transport.compose(one, rendered, NOW), one.recipient)
    [delivery] = server.deliveries
    assert (delivery.sender, delivery.recipients) == ("firmly@sender.example", (RECIPIENT,))
    assert (delivery.letter["To"], delivery.letter["Subject"]) == (RECIPIENT, rendered.subject)
    text, html = [part.get_content().replace("\r\n", "\n") for part in delivery.letter.iter_parts()]
    assert (text, html) == (rendered.text, rendered.html)


def test_greeting_tells_the_senders_domain_and_no_machine(message: EmailMessage) -> None:
    with MailServer() as server:
        smtp(server.port).send(message, RECIPIENT)
    assert server.deliveries[0].greeting == "sender.example"


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_letter_travels_encrypted_and_signed_in(message: EmailMessage, certificate: Certificate, kind: str) -> None:
    certificates: dict[str, Any] = {kind: certificate}
    with MailServer(**certificates, logins=LOGINS) as server:
        transport = smtp(server.port, Encryption(kind), login=LOGIN, trust=certificate.trusting())
        transport.send(message, RECIPIENT)
        transport.check()
    assert [delivery.is_encrypted for delivery in server.deliveries] == [True]


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_certificate_that_is_not_trusted_is_refused(message: EmailMessage, certificate: Certificate, kind: str) -> None:
    certificates: dict[str, Any] = {kind: certificate}
    with MailServer(**certificates) as server:
        transport = smtp(server.port, Encryption(kind))
        assert refusal(transport, message) == ("the server's certificate is not trusted", True)
    assert (server.deliveries, server.commands) == ([], [])


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_certificate_of_another_server_is_refused(message: EmailMessage, tmp_path: Path, kind: str) -> None:
    other = Certificate.make(tmp_path, "DNS:other.example")
    certificates: dict[str, Any] = {kind: other}
    with MailServer(**certificates) as server:
        transport = smtp(server.port, Encryption(kind), trust=other.trusting())
        assert refusal(transport, message) == ("the server's certificate is for another name", True)
    assert (server.deliveries, server.commands) == ([], [])


def test_server_that_offers_no_encryption_gets_nothing(message: EmailMessage) -> None:
    with MailServer(logins=LOGINS) as server:
        transport = smtp(server.port, Encryption.STARTTLS, login=LOGIN)
        assert refusal(transport, message) == ("the server offers no encryption (STARTTLS)", True)
    assert (server.deliveries, server.commands) == ([], [])


def test_wrong_password_is_refused_for_good(message: EmailMessage) -> None:
    with MailServer(logins={"mailer": "another"}) as server:
        assert refusal(smtp(server.port, login=LOGIN), message) == ("535 the server refused the login (5.7.8)", False)


def test_login_that_the_server_wants_and_is_not_set(message: EmailMessage) -> None:
    with MailServer(logins=LOGINS) as server:
        assert refusal(smtp(server.port), message) == ("530 the server refused the sender (5.7.0)", False)


def test_login_that_the_server_does_not_offer(message: EmailMessage, certificate: Certificate) -> None:
    # Before TLS this server offers none.
    with MailServer(starttls=certificate) as server:
        assert refusal(smtp(server.port, login=LOGIN), message) == ("the server offers no login", False)


@pytest.mark.parametrize(
    ("command", "reply", "told", "is_passing"),
    [
        ("MAIL", "550 5.7.1 quoted firmly@sender.example", "550 the server refused the sender (5.7.1)", False),
        ("MAIL", "451 quoted", "451 the server refused the sender", True),
        ("RCPT", f"550 5.1.1 <{RECIPIENT}> quoted", "550 the server refused the recipient (5.1.1)", False),
        ("RCPT", f"450 4.2.1 <{RECIPIENT}> quoted", "450 the server refused the recipient (4.2.1)", True),
        ("RCPT", "421 4.3.2 quoted", "421 the server refused the recipient (4.3.2)", True),
        ("RCPT", "550 2.1.0.192 is blocked, quoted", "550 the server refused the recipient", False),
        ("DATA", f"554 5.6.0 {LINK} quoted", "554 the server refused the letter (5.6.0)", False),
        ("DATA", "452 quoted", "452 the server refused the letter", True),
    ],
)
def test_refusal_is_told_in_codes_and_our_words(
    message: EmailMessage, command: str, reply: str, told: str, is_passing: bool
) -> None:
    with MailServer() as server:
        server.reply(command, reply)
        assert refusal(smtp(server.port), message) == (told, is_passing)
        # The next letter goes.
        smtp(server.port).send(message, RECIPIENT)
    assert len(server.letters) == 1


@pytest.mark.parametrize("farewell", ["500 no", "421 quoted"])
def test_letter_that_was_taken_is_taken_whatever_the_farewell(message: EmailMessage, farewell: str) -> None:
    with MailServer() as server:
        server.reply("QUIT", farewell)
        smtp(server.port).send(message, RECIPIENT)
    assert len(server.letters) == 1


def test_server_that_is_away_may_come_back(message: EmailMessage) -> None:
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    assert refusal(smtp(port), message) == ("the server cannot be reached (Connection refused)", True)


def test_name_that_is_not_known(message: EmailMessage) -> None:
    transport = Smtp.of("smtp://no.such.host.invalid", SENDER, timeout_s=5)
    assert refusal(transport, message) == ("the server's name is not known", True)


def test_server_that_is_slow_is_not_waited_for(message: EmailMessage) -> None:
    with MailServer() as server:
        server.delay_s = 3
        told = refusal(smtp(server.port, timeout_s=0.2), message)
    assert told == ("the server closed the connection or did not answer in time", True)


@contextmanager
def saying(greeting: bytes) -> Iterator[int]:
    """A server that says ``greeting`` to whoever connects, and nothing more."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)
                connection.recv(1024)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("encryption", "greeting", "told", "is_passing"),
    [
        (Encryption.NONE, b"554 quoted\r\n", "554 the server refused the connection", False),
        (Encryption.NONE, b"HTTP/1.1 400 quoted\r\n", "-1 the server refused the connection", True),
        (Encryption.NONE, b"220 " + b"x" * 10_000 + b"\r\n", "500 the server refused the connection", False),
        (Encryption.TLS, b"220 mail.test quoted\r\n", "no encrypted connection could be made", True),
    ],
)
def test_server_that_speaks_something_else(
    message: EmailMessage, encryption: Encryption, greeting: bytes, told: str, is_passing: bool
) -> None:
    with saying(greeting) as port:
        assert refusal(smtp(port, encryption), message) == (told, is_passing)


def test_address_beyond_ascii_goes_where_it_can(templates: LetterTemplates) -> None:
    one = letter(recipient="ünal@straße.example")
    with MailServer() as server:
        transport = Smtp.of(server.url, SENDER)
        transport.send(transport.compose(one, templates.render(one), NOW), one.recipient)
    assert server.deliveries[0].recipients == ("ünal@xn--strae-oqa.example",)


def test_address_beyond_ascii_is_refused_where_it_cannot_go(templates: LetterTemplates) -> None:
    one = letter(recipient="ünal@example.com")
    with MailServer(takes_utf8=False) as server:
        transport = Smtp.of(server.url, SENDER)
        message = transport.compose(one, templates.render(one), NOW)
        told = refusal(transport, message, one.recipient)
    assert told == ("the server takes only ASCII before the @ of an address", False)


def test_check_sends_nothing_and_finds_what_a_letter_would(certificate: Certificate) -> None:
    with MailServer() as server:
        smtp(server.port).check()
        assert (server.commands, server.letters) == (["NOOP", "QUIT"], [])
        server.reply("NOOP", "421 quoted")
        with pytest.raises(MailError, match=r"^421 the server refused the connection$"):
            smtp(server.port).check()


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("smtp://mail.example", ("mail.example", 587, Encryption.STARTTLS, None)),
        ("smtp://mail.example:25/", ("mail.example", 25, Encryption.STARTTLS, None)),
        ("smtps://u:p%40ss%3A@mail.example", ("mail.example", 465, Encryption.TLS, ("u", "p@ss:"))),
        ("smtp://u%40x.example:p@mail.example:2525", ("mail.example", 2525, Encryption.STARTTLS, ("u@x.example", "p"))),
        ("smtp://localhost:25", ("localhost", 25, Encryption.NONE, None)),
        ("smtp://127.0.0.2", ("127.0.0.2", 587, Encryption.NONE, None)),
        ("smtp://[::1]:1025", ("::1", 1025, Encryption.NONE, None)),
        ("smtps://localhost", ("localhost", 465, Encryption.TLS, None)),
        ("smtp://10.0.0.1", ("10.0.0.1", 587, Encryption.STARTTLS, None)),
        ("smtp://localhost.evil.example", ("localhost.evil.example", 587, Encryption.STARTTLS, None)),
    ],
)
def test_url_decides_how_to_connect(url: str, made: tuple[str, int, Encryption, tuple[str, str] | None]) -> None:
    transport = Smtp.of(url, SENDER)
    assert (transport.host, transport.port, transport.encryption, transport.login) == made
    assert "p%40ss" not in repr(transport)


def test_settings_name_the_server_or_none() -> None:
    assert mail_server(read_settings({})) is None
    given = mail_server(read_settings({"FIRMLY_SMTP_URL": "smtp://mail.example", "FIRMLY_MAIL_FROM": SENDER}))
    assert given is not None
    assert given.encryption is Encryption.STARTTLS


def test_certificates_count_that_the_system_trusts() -> None:
    context = Smtp.of("smtps://mail.example", SENDER).trust
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_nothing_is_logged(message: EmailMessage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with MailServer() as server:
        smtp(server.port).send(message, RECIPIENT)
    assert [record for record in caplog.records if not record.name.startswith(("mail.log", "asyncio"))] == []
