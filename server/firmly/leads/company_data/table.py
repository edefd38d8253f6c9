"""Reads a file of comma-separated values as spreadsheets write it, whatever its encoding and separator.

Any bytes lead to a table or to an InvalidInputError.
"""

import csv
import io
from dataclasses import dataclass

from firmly.model import InvalidInputError, Problem

MAX_BYTES = 5 * 1024 * 1024
MAX_LINES = 50_000
MAX_COLUMNS = 200
_SEPARATORS = ",;\t"
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Table:
    """``rows`` are the rows below the heads, each with the number of the line that it begins on; empty ones are left
    out. Cells are without blanks around them; a row may have fewer or more than there are heads."""

    heads: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_table(content: bytes) -> Table:
    """Read a file.

    Raises:
        InvalidInputError: it is empty or too long, or a quoted cell does not end.
    """
    if len(content) > MAX_BYTES:
        raise _refused("", f"a file of at most {MAX_BYTES // 1024 // 1024} MB")
    text = text_of(content)
    lines = text.split("\n", 1)
    separator = lines[0].strip().removeprefix("sep=")
    if lines[0].startswith("sep=") and separator and separator in _SEPARATORS:  # Excel says it so.
        rows = _rows(lines[1] if len(lines) > 1 else "", separator, 1)
    else:
        rows = _rows(text, _separator(text), 0)
    if not rows:
        raise _refused("", "a first line with the names of the columns, and companies below")
    heads = rows[0][1]
    if len(heads) > MAX_COLUMNS:
        raise _refused(f"{len(heads)} columns", f"at most {MAX_COLUMNS} columns")
    return Table(heads, tuple(rows[1:]))


def text_of(content: bytes) -> str:
    """Return a file's text: UTF-8, UTF-16, or else Windows-1252, which reads any bytes."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    some = content[:2000]
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(some) > 1 and some[start::2].count(0) * 2 > len(some[start::2]):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _separator(text: str) -> str:
    """Return what separates the heads: the separator of which the first line has most, outside of quotes."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    bare = "".join(first.split('"')[::2])
    return max(_SEPARATORS, key=bare.count)


def _rows(text: str, separator: str, skipped: int) -> list[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: list[tuple[int, tuple[str, ...]]] = []
    line = skipped + 1
    try:
        for row in reader:
            cells = tuple(cell.strip() for cell in row)
            if any(cells):
                found.append((line, cells))
            line = skipped + reader.line_num + 1
            if len(found) > MAX_LINES + 1:
                raise _refused("", f"at most {MAX_LINES:,} lines; divide the file")
    except csv.Error:
        raise _refused(f"line {line}", "cells whose quotation marks are closed, and doubled inside") from None
    return found


def _refused(value: str, expected: str) -> InvalidInputError:
    return InvalidInputError("this file cannot be read", [Problem("file", value, expected)])
