"""A range of whole days in UTC, both ends included."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class DayRange:
    """From ``first`` to ``last``, both included; ``first`` is never after ``last``."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError("the first day is after the last")

    @classmethod
    def until(cls, last: date, days: int) -> "DayRange":
        """Return the ``days`` days that end with ``last``."""
        return cls(last - timedelta(days=days - 1), last)

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=offset) for offset in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1
