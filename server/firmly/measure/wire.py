"""What a browser posts to `/f/e` (docs/WIRE.md): shapes, limits and one decoder.

Unknown keys are ignored, so that an older collector takes a newer script's events.
"""

import re
from typing import Annotated

import msgspec

MAX_BODY_BYTES = 64 * 1024
MAX_EVENTS = 50
MAX_URL = 4096
_HEX_128 = re.compile(r"[0-9a-f]{32}\Z")

Given = Annotated[str, msgspec.Meta(min_length=1)]
"""Text of any length: one that is too long for its use costs its event, not the others of the batch."""


class PageView(msgspec.Struct, frozen=True, tag_field="kind", tag="pageview"):
    url: Given
    referrer: str = ""
    title: str = ""


class Engagement(msgspec.Struct, frozen=True, tag_field="kind", tag="engagement"):
    """Time with the page in view since the last beat (at most a day), and the deepest scroll."""

    active_ms: Annotated[int, msgspec.Meta(ge=0, le=86_400_000)]
    scroll_pct: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    url: str = ""


class Goal(msgspec.Struct, frozen=True, tag_field="kind", tag="goal"):
    name: Given
    props: dict[Given, str | float | bool] = {}
    url: str = ""


Event = PageView | Engagement | Goal


class Batch(msgspec.Struct, frozen=True):
    """One request: events of one page of one site, oldest first."""

    site: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    events: Annotated[list[Event], msgspec.Meta(min_length=1)]
    batch: str = ""
    visit: str = ""
    token: Annotated[str, msgspec.Meta(max_length=1024)] = ""


class MalformedError(Exception):
    """The body cannot be used. The text is for the sender alone and never logged."""


class TooLargeError(MalformedError):
    """The body or the batch is over its limit."""


_decoder = msgspec.json.Decoder(Batch)


def decode(body: bytes) -> Batch:
    """Read one request's body.

    Raises:
        TooLargeError: more than `MAX_EVENTS` events.
        MalformedError: anything else that is not a batch; names the key and what was expected.
    """
    try:
        batch = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(str(error)) from None
    if len(batch.events) > MAX_EVENTS:
        raise TooLargeError(f"{len(batch.events)} events - at `$.events`: expected at most {MAX_EVENTS}")
    for key, value in (("batch", batch.batch), ("visit", batch.visit)):
        if value and not _HEX_128.match(value):
            raise MalformedError(f"Expected 32 characters of 0-9 a-f - at `$.{key}`")
    return batch
