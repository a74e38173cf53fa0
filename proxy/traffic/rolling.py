"""Commands that update the servers of a pool, some at a time.

What may happen to a server, and to the whole, is in the tables of :mod:`proxy.traffic.rollout.stages`.
"""

from __future__ import annotations

from proxy.traffic.commands import Context
from proxy.traffic.model import State
from proxy.traffic.reduction import Reduction
from proxy.traffic.rollout.commands import RolloutCommand


def reduce_rollout(state: State, command: RolloutCommand, context: Context) -> Reduction:
    """The state after a step of a rolling deployment.

    Raises:
        Refused: it makes no sense now.
    """
    raise NotImplementedError(f"{command} at {context.now} in generation {state.generation}")
