"""Routes that let requests wait, let them go, and turn users away."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from proxy.config.settings import Role
from proxy.control.admin.answers import OperationAnswer, PlanAnswer, ServiceAnswer
from proxy.control.admin.changes import change
from proxy.control.admin.hold_requests import HoldBody, MaintenanceBody
from proxy.control.admin.requests import ChangeQuery, ReasonBody
from proxy.control.admin.route import AnyRoute, Call, Route
from proxy.control.admin.services import SERVICE
from proxy.traffic.commands import Hold, Release, SetMaintenance
from proxy.traffic.refusal import RefusalCode


async def hold(call: Call[ChangeQuery, HoldBody]) -> web.Response:
    """Let new requests wait."""
    return await change(call, Hold(call.path("service"), call.body.rule))


async def release(call: Call[ChangeQuery, ReasonBody]) -> web.Response:
    """Let those who wait go on."""
    return await change(call, Release(call.path("service")))


async def maintenance(call: Call[ChangeQuery, MaintenanceBody]) -> web.Response:
    """Turn users away, or let them in again."""
    return await change(call, SetMaintenance(call.path("service"), call.body.told))


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "POST",
        f"{SERVICE}/hold",
        "Let new requests wait; answers once every worker does so, with the operation that lasts until the release",
        hold,
        ChangeQuery,
        HoldBody,
        role=Role.OPERATOR,
        answers={HTTPStatus.OK: OperationAnswer | PlanAnswer, HTTPStatus.ACCEPTED: OperationAnswer},
        problems=(RefusalCode.SERVICE_NOT_FOUND, RefusalCode.OPERATION_RUNNING),
        etag=True,
    ),
    Route(
        "POST",
        f"{SERVICE}/release",
        "Let requests go that wait, in order; answers once every worker does so. Where none wait nothing changes",
        release,
        ChangeQuery,
        ReasonBody,
        role=Role.OPERATOR,
        answers={
            HTTPStatus.OK: OperationAnswer | ServiceAnswer | PlanAnswer,
            HTTPStatus.ACCEPTED: OperationAnswer | ServiceAnswer,
        },
        problems=(RefusalCode.SERVICE_NOT_FOUND, RefusalCode.OPERATION_RUNNING),
        etag=True,
    ),
    Route(
        "PUT",
        f"{SERVICE}/maintenance",
        "Answer users with 503 and a page, or serve them again; testers (preview) get through",
        maintenance,
        ChangeQuery,
        MaintenanceBody,
        role=Role.OPERATOR,
        answers={HTTPStatus.OK: ServiceAnswer | PlanAnswer, HTTPStatus.ACCEPTED: ServiceAnswer},
        problems=(RefusalCode.SERVICE_NOT_FOUND,),
        etag=True,
    ),
)
