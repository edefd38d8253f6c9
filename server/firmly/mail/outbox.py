"""The letters that wait for the mail server, and the thread that hands them over.

Messages and links live in memory only: a link that sets a password, in a queue on a disk, would be a
credential at rest. What still waits when the process stops is journalled as lost, and asked for again.
"""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Protocol

from firmly.mail.letter import Letter, Template
from firmly.mail.templates import LetterTemplates
from firmly.mail.transport import MailError, Smtp
from firmly.model import Clock

log = logging.getLogger(__name__)

PAUSES_S = (30.0, 120.0, 600.0)
"""After how long a letter is tried again, where the reason may pass."""
MAX_WAITING = 1_000
SENT = "sent"
"""The mail server took it; whether it arrived is not known here."""
NOT_SET = "not sent: no mail server is set"
TOO_MANY = "failed: too many mails wait"
LOST = "lost: the process stopped"
UNKNOWN = "unknown: the process stopped while it was being sent"


class Journal(Protocol):
    """Where it is noted who was sent what, when and with which result; never a body or a link.

    `queued` is called by the thread that puts a letter, `ended` also by the outbox's own.
    """

    def queued(self, letter: Letter) -> int | None:
        """Note a letter; None where this one is not noted, and `ended` will not be called."""

    def ended(self, entry: int, result: str) -> None:
        """Note the result, one of this module's or ``failed: `` with a reason. Once per letter."""


@dataclass(slots=True, order=True, repr=False)
class _Waiting:
    """A letter on its way; ordered by when it is due, on the monotonic clock, then by age."""

    due: float
    number: int
    entry: int | None = field(compare=False)
    template: Template = field(compare=False)
    recipient: str = field(compare=False)
    message: EmailMessage = field(compare=False)
    failures: int = field(compare=False, default=0)


class Outbox:
    """Sends letters one after the other. Without a ``transport`` every letter is journalled as not sent.

    ``pauses_s`` are the waits before each further try, ``most`` how many letters may wait.
    """

    def __init__(
        self,
        transport: Smtp | None,
        templates: LetterTemplates,
        journal: Journal,
        clock: Clock,
        *,
        pauses_s: Sequence[float] = PAUSES_S,
        most: int = MAX_WAITING,
    ) -> None:
        self._transport = transport
        self._templates = templates
        self._journal = journal
        self._clock = clock
        self._pauses_s = tuple(pauses_s)
        self._most = most
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._due: list[_Waiting] = []
        self._open: dict[int, _Waiting] = {}
        """All that have no result yet, the one being sent included."""
        self._stop_by: float | None = None
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    @property
    def is_configured(self) -> bool:
        return self._transport is not None

    def put(self, letter: Letter) -> None:
        """Take ``letter`` to be sent; returns at once. What becomes of it is in the journal only.

        Raises what the templates or `Journal.queued` raise, nothing because of the network.
        """
        if self._transport is None:
            self._note(self._journal.queued(letter), NOT_SET)
            return
        message = self._transport.compose(letter, self._templates.render(letter), self._clock())
        number = next(self._numbers)
        entry = self._journal.queued(letter)
        refusal = self._take(_Waiting(time.monotonic(), number, entry, letter.template, letter.recipient, message))
        if refusal:
            log.warning("a mail (%s) was not taken: %s", letter.template, refusal)
            self._note(entry, refusal)

    def start(self) -> None:
        if self._transport is not None:
            self._thread.start()

    def stop(self, within_s: float) -> None:
        """Send what is due for ``within_s`` seconds at most; journal the rest as lost. Later letters are lost, too."""
        with self._changed:
            self._stop_by = time.monotonic() + within_s
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(within_s)
        with self._changed:
            waiting = {one.number for one in self._due}
            left = list(self._open.values())
        for one in left:
            self._end(one, LOST if one.number in waiting else UNKNOWN)

    def _take(self, one: _Waiting) -> str | None:
        with self._changed:
            if self._stop_by is not None:
                return LOST
            if len(self._open) >= self._most:
                return TOO_MANY
            self._open[one.number] = one
            heapq.heappush(self._due, one)
            self._changed.notify()
        return None

    def _run(self) -> None:
        while (one := self._next()) is not None:
            self._send(one)

    def _next(self) -> _Waiting | None:
        """Wait for a letter that is due; None when the outbox stops and none is, or the time is over."""
        with self._changed:
            while True:
                now = time.monotonic()
                is_over = self._stop_by is not None and now >= self._stop_by
                if self._due and self._due[0].due <= now and not is_over:
                    return heapq.heappop(self._due)
                if self._stop_by is not None:
                    return None
                self._changed.wait(self._due[0].due - now if self._due else None)

    def _send(self, one: _Waiting) -> None:
        assert self._transport is not None
        try:
            self._transport.send(one.message, one.recipient)
        except MailError as error:
            if error.is_passing and one.failures < len(self._pauses_s):
                self._defer(one)
                return
            log.warning("a mail (%s) was not sent: %s", one.template, error)
            self._end(one, f"failed: {error}")
        except Exception as error:  # noqa: BLE001  # One letter must not end the thread. Its text may hold anything.
            log.error("a mail (%s) was not sent: %s", one.template, type(error).__name__)
            self._end(one, f"failed: {type(error).__name__}")
        else:
            self._end(one, SENT)

    def _defer(self, one: _Waiting) -> None:
        with self._changed:
            one.due = time.monotonic() + self._pauses_s[one.failures]
            one.failures += 1
            if one.number in self._open:
                heapq.heappush(self._due, one)

    def _end(self, one: _Waiting, result: str) -> None:
        with self._changed:
            is_first = self._open.pop(one.number, None) is not None
        if is_first:
            self._note(one.entry, result)

    def _note(self, entry: int | None, result: str) -> None:
        if entry is None:
            return
        try:
            self._journal.ended(entry, result)
        except Exception as error:  # noqa: BLE001  # The database may be away; the letters go on.
            log.error("the result of a mail could not be journalled: %s", type(error).__name__)
