"""Commands that let new requests wait, or turn users away: hold, release, maintenance, and exclusive switches."""

from __future__ import annotations

from proxy.traffic.commands import Context, FlipExclusive, GiveUpExclusive, Hold, Release, SetMaintenance
from proxy.traffic.model import State
from proxy.traffic.reduction import Reduction

HoldingCommand = Hold | Release | SetMaintenance | FlipExclusive | GiveUpExclusive


def reduce_holding(state: State, command: HoldingCommand, context: Context) -> Reduction:
    """The state after requests were parked, released, or turned away.

    Raises:
        Refused: it makes no sense now.
    """
    raise NotImplementedError
