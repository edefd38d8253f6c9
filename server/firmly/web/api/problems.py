"""What the API answers when it refuses. Source: RFC 9457."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.responses import Response

from firmly.model import Problem

MEDIA_TYPE = "application/problem+json"
RETRY_S = 30
MOST_SHOWN = 100
"""Characters of a value that are said back."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

DETAILS: Mapping[int, str] = MappingProxyType(
    {
        400: "The request does not have the form that the OpenAPI document gives.",
        401: "Send a token that stands: Authorization: Bearer firmly_...",
        403: "The token's scopes do not hold the right that this needs, or only owners may do it, in the dashboard.",
        404: "The workspace has no such thing.",
        405: "The address cannot be used that way.",
        409: "The state of things forbids it.",
        413: "The body is larger than 16 KiB.",
        415: "The body has to be application/json.",
        422: "A value has the right form and cannot be used.",
        429: "The token has used up its requests for this minute.",
        500: "Something failed here.",
        503: "A database does not answer right now. Nothing was changed.",
    }
)


class ValueProblem(Struct, frozen=True):
    """One thing wrong with the request."""

    key: Annotated[str, Meta(description="The parameter, or the place in the body.")]
    value: Annotated[str, Meta(description="What was given, shortened; empty where there is nothing to show.")]
    expected: Annotated[str, Meta(description="What would have been right.")]


class ProblemDetails(Struct, frozen=True):
    """Why a request was refused (RFC 9457)."""

    type: Annotated[str, Meta(description="Always about:blank: the status says the kind.")]
    title: str
    status: int
    detail: str
    problems: Annotated[list[ValueProblem], Meta(description="Each value that was wrong; empty otherwise.")]


class RefusedError(Exception):
    """A request that cannot be answered as asked: its status, and what the sender is told. Never logged."""

    def __init__(
        self, status: int, detail: str = "", problems: Iterable[Problem] = (), headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail
        self.problems = tuple(problems)
        self.headers = headers


def refusal(error: RefusedError) -> Response:
    """Return the answer that says it."""
    body = ProblemDetails(
        "about:blank",
        HTTPStatus(error.status).phrase,
        error.status,
        error.detail or DETAILS.get(error.status, ""),
        [ValueProblem(one.key[:MOST_SHOWN], one.value[:MOST_SHOWN], one.expected) for one in error.problems],
    )
    return Response(msgspec.json.encode(body), error.status, dict(error.headers), MEDIA_TYPE)
