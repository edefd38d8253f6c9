"""How many requests a token has left in this minute. In memory: each process counts for itself."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

WINDOW_S = 60
PER_MINUTE = 600


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request; ``reset_s`` is when the next minute begins."""

    limit: int
    remaining: int
    reset_s: int
    is_spent: bool

    @property
    def headers(self) -> Mapping[str, str]:
        """Source: draft-ietf-httpapi-ratelimit-headers-06, whose three fields clients know best."""
        return {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset_s),
        }


class TokenRates:
    """Counts in windows of a minute; the counts go with their window. Safe to use from several threads."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._per_minute = per_minute
        self._lock = threading.Lock()
        self._window = -1
        self._used: dict[int, int] = {}

    def take(self, token_id: int, cost: int, now: datetime) -> Allowance:
        """Count a request that costs ``cost``. One that finds too little left costs nothing."""
        window, second = divmod(int(now.timestamp()), WINDOW_S)
        with self._lock:
            if window != self._window:
                self._window, self._used = window, {}
            used = self._used.get(token_id, 0)
            is_spent = used + cost > self._per_minute
            if not is_spent:
                used = self._used[token_id] = used + cost
        return Allowance(self._per_minute, self._per_minute - used, WINDOW_S - second, is_spent)
