"""Turns path, query and body of a request into the structs of its operation, or says all that is wrong."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from firmly.model import Problem
from firmly.web.api.problems import RefusedError

T = TypeVar("T", bound=Struct)

PERSONAL = frozenset({"email", "contact", "billing_address"})
"""Keys whose values are not said back."""

_TRUTHS = {"true": True, "false": False}
_NUMBER = re.compile("[0-9]{1,15}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLACE = re.compile(r"(?P<said>.*?)(?: - at `\$(?P<place>[^`]*)`)?")


def read_path(shape: type[T], given: Mapping[str, str]) -> T:
    """Read the parts of an address. One that cannot be is not found, like one that is not there.

    Raises:
        RefusedError: 404.
    """
    try:
        return _read(shape, {key: _typed(one, given[key]) for key, one in _fields(shape).items()})
    except RefusedError:
        raise RefusedError(404) from None


def read_query(shape: type[T], given: Iterable[tuple[str, str]]) -> T:
    """Read the parameters, each at most once; unknown ones are refused, since a misspelt filter widens an answer.

    Raises:
        RefusedError: 400.
    """
    known, problems = _fields(shape), list[Problem]()
    values: dict[str, object] = {}
    for key, text in given:
        if key in values:
            problems.append(Problem(key, "", "the parameter once"))
        elif _CONTROL.search(text):
            problems.append(Problem(key, "", "text without control characters"))
        values[key] = _typed(known[key], text) if key in known else text
    return _read(shape, values, problems)


def read_body(shape: type[T], body: bytes) -> T:
    """Read a body of JSON.

    Raises:
        RefusedError: 400.
    """
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedError(400, problems=[Problem("body", "", "JSON")]) from None
    if not isinstance(given, dict):
        raise RefusedError(400, problems=[Problem("body", "", "a JSON object")])
    return _read(shape, given)


def _fields(shape: type[Struct]) -> dict[str, FieldInfo]:
    return {one.encode_name: one for one in fields(shape)}


def _typed(one: FieldInfo, text: str) -> object:
    """Return the number that a parameter of a number says, and the truth of one that is true or false; else text."""
    if one.type is bool or bool in get_args(one.type):
        return _TRUTHS.get(text, text)
    return int(text) if _is_number(one.type) and _NUMBER.fullmatch(text) else text


def _whole(one: FieldInfo, value: object) -> object:
    """Return 30 for 30.0 where a whole number is asked for: to JSON Schema both are one. Source: its 2020-12, 4.2.3."""
    return int(value) if isinstance(value, float) and value.is_integer() and _is_number(one.type) else value


def _is_number(kind: Any) -> bool:
    return kind is int or any(_is_number(part) for part in get_args(kind))


def _read(shape: type[T], given: Mapping[str, object], problems: Iterable[Problem] = ()) -> T:
    known, found = _fields(shape), list(problems)
    found += [Problem(key, "", f"one of {', '.join(known) or 'no keys'}") for key in given if key not in known]
    values: dict[str, object] = {}
    for key, one in known.items():
        try:
            if key in given:
                values[one.name] = msgspec.convert(_whole(one, given[key]), one.type)
            elif one.default is NODEFAULT and one.default_factory is NODEFAULT:
                found.append(Problem(key, "", "a value"))
        except msgspec.ValidationError as error:
            found += _said(key, given[key], str(error))
    if found:
        raise RefusedError(400, problems=found)
    return shape(**values)


def _said(key: str, value: object, message: str) -> Iterator[Problem]:
    """Tell what msgspec found wrong, without the value that it may quote."""
    match = _PLACE.fullmatch(message)
    said, place = (match["said"], match["place"] or "") if match else (message, "")
    if said.startswith("Invalid enum value"):
        said = "Expected one of the values that the OpenAPI document lists"
    expected = said.removeprefix("Expected ").partition(", got ")[0].replace("`", "")
    is_shown = isinstance(value, str | int) and key not in PERSONAL
    yield Problem(f"{key}{place}", str(value) if is_shown else "", expected)
