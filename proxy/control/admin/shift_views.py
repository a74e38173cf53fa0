"""How shifts are shown."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.control.admin.shift_answers import GateAnswer, JudgeAnswer, ShiftAnswer, StepAnswer
from proxy.control.shift_progress import ShiftProgress, share_of, shift_progress
from proxy.traffic.gates import Gates, shown_url
from proxy.traffic.judgement import Verdict
from proxy.traffic.model import Operation
from proxy.traffic.shift import Shift, Step
from proxy.traffic.spec import Color


def shift(
    operation: Operation, now: float, *, verdict: Verdict | None = None, settled_left: int | None = None
) -> ShiftAnswer | None:
    """The plan of an operation, and where it stands at ``now`` (Unix seconds); ``None`` if it has none."""
    plan = operation.shift
    if plan is None:
        return None
    progress = shift_progress(operation, plan, now, verdict=verdict, settled_left=settled_left)
    return _answer(operation, plan, progress, now)


def _answer(operation: Operation, plan: Shift, progress: ShiftProgress, now: float) -> ShiftAnswer:
    left = progress.left
    return ShiftAnswer(
        to=progress.to,
        percent=progress.share / 100,
        target=progress.target / 100,
        step=progress.step,
        steps=[_step(step, progress.to) for step in plan.steps],
        hindrance=progress.hindrance,
        why=operation.note if progress.hindrance else None,
        judged=plan.judged,
        judge=judge(progress.verdict),
        gates=list(gates(plan.gates)),
        settled_left=progress.settled_left,
        elapsed=round(progress.elapsed, 3),
        eta=None if left is None else round(left, 3),
        eta_at=None if left is None or operation.ended_at is not None else round(now + left, 3),
    )


def _step(step: Step, to: Color) -> StepAnswer:
    return StepAnswer(percent=share_of(to, step.split) / 100, over=step.over, pause=step.pause)


def judge(verdict: Verdict | None) -> JudgeAnswer | None:
    """What the judge said, if anything."""
    if verdict is None:
        return None
    return JudgeAnswer(finding=verdict.finding, words=verdict.words, requests=verdict.requests, needed=verdict.needed)


def gates(asked: Gates) -> Iterator[GateAnswer]:
    """What has to agree, one after the other."""
    for hook in asked.webhooks:
        yield GateAnswer(kind="webhook", url=told_url(hook.url), query=None, at=list(hook.at))
    for query in asked.queries:
        yield GateAnswer(kind="prometheus", url=told_url(query.url), query=query.query, at=list(query.at))
    if asked.approvals:
        yield GateAnswer(kind="approval", url=None, query=None, at=list(asked.approvals))


def told_url(url: str) -> str:
    """A URL without what may be secret in it; that it has a query is told, and not which."""
    return f"{shown_url(url)}?…" if "?" in url else shown_url(url)
