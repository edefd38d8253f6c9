"""Careful reading of single values out of a vendor's record: whatever has another shape is empty."""

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]

_LONGEST_NAME = 200
_TRUE = frozenset((True, 1, "1", "true", "True", "yes"))


def text(record: Record, key: str) -> str:
    """Return the text at ``key`` on one line; ``""`` where there is none, or more than a name."""
    value = record.get(key)
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return ""
    line = " ".join(value.split())
    return line if line.isprintable() else ""


def number(record: Record, key: str) -> int:
    """Return the AS number at ``key`` (``64500``, ``"64500"`` or ``"AS64500"``); 0 where there is none."""
    value = record.get(key)
    if isinstance(value, str):
        digits = value.removeprefix("AS").removeprefix("as").strip()
        value = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else 0
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 32 else 0


def flag(record: Record, key: str) -> bool:
    """Tell whether ``key`` is set: vendors write true, 1 and ``"true"``; absent and ``""`` are false."""
    value = record.get(key)
    return isinstance(value, bool | int | str) and value in _TRUE


def part(record: Record, key: str) -> Record:
    """Return the record nested at ``key``; an empty one where there is none."""
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def country(record: Record, key: str) -> str:
    """Return the country's two letters at ``key``, upper case, or ``""``."""
    code = text(record, key).upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def domain(record: Record, key: str) -> str:
    """Return the domain at ``key`` in lower case; ``""`` where the text is none."""
    name = text(record, key).lower().rstrip(".")
    return name if "." in name and " " not in name and "@" not in name and "/" not in name else ""
