"""An operator's own table of networks as CSV: ``network`` (or ``start`` and ``end``), ``name``, maybe ``country``."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from firmly.model import FirmlyError
from firmly.organisations.readers.detect import FORBIDDEN_KEYS
from firmly.organisations.readers.registry import Assignment, Standing, span_of


def read_table(path: Path) -> Iterator[Assignment]:
    """Yield the rows of a CSV file as assignments to customers; other columns are not read.

    Raises:
        FirmlyError: when a column is missing or forbidden, or a row names no network; tells the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            _require_columns(path, rows.fieldnames or ())
            for place, row in enumerate(rows, 2):
                yield _assignment(path, place, row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FirmlyError(f"{path}: not a CSV file that can be read ({type(error).__name__})") from None


def _require_columns(path: Path, columns: object) -> None:
    names = [str(name).strip().lower() for name in columns]  # type: ignore[attr-defined]
    forbidden = sorted(name for name in names if FORBIDDEN_KEYS.intersection(re.split(r"[_\-. ]", name)))
    if forbidden:
        raise FirmlyError(f"{path}: it has {', '.join(forbidden)}: files about people are never read")
    if "name" not in names or not ("network" in names or {"start", "end"} <= set(names)):
        raise FirmlyError(f"{path}: expected the columns network (or start and end) and name")


def _assignment(path: Path, place: int, row: Mapping[str, str | None]) -> Assignment:
    ends = span_of(row.get("network") or f"{row.get('start') or ''} - {row.get('end') or ''}")
    if ends is None:
        raise FirmlyError(f"{path}, line {place}: expected a network such as 192.0.2.0/24, or its ends")
    country = (row.get("country") or "").strip()[:2].upper()
    return Assignment(*ends, "", " ".join((row.get("name") or "").split()), "", country, Standing.CUSTOMER)
