"""What a browser may post: limits, forms, and errors that name the key."""

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmly.measure.wire import (
    MAX_EVENTS,
    Batch,
    Engagement,
    Goal,
    MalformedError,
    PageView,
    TooLargeError,
    decode,
)

VIEW: dict[str, Any] = {"kind": "pageview", "url": "https://example.com/"}


def body(*events: dict[str, Any], **more: Any) -> bytes:
    return orjson.dumps({"site": "examplesite", "events": list(events) or [VIEW], **more})


def test_every_kind_is_read_and_what_may_be_absent_is_empty() -> None:
    goal = {"kind": "goal", "name": "contact", "props": {"plan": "pro", "seats": 3, "yearly": True}}
    assert decode(body(VIEW, {"kind": "engagement", "active_ms": 5}, goal)) == Batch(
        site="examplesite",
        events=[
            PageView(url="https://example.com/", referrer="", title=""),
            Engagement(active_ms=5, scroll_pct=0, url=""),
            Goal(name="contact", props={"plan": "pro", "seats": 3.0, "yearly": True}, url=""),
        ],
        batch="",
        visit="",
        token="",
    )


def test_keys_of_a_newer_script_are_ignored() -> None:
    assert decode(body({**VIEW, "new": [1]}, newer={"a": 1})) == decode(body())


@pytest.mark.parametrize(
    "good",
    [
        body({**VIEW, "url": "x" * 60_000}),
        body({**VIEW, "referrer": "x" * 60_000}),
        body({**VIEW, "title": "x" * 60_000}),
        body({"kind": "engagement", "active_ms": 86_400_000, "scroll_pct": 100}),
        body({"kind": "engagement", "active_ms": 0, "scroll_pct": 0}),
        body({"kind": "goal", "name": "x" * 60_000}),
        body({"kind": "goal", "name": "x", "props": {"x" * 30_000: "x" * 30_000}}),
        body(*[VIEW] * MAX_EVENTS),
        body(batch="ab" * 16, visit="0f" * 16, token="x" * 1024),
        body(site="x" * 32),
    ],
)
def test_within_the_limits(good: bytes) -> None:
    assert decode(good).events


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (body({**VIEW, "url": ""}), "$.events[0].url"),
        (body({"kind": "engagement", "active_ms": 86_400_001}), "active_ms"),
        (body({"kind": "engagement", "active_ms": 1.5}), "active_ms"),
        (body({"kind": "engagement", "active_ms": 1, "scroll_pct": 101}), "scroll_pct"),
        (body({"kind": "engagement", "active_ms": 1, "scroll_pct": -1}), "scroll_pct"),
        (body({"kind": "goal", "name": ""}), "name"),
        (body({"kind": "goal", "name": "x", "props": {"": 1}}), "props"),
        (body({"kind": "goal", "name": "x", "props": {"a": None}}), "props"),
        (body({"kind": "goal", "name": "x", "props": {"a": [1]}}), "props"),
        (body({"url": "x"}), "kind"),
        (body(site=""), "$.site"),
        (body(site="x" * 33), "$.site"),
        (body(batch="ab"), "$.batch"),
        (body(batch="AB" * 16), "$.batch"),
        (body(batch="ab" * 16 + "\n"), "$.batch"),
        (body(visit="zz" * 16), "$.visit"),
        (body(visit=None), "$.visit"),
        (body(token="x" * 1025), "$.token"),
        (b"", "truncated"),
        (b"\xff", ""),
    ],
)
def test_beyond_the_limit_names_the_key(bad: bytes, says: str) -> None:
    with pytest.raises(MalformedError) as failure:
        decode(bad)
    assert says in str(failure.value)


def test_too_many_events_is_too_large() -> None:
    with pytest.raises(TooLargeError, match=r"51 events - at `\$.events`: expected at most 50"):
        decode(body(*[VIEW] * (MAX_EVENTS + 1)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=50)
    | st.dictionaries(st.sampled_from(["site", "events", "batch", "visit", "token"]), JSON).map(repr).map(str.encode)
)
def test_any_bytes_are_a_batch_or_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        assert isinstance(decode(data), Batch)
