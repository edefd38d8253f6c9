"""How hard the loader tries: how many inserts at once, and how long it waits after trouble."""

from collections.abc import Callable

FAST_S = 3.0
"""An insert within this time leaves room for another beside it: a far server answers late, but many at once."""
SLOW_S = 6.0
"""An insert that takes this long shares the warehouse with too many."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class Pace:
    """Grows by one after a round of fast inserts while work waits, halves on a slow one, is one after trouble.

    ``chance`` returns numbers from 0 to 1: loaders that lost the same server must not come back at once.
    For one thread.
    """

    def __init__(self, most: int, chance: Callable[[], float]) -> None:
        self._most = most
        self._chance = chance
        self._fast_in_a_row = 0
        self._pause_s = FIRST_PAUSE_S
        self.width = 1
        """How many inserts may run at once."""

    def went_well(self, seconds: float, *, work_waits: bool) -> None:
        """Count an insert that took ``seconds``; ``work_waits`` where another could have run beside it."""
        self._pause_s = FIRST_PAUSE_S
        if seconds >= SLOW_S:
            self.width = max(1, self.width // 2)
        if seconds >= FAST_S or not work_waits:
            self._fast_in_a_row = 0
            return
        self._fast_in_a_row += 1
        if self._fast_in_a_row >= self.width:
            self._fast_in_a_row = 0
            self.width = min(self.width + 1, self._most)

    def went_wrong(self) -> None:
        self._fast_in_a_row = 0
        self.width = 1

    def next_pause_s(self) -> float:
        """Return how long to wait before the next try; twice as long each time, half of it by chance."""
        pause = self._pause_s
        self._pause_s = min(pause * 2, LONGEST_PAUSE_S)
        return pause * (1 + self._chance()) / 2
