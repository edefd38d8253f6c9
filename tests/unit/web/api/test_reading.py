"""What a request has to look like, and what its sender is told when it does not."""

from datetime import date
from typing import Annotated, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType, field

from firmly.web.api.problems import RefusedError, refusal
from firmly.web.api.reading import read_body, read_path, read_query


def orjson_or_nothing(value: object) -> bytes:
    """Return the JSON of a value; integers beyond 64 bits have none."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return b""


class Inner(Struct, frozen=True, forbid_unknown_fields=True):
    name: str


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=10)]
    days: Annotated[int, Meta(ge=1, le=9)] = 1
    inner: Inner | UnsetType = UNSET


class Query(Struct, frozen=True, kw_only=True):
    first: date | UnsetType = field(default=UNSET, name="from")
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    site: Annotated[str, Meta(pattern="^[a-z]{3}$")] = ""


class Path(Struct, frozen=True):
    id: Annotated[int, Meta(ge=1)]


def problems_of(shape: type[Struct], body: bytes) -> list[tuple[str, str, str]]:
    with pytest.raises(RefusedError) as caught:
        read_body(shape, body)
    assert caught.value.status == 400
    return [(one.key, one.value, one.expected) for one in caught.value.problems]


def test_a_body_that_fits_is_read() -> None:
    assert read_body(Body, b'{"email": "a@b.c", "inner": {"name": "x"}}') == Body(email="a@b.c", inner=Inner("x"))
    assert read_body(Body, b'{"email": "", "days": 3.0}') == Body(email="", days=3)


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ("{}", [("email", "", "a value")]),
        (
            '{"email": "x", "day": 1, "z": 2}',
            [("day", "", "one of email, days, inner"), ("z", "", "one of email, days, inner")],
        ),
        ('{"email": "x", "days": 10}', [("days", "10", "int <= 9")]),
        ('{"email": "x", "days": 1.5}', [("days", "", "int")]),
        ('{"email": "x", "days": true}', [("days", "True", "int")]),
        ('{"email": "x", "days": "1"}', [("days", "1", "int")]),
        ('{"email": "x", "days": null}', [("days", "", "int")]),
        ('{"email": "secret@example.com"}', [("email", "", "str of length <= 10")]),
        ('{"email": "x", "inner": {"name": 1}}', [("inner.name", "", "str")]),
        ('{"email": "x", "inner": {"name": "", "more": 1}}', [("inner", "", "Object contains unknown field more")]),
    ],
)
def test_all_that_is_wrong_is_told_at_once(body: str, problems: list[tuple[str, str, str]]) -> None:
    assert problems_of(Body, body.encode()) == problems


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'"\\ud800"', b"NaN", b"[" * 100_000, b"9" * 5000, b"[]", b"1", b"null", b'"x"'],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_object_of_json_is_refused(body: bytes) -> None:
    ((key, value, expected),) = problems_of(Body, body)
    assert (key, value) == ("body", "")
    assert "JSON" in expected


def test_parameters_are_read_by_their_names() -> None:
    assert read_query(Query, [("from", "2026-03-31"), ("limit", "7")]) == Query(first=date(2026, 3, 31), limit=7)
    assert read_query(Query, []) == Query()


@pytest.mark.parametrize(
    "parameters",
    [
        [("limit", "0")],
        [("limit", "201")],
        [("limit", "7.0")],
        [("limit", " 7")],
        [("limit", "7\n")],
        [("limit", "\u0667")],
        [("limit", "1" * 5000)],
        [("limit", "")],
        [("limit", "7"), ("limit", "7")],
        [("site", "abc\n")],  # Python's `$` lets one line break pass, JSON Schema's none.
        [("first", "2026-03-31")],
        [("from", "2026-02-30")],
        [("from", "1774915200")],
        [("since", "x")],
    ],
)
def test_parameters_that_are_unknown_wrong_or_doubled_are_refused(parameters: list[tuple[str, str]]) -> None:
    with pytest.raises(RefusedError) as caught:
        read_query(Query, parameters)
    assert (caught.value.status, len(caught.value.problems) > 0) == (400, True)


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1.0", "\u0661", "1" * 30])
def test_an_address_that_cannot_be_is_not_found(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_path(Path, {"id": text})
    assert (caught.value.status, caught.value.problems) == (404, ())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["email", "days", "inner", "x"]), inner),
)


@given(st.binary(max_size=200) | _JSON.map(orjson_or_nothing))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        read_body(Body, body)
    except RefusedError as error:
        assert error.status == 400  # noqa: PT017  # Either is right.


def test_what_is_said_back_is_short_and_no_exceptions_text() -> None:
    with pytest.raises(RefusedError) as caught:
        read_body(Body, b'{"email": "x", "days": "' + b"y" * 5000 + b'"}')
    assert "y" not in str(caught.value)
    answer: Any = refusal(caught.value)
    assert len(answer.body) < 600
