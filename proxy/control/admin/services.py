"""Routes of services: looking at them, and moving their traffic."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from proxy.config.settings import Role
from proxy.control.admin import views
from proxy.control.admin.answers import OperationAnswer, PlanAnswer, ServiceAnswer, ServicesAnswer
from proxy.control.admin.changes import change
from proxy.control.admin.hold_requests import SwitchBody
from proxy.control.admin.problems import AdminCode
from proxy.control.admin.requests import ChangeQuery, ForceBody, NoBody, NoQuery, SplitBody
from proxy.control.admin.route import AnyRoute, Call, Route, answered
from proxy.traffic.commands import Context, Rollback, SetSplit, Switch
from proxy.traffic.reduction import find_service
from proxy.traffic.refusal import RefusalCode

SERVICE = "/v1/services/{service}"

_MOVE_ANSWERS = {
    HTTPStatus.OK: OperationAnswer | PlanAnswer,
    HTTPStatus.ACCEPTED: OperationAnswer,
}
MOVE_PROBLEMS = (
    RefusalCode.SERVICE_NOT_FOUND,
    RefusalCode.OPERATION_RUNNING,
    RefusalCode.COLOR_NOT_HEALTHY,
)


async def list_services(call: Call[NoQuery, NoBody]) -> web.Response:
    """All of them."""
    context = call.context
    services = context.controller.state.services.values()
    return answered(ServicesAnswer(services=[views.service(context, service) for service in services]))


async def get_service(call: Call[NoQuery, NoBody]) -> web.Response:
    """One of them."""
    state = call.context.controller.state
    service = find_service(state, call.path("service"), Context(now=0.0, by=call.by))
    return answered(views.service(call.context, service), revision=service.revision)


async def switch(call: Call[ChangeQuery, SwitchBody]) -> web.Response:
    """All traffic to one color."""
    body = call.body
    return await change(call, Switch(call.path("service"), body.to, body.force, body.exclusive))


async def set_split(call: Call[ChangeQuery, SplitBody]) -> web.Response:
    """A share for each color."""
    return await change(call, SetSplit(call.path("service"), call.body.green, call.body.force))


async def rollback(call: Call[ChangeQuery, ForceBody]) -> web.Response:
    """Back to the split before."""
    return await change(call, Rollback(call.path("service"), call.body.force))


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "GET",
        "/v1/services",
        "All services, desired and observed",
        list_services,
        NoQuery,
        NoBody,
        answers={HTTPStatus.OK: ServicesAnswer},
    ),
    Route(
        "GET",
        SERVICE,
        "One service, desired and observed",
        get_service,
        NoQuery,
        NoBody,
        answers={HTTPStatus.OK: ServiceAnswer},
        problems=(RefusalCode.SERVICE_NOT_FOUND,),
        etag=True,
    ),
    Route(
        "POST",
        f"{SERVICE}/switch",
        "Move all traffic to one color; answers once every worker serves it",
        switch,
        ChangeQuery,
        SwitchBody,
        role=Role.OPERATOR,
        answers=_MOVE_ANSWERS,
        problems=(*MOVE_PROBLEMS, AdminCode.UNKNOWN_COLOR),
        etag=True,
    ),
    Route(
        "PUT",
        f"{SERVICE}/split",
        "Set green's share at once; answers once every worker serves it",
        set_split,
        ChangeQuery,
        SplitBody,
        role=Role.OPERATOR,
        answers=_MOVE_ANSWERS,
        problems=MOVE_PROBLEMS,
        etag=True,
    ),
    Route(
        "POST",
        f"{SERVICE}/rollback",
        "Go back to the split before the last operation, at once, also while one runs",
        rollback,
        ChangeQuery,
        ForceBody,
        role=Role.OPERATOR,
        answers=_MOVE_ANSWERS,
        problems=(
            *MOVE_PROBLEMS,
            RefusalCode.NOTHING_TO_ROLL_BACK,
        ),
        etag=True,
    ),
)
