"""Tables as XLSX: real numbers and dates, no formula, no limit of rows, never all rows in memory."""

import math
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import chain, islice
from typing import IO

import xlsxwriter
from starlette.responses import StreamingResponse
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from firmly.web.csv_file import FORMULA

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS_PER_SHEET = 1_048_576
"""With the head. Source: Excel specifications and limits, support.microsoft.com, 2026-11."""
_CHARACTERS = 32_767
"""In a cell; by the same source."""
_EXACT_DIGITS = 15
_FIRST_YEAR = 1900
"""Table programs count days from there; what was before stays text."""
_LOOKED_AT = 500
"""Rows that decide how wide columns are."""
_WIDTHS = (8, 60)
_PIECE_BYTES = 256 * 1024

_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "use_zip64": True,
}
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Source: XML 1.0, 2.2. A file with one of these is called damaged."""


def xlsx_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingResponse:
    """Send ``rows`` under the heads ``columns`` as the file ``name``, like `csv_file`.

    It is written first, to a temporary file without a name: whatever fails shows as a page, not as half a file.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115  # It is closed when it was sent.
    try:
        write_xlsx(file, columns, rows)
    except BaseException:
        file.close()
        raise
    size = file.seek(0, os.SEEK_END)
    headers = {"content-disposition": f'attachment; filename="{name}"', "content-length": str(size)}
    return StreamingResponse(pieces_of(file), media_type=MEDIA_TYPE, headers=headers)


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a whole file, from its start, and close it."""
    with file:
        file.seek(0)
        while piece := file.read(_PIECE_BYTES):
            yield piece


def write_xlsx(
    file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[object]], rows_per_sheet: int = ROWS_PER_SHEET
) -> None:
    """Write the table; what does not fit on a sheet of ``rows_per_sheet`` goes on on the next, under the same head.

    None is an empty cell, a time is UTC. Formats of dates are those of the reader's own program.
    """
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        cells = _Cells(book)
        rest = iter(rows)
        while True:
            first = list(islice(rest, min(_LOOKED_AT, rows_per_sheet - 1)))
            if not first and book.worksheets():
                return
            sheet = book.add_worksheet()
            _begin(sheet, columns, first, cells)
            more = islice(rest, rows_per_sheet - 1 - len(first))
            for number, row in enumerate(chain(first, more), 1):
                for column, value in enumerate(row):
                    cells.write(sheet, number, column, value)


def _begin(sheet: Worksheet, columns: Sequence[str], first: Sequence[Sequence[object]], cells: "_Cells") -> None:
    sheet.freeze_panes(1, 0)
    least, most = _WIDTHS
    for column, head in enumerate(columns):
        longest = max((len(_text(row[column])) for row in first), default=0)
        sheet.set_column(column, column, min(max(least, longest + 2, len(head) + 2), most))
        sheet.write_string(0, column, head, cells.head)


class _Cells:
    """Writes values by their type. Formats belong to one book."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.head: Format = book.add_format({"bold": True, "bottom": 1})
        self._date: Format = book.add_format({"num_format": "yyyy-mm-dd"})
        self._time: Format = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        # Without it a program makes a formula of such a text as soon as somebody edits the cell.
        self._quoted: Format = book.add_format({"quote_prefix": True})

    def write(self, sheet: Worksheet, row: int, column: int, value: object) -> None:
        match value:
            case None | "":
                return
            case bool():
                sheet.write_boolean(row, column, value)
            case int() if len(str(abs(value))) <= _EXACT_DIGITS:
                sheet.write_number(row, column, value)
            case float() if math.isfinite(value):
                sheet.write_number(row, column, value)
            case datetime() if value.year >= _FIRST_YEAR:
                sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), self._time)
            case date() if value.year >= _FIRST_YEAR:
                sheet.write_datetime(row, column, value, self._date)
            case _:
                text = _NOT_IN_XML.sub("\ufffd", _text(value))[:_CHARACTERS]
                sheet.write_string(row, column, text, self._quoted if text[:1] in FORMULA else None)


def _text(value: object) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
