"""A route as data: who may call it, what it takes, what it answers. Requests are served and documented from the same.

The steps of a call, in this order, each of which may refuse it: who asks, may they, the parameters, the precondition,
the body, the key against doing it twice. Only then the handler of the route sees it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import UnionType
from typing import Any, Generic, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel

from proxy.config.settings import Role
from proxy.control.admin.auth import authorize
from proxy.control.admin.bodies import parse_body, parse_query, read_body
from proxy.control.admin.context import AdminContext
from proxy.control.admin.idempotency import IdempotentAnswers, key_use
from proxy.control.admin.problems import AdminCode, Code, Problem
from proxy.control.admin.requests import NoBody
from proxy.control.admin.sessions import identified

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)

_REVISION = re.compile(r'"([0-9]{1,18})"')


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """A request that has passed every check that does not depend on what it asks for."""

    context: AdminContext
    request: web.Request
    by: str
    """Who asks."""
    query: Q
    body: B
    expected_revision: int | None
    """Of the ``If-Match`` field; ``None`` for any."""

    def path(self, name: str) -> str:
        """A variable part of the path."""
        return self.request.match_info[name]


Answer = type[BaseModel] | UnionType | str
"""The class of a JSON answer, several in a union, or the media type of one that is no JSON."""

Handler = Callable[[Call[Q, B]], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route(Generic[Q, B]):
    """One method at one path."""

    method: str
    path: str
    summary: str
    handler: Handler[Q, B]
    query: type[Q]
    body: type[B]
    role: Role | None = Role.VIEWER
    """The least role that may call it; ``None``: everybody, without a token."""
    answers: Mapping[HTTPStatus, Answer] = field(default_factory=dict)
    """What it answers for each good status."""
    problems: tuple[Code, ...] = ()
    """What it refuses for reasons of its own."""
    etag: bool = False
    """Whether its answers carry the revision of a service."""

    @property
    def name(self) -> str:
        """Its name in the OpenAPI document."""
        return self.handler.__name__.strip("_")

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are served: what can be read can be asked for its head alone (RFC 9110, 9.1)."""
        return (self.method,) if self.changes else (hdrs.METH_GET, hdrs.METH_HEAD)

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return self.method != hdrs.METH_GET

    @property
    def takes_body(self) -> bool:
        """Whether a body means anything."""
        return self.body is not NoBody


AnyRoute = Route[Any, Any]
"""A route whose parameters do not matter."""


class Endpoint(Generic[Q, B]):
    """Takes the requests of one route."""

    def __init__(self, route: Route[Q, B], context: AdminContext, kept: IdempotentAnswers) -> None:
        self._route = route
        self._context = context
        self._kept = kept

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request. Raises :class:`Problem`, and whatever else carrying it out may raise."""
        route = self._route
        by = self._admit(request)
        query = parse_query(request, route.query)
        expected = expected_revision(request) if route.changes else None
        data = await read_body(request) if route.changes else b""
        call = Call(self._context, request, by, query, parse_body(data, route.body), expected)
        use = key_use(request, data, by) if route.changes else None
        if use is None:
            return await route.handler(call)

        async def carry_out() -> web.Response:
            response = await route.handler(call)
            assert isinstance(response, web.Response)  # only reading streams
            return response

        return await self._kept.answer(use, carry_out)

    def _admit(self, request: web.Request) -> str:
        if self._route.role is None:
            return ""
        identity = identified(request, self._context.tokens)
        authorize(identity, self._route.role)
        return identity.name


def expected_revision(request: web.Request) -> int | None:
    """The revision in ``If-Match``, ``None`` if any will do. Raises :class:`Problem` for what is no revision."""
    values = request.headers.getall(hdrs.IF_MATCH, [])
    if not values or values == ["*"]:
        return None
    match = _REVISION.fullmatch(values[0])
    if len(values) > 1 or match is None:
        detail = 'If-Match must be the ETag of a service, as in If-Match: "7", or *'
        raise Problem(AdminCode.INVALID_IF_MATCH, detail)
    return int(match[1])


def answered(
    body: BaseModel,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    revision: int | None = None,
    location: str | None = None,
) -> web.Response:
    """A good answer. ``revision`` becomes its ETag."""
    headers = {"Cache-Control": "no-store"}
    if revision is not None:
        headers["ETag"] = f'"{revision}"'
    if location is not None:
        headers[hdrs.LOCATION] = location
    return web.Response(
        status=status, body=body.model_dump_json().encode(), content_type="application/json", headers=headers
    )
