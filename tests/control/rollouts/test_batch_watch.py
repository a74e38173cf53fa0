"""How a batch is drained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.ipc.messages import Cut
from proxy.shm.names import Outcome
from proxy.traffic.commands import Abort, Configure
from proxy.traffic.model import OperationState
from proxy.traffic.rollout.stages import Stage
from proxy.traffic.spec import Color, DoorSpec
from tests.control.core import HASTY, until
from tests.control.rollouts.yard import Yard, plan


async def test_a_batch_is_updated_once_nothing_is_in_flight_there(yard: Yard) -> None:
    """Requests and tunnels of all workers are waited for; the receipt sums up all batches."""
    first, second = yard.core.crew.workers
    one, two, three = yard.addresses
    requests = [first.admit(address=one), second.admit(address=one, tunnel=True), second.admit(address=two)]
    roll = await yard.start()
    await yard.at(roll, Stage.DRAINING)
    assert yard.smith.updated == []
    requests[0].end()
    requests[1].end()
    await yard.at(roll, Stage.DRAINING, batch=2)
    first.admit(address=three).end()
    requests[2].end()
    ended = await yard.ended(roll)
    receipt = ended.receipt
    assert receipt is not None
    assert (receipt.in_flight_at_flip, receipt.finished_on_old, receipt.dropped, receipt.cut_by_proxy) == (3, 3, 0, 0)
    assert receipt.applied_at is not None
    assert receipt.drained_at is not None
    assert receipt.longest_ms


async def test_no_batch_is_taken_for_drained_before_every_worker_knows_of_it(yard: Yard) -> None:
    """One that has not seen the table may still send something there."""
    slow = yard.core.crew.workers[1]
    slow.asleep = True
    roll = await yard.start()
    await yard.at(roll, Stage.CORDONED)
    assert (await yard.core.controller.wait_ended(roll, 0.05)).ended_at is None
    assert yard.rollout(roll).stage is Stage.CORDONED
    slow.asleep = False
    yard.core.crew.look()
    assert (await yard.ended(roll)).state is OperationState.SUCCEEDED


async def test_workers_of_an_earlier_program_are_waited_for(yard: Yard) -> None:
    """They may not know of the batch, and nobody sees what they have in flight."""
    yard.company.alone = False
    roll = await yard.start()
    assert (await yard.core.controller.wait_ended(roll, 0.05)).ended_at is None
    assert yard.rollout(roll).batch == 0
    yard.company.alone = True
    assert (await yard.ended(roll)).state is OperationState.SUCCEEDED


@pytest.mark.parametrize("timeout", [0.02, None], ids=["of the plan", "of the service"])
async def test_what_takes_too_long_is_cut(yard: Yard, timeout: float | None) -> None:
    """At the deadline of the plan, or by the service's rule: on that server alone, requests and tunnels."""
    worker, (one, two, _) = yard.core.crew.workers[0], yard.addresses
    spec = replace(yard.core.controller.state.services["shop"].spec, drain=HASTY)
    if timeout is None:
        await yard.core.controller.execute(Configure(DoorSpec(), (spec,)), by="file")
    request, tunnel = worker.admit(address=one), worker.admit(address=one, tunnel=True)
    other = worker.admit(address=two)
    roll = await yard.start(plan(drain_timeout=timeout))
    await until(lambda: len(yard.core.crew.sent) == 2)
    cuts = [cut for cut in yard.core.crew.sent if isinstance(cut, Cut)]
    assert [(cut.color, cut.address, cut.tunnels) for cut in cuts] == [
        (Color.BLUE, one, False),
        (Color.BLUE, one, True),
    ]
    request.end(Outcome.CUT_BY_PROXY)
    tunnel.end(Outcome.CUT_BY_PROXY)
    await yard.at(roll, Stage.DRAINING, batch=2)
    other.end()
    ended = await yard.ended(roll)
    assert ended.receipt is not None
    assert (ended.receipt.cut_by_proxy, ended.receipt.finished_on_old) == (2, 1)


async def test_a_server_is_not_updated_with_a_request_in_it(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not end though it was cut fails the rollout; the server serves on as it is."""
    monkeypatch.setattr("proxy.control.draining.CUT_PATIENCE", 0.02)
    one = yard.addresses[0]
    yard.core.crew.workers[0].admit(address=one)
    ended = await yard.ended(await yard.start(plan(drain_timeout=0.02)))
    assert (ended.state, ended.note) == (OperationState.FAILED, f"1 did not end on {one} though they were cut")
    assert all(each.wanted for each in yard.blue.values())
    assert yard.smith.updated == []


async def test_what_was_cut_before_a_batch_was_put_back_is_told(yard: Yard) -> None:
    """And what had ended by then; the rest serves on, and is nobody's loss."""
    worker, one = yard.core.crew.workers[0], yard.addresses[0]
    done, cut, stays = (worker.admit(address=one) for _ in range(3))
    roll = await yard.start(plan(drain_timeout=0.02))
    await until(lambda: len(yard.core.crew.sent) == 2)
    done.end()
    cut.end(Outcome.CUT_BY_PROXY)
    await yard.core.controller.execute(Abort(roll), by="ada")
    receipt = (await yard.ended(roll)).receipt
    assert receipt is not None
    assert (receipt.in_flight_at_flip, receipt.finished_on_old, receipt.cut_by_proxy) == (2, 1, 1)
    stays.end()


async def test_a_worker_that_dies_while_a_batch_drains_is_told(yard: Yard) -> None:
    """What it took with it is dropped, and said so."""
    doomed = yard.core.crew.workers[0]
    doomed.admit(address=yard.addresses[0])
    roll = await yard.start()
    await yard.at(roll, Stage.DRAINING)
    yard.core.crew.kill(doomed)
    ended = await yard.ended(roll)
    assert ended.receipt is not None
    assert (ended.receipt.in_flight_at_flip, ended.receipt.dropped) == (1, 1)
