"""Commands that move traffic gradually."""

from __future__ import annotations

from proxy.traffic.commands import (
    AdvanceShift,
    Context,
    CoolDown,
    EndSettled,
    FailShift,
    FailWarmth,
    HinderShift,
    PauseShift,
    PromoteShift,
    ResumeShift,
    StartShift,
)
from proxy.traffic.model import State
from proxy.traffic.reduction import Reduction

ShiftCommand = (
    StartShift
    | PauseShift
    | ResumeShift
    | PromoteShift
    | HinderShift
    | FailShift
    | FailWarmth
    | AdvanceShift
    | EndSettled
    | CoolDown
)


def reduce_shift(state: State, command: ShiftCommand, context: Context) -> Reduction:
    """The state after a step of a gradual move.

    Raises:
        Refused: it makes no sense now.
    """
    raise NotImplementedError
