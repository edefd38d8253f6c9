"""Reads a request's body within a limit of bytes and of time."""

import asyncio
from typing import Never

from starlette.types import Message, Receive, Scope

from firmly.measure.wire import MAX_BODY_BYTES, MalformedError, TooLargeError

MAX_WAIT_S = 10.0


class ClientGoneError(Exception):
    """The client left before its body was whole."""


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the whole body.

    Raises:
        TooLargeError: more than `MAX_BODY_BYTES`, declared or sent.
        MalformedError: it is compressed, or did not come within ten seconds.
        ClientGoneError: there is nobody to answer.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > MAX_BODY_BYTES):
            raise TooLargeError(f"Expected a body of at most {MAX_BODY_BYTES} bytes")
        if name == b"content-encoding" and value != b"identity":
            raise MalformedError("Expected a body without content-encoding")
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body"):
        if len(body) > MAX_BODY_BYTES:
            _refuse()
        return body
    try:
        async with asyncio.timeout(MAX_WAIT_S):
            return await _read_on(message, receive)
    except TimeoutError:
        raise MalformedError("Expected the whole body within ten seconds") from None


async def _read_on(message: Message, receive: Receive) -> bytes:
    body = b""
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            _refuse()
        if not message.get("more_body"):
            return body
        message = await receive()


def _refuse() -> Never:
    raise TooLargeError(f"Expected a body of at most {MAX_BODY_BYTES} bytes")
