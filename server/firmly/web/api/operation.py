"""An operation of the API: one typed row, from which its route, its checks and its description come."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from msgspec import Struct

from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.accounts.service import Accounts
from firmly.consent.counts import ConsentCounts
from firmly.consent.exports import ConsentExports
from firmly.leads.company_data.service import CompanyData
from firmly.leads.records import LeadRecords
from firmly.leads.service import Leads
from firmly.model import Clock
from firmly.web.post import Post


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """What an operation takes where it takes nothing."""


JSON_LINES = "application/x-ndjson"


class JsonLines(Struct, frozen=True):
    """An answer that is no single JSON value but many lines of it."""

    content: bytes


class Streamed(Struct, frozen=True):
    """An answer that is a file, sent a piece at a time."""

    name: str
    pieces: Iterable[str | bytes]


class CsvFile(Streamed, frozen=True):
    """A table."""


class ParquetFile(Streamed, frozen=True):
    """A table in columns."""


MEDIA_TYPES: Mapping[type[Struct], str] = MappingProxyType(
    {JsonLines: JSON_LINES, CsvFile: "text/csv", ParquetFile: "application/vnd.apache.parquet"}
)
"""Answers that are not JSON."""


P = TypeVar("P", bound=Struct)
Q = TypeVar("Q", bound=Struct)
B = TypeVar("B", bound=Struct)


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What operations are built of. ``base_url`` is where sites load their script from, without a slash at the end."""

    accounts: Accounts
    leads: Leads
    records: LeadRecords
    company_data: CompanyData
    consent: ConsentCounts
    consent_exports: ConsentExports
    post: Post
    clock: Clock
    base_url: str


@dataclass(frozen=True, slots=True)
class Call(Generic[P, Q, B]):
    """One request that may pass: whose, and what it asks for in path, query and body."""

    parts: ApiParts
    scope: Scope
    path: P
    query: Q
    body: B


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table. ``run`` is annotated: ``Call[path, query, body] -> answer``.

    ``needs``: any of these rights will do; empty for every token. ``status`` is that of success.
    ``refuses``: 409 where the state of things can forbid it, 422 where a value of the right form can
    still be no use. ``cost`` is what a request takes off the limit of requests.
    """

    method: str
    path: str
    run: Callable[[Any], Struct | None]
    needs: frozenset[Right]
    status: int = 200
    refuses: tuple[int, ...] = ()
    cost: int = 1

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def says(self) -> tuple[str, str]:
        """Return the summary and the rest of what the operation says of itself."""
        summary, _, rest = inspect.cleandoc(self.run.__doc__ or "").partition("\n")
        return summary, rest.strip()

    @property
    def shape(self) -> "Shape":
        hints = get_type_hints(self.run)
        answer = hints.pop("return")
        (call,) = hints.values()
        path, query, body = get_args(call)
        return Shape(path, query, body, None if answer is type(None) else answer)


@dataclass(frozen=True, slots=True)
class Shape:
    """What an operation takes and answers; ``answer`` is None for an empty one."""

    path: type[Struct]
    query: type[Struct]
    body: type[Struct]
    answer: type[Struct] | None

    @property
    def has_body(self) -> bool:
        return self.body is not Nothing


def statuses(operation: Operation) -> tuple[int, ...]:
    """Return every status that an operation answers with, success first: the one rule for answers and document."""
    shape = operation.shape
    found = {400, 401, 403, 429, 503, *operation.refuses}
    if shape.path is not Nothing:
        found.add(404)
    if shape.has_body:
        found |= {413, 415}
    return (operation.status, *sorted(found))
