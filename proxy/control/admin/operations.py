"""Routes of operations."""

from __future__ import annotations

from http import HTTPStatus
from typing import TypeVar

from aiohttp import web

from proxy.config.settings import Role
from proxy.control.admin import views
from proxy.control.admin.answers import OperationAnswer, OperationsAnswer, PlanAnswer
from proxy.control.admin.changes import change
from proxy.control.admin.problems import AdminCode
from proxy.control.admin.requests import (
    ChangeQuery,
    NoBody,
    OperationQuery,
    OperationsQuery,
    ReasonBody,
)
from proxy.control.admin.route import AnyRoute, Call, Route, answered
from proxy.traffic.commands import Abort
from proxy.traffic.model import Operation, Phase
from proxy.traffic.refusal import RefusalCode, Refused

OPERATION = "/v1/operations/{operation}"

RB = TypeVar("RB", bound=ReasonBody)


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
    """Back to where it began; of a rolling deployment, no further."""
    operation = await running(call)
    return await change(call, Abort(operation.id))


async def _find(call: Call[OperationQuery, NoBody] | Call[ChangeQuery, RB]) -> Operation:
    name = call.path("operation")
    operation = await call.context.controller.operation(name)
    if operation is None:
        raise Refused(RefusalCode.OPERATION_NOT_FOUND, f"there is no operation {name!r}")
    return operation


async def running(call: Call[ChangeQuery, RB]) -> Operation:
    """The running operation in the path. Raises :class:`Refused` where it has ended, or never was."""
    operation = await _find(call)
    if operation.phase is Phase.ENDED:
        raise Refused(RefusalCode.OPERATION_ENDED, f"operation {operation.id} has ended: it is {operation.state}")
    return operation


RUNNING_PROBLEMS = (RefusalCode.OPERATION_NOT_FOUND, RefusalCode.OPERATION_ENDED, AdminCode.STORE_UNAVAILABLE)


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
        OPERATION,
        "One operation, perhaps once it has ended",
        get_operation,
        OperationQuery,
        NoBody,
        answers={HTTPStatus.OK: OperationAnswer},
        problems=(RefusalCode.OPERATION_NOT_FOUND, AdminCode.STORE_UNAVAILABLE),
    ),
    Route(
        "POST",
        f"{OPERATION}/abort",
        "End an operation and go back to where it began; answers the rollback that does so. A rolling deployment "
        "ends once the batch under way is back",
        abort,
        ChangeQuery,
        ReasonBody,
        role=Role.OPERATOR,
        answers={HTTPStatus.OK: OperationAnswer | PlanAnswer, HTTPStatus.ACCEPTED: OperationAnswer},
        problems=(*RUNNING_PROBLEMS, RefusalCode.NOT_ABORTABLE, RefusalCode.COLOR_NOT_HEALTHY),
        etag=True,
    ),
)
