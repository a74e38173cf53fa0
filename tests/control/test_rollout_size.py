from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.control.forecast import Now
from proxy.control.rollout_forecast import rollout_forecast
from proxy.control.rollout_progress import rollout_progress
from proxy.traffic.model import Health, Operation, OperationKind, OperationState, Phase, Service, State, Upstream
from proxy.traffic.rollout.batches import next_batch
from proxy.traffic.rollout.plan import RolloutPlan
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.rollout.stages import Stage
from proxy.traffic.spec import Color, ServiceSpec


def pool(size: int) -> tuple[Service, Rollout]:
    """So many servers in rotation, that are to be updated one by one."""
    upstreams = tuple(Upstream(f"10.0.0.1:{port}", health=Health.HEALTHY) for port in range(1, size + 1))
    turns = tuple(Turn(upstream.address) for upstream in upstreams)
    return Service(ServiceSpec("shop", (), ()), upstreams, (), 0), Rollout(Color.BLUE, RolloutPlan(), turns)


def chosen(size: int) -> None:
    """Which server comes next."""
    assert len(next_batch(*pool(size), {})) == 1


def foretold(size: int) -> None:
    """What would happen."""
    service, rollout = pool(size)
    assert len(rollout_forecast(State(), service, rollout, Now(None, 0, 0), {}).batches) == size


def told(size: int) -> None:
    """How far it is when half of them are done."""
    turns = list(pool(size)[1].turns)
    for number in range(size // 2):
        turns[number] = replace(turns[number], stage=Stage.DONE, since=10.0 * number, batch=number + 1)
    rollout = replace(pool(size)[1], turns=tuple(turns), batch=size // 2)
    operation = Operation(
        *("op-1", "shop", OperationKind.ROLL, "ada", None, 0.0, 0, 0, ()), OperationState.RUNNING, Phase.ROLLING
    )
    assert rollout_progress(replace(operation, rollout=rollout), rollout, 5.0 * size).batches == size


def steps(work: Callable[[int], None], size: int) -> int:
    """How much is done for a pool of that size, counted in lines that are run, one of a comprehension each time."""
    counted = 0

    def count(_: object, __: str, ___: Any) -> Any:
        nonlocal counted
        counted += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work(size)
    finally:
        sys.settrace(before)
    return counted


@pytest.mark.parametrize("work", [chosen, foretold, told], ids=["next batch", "forecast", "progress"])
def test_five_times_the_servers_are_five_times_the_work(work: Callable[[int], None]) -> None:
    """And not five times five: all else that the supervisor does waits meanwhile."""
    assert steps(work, 200) < 8 * steps(work, 40)
