"""Makes answers fit for an assistant: of bounded size, and without characters that hide something from a person."""

import json
import unicodedata
from typing import Any

MAX_TEXT = 300
MAX_ITEMS, MAX_INNER_ITEMS = 100, 25
"""Of a list in an answer, and of one within its items, such as the pages of a visit."""
MAX_CHARACTERS = 60_000
"""Of a whole answer as JSON: some 15,000 tokens."""

_HIDING = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
"""Categories of characters that nobody sees: control, direction, joiners, tags."""


def bounded(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer within the bounds; ``cut`` says where something was left out."""
    cut: list[str] = []
    found = {key: _fit(value, key, cut, MAX_ITEMS) for key, value in answer.items()}
    longest = max((key for key in found if isinstance(found[key], list)), key=lambda key: _size(found[key]), default="")
    while longest and found[longest] and _size(found) > MAX_CHARACTERS:
        found[longest] = found[longest][: len(found[longest]) * 3 // 4]
        found.pop("next", None)  # It goes on after the whole page.
        cut = [f"{longest}: only the first {len(found[longest])}; ask for fewer days or less at once to see the rest"]
    return found | ({"cut": list(dict.fromkeys(cut))[-10:]} if cut else {})


def plain(text: str) -> str:
    """Return a text in one line, without characters that nobody sees, and not too long."""
    shown = "".join(" " if one in "\n\r\t" else "" if unicodedata.category(one) in _HIDING else one for one in text)
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 1] + "\u2026"


def _fit(value: Any, key: str, cut: list[str], most: int) -> Any:
    match value:
        case str():
            return plain(value) if key != "next" else value
        case list():
            if len(value) > most:
                cut.append(f"{key}: only the first {most} of {len(value)}")
            return [_fit(one, key, cut, MAX_INNER_ITEMS) for one in value[:most]]
        case dict():
            return {plain(name): _fit(one, name, cut, most) for name, one in value.items()}
        case _:
            return value


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False))
