"""Routes of operations."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from proxy.config.settings import Role
from proxy.control.admin import views
from proxy.control.admin.answers import OperationAnswer, OperationsAnswer, PlanAnswer
from proxy.control.admin.changes import change
from proxy.control.admin.problems import AdminCode, Problem
from proxy.control.admin.requests import (
    ChangeQuery,
    NoBody,
    NoQuery,
    OperationQuery,
    OperationsQuery,
    ReasonBody,
)
from proxy.control.admin.route import AnyRoute, Call, Handler, Route, answered
from proxy.traffic.commands import Abort
from proxy.traffic.model import Operation, Phase
from proxy.traffic.refusal import RefusalCode, Refused

_OPERATION = "/v1/operations/{operation}"


async def list_operations(call: Call[OperationsQuery, NoBody]) -> web.Response:
    """A page of them."""
    query, context = call.query, call.context
    found = await context.controller.operations(service=query.service, before=query.before, limit=query.limit)
    more = found[-1].id if len(found) == query.limit else None
    return answered(
        OperationsAnswer(operations=[views.operation(context, operation) for operation in found], next_before=more)
    )


async def get_operation(call: Call[OperationQuery, NoBody]) -> web.Response:
    """One of them, perhaps once it has ended."""
    operation = await _find(call)
    if call.query.wait and operation.phase is not Phase.ENDED:
        operation = await call.context.controller.wait_ended(operation.id, call.query.wait)
    return answered(views.operation(call.context, operation))


async def abort(call: Call[ChangeQuery, ReasonBody]) -> web.Response:
    """Back to where it began."""
    operation = await _running(call)
    return await change(call, Abort(operation.id))


async def pause(call: Call[NoQuery, ReasonBody]) -> web.Response:
    """Not for the kinds that there are."""
    return await _refuse_pausing(call)


async def resume(call: Call[NoQuery, ReasonBody]) -> web.Response:
    """Not for the kinds that there are."""
    return await _refuse_pausing(call)


async def promote(call: Call[NoQuery, ReasonBody]) -> web.Response:
    """Not for the kinds that there are."""
    return await _refuse_pausing(call)


async def _refuse_pausing(call: Call[NoQuery, ReasonBody]) -> web.Response:
    operation = await _running(call)
    raise Problem(AdminCode.NOT_PAUSABLE, f"a {operation.kind} goes in one step: it has nowhere to pause")


async def _find(call: AnyCall) -> Operation:
    name = call.path("operation")
    operation = await call.context.controller.operation(name)
    if operation is None:
        raise Refused(RefusalCode.OPERATION_NOT_FOUND, f"there is no operation {name!r}")
    return operation


async def _running(call: AnyCall) -> Operation:
    operation = await _find(call)
    if operation.phase is Phase.ENDED:
        raise Refused(RefusalCode.OPERATION_ENDED, f"operation {operation.id} has ended: it is {operation.state}")
    return operation


AnyCall = Call[OperationQuery, NoBody] | Call[ChangeQuery, ReasonBody] | Call[NoQuery, ReasonBody]

_RUNNING_PROBLEMS = (RefusalCode.OPERATION_NOT_FOUND, RefusalCode.OPERATION_ENDED, AdminCode.STORE_UNAVAILABLE)


def _step(name: str, handler: Handler[NoQuery, ReasonBody]) -> AnyRoute:
    return Route(
        "POST",
        f"{_OPERATION}/{name}",
        f"{name.capitalize()} an operation; no kind of operation that there is so far can do that",
        handler,
        NoQuery,
        ReasonBody,
        role=Role.OPERATOR,
        problems=(*_RUNNING_PROBLEMS, AdminCode.NOT_PAUSABLE),
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "GET",
        "/v1/operations",
        "Operations, newest first",
        list_operations,
        OperationsQuery,
        NoBody,
        answers={HTTPStatus.OK: OperationsAnswer},
        problems=(AdminCode.STORE_UNAVAILABLE,),
    ),
    Route(
        "GET",
        _OPERATION,
        "One operation, perhaps once it has ended",
        get_operation,
        OperationQuery,
        NoBody,
        answers={HTTPStatus.OK: OperationAnswer},
        problems=(RefusalCode.OPERATION_NOT_FOUND, AdminCode.STORE_UNAVAILABLE),
    ),
    Route(
        "POST",
        f"{_OPERATION}/abort",
        "End an operation and go back to where it began; answers the rollback that does so",
        abort,
        ChangeQuery,
        ReasonBody,
        role=Role.OPERATOR,
        answers={HTTPStatus.OK: OperationAnswer | PlanAnswer, HTTPStatus.ACCEPTED: OperationAnswer},
        problems=(*_RUNNING_PROBLEMS, RefusalCode.NOT_ABORTABLE, RefusalCode.COLOR_NOT_HEALTHY),
        etag=True,
    ),
    _step("pause", pause),
    _step("resume", resume),
    _step("promote", promote),
)
