"""Asks the JSON API, and says in words what it could not get. Never says the token."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

TIMEOUT_S = 30.0
MAX_BYTES = 4 * 2**20
"""Of one answer, which is far more than the API sends."""


class AskingError(Exception):
    """The API did not answer, or refused; the message is for whoever asked."""


class Api:
    """``url`` is Firmly's own address, without a slash at the end. Close it."""

    def __init__(self, url: str, token: str, version: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(
            base_url=f"{url}/api/v1",
            headers={"authorization": f"Bearer {token}", "user-agent": f"firmly-mcp/{version}"},
            timeout=TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
        )

    async def get(self, path: str, given: Mapping[str, str | int | None]) -> dict[str, Any]:
        """Return an answer's JSON; what is None or empty is not asked. Raises AskingError."""
        asked = {key: value for key, value in given.items() if value not in (None, "")}
        try:
            async with self._client.stream("GET", path, params=asked) as answer:
                body = await _bounded(answer)
        except httpx.InvalidURL:
            raise AskingError("the address that this asks for cannot be used; check the values") from None
        except httpx.HTTPError as error:
            cause = f"cannot be reached ({type(error).__name__})"
            raise AskingError(f"Firmly at {self._url} {cause}; check FIRMLY_MCP_URL, and that it runs") from None
        if answer.status_code != 200:
            raise AskingError(_refusal(answer.status_code, body, self._url))
        found = _json(body)
        if found is None:
            raise AskingError(f"{self._url} does not answer as Firmly does; check FIRMLY_MCP_URL")
        return found

    async def close(self) -> None:
        await self._client.aclose()


async def _bounded(answer: httpx.Response) -> bytes:
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MAX_BYTES:
            raise AskingError("the answer is too large; ask for fewer days or a narrower filter")
    return body


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refusal(status: int, body: bytes, url: str) -> str:
    match status:
        case 401:
            return (
                "the token is not accepted: it is wrong, has expired or was revoked; "
                "make one in the dashboard under API tokens and set FIRMLY_MCP_TOKEN"
            )
        case 404:
            return "there is no such thing in this workspace, or it may not be shown"
        case 429:
            return "too many requests in this minute; wait a moment and ask again"
    said = _json(body) or {}
    detail, problems = said.get("detail"), said.get("problems")
    if not isinstance(detail, str):
        return f"{url} answered {status}, which Firmly's API does not; check FIRMLY_MCP_URL"
    lines = [_problem(one) for one in problems if isinstance(one, dict)] if isinstance(problems, list) else []
    return "\n".join([detail, *lines])


def _problem(said: Mapping[str, Any]) -> str:
    value = f" is {said['value']!r}" if said.get("value") else ""
    return f"{said.get('key', '')}{value}; expected: {said.get('expected', '')}"
