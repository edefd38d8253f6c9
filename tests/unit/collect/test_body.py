"""Reading a request's body within its limits."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from firmly.collect.body import ClientGoneError, read_body
from firmly.measure.wire import MAX_BODY_BYTES, MalformedError, TooLargeError

pytestmark = pytest.mark.anyio

Headers = list[tuple[bytes, bytes]]


async def read(chunks: list[bytes | None], headers: Headers | None = None) -> bytes:
    """Read a body that comes in ``chunks``; None is the client that leaves."""
    messages: Iterator[Message] = iter(
        [
            {"type": "http.disconnect"}
            if chunk is None
            else {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
            for number, chunk in enumerate(chunks, 1)
        ]
    )

    async def receive() -> Message:
        return next(messages)

    return await read_body(dict(headers or []), receive)


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=6))
async def test_chunks_are_put_together(chunks: list[bytes]) -> None:
    assert await read([*chunks]) == b"".join(chunks)


async def test_limit_is_exact_in_one_piece_and_in_many() -> None:
    assert len(await read([b"x" * MAX_BODY_BYTES])) == MAX_BODY_BYTES
    for chunks in ([b"x" * (MAX_BODY_BYTES + 1)], [b"x" * 1000] * 66):
        with pytest.raises(TooLargeError, match="65536 bytes"):
            await read([*chunks])


@pytest.mark.parametrize(
    "length", [b"65537", b"-1", b"", b"1e3", b"+5", b"abc", b"9" * 5000, b"0" * 5000, b"\xb2"], ids=lambda v: v[:8]
)
async def test_declared_length_beyond_the_limit_or_odd_is_refused_before_reading(length: bytes) -> None:
    with pytest.raises(TooLargeError):
        await read([b"{}"], [(b"content-length", length)])


async def test_declared_length_within_the_limit_passes() -> None:
    assert await read([b"{}"], [(b"content-length", b"65536"), (b"content-encoding", b"identity")]) == b"{}"


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"identity, gzip", b""])
async def test_compressed_body_is_refused(encoding: bytes) -> None:
    with pytest.raises(MalformedError, match="content-encoding"):
        await read([b"{}"], [(b"content-encoding", encoding)])


async def test_client_that_leaves_is_told_apart() -> None:
    with pytest.raises(ClientGoneError):
        await read([b"{", None])
