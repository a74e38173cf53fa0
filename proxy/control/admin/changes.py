"""The road of every change: plan it or carry it out, wait until it is served everywhere, answer."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web

from proxy.control.admin import plan_views, views
from proxy.control.admin.requests import ChangeQuery, ReasonBody, Until
from proxy.control.admin.route import Call, answered
from proxy.control.draining import CUT_PATIENCE
from proxy.control.outcome import Outcome
from proxy.control.store.base import StoreUnavailable
from proxy.traffic.commands import Context, OperatorCommand
from proxy.traffic.model import Operation, Phase, Service
from proxy.traffic.reduction import find_service

logger = logging.getLogger(__name__)

APPLY_PATIENCE = 5.0
"""Seconds to wait for every worker to serve from the new table, before answering that it is under way."""

_DRAIN_ENDS_WITHIN = CUT_PATIENCE + 1.0
"""Seconds beyond the last deadline of a drain in which it ends for certain."""

CQ = TypeVar("CQ", bound=ChangeQuery)
RB = TypeVar("RB", bound=ReasonBody)


def service_of(call: Call[CQ, RB]) -> Service:
    """The service in the path, at the revision that the caller believes in. Raises :class:`Refused`."""
    context = Context(now=0.0, by=call.by, expected_revision=call.expected_revision)
    return find_service(call.context.controller.state, call.path("service"), context)


async def change(call: Call[CQ, RB], command: OperatorCommand) -> web.Response:
    """Plan or carry out a command, and answer with the operation that it began, or with the service.

    Raises:
        Refused, TableTooLarge, StoreUnavailable: nothing has changed.
    """
    outcome = await call.context.controller.execute(
        command,
        by=call.by,
        reason=call.body.reason,
        expected_revision=call.expected_revision,
        dry_run=call.query.dry_run,
    )
    name = outcome.operation.service if outcome.operation else call.path("service")
    revision = outcome.after.services[name].revision
    if call.query.dry_run:
        return answered(plan_views.plan(call.context, outcome, name), revision=outcome.before.services[name].revision)
    if outcome.operation is None:
        return await _service_answer(call, outcome, name, revision)
    if outcome.operation.phase in (Phase.SHIFTING, Phase.ROLLING):
        return await _gradual_answer(call, outcome, outcome.operation, revision)
    return await _operation_answer(call, outcome.operation, revision)


async def _service_answer(call: Call[CQ, RB], outcome: Outcome, name: str, revision: int) -> web.Response:
    everywhere = await call.context.publisher.wait_seen(outcome.after.generation, APPLY_PATIENCE)
    status = HTTPStatus.OK if everywhere else HTTPStatus.ACCEPTED
    return answered(views.service(call.context, outcome.after.services[name]), status=status, revision=revision)


async def _gradual_answer(call: Call[CQ, RB], outcome: Outcome, gradual: Operation, revision: int) -> web.Response:
    """One that has begun takes its time; one that was told something has heard it once all workers serve that."""
    if gradual.id not in outcome.before.operations:
        return _under_way(call, gradual, revision)
    await call.context.publisher.wait_seen(outcome.after.generation, APPLY_PATIENCE)
    return answered(views.operation(call.context, gradual), revision=revision)


def _under_way(call: Call[CQ, RB], operation: Operation, revision: int) -> web.Response:
    shown, location = views.operation(call.context, operation), f"/v1/operations/{operation.id}"
    return answered(shown, status=HTTPStatus.ACCEPTED, revision=revision, location=location)


async def _operation_answer(call: Call[CQ, RB], begun: Operation, revision: int) -> web.Response:
    operation = await _awaited(call, begun)
    if operation.phase is Phase.APPLYING or (operation.exclusive and operation.phase is Phase.HOLDING):
        return _under_way(call, operation, revision)
    return answered(views.operation(call.context, operation), revision=revision)


async def _awaited(call: Call[CQ, RB], begun: Operation) -> Operation:
    """The operation once it is as far as the caller wants it, or as far as it came in reasonable time."""
    controller = call.context.controller
    try:
        operation = await controller.wait_applied(begun.id, APPLY_PATIENCE + _longest_hold(call, begun))
        if call.query.wait is Until.DRAINED and operation.phase is Phase.DRAINING:
            operation = await controller.wait_ended(begun.id, _longest_drain(call, begun))
    except StoreUnavailable as error:  # it was carried out; only how it goes on cannot be read
        logger.warning("operation %s cannot be read back: %s", begun.id, error)
        return begun
    return operation


def _longest_hold(call: Call[CQ, RB], operation: Operation) -> float:
    """Seconds until an exclusive switch moves the traffic, or is given up; others move it at once."""
    service = call.context.controller.state.services.get(operation.service)
    return service.hold.max_wait if operation.exclusive and service is not None and service.hold is not None else 0.0


def _longest_drain(call: Call[CQ, RB], operation: Operation) -> float:
    service = call.context.controller.state.services.get(operation.service)
    if service is None:  # taken out of the config file meanwhile, and so the operation has ended
        return 0.0
    return service.spec.drain.longest + _DRAIN_ENDS_WITHIN
