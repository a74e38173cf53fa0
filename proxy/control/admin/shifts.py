"""Routes of gradual moves: beginning one, and telling it to wait or to go on."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from proxy.config.settings import Role
from proxy.control.admin.answers import OperationAnswer, PlanAnswer
from proxy.control.admin.changes import change
from proxy.control.admin.operations import OPERATION, RUNNING_PROBLEMS, running
from proxy.control.admin.problems import AdminCode
from proxy.control.admin.requests import ChangeQuery, ReasonBody
from proxy.control.admin.route import AnyRoute, Call, Route
from proxy.control.admin.services import MOVE_PROBLEMS, SERVICE
from proxy.control.admin.shift_requests import PromoteBody, ShiftBody
from proxy.traffic.commands import Pause, Promote, Resume, StartShift
from proxy.traffic.refusal import RefusalCode


async def shift(call: Call[ChangeQuery, ShiftBody]) -> web.Response:
    """Traffic to one color, little by little."""
    body = call.body
    command = StartShift(
        service=call.path("service"),
        to=body.to,
        target=body.target,
        over=body.over or 0.0,
        steps=body.plan,
        gates=body.gates.gates(),
        judged=body.judge,
        settle=body.new_users_only.deadline if body.new_users_only else None,
        force=body.force,
    )
    return await change(call, command)


async def pause(call: Call[ChangeQuery, ReasonBody]) -> web.Response:
    """Stay where it is."""
    return await change(call, Pause((await running(call)).id))


async def resume(call: Call[ChangeQuery, ReasonBody]) -> web.Response:
    """Go on, whatever it waited for."""
    return await change(call, Resume((await running(call)).id))


async def promote(call: Call[ChangeQuery, PromoteBody]) -> web.Response:
    """Go to the next step, or to the end, now."""
    operation = (await running(call)).id
    return await change(call, Promote(operation, call.body.full, call.context.baseline(operation)))


_STEERING_ANSWERS = {HTTPStatus.OK: OperationAnswer | PlanAnswer, HTTPStatus.ACCEPTED: OperationAnswer}
_STEERING_PROBLEMS = (*RUNNING_PROBLEMS, RefusalCode.NOT_PAUSABLE, RefusalCode.OPERATION_RUNNING)

ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "POST",
        f"{SERVICE}/shift",
        "Move traffic to one color gradually, watched; answers at once with the operation that does so",
        shift,
        ChangeQuery,
        ShiftBody,
        role=Role.OPERATOR,
        answers={HTTPStatus.OK: OperationAnswer | PlanAnswer, HTTPStatus.ACCEPTED: OperationAnswer},
        problems=(
            *MOVE_PROBLEMS,
            AdminCode.UNKNOWN_COLOR,
            RefusalCode.STEPS_NOT_STEADY,
            RefusalCode.NEEDS_STICKY_COOKIE,
        ),
        etag=True,
    ),
    Route(
        "POST",
        f"{OPERATION}/pause",
        "Let a shift stay where it is, a rolling deployment begin no other batch",
        pause,
        ChangeQuery,
        ReasonBody,
        role=Role.OPERATOR,
        answers=_STEERING_ANSWERS,
        problems=_STEERING_PROBLEMS,
        etag=True,
    ),
    Route(
        "POST",
        f"{OPERATION}/resume",
        "Let a shift or a rolling deployment go on, whatever it waits for",
        resume,
        ChangeQuery,
        ReasonBody,
        role=Role.OPERATOR,
        answers=_STEERING_ANSWERS,
        problems=_STEERING_PROBLEMS,
        etag=True,
    ),
    Route(
        "POST",
        f"{OPERATION}/promote",
        "Let a shift go to its next step now, or to its end; let a rolling deployment watch its batch no longer",
        promote,
        ChangeQuery,
        PromoteBody,
        role=Role.OPERATOR,
        answers=_STEERING_ANSWERS,
        problems=_STEERING_PROBLEMS,
        etag=True,
    ),
)
