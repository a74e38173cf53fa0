from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.control.clock import SystemClock
from proxy.control.gates.gatekeeper import Gatekeeper, GateOutcome
from proxy.traffic.gates import Gates, Moment, PromQuery, Webhook
from proxy.traffic.model import Operation, OperationKind
from proxy.traffic.rollout.plan import RolloutPlan
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.shift import Position, Shift, Step
from proxy.traffic.spec import Color
from tests.control.gates.desk import Desk, open_desk

SECRET = b"it stays between us"
FACTS: dict[str, Any] = {"id": "op-7", "service": "shop", "kind": "shift", "reason": "Köln \ud800"}

Ask = Callable[..., Awaitable[tuple[GateOutcome, ...]]]
"""Asks these gates at a moment."""


def shifting(*gates: Webhook | PromQuery, step: int = 2) -> Operation:
    """A running shift that these gates are asked about."""
    hooks = tuple(gate for gate in gates if isinstance(gate, Webhook))
    queries = tuple(gate for gate in gates if isinstance(gate, PromQuery))
    steps = tuple(Step(split) for split in (100, 1000, 5000, 10_000))
    shift = Shift(steps, Gates(hooks, queries), position=Position(step))
    return Operation(
        "op-7", "shop", OperationKind.SHIFT, "ada", None, 1_700_000_000.25, 0, 10_000, leaving=(), shift=shift
    )


def rolling(*gates: Webhook, batch: int) -> Operation:
    """A running rollout that these gates are asked about."""
    turns = (Turn("a:1"), Turn("a:2"))
    rollout = Rollout(Color.BLUE, RolloutPlan(gates=Gates(gates)), turns, batch=batch)
    return replace(shifting(), kind=OperationKind.ROLL, shift=None, rollout=rollout)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Where gates stand; it answers 204."""
    async with open_desk() as desk:
        yield desk


@pytest.fixture
async def keeper() -> AsyncIterator[Gatekeeper]:
    """Asks, and signs what it tells."""
    keeper = Gatekeeper(secret=SECRET, clock=SystemClock())
    await keeper.start()
    yield keeper
    await keeper.close()


@pytest.fixture
def ask(keeper: Gatekeeper) -> Ask:
    """Ask gates before an increase, unless another moment is given."""

    async def ask(*gates: Webhook | PromQuery, at: Moment = Moment.BEFORE_INCREASE) -> tuple[GateOutcome, ...]:
        return await keeper.ask(shifting(*gates), at, FACTS)

    return ask
