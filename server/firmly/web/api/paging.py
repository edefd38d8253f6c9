"""Lists in pages: ``cursor`` goes on where the page before ended, which says it as ``next``."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Generic, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741  # An item.

MOST = 200
USUAL = 50

Limit = Annotated[int, Meta(ge=1, le=MOST, description="How many items at most.")]
Place = Annotated[str, Meta(pattern="^[0-9]{1,9}$", description="The `next` of the page before.")]


class Page(Struct, Generic[T], frozen=True):
    """A part of a list."""

    items: list[T]
    next: Annotated[str | None, Meta(description="The cursor of the next page; null on the last.")]


class Paged(Struct, frozen=True, kw_only=True):
    """Which part of a list is asked for."""

    cursor: Place | UnsetType = UNSET
    limit: Limit = USUAL

    @property
    def after(self) -> int | None:
        return int(self.cursor) if self.cursor else None


def slice_of(
    items: Iterable[I], asked: Paged, number_of: Callable[[I], int], *, newest_first: bool = False
) -> tuple[list[I], str | None]:
    """Return the part of a short list that is asked for, in the order of its numbers, and the cursor of the next."""
    ordered = sorted(items, key=number_of, reverse=newest_first)
    after = asked.after
    if after is not None:
        ordered = [one for one in ordered if (number_of(one) < after if newest_first else number_of(one) > after)]
    return ordered[: asked.limit], following(ordered, asked.limit, number_of)


def following(found: Sequence[I], limit: int, number_of: Callable[[I], int]) -> str | None:
    """Return the cursor after ``limit`` items; None where no more were found."""
    return str(number_of(found[limit - 1])) if len(found) > limit else None
