"""Tells whether a company is an ideal customer, by what is known of it: the same answer as the filter by ``icp``."""

from collections.abc import Callable, Mapping

from firmly.leads.record import folded
from firmly.warehouse.conditions import Comparison, Condition, Group, Op

Known = Mapping[str, tuple[str, ...]]
"""The texts of a company by field: one for its name, domain, country, kind, industry and size, any number of tags."""


_TEAMS = frozenset({"tag", "industry", "size"})
"""Compared as the team's own words are (record.py); the others as the warehouse compares texts."""


def fits(ideal: Condition, known: Known) -> bool:
    """Tell whether a company passes a definition (`scoring.IDEAL_FIELDS`); letters count alike in either case."""
    match ideal:
        case Group():
            found = (fits(part, known) for part in ideal.parts)
            return any(found) if ideal.is_any else all(found)
        case Comparison():
            fold = folded if ideal.field in _TEAMS else _folded
            return _compares(ideal, [fold(text) for text in known.get(ideal.field, ()) if text], fold)
        case _:
            raise TypeError("only what was asked can be compared, not what became of it")


def _compares(one: Comparison, texts: list[str], fold: Callable[[str], str]) -> bool:  # noqa: PLR0911  # One for each operator.
    values = [fold(str(value)) for value in one.values]
    match one.op:
        case Op.SET:
            return bool(texts)
        case Op.NOT_SET:
            return not texts
        case Op.EQ | Op.IN:
            return any(text in values for text in texts)
        case Op.NE | Op.NOT_IN:
            return not any(text in values for text in texts)
        case Op.CONTAINS:
            return any(values[0] in text for text in texts)
        case Op.STARTS:
            return any(text.startswith(values[0]) for text in texts)
        case Op.ENDS:
            return any(text.endswith(values[0]) for text in texts)
        case _:
            raise TypeError(f"{one.op} is not asked of an ideal customer")


def _folded(text: str) -> str:
    """As the warehouse compares texts (condition_sql.py)."""
    return text.lower().replace("ς", "σ").replace("\u0307", "")
