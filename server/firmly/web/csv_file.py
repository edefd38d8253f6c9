"""Tables as CSV, a piece at a time; no cell is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TypeVar

from starlette.responses import StreamingResponse

R = TypeVar("R")

MEDIA_TYPE = "text/csv; charset=utf-8"

FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""With these, also in full width, table programs begin a formula."""
_AT_ONCE = 500
"""Rows: each piece of an answer costs a change of threads."""


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingResponse:
    """Send ``rows`` under the heads ``columns`` as the file ``name``, while they are read.

    None is an empty cell, a time is UTC to the minute.
    """
    return StreamingResponse(
        csv_lines(columns, rows),
        media_type=MEDIA_TYPE,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def in_pieces(rows: Iterable[R]) -> Iterator[list[R]]:
    """Yield rows many at a time."""
    rest = iter(rows)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the table's text, many lines at a time."""
    for some in in_pieces(chain([columns], rows)):
        lines = io.StringIO()
        csv.writer(lines).writerows([_cell(value) for value in row] for row in some)
        yield lines.getvalue()


def _cell(value: object) -> str:
    """Return a value as text that no table program takes for a formula. Source: OWASP, CSV Injection."""
    match value:
        case None:
            return ""
        case int() | float():
            return str(value)  # Below zero, too, it is a number and no formula.
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    text = str(value)
    return f"'{text}" if text[:1] in FORMULA else text
