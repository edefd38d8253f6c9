"""Describes the operations as an OpenAPI 3.1 document. Source: spec.openapis.org/oas/v3.1.1."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, get_args

import msgspec
from msgspec import NODEFAULT, Struct, UnsetType
from msgspec.structs import FieldInfo, fields

from firmly.web.api.operation import MEDIA_TYPES, Nothing, Operation, ParquetFile, statuses
from firmly.web.api.problems import DETAILS, MEDIA_TYPE, ProblemDetails

PREFIX = "/api/v1"
_SCHEMA, _RESPONSE, _HEADER = (f"#/components/{folder}/" for folder in ("schemas", "responses", "headers"))
_RATES = {
    "RateLimit-Limit": "Requests that a token has in a minute.",
    "RateLimit-Remaining": "What is left of them.",
    "RateLimit-Reset": "Seconds until the next minute.",
}
_RETRY = "Retry-After"
_CHALLENGE = "WWW-Authenticate"
_ABOUT = (
    "One workspace, for programs. A member makes a token in the dashboard; its scopes decide what it may do. "
    "A request that does not have the form of this document is refused with 400, unknown parameters and fields too; "
    "one whose values have the form and are of no use, with 422."
)
_GENERIC = re.compile(r"(?P<of>\w+)_(?P<what>\w+)_")


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """Return the document. It holds nothing of any workspace."""
    operations = tuple(operations)
    schemas = _Schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    errors = sorted({status for one in operations for status in statuses(one) if status != one.status})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Firmly", "version": version, "description": _ABOUT},
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {HTTPStatus(status).name: _error(status, schemas) for status in errors},
            "headers": _headers(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Schemas:
    """The schemas of all types, made at once, so that two types of one name get two names everywhere."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        kinds: list[Any] = [ProblemDetails]
        for one in operations:
            shape = one.shape
            kinds += [_given(each) for part in (shape.path, shape.query) for each in fields(part)]
            kinds += [kind for kind in (shape.body, shape.answer) if kind not in (Nothing, *MEDIA_TYPES, None)]
        schemas, components = msgspec.json.schema_components(kinds, ref_template=_SCHEMA + "{name}")
        self._of = dict(zip(kinds, map(_renamed, schemas), strict=True))
        self.components = dict(sorted((_name(name), _renamed(schema)) for name, schema in components.items()))

    def of(self, kind: Any) -> dict[str, Any]:
        return dict(self._of[kind])


def _name(name: str) -> str:
    """Return a plain name: ``SitePage`` for a page of sites, ``ChoiceState`` for one of two that are called State."""
    generic = _GENERIC.fullmatch(name)
    if generic:
        return generic["what"] + generic["of"]
    *folders, last = name.split(".")
    return folders[-1].capitalize() + last if folders else last


def _renamed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_renamed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    said = {key: _renamed(value) for key, value in schema.items() if key != "title" or isinstance(value, dict)}
    if "$ref" in said:
        said["$ref"] = _SCHEMA + _name(said["$ref"].removeprefix(_SCHEMA))
    return said


def _operation(one: Operation, schemas: _Schemas) -> dict[str, Any]:
    shape = one.shape
    summary, more = one.says
    said: dict[str, Any] = {"operationId": one.name, "summary": summary, "description": _description(one, more)}
    parameters = [*_parameters(shape.path, "path", schemas), *_parameters(shape.query, "query", schemas)]
    if parameters:
        said["parameters"] = parameters
    if shape.has_body:
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": schemas.of(shape.body)}}}
    success, *errors = statuses(one)
    said["responses"] = {str(success): _success(one, schemas)}
    said["responses"] |= {str(status): {"$ref": _RESPONSE + HTTPStatus(status).name} for status in errors}
    return said


def _description(one: Operation, more: str) -> str:
    rights = " or ".join(f"`{right}`" for right in sorted(one.needs))
    needs = f"Needs the right {rights}." if one.needs else "Needs any token."
    return f"{more}\n\n{needs}" if more else needs


def _parameters(shape: type[Struct], place: str, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    for one in fields(shape):
        schema = schemas.of(_given(one))
        description = schema.pop("description", None)
        said = {"name": one.encode_name, "in": place, "required": one.default is NODEFAULT, "schema": schema}
        yield said | ({"description": description} if description else {})


def _given(one: FieldInfo) -> Any:
    """Return the type that a parameter has where it is given."""
    kinds = get_args(one.type)
    return next(kind for kind in kinds if kind is not UnsetType) if UnsetType in kinds else one.type


def _success(one: Operation, schemas: _Schemas) -> dict[str, Any]:
    said: dict[str, Any] = {"description": HTTPStatus(one.status).phrase, "headers": _refer(*_RATES)}
    answer = one.shape.answer
    if answer is not None and answer in MEDIA_TYPES:
        # Source: OpenAPI 3.1.1, 4.8.14.3: what is binary has no schema.
        said["content"] = {MEDIA_TYPES[answer]: {} if answer is ParquetFile else {"schema": {"type": "string"}}}
    elif answer is not None:
        said["content"] = {"application/json": {"schema": schemas.of(answer)}}
    return said


def _error(status: int, schemas: _Schemas) -> dict[str, Any]:
    match status:
        case 401:
            headers = _refer(_CHALLENGE)
        case 503:  # It may come before the token is known: nothing is counted then.
            headers = _refer(_RETRY)
        case 429:
            headers = _refer(*_RATES, _RETRY)
        case _:
            headers = _refer(*_RATES)
    return {
        "description": DETAILS[status],
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": schemas.of(ProblemDetails)}},
    }


def _refer(*names: str) -> dict[str, Any]:
    return {name: {"$ref": _HEADER + name} for name in names}


def _headers() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0}
    said = {name: {"description": text, "required": True, "schema": number} for name, text in _RATES.items()}
    return said | {
        _RETRY: {"description": "Seconds after which to try again.", "required": True, "schema": number},
        _CHALLENGE: {"description": "How to show a token.", "required": True, "schema": {"type": "string"}},
    }
