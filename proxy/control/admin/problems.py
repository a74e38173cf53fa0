"""Everything that can be wrong with a call, as problem documents (RFC 9457), and the HTTP status of each."""

from __future__ import annotations

import enum
import json
import logging
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from proxy.control.publisher import TableTooLarge
from proxy.control.store.base import StoreError
from proxy.traffic.refusal import RefusalCode, Refused

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


class AdminCode(enum.StrEnum):
    """Reasons of the admin API's own; what the state machine refuses has the codes of :class:`RefusalCode`."""

    BAD_REQUEST = "bad_request"
    MALFORMED_JSON = "malformed_json"
    INVALID_QUERY = "invalid_query"
    INVALID_IF_MATCH = "invalid_if_match"
    INVALID_IDEMPOTENCY_KEY = "invalid_idempotency_key"
    INVALID_LAST_EVENT_ID = "invalid_last_event_id"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    COMMAND_NOT_ALLOWED = "command_not_allowed"
    HOST_NOT_ALLOWED = "host_not_allowed"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    CSRF_FAILED = "csrf_failed"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_SLOW = "body_too_slow"
    IDEMPOTENCY_IN_PROGRESS = "idempotency_in_progress"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID_BODY = "invalid_body"
    UNKNOWN_COLOR = "unknown_color"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    UPSTREAM_NOT_RESOLVABLE = "upstream_not_resolvable"
    UPSTREAM_NOT_ALLOWED = "upstream_not_allowed"
    TABLE_TOO_LARGE = "table_too_large"
    CONFIG_REFUSED = "config_refused"
    INTERNAL_ERROR = "internal_error"
    STORE_UNAVAILABLE = "store_unavailable"
    NOT_READY = "not_ready"
    TOO_MANY_STREAMS = "too_many_streams"


Code = AdminCode | RefusalCode

STATUS: Mapping[Code, HTTPStatus] = {
    AdminCode.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    AdminCode.MALFORMED_JSON: HTTPStatus.BAD_REQUEST,
    AdminCode.INVALID_QUERY: HTTPStatus.BAD_REQUEST,
    AdminCode.INVALID_IF_MATCH: HTTPStatus.BAD_REQUEST,
    AdminCode.INVALID_IDEMPOTENCY_KEY: HTTPStatus.BAD_REQUEST,
    AdminCode.INVALID_LAST_EVENT_ID: HTTPStatus.BAD_REQUEST,
    AdminCode.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    AdminCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    AdminCode.COMMAND_NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    AdminCode.HOST_NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    AdminCode.ORIGIN_NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    AdminCode.CSRF_FAILED: HTTPStatus.FORBIDDEN,
    AdminCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    RefusalCode.SERVICE_NOT_FOUND: HTTPStatus.NOT_FOUND,
    RefusalCode.UPSTREAM_NOT_FOUND: HTTPStatus.NOT_FOUND,
    RefusalCode.OPERATION_NOT_FOUND: HTTPStatus.NOT_FOUND,
    AdminCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    AdminCode.BODY_TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    RefusalCode.OPERATION_ENDED: HTTPStatus.CONFLICT,
    RefusalCode.OPERATION_RUNNING: HTTPStatus.CONFLICT,
    RefusalCode.NOT_ABORTABLE: HTTPStatus.CONFLICT,
    RefusalCode.COLOR_NOT_HEALTHY: HTTPStatus.CONFLICT,
    RefusalCode.NOTHING_TO_ROLL_BACK: HTTPStatus.CONFLICT,
    RefusalCode.DUPLICATE_UPSTREAM: HTTPStatus.CONFLICT,
    RefusalCode.LAST_UPSTREAM: HTTPStatus.CONFLICT,
    RefusalCode.POOL_EMPTY: HTTPStatus.CONFLICT,
    RefusalCode.NOT_PAUSABLE: HTTPStatus.CONFLICT,
    RefusalCode.NEEDS_STICKY_COOKIE: HTTPStatus.CONFLICT,
    RefusalCode.NO_ROOM: HTTPStatus.CONFLICT,
    RefusalCode.NOT_UPDATING: HTTPStatus.CONFLICT,
    AdminCode.IDEMPOTENCY_IN_PROGRESS: HTTPStatus.CONFLICT,
    RefusalCode.REVISION_MISMATCH: HTTPStatus.PRECONDITION_FAILED,
    AdminCode.BODY_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    AdminCode.UNSUPPORTED_MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    AdminCode.INVALID_BODY: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalCode.STEPS_NOT_STEADY: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalCode.NO_WAY_BACK: HTTPStatus.UNPROCESSABLE_ENTITY,
    AdminCode.UNKNOWN_COLOR: HTTPStatus.UNPROCESSABLE_ENTITY,
    AdminCode.IDEMPOTENCY_KEY_REUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    AdminCode.UPSTREAM_NOT_RESOLVABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    AdminCode.UPSTREAM_NOT_ALLOWED: HTTPStatus.UNPROCESSABLE_ENTITY,
    AdminCode.TABLE_TOO_LARGE: HTTPStatus.UNPROCESSABLE_ENTITY,
    AdminCode.CONFIG_REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    AdminCode.INTERNAL_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
    AdminCode.STORE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    AdminCode.NOT_READY: HTTPStatus.SERVICE_UNAVAILABLE,
    AdminCode.TOO_MANY_STREAMS: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The one table from code to status."""

_OF_AIOHTTP = {
    HTTPStatus.NOT_FOUND: AdminCode.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: AdminCode.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: AdminCode.BODY_TOO_LARGE,
}

_RETRY_AFTER = "2"
"""Seconds until a store that failed is tried again."""


class Problem(Exception):
    """A call that is answered with a problem document.

    ``facts`` are further members of it, ``headers`` further fields of the answer.
    """

    def __init__(self, code: Code, detail: str, *, headers: Mapping[str, str] | None = None, **facts: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.facts = facts

    def response(self) -> web.Response:
        """The answer. Its type is ``about:blank``: the code says more than a link would."""
        status = STATUS[self.code]
        document = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": self.detail,
            "code": self.code.value,
            **self.facts,
        }
        headers = {"Cache-Control": "no-store", **self.headers}
        return web.Response(
            status=status, body=json.dumps(document).encode(), content_type=CONTENT_TYPE, headers=headers
        )


def problem_of(error: Exception) -> Problem:
    """The problem that any error of a handler amounts to. What nobody expected is logged under the id it is given."""
    match error:
        case Problem():
            return error
        case Refused():
            return Problem(error.code, error.detail, headers=None, **error.facts)
        case TableTooLarge():
            return Problem(AdminCode.TABLE_TOO_LARGE, str(error))
        case StoreError():
            headers = {"Retry-After": _RETRY_AFTER}
            return Problem(AdminCode.STORE_UNAVAILABLE, f"nothing was changed: {error}", headers=headers)
        case web.HTTPException():
            return _problem_of_aiohttp(error)
        case _:
            return _unexpected(error)


def _problem_of_aiohttp(error: web.HTTPException) -> Problem:
    code = _OF_AIOHTTP.get(HTTPStatus(error.status), AdminCode.BAD_REQUEST)
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(code, f"{error.method} is not possible here, only {allowed}", headers={"Allow": allowed})
    details = {
        AdminCode.NOT_FOUND: "there is nothing at this path; GET / says what there is",
        AdminCode.BODY_TOO_LARGE: "the body is larger than anything this API takes",
    }
    return Problem(code, details.get(code, error.reason))


def _unexpected(error: Exception) -> Problem:
    number = uuid.uuid4().hex[:12]
    logger.error("admin API: unexpected error %s", number, exc_info=error)
    detail = "a fault of the program's own; the log tells more under this id"
    return Problem(AdminCode.INTERNAL_ERROR, detail, id=number)
