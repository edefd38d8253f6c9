"""What waits to be shipped: in which order, and when a turn of the loader has to end."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from firmly.warehouse.shipping import Shippable
from firmly.warehouse.store import PASSING_CODES, WarehouseUnavailableError

GIVE_UP_AFTER = 2
"""So many failures in a row that mean the warehouse is away end a turn; a single one may be its segment's fault."""
TRY_AGAIN_WITHIN = 1000
"""So many segments after a failure end a turn, too: a failed one may be stored, and has to be sent again
long before ClickHouse has forgotten its token, which it does after 10,000 inserts."""
AWAY_CODES = PASSING_CODES | {60, 81, 164, 203, 225, 243, 252, 285, 286, 319, 364, 499, 999}
"""ClickHouse's error codes of an insert that blame the server: no table, read-only, disk full, too many parts,
too many connections or requests, too few replicas, no Keeper. Source: src/Common/ErrorCodes.cpp of ClickHouse."""

_CODE = re.compile(r"Code: (\d+)")


@dataclass(frozen=True, slots=True)
class Job:
    """A segment and the table it goes to."""

    table: str
    segment: Shippable

    @property
    def name(self) -> str:
        return f"{self.table}-{self.segment.id}"


class Backlog:
    """Gives first what has not failed before, so that no number of failing segments keeps a good one waiting.

    After each success it gives one that failed, the longest waiting first: while they go well they go one after
    another, and where they fail every other one is a fresh one. For one thread.
    """

    def __init__(self) -> None:
        self._failed: dict[str, None] = {}
        self.begin([])

    def begin(self, waiting: Sequence[Job]) -> None:
        """Start a turn with all that is ``waiting`` now."""
        jobs = {job.name: job for job in waiting}
        self._failed = {name: None for name in self._failed if name in jobs}
        self._again = deque(jobs[name] for name in self._failed)
        self._fresh = deque(job for name, job in jobs.items() if name not in self._failed)
        self._went_well = False
        self._away_in_a_row = 0
        self._left: int | None = None

    def take(self) -> Job | None:
        """Return what to ship next, None where this turn gives nothing more."""
        if not self.has_more():
            return None
        if self._left is not None:
            self._left -= 1
        is_again = self._again and (self._went_well or not self._fresh)
        return self._again.popleft() if is_again else self._fresh.popleft()

    def has_more(self) -> bool:
        return bool(self._again or self._fresh) and self._away_in_a_row < GIVE_UP_AFTER and self._left != 0

    def note(self, job: Job, error: Exception | None) -> None:
        """Take notice of how ``job`` ended."""
        self._failed.pop(job.name, None)
        self._went_well = error is None
        if error is None:
            self._away_in_a_row = 0
            return
        self._failed[job.name] = None
        self._away_in_a_row += means_away(error)
        if self._left is None:
            self._left = TRY_AGAIN_WITHIN


def means_away(error: Exception) -> bool:
    """Tell whether the next segment would fail the same way, as far as one error tells."""
    if not isinstance(error, WarehouseUnavailableError):
        return False
    code = _CODE.search(str(error))
    return code is None or int(code[1]) in AWAY_CODES
