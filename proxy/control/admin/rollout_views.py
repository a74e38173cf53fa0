"""How rolling deployments are shown."""

from __future__ import annotations

from collections.abc import Callable

from proxy.control.admin.rollout_answers import (
    DetectAnswer,
    HookAnswer,
    ReadinessAnswer,
    RolloutAnswer,
    RolloutPlanAnswer,
    ServerAnswer,
    SlowStartAnswer,
)
from proxy.control.admin.shift_views import gates, judge, told_url
from proxy.control.rollout_progress import RolloutProgress, rollout_progress
from proxy.traffic.judgement import Verdict
from proxy.traffic.model import Operation, Service
from proxy.traffic.rollout.batches import available, required
from proxy.traffic.rollout.plan import Amount, CommandHook, Hook, RolloutPlan, WebhookHook
from proxy.traffic.rollout.rollout import Turn


def _none_in_flight(_: str) -> int:
    return 0


def rollout(
    operation: Operation,
    now: float,
    service: Service | None = None,
    *,
    verdict: Verdict | None = None,
    in_flight: Callable[[str], int] = _none_in_flight,
) -> RolloutAnswer | None:
    """How far a rolling deployment is at ``now`` (Unix seconds); ``None`` if it is none.

    Args:
        operation: perhaps one.
        now: Unix seconds.
        service: as it is now; ``None``: it is gone, or nobody asks.
        verdict: what the judge last said.
        in_flight: requests on the server at an address.
    """
    found = operation.rollout
    if found is None:
        return None
    progress = rollout_progress(operation, found, now)
    left, waits = progress.left, progress.hindrance is not None
    pool = {upstream.address: upstream for upstream in service.pool(found.color)} if service else {}
    shares = {address: 0.0 if upstream.cordoned else upstream.ramp for address, upstream in pool.items()}
    return RolloutAnswer(
        color=found.color,
        course=found.course,
        plan=_plan(found.plan),
        batch=progress.batch,
        batches=progress.batches,
        stage=found.stage,
        servers=[_server(turn, progress, shares.get(turn.address, 1.0), in_flight) for turn in found.turns],
        hindrance=progress.hindrance,
        why=operation.note if waits else found.why,
        available=available(service, found.color) if service else 0,
        min_available=required(service, found) if service else 0,
        judge=judge(verdict),
        elapsed=round(progress.elapsed, 3),
        eta=None if left is None else round(left, 3),
        eta_at=None if left is None or operation.ended_at is not None else round(now + left, 3),
    )


def _server(turn: Turn, progress: RolloutProgress, ramp: float, in_flight: Callable[[str], int]) -> ServerAnswer:
    eta = progress.servers.get(turn.address)
    return ServerAnswer(
        address=turn.address,
        was=turn.was,
        stage=turn.stage,
        since=turn.since,
        batch=turn.batch,
        version_before=turn.before,
        version=turn.version,
        why=turn.why,
        in_flight=in_flight(turn.address),
        ramp=ramp,
        eta=None if eta is None else round(eta, 3),
    )


def _plan(plan: RolloutPlan) -> RolloutPlanAnswer:
    rise, detect = plan.slow_start, plan.detect
    return RolloutPlanAnswer(
        batch=_amount(plan.batch),
        min_available=_amount(plan.min_available),
        first_batch=_amount(plan.first_batch) if plan.first_batch else None,
        first_watch=plan.first_watch,
        order=plan.order,
        drain_timeout=plan.drain_timeout,
        update=_hook(plan.hook),
        version=plan.version,
        previous_version=plan.previous_version,
        detect=DetectAnswer(header=detect.header, path=detect.path) if detect else None,
        health=ReadinessAnswer(consecutive=plan.readiness.consecutive, timeout=plan.readiness.timeout),
        slow_start=SlowStartAnswer(over=rise.over, floor=rise.floor, exponent=rise.exponent),
        watch=plan.watch,
        judge=plan.judged,
        gates=list(gates(plan.gates)),
        on_failure=plan.on_failure,
    )


def _amount(amount: Amount) -> int | str:
    """As it may be asked for."""
    return f"{(amount.share or 0.0) * 100:g}%" if amount.count is None else amount.count


def _hook(hook: Hook) -> HookAnswer:
    match hook:
        case CommandHook():
            names = [name for name, _ in hook.env]
            return HookAnswer(kind="command", argv=list(hook.argv), env=names, url=None, timeout=hook.timeout)
        case WebhookHook():
            return HookAnswer(kind="webhook", argv=None, env=None, url=told_url(hook.url), timeout=hook.timeout)
        case _:
            return HookAnswer(kind="manual", argv=None, env=None, url=None, timeout=None)
