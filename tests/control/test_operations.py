from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.ipc.messages import Cut
from proxy.shm.names import Outcome
from proxy.traffic.commands import Abort, ChangeUpstream, Configure, Rollback, SetSplit, Switch
from proxy.traffic.model import FULL_SPLIT, OperationState, Phase, Receipt
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import AdminState, Color, DoorSpec, DrainRule
from tests.control.core import HASTY, SHOP, Core, running_core, tasks, until

TO_GREEN = Switch("shop", Color.GREEN)
TO_BLUE = Switch("shop", Color.BLUE)
DRAIN_A1 = ChangeUpstream("shop", Color.BLUE, "a:1", admin=AdminState.DRAIN)


async def test_nothing_in_flight_drains_at_once(core: Core) -> None:
    """The receipt has its times, and zeros."""
    await core.controller.execute(TO_GREEN, by="ada")
    over = await core.controller.wait_ended("op-1", 10)
    assert (over.state, over.phase, over.note) == (OperationState.SUCCEEDED, Phase.ENDED, None)
    receipt = over.receipt
    assert receipt is not None
    assert receipt.applied_at is not None
    assert receipt.drained_at is not None
    assert over.started_at <= receipt.applied_at <= receipt.drained_at
    assert receipt.spread_ms is not None
    assert replace(receipt, applied_at=None, spread_ms=None, drained_at=None) == Receipt(
        generation=core.controller.state.generation - 1, longest_ms=0.0, errors_on_old=0
    )


async def test_a_switch_is_drained_when_the_last_request_is(core: Core) -> None:
    """Requests and tunnels in all workers are waited for, and each is counted as what became of it."""
    first, second = core.crew.workers
    requests = [first.admit(), first.admit(), second.admit(tunnel=True)]
    await core.controller.execute(TO_GREEN, by="ada")
    draining = await core.controller.wait_applied("op-1", 10)
    assert draining.phase is Phase.DRAINING
    assert draining.receipt is not None
    assert draining.receipt.in_flight_at_flip == 3
    progress = core.controller.progress(draining)
    assert (progress["phase"], progress["in_flight"], progress["tunnels"]) == ("draining", 2, 1)
    assert (progress["seen_by"], progress["workers"]) == (2, 2)
    assert progress["deadline_at"] == pytest.approx((draining.receipt.applied_at or 0) + 30)
    assert progress["tunnels_deadline_at"] == pytest.approx((draining.receipt.applied_at or 0) + 300)

    requests[0].end()
    requests[1].end(Outcome.CUT_BY_CLIENT)
    assert (await core.controller.wait_ended("op-1", 0.02)).phase is Phase.DRAINING
    requests[2].end(Outcome.FAILED)
    over = await core.controller.wait_ended("op-1", 10)
    receipt = over.receipt
    assert receipt is not None
    assert (receipt.finished_on_old, receipt.cut_by_client, receipt.failed, receipt.dropped) == (1, 1, 1, 0)
    assert receipt.longest_ms
    assert receipt.longest_ms >= 20
    assert core.controller.progress(over)["deadline_at"] is None
    assert await core.store.operation("op-1") == over


async def test_a_worker_that_has_not_seen_the_table_holds_the_operation_up(core: Core) -> None:
    """Until the last one has, it is not applied, and another switch is refused by name; then it goes on by itself."""
    slow = core.crew.workers[1]
    slow.asleep = True
    await core.controller.execute(TO_GREEN, by="ada")
    waiting = await core.controller.wait_applied("op-1", 0.01)
    assert waiting.phase is Phase.APPLYING
    assert core.controller.progress(waiting)["seen_by"] == 1
    with pytest.raises(Refused) as caught:
        await core.controller.execute(TO_BLUE, by="bob")
    assert (caught.value.code, caught.value.facts) == (RefusalCode.OPERATION_RUNNING, {"operation": "op-1"})
    slow.asleep = False
    core.crew.look()
    assert (await core.controller.wait_ended("op-1", 10)).state is OperationState.SUCCEEDED


async def test_an_operation_that_leaves_nothing_ends_when_it_is_applied(core: Core) -> None:
    """A partial split has nothing to drain, whatever is in flight."""
    core.crew.workers[0].admit()
    await core.controller.execute(SetSplit("shop", 2_500), by="ada")
    over = await core.controller.wait_applied("op-1", 10)
    assert over.state is OperationState.SUCCEEDED
    assert over.receipt is not None
    assert over.receipt.drained_at == over.receipt.applied_at


async def test_a_switch_takes_the_place_of_one_that_drains(core: Core) -> None:
    """The earlier one ends as aborted with what it counted so far, and nobody watches it any longer."""
    requests = [core.crew.workers[0].admit() for _ in range(3)]
    await core.controller.execute(TO_GREEN, by="ada")
    await core.controller.wait_applied("op-1", 10)
    requests[0].end()
    await core.controller.execute(TO_BLUE, by="bob")
    over = await core.controller.operation("op-1")
    assert over is not None
    assert (over.state, bool(over.note)) == (OperationState.ABORTED, True)
    assert over.receipt is not None
    assert (over.receipt.in_flight_at_flip, over.receipt.finished_on_old) == (3, 1)
    await until(lambda: "watch op-1" not in tasks("watch"))
    assert (await core.controller.wait_ended("op-2", 10)).state is OperationState.SUCCEEDED


async def test_a_rollback_goes_through_while_a_worker_hangs(core: Core) -> None:
    """The way back does not wait for the way there; the watch of what is rolled back ends by itself."""
    core.crew.workers[1].asleep = True
    await core.controller.execute(TO_GREEN, by="ada")
    await core.controller.execute(Rollback("shop"), by="ada")
    assert core.controller.state.services["shop"].split == 0
    over = await core.controller.operation("op-1")
    assert over is not None
    assert over.state is OperationState.ROLLED_BACK
    core.crew.workers[1].asleep = False
    core.crew.look()
    await core.controller.wait_ended("op-2", 10)
    await until(lambda: not tasks("watch"))


async def test_the_watch_of_a_rolled_back_operation_ends_though_a_worker_hangs(
    core: Core, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It says in the log whom it waits for, and looks now and then whether it still has to."""
    monkeypatch.setattr("proxy.control.watch._STILL_RUNNING", 0.01)
    core.crew.workers[1].asleep = True
    await core.controller.execute(TO_GREEN, by="ada")
    await until(lambda: "op-1 waits for workers to take over generation 5: 1 of 2 have" in caplog.text)
    await core.controller.execute(Rollback("shop"), by="ada")
    await until(lambda: "watch op-1" not in tasks("watch"))
    assert "watch op-2" in tasks("watch")


async def test_an_abort_moves_back_and_drains_what_it_leaves(core: Core) -> None:
    """What went to green meanwhile is finished there."""
    await core.controller.execute(TO_GREEN, by="ada")
    request = core.crew.workers[0].admit(Color.BLUE)
    await core.controller.wait_applied("op-1", 10)
    late = core.crew.workers[0].admit(Color.GREEN, "b:1")
    outcome = await core.controller.execute(Abort("op-1"), by="ada")
    assert outcome.after.services["shop"].split == 0
    request.end()
    late.end()
    over = await core.controller.wait_ended("op-2", 10)
    assert over.receipt is not None
    assert over.receipt.finished_on_old == 1


async def test_at_the_deadline_requests_are_cut_and_tunnels_later(tmp_path: Path) -> None:
    """Workers are told what to cut: first requests, then tunnels; what they cut is in the receipt and in the note."""
    async with running_core(tmp_path / "db", replace(SHOP, drain=HASTY)) as core:
        request, tunnel = core.crew.workers[0].admit(), core.crew.workers[1].admit(tunnel=True)
        await core.controller.execute(TO_GREEN, by="ada")
        generation = core.controller.state.generation
        await until(lambda: len(core.crew.sent) == 1)
        request.end(Outcome.CUT_BY_PROXY)
        await until(lambda: len(core.crew.sent) == 2)
        tunnel.end(Outcome.CUT_BY_PROXY)
        over = await core.controller.wait_ended("op-1", 10)
    assert core.crew.sent == [
        Cut("shop", Color.BLUE, generation, tunnels=False),
        Cut("shop", Color.BLUE, generation, tunnels=True, spread=HASTY.spread),
    ]
    assert over.receipt is not None
    assert (over.state, over.receipt.cut_by_proxy) == (OperationState.SUCCEEDED, 2)
    assert over.note == "2 cut at the drain's deadline"


async def test_what_became_a_tunnel_meanwhile_is_ended_too(tmp_path: Path) -> None:
    """Where requests have more time than tunnels, one of them may become a tunnel after those were told to end."""
    patient = DrainRule(timeout=0.06, long_lived_timeout=0.02)
    async with running_core(tmp_path / "db", replace(SHOP, drain=patient)) as core:
        request = core.crew.workers[0].admit()
        await core.controller.execute(TO_GREEN, by="ada")
        await until(lambda: len(core.crew.sent) == 3)
        request.end(Outcome.CUT_BY_PROXY)
        await core.controller.wait_ended("op-1", 10)
    assert [cut.tunnels for cut in core.crew.sent if isinstance(cut, Cut)] == [True, False, True]


async def test_what_survives_the_cut_fails_the_operation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not act on a cut cannot keep an operation running for ever."""
    monkeypatch.setattr("proxy.control.draining.CUT_PATIENCE", 0.02)
    async with running_core(tmp_path / "db", replace(SHOP, drain=HASTY)) as core:
        core.crew.workers[0].admit()
        await core.controller.execute(TO_GREEN, by="ada")
        over = await core.controller.wait_ended("op-1", 10)
    assert (over.state, over.note) == (OperationState.FAILED, "1 did not end though they were cut")


async def test_a_worker_that_dies_while_draining_is_told(core: Core) -> None:
    """What it took with it is dropped, and said so; the rest is waited for."""
    doomed, other = core.crew.workers
    doomed.admit()
    doomed.admit()
    request = other.admit()
    await core.controller.execute(TO_GREEN, by="ada")
    await core.controller.wait_applied("op-1", 10)
    core.crew.kill(doomed)
    request.end()
    over = await core.controller.wait_ended("op-1", 10)
    assert over.receipt is not None
    assert (over.receipt.in_flight_at_flip, over.receipt.finished_on_old, over.receipt.dropped) == (3, 1, 2)
    assert over.note == "2 lost with a worker that died"


async def test_a_single_upstream_is_drained(tmp_path: Path) -> None:
    """Only what is on it is waited for, and only that is cut."""
    async with running_core(tmp_path / "db", replace(SHOP, drain=HASTY)) as core:
        ours, other = (core.crew.workers[0].admit(address=address) for address in ("a:1", "a:2"))
        tunnel = core.crew.workers[1].admit(address="a:1", tunnel=True)
        outcome = await core.controller.execute(DRAIN_A1, by="ada")
        assert outcome.operation is not None
        draining = await core.controller.wait_applied(outcome.operation.id, 10)
        progress = core.controller.progress(draining)
        assert (progress["in_flight"], progress["tunnels"]) == (1, 1)
        await until(lambda: bool(core.crew.sent))
        ours.end(Outcome.CUT_BY_PROXY)
        tunnel.end(Outcome.CUT_BY_PROXY)
        over = await core.controller.wait_ended(outcome.operation.id, 10)
        other.end()
    assert core.crew.sent[0] == Cut("shop", Color.BLUE, core.controller.state.generation, tunnels=False, address="a:1")
    assert over.receipt is not None
    assert (over.receipt.in_flight_at_flip, over.receipt.cut_by_proxy) == (2, 2)


async def test_an_upstream_made_ready_again_is_not_cut(tmp_path: Path) -> None:
    """Its drain ends with the change, and no deadline of it is left."""
    async with running_core(tmp_path / "db", replace(SHOP, drain=HASTY)) as core:
        core.crew.workers[0].admit(address="a:1")
        await core.controller.execute(DRAIN_A1, by="ada")
        await core.controller.execute(replace(DRAIN_A1, admin=AdminState.READY), by="ada")
        over = await core.controller.operation("op-1")
        assert over is not None
        assert over.state is OperationState.ABORTED
        await until(lambda: not tasks("watch"))
    assert core.crew.sent == []


async def test_a_service_that_is_taken_out_ends_its_operation(core: Core) -> None:
    """A reload without the service: the operation has failed, its watch ends, nothing else happens."""
    core.crew.workers[0].admit()
    await core.controller.execute(TO_GREEN, by="ada")
    await core.controller.wait_applied("op-1", 10)
    await core.controller.execute(Configure(DoorSpec(), (replace(SHOP, name="blog"),)), by="file")
    over = await core.controller.operation("op-1")
    assert over is not None
    assert over.state is OperationState.FAILED
    assert core.controller.progress(over)["in_flight"] == 0
    await until(lambda: not tasks("watch"))


async def test_two_services_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Each service has its own operation; one that drains for long holds nobody up."""
    async with running_core(tmp_path / "db", SHOP, replace(SHOP, name="blog")) as core:
        core.crew.workers[0].admit()
        await core.controller.execute(TO_GREEN, by="ada")
        await core.controller.execute(Switch("blog", Color.GREEN), by="ada")
        assert (await core.controller.wait_ended("op-2", 10)).state is OperationState.SUCCEEDED
        assert list(core.controller.state.operations) == ["op-1"]


async def test_a_stop_leaves_operations_running(core: Core) -> None:
    """Stopping ends the watches and not the operations: the next start tells how they ended."""
    core.crew.workers[0].admit()
    await core.controller.execute(TO_GREEN, by="ada")
    await core.controller.wait_applied("op-1", 10)
    await core.controller.stop()
    assert list(core.controller.state.operations) == ["op-1"]
    assert tasks("watch") == []


async def test_many_switches_back_and_forth(core: Core) -> None:
    """Fifty in a row with requests in between: each receipt adds up, and in the end nothing is in flight."""
    for number in range(50):
        color = (Color.GREEN, Color.BLUE)[number % 2]
        requests = [worker.admit(color.other, "b:1" if color is Color.BLUE else "a:1") for worker in core.crew.workers]
        outcome = await core.controller.execute(Switch("shop", color), by="ada")
        assert outcome.operation is not None
        for request in requests:
            request.end()
        over = await core.controller.wait_ended(outcome.operation.id, 10)
        assert over.receipt is not None
        assert (over.state, over.receipt.in_flight_at_flip) == (OperationState.SUCCEEDED, over.receipt.finished_on_old)
    assert core.controller.state.services["shop"].split in (0, FULL_SPLIT)
    assert core.controller.state.operations == {}
