"""Trying a command: what it would do, also where another operation stands in its way at the moment."""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.commands import Context, Hold, OperatorCommand, SetSplit, StartShift, Switch
from proxy.traffic.model import Operation, State
from proxy.traffic.reducer import reduce
from proxy.traffic.reduction import Reduction
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.rollout.commands import StartRollout


def tried(state: State, command: OperatorCommand, context: Context) -> tuple[Reduction, Operation | None]:
    """What a command would do to a state, and the operation that would have to end first, if one is in the way.

    Raises:
        Refused: it would make no sense without that operation, either.
    """
    try:
        return reduce(state, command, context), None
    except Refused as refusal:
        conflict = _conflict(state, command, refusal)
        if conflict is None:
            raise
    others = {key: each for key, each in state.operations.items() if key != conflict.id}
    return reduce(replace(state, operations=others), command, context), conflict


def _conflict(state: State, command: OperatorCommand, refusal: Refused) -> Operation | None:
    begins = isinstance(command, Switch | SetSplit | StartShift | StartRollout | Hold)
    if not begins or refusal.code is not RefusalCode.OPERATION_RUNNING:
        return None
    return state.operations.get(str(refusal.facts.get("operation", "")))
