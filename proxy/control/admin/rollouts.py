"""Routes of rolling deployments: beginning one, and saying that a server which is updated by hand is ready."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from proxy.config.settings import Role
from proxy.control.admin.answers import OperationAnswer, PlanAnswer
from proxy.control.admin.changes import change, service_of
from proxy.control.admin.operations import OPERATION, RUNNING_PROBLEMS, running
from proxy.control.admin.pools import POOL, PREFLIGHT_PROBLEMS, color_of
from proxy.control.admin.preflight import resolve_all
from proxy.control.admin.problems import AdminCode, Problem
from proxy.control.admin.requests import ChangeQuery
from proxy.control.admin.rollout_requests import ReadyBody, RolloutBody
from proxy.control.admin.route import AnyRoute, Call, Route
from proxy.control.hooks.allowed import complaint
from proxy.traffic.refusal import RefusalCode
from proxy.traffic.rollout.commands import MarkReady, StartRollout


async def roll(call: Call[ChangeQuery, RolloutBody]) -> web.Response:
    """The servers of a pool updated, a few at a time."""
    service, color = service_of(call), color_of(call.path("color"))
    plan = call.body.plan()
    if words := complaint(plan.hook, call.context.hook_commands()):
        raise Problem(AdminCode.COMMAND_NOT_ALLOWED, words)
    return await change(call, StartRollout(service.name, color, plan, call.body.force))


async def ready(call: Call[ChangeQuery, ReadyBody]) -> web.Response:
    """To be checked, and to come back."""
    operation, body, context = await running(call), call.body, call.context
    if body.address is not None and body.address != body.upstream:
        await resolve_all(context.probing, (context.listen, *context.front), [body.address])
    return await change(call, MarkReady(operation.id, body.upstream, body.address))


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "POST",
        f"{POOL}/rollouts",
        "Have the servers of a color updated, a few at a time; answers at once with the operation that does so",
        roll,
        ChangeQuery,
        RolloutBody,
        role=Role.OPERATOR,
        answers={HTTPStatus.OK: PlanAnswer, HTTPStatus.ACCEPTED: OperationAnswer},
        problems=(
            RefusalCode.SERVICE_NOT_FOUND,
            AdminCode.UNKNOWN_COLOR,
            AdminCode.COMMAND_NOT_ALLOWED,
            RefusalCode.OPERATION_RUNNING,
            RefusalCode.NO_WAY_BACK,
            RefusalCode.NO_ROOM,
            RefusalCode.LAST_UPSTREAM,
            RefusalCode.POOL_EMPTY,
        ),
        etag=True,
    ),
    Route(
        "POST",
        f"{OPERATION}/ready",
        "A server that is updated by hand is ready, perhaps at another address: it is checked, and comes back",
        ready,
        ChangeQuery,
        ReadyBody,
        role=Role.OPERATOR,
        answers={HTTPStatus.OK: OperationAnswer | PlanAnswer},
        problems=(
            *RUNNING_PROBLEMS,
            *PREFLIGHT_PROBLEMS,
            RefusalCode.NOT_UPDATING,
            RefusalCode.DUPLICATE_UPSTREAM,
        ),
        etag=True,
    ),
)
