"""Errors as problem+json."""

import orjson
import pytest
from starlette.types import Message

from firmly.collect.problem import problem_body, send_problem

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("detail", ["", 'Expected "x"\n'])
async def test_problem_says_status_title_and_detail(detail: str) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await send_problem(send, 413, "Too large", detail, [(b"retry-after", b"10")])
    start, body = sent
    expected = {"type": "about:blank", "title": "Too large", "status": 413} | ({"detail": detail} if detail else {})
    assert orjson.loads(body["body"]) == expected == orjson.loads(problem_body(413, "Too large", detail))
    assert dict(start["headers"]) == {
        b"content-type": b"application/problem+json",
        b"content-length": str(len(body["body"])).encode(),
        b"cache-control": b"no-store",
        b"retry-after": b"10",
    }
