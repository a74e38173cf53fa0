"""The OpenAPI 3.1 document, made from the same routes and models that serve the requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from types import UnionType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import proxy
from proxy.control.admin import problems
from proxy.control.admin.answers import ProblemAnswer
from proxy.control.admin.idempotency import HEADER as IDEMPOTENCY_KEY
from proxy.control.admin.problems import STATUS, AdminCode, Code
from proxy.control.admin.route import Answer, AnyRoute
from proxy.control.admin.table import ROUTES
from proxy.traffic.refusal import RefusalCode

Json = dict[str, Any]

_REF = "#/components/schemas/{model}"
_BEARER = "bearer"

_INTRODUCTION = """\
Everything that an operator can do to the front door. Errors are `application/problem+json` (RFC 9457) with a `code` to
match on. Answers about a service carry its revision as `ETag`; every change accepts `If-Match`, `Idempotency-Key` and
`?dry_run=true`.
"""

_PATH_PARAMETERS: Mapping[str, Json] = {
    "service": {"description": "Name of a service.", "schema": {"type": "string"}},
    "color": {"description": "blue or green.", "schema": {"type": "string", "enum": ["blue", "green"]}},
    "address": {"description": "host:port of an upstream.", "schema": {"type": "string"}, "example": "127.0.0.1:9001"},
    "operation": {"description": "Id of an operation.", "schema": {"type": "string"}, "example": "op-1"},
}

_CHANGE_HEADERS: tuple[Json, ...] = (
    {
        "name": "If-Match",
        "in": "header",
        "description": 'The ETag of the service as it was last seen, such as "7"; 412 if it has changed since.',
        "schema": {"type": "string", "pattern": r'^("[0-9]{1,18}"|\*)$'},
    },
    {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "description": "The same key on the same request gives the same answer, for 24 hours, until a restart.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
)

_LAST_EVENT_ID: Json = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last event that was received.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
}


def codes_of(route: AnyRoute) -> tuple[Code, ...]:
    """Everything that a route may refuse with, each code once."""
    codes: list[Code] = [*route.problems, AdminCode.BAD_REQUEST, AdminCode.HOST_NOT_ALLOWED, AdminCode.INTERNAL_ERROR]
    if route.role is not None:
        codes.append(AdminCode.UNAUTHORIZED)
    if route.query.model_fields:
        codes.append(AdminCode.INVALID_QUERY)
    if route.changes:
        codes += _change_codes(route)
    return tuple(dict.fromkeys(codes))


def _change_codes(route: AnyRoute) -> Iterator[Code]:
    yield from (AdminCode.ORIGIN_NOT_ALLOWED, AdminCode.CSRF_FAILED, AdminCode.FORBIDDEN)
    yield from (AdminCode.MALFORMED_JSON, AdminCode.INVALID_BODY, AdminCode.UNSUPPORTED_MEDIA_TYPE)
    yield from (AdminCode.BODY_TOO_LARGE, AdminCode.BODY_TOO_SLOW)
    yield from (AdminCode.INVALID_IF_MATCH, AdminCode.INVALID_IDEMPOTENCY_KEY)
    yield from (AdminCode.IDEMPOTENCY_IN_PROGRESS, AdminCode.IDEMPOTENCY_KEY_REUSED)
    if route.etag:
        yield from (RefusalCode.REVISION_MISMATCH, AdminCode.TABLE_TOO_LARGE, AdminCode.STORE_UNAVAILABLE)


def document(*, secured: bool) -> Json:
    """The whole document; ``secured`` says whether tokens are needed."""
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, secured=secured)
    return {
        "openapi": "3.1.0",
        "info": {"title": "bluegreen admin API", "version": proxy.__version__, "description": _INTRODUCTION},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                _BEARER: {"type": "http", "scheme": "bearer", "description": "A token of the config file."}
            },
        },
    }


def _operation(route: AnyRoute, *, secured: bool) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [_tag(route.path)],
        "parameters": [*_path_parameters(route.path), *_query_parameters(route.query), *_header_parameters(route)],
        "responses": {**_good_responses(route), **_problem_responses(codes_of(route))},
    }
    if route.role is not None:
        operation["description"] = f"Needs the role {route.role.value}."
    if route.takes_body:
        required = any(field.is_required() for field in route.body.model_fields.values())
        schema = {"$ref": _REF.format(model=route.body.__name__)}
        operation["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    if secured and route.role is not None:
        operation["security"] = [{_BEARER: []}]
    return operation


def _tag(path: str) -> str:
    nouns = re.findall(r"^/v1/(\w+)", path)
    return nouns[0] if nouns else "probes"


def _path_parameters(path: str) -> list[Json]:
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]} for name in names]


def _query_parameters(model: type[BaseModel]) -> list[Json]:
    properties = _inlined(model.model_json_schema()).get("properties", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.get("description", ""),
            "schema": {key: value for key, value in _not_null(schema).items() if key not in ("description", "title")},
        }
        for name, schema in properties.items()
    ]


def _inlined(schema: Json) -> Json:
    """A schema without references: parameters stand alone."""
    definitions = schema.get("$defs", {})

    def replaced(node: Any) -> Any:
        if isinstance(node, dict):
            reference = node.get("$ref", "")
            inner = definitions[reference.rpartition("/")[2]] if reference else {}
            return {key: replaced(value) for key, value in {**inner, **node}.items() if key != "$ref"}
        return [replaced(item) for item in node] if isinstance(node, list) else node

    inlined: Json = replaced({key: value for key, value in schema.items() if key != "$defs"})
    return inlined


def _not_null(schema: Json) -> Json:
    """A parameter is left out and never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    return kinds[0] if kinds else schema


def _header_parameters(route: AnyRoute) -> list[Json]:
    if AdminCode.INVALID_LAST_EVENT_ID in route.problems:
        return [_LAST_EVENT_ID]
    return list(_CHANGE_HEADERS) if route.changes else []


def _good_responses(route: AnyRoute) -> Json:
    return {
        str(status.value): {
            "description": status.phrase,
            "headers": _answer_headers(route, status),
            "content": _content(answer),
        }
        for status, answer in route.answers.items()
    }


def _content(answer: Answer) -> Json:
    if isinstance(answer, str):
        return {answer: {"schema": {} if answer == "application/json" else {"type": "string"}}}
    members = [{"$ref": _REF.format(model=model.__name__)} for model in _models(answer)]
    return {"application/json": {"schema": {"anyOf": members} if len(members) > 1 else members[0]}}


def _models(answer: Answer) -> tuple[type[BaseModel], ...]:
    """The classes that a good answer may be of; none, if it is no JSON."""
    if isinstance(answer, str):
        return ()
    return answer.__args__ if isinstance(answer, UnionType) else (answer,)


def _answer_headers(route: AnyRoute, status: HTTPStatus) -> Json:
    headers: Json = {}
    if route.etag:
        headers["ETag"] = {"description": "Revision of the service.", "required": True, "schema": {"type": "string"}}
    if status is HTTPStatus.ACCEPTED:
        headers["Location"] = {"description": "The operation that is under way.", "schema": {"type": "string"}}
    return headers


def _problem_responses(codes: Iterable[Code]) -> Json:
    by_status: dict[HTTPStatus, list[Code]] = {}
    for code in codes:
        by_status.setdefault(STATUS[code], []).append(code)
    return {str(status.value): _problem_response(status, by_status[status]) for status in sorted(by_status)}


def _problem_response(status: HTTPStatus, codes: list[Code]) -> Json:
    schema = {
        "allOf": [{"$ref": _REF.format(model=ProblemAnswer.__name__)}],
        "properties": {"code": {"enum": [code.value for code in codes]}},
    }
    words = ", ".join(f"`{code.value}`" for code in codes)
    return {"description": f"{status.phrase}: {words}", "content": {problems.CONTENT_TYPE: {"schema": schema}}}


def _schemas() -> Json:
    taken = {route.body for route in ROUTES if route.takes_body}
    answers = {answer for route in ROUTES for answer in route.answers.values()}
    given: set[type[BaseModel]] = {ProblemAnswer, *(model for answer in answers for model in _models(answer))}
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in taken]
    models += [(model, "serialization") for model in given]
    _, schema = models_json_schema(sorted(models, key=lambda each: each[0].__name__), ref_template=_REF)
    definitions: Json = schema["$defs"]
    return definitions
