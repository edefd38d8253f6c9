"""Reads a request's body within a limit of bytes and of time."""

import asyncio

from starlette.types import Receive, Scope

from firmly.measure.wire import MAX_BODY_BYTES, MalformedError, TooLargeError

MAX_WAIT_S = 10.0


class ClientGoneError(Exception):
    """The client left before its body was whole."""


async def read_body(scope: Scope, receive: Receive, max_wait_s: float = MAX_WAIT_S) -> bytes:
    """Return the whole body.

    Raises:
        TooLargeError: more than `MAX_BODY_BYTES`, declared or sent.
        MalformedError: it is compressed, or did not come within ``max_wait_s``.
        ClientGoneError: there is nobody to answer.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and not _is_within_limit(value):
            raise TooLargeError(f"Expected a body of at most {MAX_BODY_BYTES} bytes")
        if name == b"content-encoding" and value != b"identity":
            raise MalformedError("Expected a body without content-encoding")
    try:
        async with asyncio.timeout(max_wait_s):
            return await _read_whole(receive)
    except TimeoutError:
        raise MalformedError("Expected the whole body within ten seconds") from None


def _is_within_limit(length: bytes) -> bool:
    # By its digits first: int() raises where there are thousands of them.
    return length.isdigit() and len(length) <= 9 and int(length) <= MAX_BODY_BYTES


async def _read_whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise TooLargeError(f"Expected a body of at most {MAX_BODY_BYTES} bytes")
        if not message.get("more_body"):
            return bytes(body)
