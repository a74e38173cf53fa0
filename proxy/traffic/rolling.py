"""Commands that update the servers of a pool, some at a time.

What may happen to a server, and to the whole, is in the tables of :mod:`proxy.traffic.rollout.stages`. Steps of a
rollout that goes well are in :mod:`.rollout.steps`; how people steer it, and what comes of trouble, in
:mod:`.rollout.steering` and :mod:`.rollout.ending`.
"""

from __future__ import annotations

from proxy.traffic.commands import Abort, Context, Fail, Hinder, Pause, Promote, Resume
from proxy.traffic.model import State
from proxy.traffic.reduction import Reduction
from proxy.traffic.rollout import ending, starting, steering, steps
from proxy.traffic.rollout.commands import (
    AgeBatch,
    EndRollout,
    MarkReady,
    MoveBatch,
    OpenBatch,
    RolloutCommand,
    StartRollout,
    TakeBatch,
)

Steering = Pause | Resume | Promote | Hinder | Fail | Abort
"""What shifts and rollouts have in common."""


def reduce_rollout(state: State, command: RolloutCommand, context: Context) -> Reduction:
    """The state after a step of a rolling deployment.

    Raises:
        Refused: it makes no sense now.
    """
    match command:
        case StartRollout():
            return starting.start(state, command, context)
        case OpenBatch():
            return steps.open_batch(state, command)
        case TakeBatch():
            return steps.take(state, command, context)
        case MoveBatch():
            return steps.move(state, command, context)
        case AgeBatch():
            return steps.age(state, command)
        case MarkReady():
            return steering.mark_ready(state, command, context)
        case EndRollout():
            return ending.end(state, command, context)


def steer_rollout(state: State, command: Steering, context: Context) -> Reduction:
    """The state after somebody, or something, has decided how a rolling deployment goes on.

    Raises:
        Refused: it makes no sense now.
    """
    match command:
        case Pause():
            return steering.pause(state, command, context)
        case Resume():
            return steering.resume(state, command, context)
        case Promote():
            return steering.promote(state, command, context)
        case Hinder():
            return steering.hinder(state, command)
        case Fail():
            return ending.fail(state, command, context)
        case Abort():
            return ending.abort(state, command, context)
