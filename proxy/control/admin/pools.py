"""Routes of pools and their upstreams."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from proxy.config.addresses import parse_tcp_address
from proxy.config.settings import Role
from proxy.control.admin.answers import OperationAnswer, PlanAnswer, ServiceAnswer
from proxy.control.admin.changes import change, service_of
from proxy.control.admin.preflight import proven, resolve_all
from proxy.control.admin.problems import AdminCode, Problem
from proxy.control.admin.requests import (
    AddBody,
    ChangeQuery,
    ForceBody,
    NewUpstream,
    PoolBody,
    RemovalQuery,
    UpstreamChangeBody,
)
from proxy.control.admin.route import AnyRoute, Call, Route
from proxy.control.admin.services import SERVICE
from proxy.traffic.commands import AddUpstream, ChangeUpstream, RemoveUpstream, ReplacePool, UpstreamWill
from proxy.traffic.refusal import RefusalCode
from proxy.traffic.spec import AdminState, Color

POOL = SERVICE + "/pools/{color}"
_UPSTREAM = POOL + "/upstreams/{address}"

_ANSWERS = {
    HTTPStatus.OK: OperationAnswer | ServiceAnswer | PlanAnswer,
    HTTPStatus.ACCEPTED: OperationAnswer | ServiceAnswer,
}
PREFLIGHT_PROBLEMS = (AdminCode.UPSTREAM_NOT_RESOLVABLE, AdminCode.UPSTREAM_NOT_ALLOWED)
_POOL_PROBLEMS = (RefusalCode.SERVICE_NOT_FOUND, AdminCode.UNKNOWN_COLOR, RefusalCode.OPERATION_RUNNING)


async def replace_pool(call: Call[ChangeQuery, PoolBody]) -> web.Response:
    """Another list of upstreams. New ones that are healthy serve at once, those that are gone drain."""
    service, color = service_of(call), color_of(call.path("color"))
    known = {upstream.address for upstream in service.pool(color)}
    new = [upstream for upstream in call.body.upstreams if upstream.address not in known]
    await _preflight(call, [upstream.address for upstream in new])
    serving = [upstream.address for upstream in new if upstream.admin is AdminState.READY]
    health = await proven(call.context.probing, service.spec, serving)
    wills = tuple(_will(upstream) for upstream in call.body.upstreams)
    return await change(call, ReplacePool(service.name, color, wills, health, call.body.force))


async def add_upstream(call: Call[ChangeQuery, AddBody]) -> web.Response:
    """One more. It serves once its health checks say so."""
    service, color = service_of(call), color_of(call.path("color"))
    if call.body.address not in {upstream.address for upstream in service.pool(color)}:
        await _preflight(call, [call.body.address])
    return await change(call, AddUpstream(service.name, color, _will(call.body)))


async def change_upstream(call: Call[ChangeQuery, UpstreamChangeBody]) -> web.Response:
    """Another weight or administrative state."""
    color, address = color_of(call.path("color")), _spelled(call.path("address"))
    command = ChangeUpstream(call.path("service"), color, address, call.body.weight, call.body.admin)
    return await change(call, command)


async def remove_upstream(call: Call[RemovalQuery, ForceBody]) -> web.Response:
    """One less. What is in flight there ends by itself."""
    color, address = color_of(call.path("color")), _spelled(call.path("address"))
    force = call.body.force or call.query.force
    return await change(call, RemoveUpstream(call.path("service"), color, address, force))


async def _preflight(call: Call[ChangeQuery, AddBody] | Call[ChangeQuery, PoolBody], new: Sequence[str]) -> None:
    context = call.context
    await resolve_all(context.probing, (context.listen, *context.front), new)


def color_of(text: str) -> Color:
    """The color in a path. Raises :class:`Problem` where it is none."""
    try:
        return Color(text)
    except ValueError:
        raise Problem(AdminCode.UNKNOWN_COLOR, f"a service has the colors blue and green, and not {text!r}") from None


def _spelled(text: str) -> str:
    """The address as the pool has it; what is no address is left alone, for no upstream will have that name."""
    try:
        return str(parse_tcp_address(text))
    except ValueError:
        return text


def _will(upstream: NewUpstream) -> UpstreamWill:
    return UpstreamWill(upstream.address, upstream.weight, upstream.admin)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "PUT",
        POOL,
        "Replace the upstreams of a color; new ones serve once they are healthy, removed ones drain",
        replace_pool,
        ChangeQuery,
        PoolBody,
        role=Role.OPERATOR,
        answers=_ANSWERS,
        problems=(
            *_POOL_PROBLEMS,
            *PREFLIGHT_PROBLEMS,
            RefusalCode.DUPLICATE_UPSTREAM,
            RefusalCode.POOL_EMPTY,
            RefusalCode.COLOR_NOT_HEALTHY,
        ),
        etag=True,
    ),
    Route(
        "POST",
        f"{POOL}/upstreams",
        "Add an upstream; it serves once it is healthy",
        add_upstream,
        ChangeQuery,
        AddBody,
        role=Role.OPERATOR,
        answers=_ANSWERS,
        problems=(*_POOL_PROBLEMS, *PREFLIGHT_PROBLEMS, RefusalCode.DUPLICATE_UPSTREAM),
        etag=True,
    ),
    Route(
        "PATCH",
        _UPSTREAM,
        "Change the weight or the administrative state of an upstream",
        change_upstream,
        ChangeQuery,
        UpstreamChangeBody,
        role=Role.OPERATOR,
        answers=_ANSWERS,
        problems=(*_POOL_PROBLEMS, RefusalCode.UPSTREAM_NOT_FOUND),
        etag=True,
    ),
    Route(
        "DELETE",
        _UPSTREAM,
        "Remove an upstream; what is in flight there ends by itself",
        remove_upstream,
        RemovalQuery,
        ForceBody,
        role=Role.OPERATOR,
        answers=_ANSWERS,
        problems=(*_POOL_PROBLEMS, RefusalCode.UPSTREAM_NOT_FOUND, RefusalCode.LAST_UPSTREAM),
        etag=True,
    ),
)
