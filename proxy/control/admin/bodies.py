"""From the bytes and parameters of a call to checked values, or to a problem that names every field that is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from proxy.config.wording import suggestion
from proxy.control.admin.kinds import UNKNOWN_COLOR
from proxy.control.admin.problems import AdminCode, Problem

MAX_BODY = 64 * 1024
"""Bytes of a body."""

BODY_TIMEOUT = 10.0
"""Seconds in which a body has to arrive."""

_MOST_ERRORS = 20
_LONGEST_NAME = 100

M = TypeVar("M", bound=BaseModel)


async def read_body(request: web.Request) -> bytes:
    """The whole body, empty if there is none. Of a body that is too large no more than the limit is read.

    Raises:
        Problem: too large, too slow, or no JSON by its media type.
    """
    if (request.content_length or 0) > MAX_BODY:
        raise too_large()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None
    except TimeoutError:
        raise Problem(AdminCode.BODY_TOO_SLOW, f"the body did not arrive within {BODY_TIMEOUT:g} s") from None
    if body:
        _check_media_type(request)
    return body


def too_large() -> Problem:
    """The problem of a body that nobody will read."""
    return Problem(AdminCode.BODY_TOO_LARGE, f"a body may have {MAX_BODY} bytes", limit=MAX_BODY)


async def answer_expectation(request: web.Request) -> web.StreamResponse | None:
    """Ask for the body of a client that waits to be asked (RFC 9110, 10.1.1), unless it is too large anyway."""
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        return Problem(AdminCode.BAD_REQUEST, "the only expectation that can be met is 100-continue").response()
    if (request.content_length or 0) > MAX_BODY:
        return too_large().response()
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return None


def _check_media_type(request: web.Request) -> None:
    """A form of a web page can be sent to anywhere without asking; JSON cannot."""
    encoded = request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity"
    charset = (request.charset or "utf-8").lower()
    if request.content_type != "application/json" or charset != "utf-8" or encoded:
        detail = "a body has to be Content-Type: application/json, in UTF-8 and not compressed"
        raise Problem(AdminCode.UNSUPPORTED_MEDIA_TYPE, detail, headers={hdrs.ACCEPT: "application/json"})


def parse_body(data: bytes, model: type[M]) -> M:
    """The body as checked values. No body at all is an empty object.

    Raises:
        Problem: no JSON, or not what the call takes.
    """
    try:
        document = json.loads(
            data.decode() or "{}", object_pairs_hook=_object_without_repetition, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        raise Problem(AdminCode.MALFORMED_JSON, f"the body is not JSON: {_reason(error)}") from None
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise _invalid(error, model, AdminCode.INVALID_BODY) from None


def parse_query(request: web.Request, model: type[M]) -> M:
    """The parameters of the query as checked values. Raises :class:`Problem` where one is wrong or given twice."""
    for name in (field.alias or name for name, field in model.model_fields.items()):
        if len(request.query.getall(name, [])) > 1:
            raise Problem(AdminCode.INVALID_QUERY, f"{name}: must be given once", errors=[_told(name, "given twice")])
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise _invalid(error, model, AdminCode.INVALID_QUERY) from None


def _object_without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return document


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _invalid(error: ValidationError, model: type[BaseModel], code: AdminCode) -> Problem:
    found = error.errors(include_url=False, include_context=True, include_input=False)
    errors = [_told(_field(each["loc"]), _message(each, model)) for each in found[:_MOST_ERRORS]]
    detail = "; ".join(f"{each['field']}: {each['message']}" if each["field"] else each["message"] for each in errors)
    if any(each["type"] == UNKNOWN_COLOR for each in found):
        code = AdminCode.UNKNOWN_COLOR
    return Problem(code, detail, errors=errors)


def _told(field: str, message: str) -> dict[str, str]:
    return {"field": field, "message": message}


def _field(place: Iterable[int | str]) -> str:
    """``upstreams[0].weight``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:_LONGEST_NAME]}" for step in place)
    return text.removeprefix(".")


def _message(error: ErrorDetails, model: type[BaseModel]) -> str:
    match error["type"]:
        case "extra_forbidden":
            meant = suggestion(str(error["loc"][-1]), _names(error, model))
            return f"unknown field; did you mean {meant}?" if meant else "unknown field"
        case "missing":
            return "is required"
        case "model_type" | "model_attributes_type":
            return "must be a JSON object"
        case "bool_type":
            return "must be true or false"
        case "string_type":
            return "must be a string"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return error["msg"]


def _names(error: ErrorDetails, model: type[BaseModel]) -> Iterable[str]:
    """The fields that exist where an unknown one was found."""
    for step in error["loc"][:-1]:
        inner = _model_in(model.model_fields[step].annotation) if step in model.model_fields else None
        model = inner or model
    return model.model_fields


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The class of objects in a list of them, or beside null."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((each for each in found if each is not None), None)
