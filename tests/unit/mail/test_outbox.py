"""The outbox: never in the way of who puts a letter, every letter with one result, nothing of it in a log."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage

import pytest

from firmly.mail.letter import Letter, Template
from firmly.mail.outbox import LOST, MAX_WAITING, NOT_SET, PAUSES_S, SENT, TOO_MANY, UNKNOWN, Outbox
from firmly.mail.templates import LetterTemplates
from firmly.mail.transport import Smtp
from tests.smtp import HOST, MailServer
from tests.unit.mail.conftest import LINK, NOW, RECIPIENT, letter

SENDER = "firmly@sender.example"
LATER_S = 3600.0


class Notes:
    """A journal in memory that can wait for results."""

    def __init__(self) -> None:
        self.queued_letters: list[Letter] = []
        self.results: dict[int, list[str]] = {}
        self._changed = threading.Condition()

    def queued(self, letter: Letter) -> int | None:
        self.queued_letters.append(letter)
        return len(self.queued_letters) - 1

    def ended(self, entry: int, result: str) -> None:
        with self._changed:
            self.results.setdefault(entry, []).append(result)
            self._changed.notify_all()

    def wait_for(self, *results: str, within_s: float = 10.0) -> None:
        """Wait until every letter has one result, these in the order in which the letters were put."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.results) >= len(results), within_s)
        assert [self.results[entry] for entry in sorted(self.results)] == [[result] for result in results]


Open = Callable[..., Outbox]


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def open_outbox(templates: LetterTemplates, notes: Notes) -> Iterator[Open]:
    """Make outboxes that are started and, at the end, stopped."""
    opened: list[Outbox] = []

    def make(url: str, pauses_s: Sequence[float] = (0.02, 0.02, 0.02), most: int = 100, timeout_s: float = 5) -> Outbox:
        transport = Smtp.of(url, SENDER, timeout_s=timeout_s)
        outbox = Outbox(transport, templates, notes, lambda: NOW, pauses_s=pauses_s, most=most)
        opened.append(outbox)
        outbox.start()
        return outbox

    yield make
    for outbox in opened:
        outbox.stop(0)


@contextmanager
def silent() -> Iterator[str]:
    """A server that lets connect and says nothing."""
    with socket.create_server((HOST, 0)) as listener:
        yield f"smtp://{HOST}:{listener.getsockname()[1]}"


def away() -> str:
    with socket.create_server((HOST, 0)) as closed:
        return f"smtp://{HOST}:{closed.getsockname()[1]}"


def test_pauses_and_bound_are_as_promised() -> None:
    assert (PAUSES_S, MAX_WAITING) == ((30, 120, 600), 1000)


def test_letter_is_sent_and_journalled(open_outbox: Open, notes: Notes) -> None:
    with MailServer() as server:
        outbox = open_outbox(server.url)
        for template in Template:
            outbox.put(letter(template))
        notes.wait_for(*[SENT] * len(Template))
        subjects = [one["Subject"] for one in server.letters]
    assert [one.template for one in notes.queued_letters] == list(Template)
    assert (len(set(subjects)), server.letters[0]["Date"].datetime) == (len(Template), NOW)
    assert outbox.is_configured


def test_without_a_server_every_letter_is_journalled_as_not_sent(templates: LetterTemplates, notes: Notes) -> None:
    outbox = Outbox(None, templates, notes, lambda: NOW)
    outbox.start()
    outbox.put(letter())
    outbox.stop(1)
    assert not outbox.is_configured
    notes.wait_for(NOT_SET)


def test_refusal_that_passes_is_tried_again_with_the_same_message(open_outbox: Open, notes: Notes) -> None:
    with MailServer() as server:
        server.reply("RCPT", "451 4.3.0 busy", "451 4.3.0 busy", "451 4.3.0 busy")
        open_outbox(server.url).put(letter())
        notes.wait_for(SENT)
        assert server.commands.count("RCPT") == 4
    assert len(server.letters) == 1


def test_letter_whose_answer_was_lost_keeps_its_id(open_outbox: Open, notes: Notes) -> None:
    with MailServer() as server:
        server.delay_s = 0.5
        open_outbox(server.url, timeout_s=0.2, pauses_s=(1.0,)).put(letter())
        server.wait_for(1)
        server.delay_s = 0
        notes.wait_for(SENT)
    assert len({one["Message-ID"] for one in server.letters}) == 1
    assert len(server.letters) == 2


def test_refusal_that_does_not_pass_in_time_fails(open_outbox: Open, notes: Notes) -> None:
    with MailServer() as server:
        server.reply("RCPT", *["451 4.3.0 busy"] * 5)
        open_outbox(server.url).put(letter())
        notes.wait_for("failed: 451 the server refused the recipient (4.3.0)")
        assert server.commands.count("RCPT") == 1 + len(PAUSES_S)


def test_refusal_for_good_is_not_tried_again_and_holds_up_nobody(open_outbox: Open, notes: Notes) -> None:
    with MailServer() as server:
        server.reply("RCPT", "550 5.1.1 nobody")
        outbox = open_outbox(server.url)
        outbox.put(letter())
        outbox.put(letter())
        notes.wait_for("failed: 550 the server refused the recipient (5.1.1)", SENT)
        assert server.commands.count("RCPT") == 2


def test_letter_that_waits_to_be_tried_again_holds_up_nobody(open_outbox: Open, notes: Notes) -> None:
    with MailServer() as server:
        server.reply("RCPT", "451 later")
        outbox = open_outbox(server.url, pauses_s=(LATER_S,))
        outbox.put(letter(recipient="first@customer.example"))
        outbox.put(letter(recipient="second@customer.example"))
        server.wait_for(1)
        outbox.stop(5)
    notes.wait_for(LOST, SENT)
    assert server.deliveries[0].recipients == ("second@customer.example",)


def test_server_that_is_away_gets_the_letter_when_it_is_back(open_outbox: Open, notes: Notes) -> None:
    url = away()
    open_outbox(url, pauses_s=(0.1,) * 100).put(letter())
    time.sleep(0.15)
    with MailServer(port=int(url.rpartition(":")[2])) as server:
        server.wait_for(1)
        notes.wait_for(SENT)


def test_server_that_stays_away_fails_the_letter(open_outbox: Open, notes: Notes) -> None:
    open_outbox(away()).put(letter())
    notes.wait_for("failed: the server cannot be reached (Connection refused)")


def test_put_does_not_wait_for_the_network(open_outbox: Open) -> None:
    with silent() as url:
        outbox = open_outbox(url)
        outbox.put(letter())
        started = time.monotonic()
        for _ in range(20):
            outbox.put(letter())
        assert time.monotonic() - started < 5, "one that waited would take five seconds"


def test_more_letters_than_may_wait_fail_at_once(open_outbox: Open, notes: Notes) -> None:
    with silent() as url:
        outbox = open_outbox(url, most=2)
        for _ in range(4):
            outbox.put(letter())
        assert notes.results == {2: [TOO_MANY], 3: [TOO_MANY]}


def test_stop_sends_what_is_due(open_outbox: Open, notes: Notes) -> None:
    with MailServer() as server:
        server.delay_s = 0.05
        outbox = open_outbox(server.url)
        for _ in range(5):
            outbox.put(letter())
        outbox.stop(10)
        assert len(server.letters) == 5
    notes.wait_for(*[SENT] * 5)


def test_stop_gives_up_in_time_and_tells_what_is_lost(open_outbox: Open, notes: Notes) -> None:
    with silent() as url:
        outbox = open_outbox(url, timeout_s=2)
        outbox.put(letter())
        outbox.put(letter())
        time.sleep(0.2)
        started = time.monotonic()
        outbox.stop(0.2)
        assert time.monotonic() - started < 1
        notes.wait_for(UNKNOWN, LOST)
        outbox.put(letter())
        notes.wait_for(UNKNOWN, LOST, LOST)
        time.sleep(2.2)
    # The thread has met its time-out meanwhile: still one result each.
    notes.wait_for(UNKNOWN, LOST, LOST)


def test_letter_that_is_taken_after_the_stop_keeps_the_result_it_got(open_outbox: Open, notes: Notes) -> None:
    with MailServer() as server:
        server.delay_s = 0.5
        outbox = open_outbox(server.url)
        outbox.put(letter())
        server.wait_for(1)
        outbox.stop(0.1)
        notes.wait_for(UNKNOWN)
        time.sleep(1)
    notes.wait_for(UNKNOWN)


def test_letter_put_before_the_start_is_sent_after_it(templates: LetterTemplates, notes: Notes) -> None:
    with MailServer() as server:
        outbox = Outbox(Smtp.of(server.url, SENDER), templates, notes, lambda: NOW)
        outbox.put(letter())
        outbox.start()
        notes.wait_for(SENT)
        outbox.stop(5)


def test_stop_without_a_start_loses_what_waits(templates: LetterTemplates, notes: Notes) -> None:
    outbox = Outbox(Smtp.of(away(), SENDER), templates, notes, lambda: NOW)
    outbox.put(letter())
    outbox.stop(1)
    notes.wait_for(LOST)


class Bewildered(Smtp):
    """Fails as nobody foresaw, and quotes what it should not."""

    def send(self, message: EmailMessage, recipient: str) -> None:
        raise RuntimeError(f"quoted {recipient}")


def test_failure_that_nobody_foresaw_ends_one_letter_and_is_named_by_type(
    templates: LetterTemplates, notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(Bewildered.of(away(), SENDER), templates, notes, lambda: NOW)
    outbox.start()
    outbox.put(letter())
    outbox.put(letter())
    notes.wait_for("failed: RuntimeError", "failed: RuntimeError")
    outbox.stop(1)
    ours = [record for record in caplog.records if record.name.startswith("firmly")]
    assert {record.getMessage() for record in ours} == {"a mail (password_reset) was not sent: RuntimeError"}
    assert not any(record.exc_info for record in ours)


class Silent(Notes):
    """Notes no letter."""

    def queued(self, letter: Letter) -> int | None:
        return None


class Broken(Notes):
    """A journal whose database is away when results come; its error quotes what it should not."""

    def ended(self, entry: int, result: str) -> None:
        super().ended(entry, result)
        raise RuntimeError(f"quoted {RECIPIENT}")


def test_letter_that_is_not_noted_has_no_result(templates: LetterTemplates) -> None:
    notes = Silent()
    with MailServer() as server:
        outbox = Outbox(Smtp.of(server.url, SENDER), templates, notes, lambda: NOW)
        outbox.start()
        outbox.put(letter())
        server.wait_for(1)
        outbox.stop(5)
    assert notes.results == {}


def test_journal_that_fails_stops_no_letter(templates: LetterTemplates, caplog: pytest.LogCaptureFixture) -> None:
    notes = Broken()
    with MailServer() as server:
        outbox = Outbox(Smtp.of(server.url, SENDER), templates, notes, lambda: NOW)
        outbox.start()
        outbox.put(letter())
        outbox.put(letter())
        server.wait_for(2)
        outbox.stop(5)
    ours = [record for record in caplog.records if record.name.startswith("firmly")]
    assert {record.getMessage() for record in ours} == {"the result of a mail could not be journalled: RuntimeError"}
    assert not any(record.exc_info for record in ours)


def test_log_names_the_template_and_the_reason_and_nothing_of_the_letter(
    open_outbox: Open, notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with MailServer() as server:
        server.reply("RCPT", f"550 5.1.1 <{RECIPIENT}> at 192.0.2.1 unknown, see {LINK}")
        outbox = open_outbox(server.url, most=1)
        outbox.put(letter())
        notes.wait_for("failed: 550 the server refused the recipient (5.1.1)")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("firmly")]
    assert ours == ["a mail (password_reset) was not sent: 550 the server refused the recipient (5.1.1)"]
