"""Slows down the guessing of passwords, per e-mail address, in memory, without network addresses."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

FREE_ATTEMPTS = 5
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(minutes=15)
_FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Attempts:
    count: int
    last_at: datetime
    closed_until: datetime


class Lockout:
    """After five attempts in a row without success each further one waits: 30 s, 1 min, ... 15 min.

    E-mail addresses that no member has are slowed the same, so that a delay tells nothing. It holds
    at most ``capacity`` addresses, those tried last, and forgets one after a quiet day. Safe to use
    from several threads.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._attempts: OrderedDict[bytes, _Attempts] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, email: str, now: datetime) -> bool:
        """Count an attempt for ``email`` and say whether it may be made now.

        Counted before the password is verified: attempts at the same moment cannot slip through together.
        """
        key = _key(email)
        with self._lock:
            past = self._attempts.get(key)
            if past is not None and now < past.closed_until:
                return False
            count = 1 if past is None or now - past.last_at > _FORGOTTEN_AFTER else past.count + 1
            self._attempts[key] = _Attempts(count, now, now + _delay(count))
            self._attempts.move_to_end(key)
            if len(self._attempts) > self._capacity:
                self._attempts.popitem(last=False)
            return True

    def forget(self, email: str) -> None:
        """Start afresh for ``email``: after a success or a new password."""
        with self._lock:
            self._attempts.pop(_key(email), None)

    def __len__(self) -> int:
        return len(self._attempts)


def second_factor_of(member_id: int) -> str:
    """Return under what codes of a member are counted: no e-mail address that somebody tries can be it."""
    return f" second factor of {member_id}"  # It begins with a blank, which `normal_email` takes away.


def _delay(count: int) -> timedelta:
    if count < FREE_ATTEMPTS:
        return timedelta(0)
    # The exponent is capped before it is used: a huge one would overflow the type.
    return min(FIRST_DELAY * (1 << min(count - FREE_ATTEMPTS, 10)), LONGEST_DELAY)


def _key(email: str) -> bytes:
    return hashlib.sha256(email.encode("utf-8", "surrogatepass")).digest()
