"""Errors as `application/problem+json`. Source: RFC 9457."""

import orjson
from starlette.types import Send

Headers = list[tuple[bytes, bytes]]


def problem_body(status: int, title: str, detail: str = "") -> bytes:
    return orjson.dumps(
        {"type": "about:blank", "title": title, "status": status, **({"detail": detail} if detail else {})}
    )


async def send_problem(send: Send, status: int, title: str, detail: str = "", headers: Headers | None = None) -> None:
    """Answer a raw ASGI request with a problem; ``detail`` is for the sender only and is never logged."""
    body = problem_body(status, title, detail)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(body)).encode()),
                (b"cache-control", b"no-store"),
                *(headers or []),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
