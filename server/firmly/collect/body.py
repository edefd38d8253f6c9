"""Reads a request's body within a limit of bytes. Its limit of time is the connection's (`firmly.process`)."""

from collections.abc import Mapping

from starlette.types import Receive

from firmly.measure.wire import MAX_BODY_BYTES, MalformedError, TooLargeError


class ClientGoneError(Exception):
    """The client left before its body was whole."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """Return the whole body.

    Raises:
        TooLargeError: more than `MAX_BODY_BYTES`, declared or sent.
        MalformedError: it is compressed.
        ClientGoneError: there is nobody to answer.
    """
    if not _is_within_limit(headers.get(b"content-length", b"0")):
        raise TooLargeError(f"Expected a body of at most {MAX_BODY_BYTES} bytes")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise MalformedError("Expected a body without content-encoding")
    chunks: list[bytes] = []
    room = MAX_BODY_BYTES
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunks.append(message.get("body", b""))
        room -= len(chunks[-1])
        if room < 0:
            raise TooLargeError(f"Expected a body of at most {MAX_BODY_BYTES} bytes")
        if not message.get("more_body"):
            return b"".join(chunks)


def _is_within_limit(length: bytes) -> bool:
    # By its digits first: int() raises where there are thousands of them.
    return length.isdigit() and len(length) <= 9 and int(length) <= MAX_BODY_BYTES
