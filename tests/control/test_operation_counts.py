"""What shifts, rollbacks that undo them, and rollouts say of errors: each is in one receipt, and in no other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxy.control.store.base import StoreUnavailable
from proxy.shm.names import Series
from proxy.traffic.commands import CoolDown, Fail, Promote, Rollback, StartShift
from proxy.traffic.model import OperationKind, Receipt
from proxy.traffic.shift import Step
from proxy.traffic.spec import Color
from tests.control.core import Core, exhaust, running_core
from tests.control.crew import CrewWorker
from tests.control.store.disks import small_disk

SHIFT = StartShift("shop", Color.GREEN, 10_000, steps=(Step(5000, pause=None), Step(10_000)))


def fail(worker: CrewWorker, color: Color = Color.GREEN) -> None:
    """One answer with 5xx."""
    worker.count(1, Series.ERRORS, "shop", color.value)


async def receipt_of(core: Core, operation: str) -> Receipt:
    """What an operation did, once it is over."""
    over = await core.controller.wait_ended(operation, 10)
    assert over.receipt is not None
    return over.receipt


async def begin(core: Core, *, full: bool = False) -> str:
    """A shift that half of the traffic has followed, or all."""
    outcome = await core.controller.execute(SHIFT, by="ada")
    assert outcome.operation is not None
    shift = outcome.operation.id
    await core.controller.execute(Promote(shift, full=full), by="ada")
    return shift


async def back(core: Core, command: Fail | Rollback) -> str:
    """Undo it; the id of what does so."""
    outcome = await core.controller.execute(command, by="judge")
    operations = [*core.controller.state.operations.values(), *([outcome.operation] if outcome.operation else [])]
    return next(each.id for each in operations if each.kind is OperationKind.ROLLBACK)


async def test_errors_after_the_verdict_are_in_the_receipt_of_the_rollback(tmp_path: Path) -> None:
    """Those before it are in the shift's, those of requests that were still under way in the rollback's."""
    async with running_core(tmp_path / "db") as core:
        worker = core.crew.workers[0]
        fail(worker)  # before it began: nobody's
        shift = await begin(core)
        late = worker.admit(Color.GREEN, "b:1")
        fail(worker)
        fail(worker)
        rollback = await back(core, Fail(shift, "bad"))
        fail(worker)
        late.end()
        assert (await receipt_of(core, shift)).errors_on_new == 2
        assert (await receipt_of(core, rollback)).errors_on_old == 1


async def test_no_error_falls_between_both_receipts(tmp_path: Path) -> None:
    """Green fails all the time, also while the verdict is being written down: the sum is right."""
    async with running_core(tmp_path / "db") as core:
        worker, count = core.crew.workers[0], 0
        shift = await begin(core)

        async def fail_on() -> None:
            nonlocal count
            while True:
                fail(worker)
                count += 1
                await asyncio.sleep(0)

        failing, held = asyncio.create_task(fail_on()), worker.admit(Color.GREEN, "b:1")
        rollback = await back(core, Fail(shift, "bad"))
        failing.cancel()
        held.end()
        receipts = await receipt_of(core, shift), await receipt_of(core, rollback)
        assert (receipts[0].errors_on_new or 0) + (receipts[1].errors_on_old or 0) == count
        assert count > 2


@pytest.mark.parametrize("warm", [True, False])
async def test_what_undoes_a_shift_that_was_over_tells_of_its_errors_while_it_is_warm(
    tmp_path: Path, *, warm: bool
) -> None:
    """As long as it is watched, its story goes on; later the rollback tells of its own time only."""
    async with running_core(tmp_path / "db") as core:
        worker = core.crew.workers[0]
        shift = await begin(core, full=True)
        await core.controller.wait_ended(shift, 10)
        fail(worker)
        if not warm:
            await core.controller.advance(CoolDown("shop"))
        late = worker.admit(Color.GREEN, "b:1")
        rollback = await back(core, Rollback("shop"))
        fail(worker)
        late.end()
        assert (await receipt_of(core, rollback)).errors_on_old == (2 if warm else 1)


async def test_a_verdict_that_could_not_be_written_costs_no_counts(tmp_path: Path) -> None:
    """With room on the disk again, the receipt has everything from the shift's beginning."""
    with small_disk(tmp_path / "disk") as disk:
        async with running_core(disk.path / "db") as core:
            worker = core.crew.workers[0]
            shift = await begin(core)
            fail(worker)
            disk.fill()
            await exhaust(core)
            with pytest.raises(StoreUnavailable):
                await core.controller.execute(Fail(shift, "bad"), by="judge")
            fail(worker)
            disk.free()
            await back(core, Fail(shift, "bad"))
            assert (await receipt_of(core, shift)).errors_on_new == 2
