"""Shifts as they are carried on, in a control core with a real store and a real board."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from proxy.control.clock import SystemClock
from proxy.control.doorkeeper import Doorkeeper
from proxy.control.shifts import Shifts
from proxy.traffic.audience import HoldRule, StickyBy, StickyRule
from proxy.traffic.commands import (
    Abort,
    Hold,
    ObserveHealth,
    OperatorCommand,
    Pause,
    Promote,
    Resume,
    StartShift,
    Switch,
)
from proxy.traffic.gates import Gates, Moment, Webhook
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Finding, Tally, Verdict
from proxy.traffic.model import Health, Operation, OperationState, Phase
from proxy.traffic.shift import Step
from proxy.traffic.spec import Color
from tests.control.asked import Gate
from tests.control.core import SHOP, Core, running_core, until

QUICK = StartShift("shop", Color.GREEN, 10_000, over=0.3, judged=False)
STEPS = (Step(1000, pause=None), Step(5000), Step(10_000))
STEPPED = StartShift("shop", Color.GREEN, 10_000, steps=STEPS, judged=False)
HOOK = Webhook("http://127.0.0.1:9/gate", (Moment.BEFORE_START, Moment.BEFORE_PROMOTION, Moment.AFTER))


@dataclass
class Witness:
    """What the traffic says, as the test wants it."""

    finding: Finding = Finding.PASS
    left: int | None = None

    def verdict(self, operation: str) -> Verdict:
        """What the judge says."""
        return Verdict(self.finding, "green needs about 900 more requests", needed=900)

    def baseline(self, operation: str) -> Tally:
        """What blue did."""
        return Tally(requests=7)

    def settled_left(self, operation: str) -> int | None:
        """How many sessions are left."""
        return self.left


@dataclass
class Company:
    """Whether workers of an earlier program are there."""

    alone: bool = True


@dataclass(frozen=True)
class Stage:
    """A core whose shifts are carried on."""

    core: Core
    witness: Witness
    gate: Gate
    company: Company

    async def start(self, command: StartShift = QUICK) -> str:
        """Begin a shift; its id."""
        outcome = await self.core.controller.execute(command, by="ada")
        assert outcome.operation is not None
        return outcome.operation.id

    @property
    def split(self) -> int:
        """Green's share."""
        return self.core.controller.state.services["shop"].split

    async def ended(self, operation: str) -> Operation:
        """The shift once it is over."""
        return await self.core.controller.wait_ended(operation, 10.0)

    async def hindered(self, operation: str) -> Operation:
        """The shift once it waits for something."""
        await until(lambda: self._paused(operation))
        return self.core.controller.state.operations[operation]

    def hindrance(self, operation: str) -> Hindrance | None:
        """What a shift waits for now."""
        shift = self.core.controller.state.operations[operation].shift
        return shift.hindrance if shift else None

    def _paused(self, operation: str) -> bool:
        return self.core.controller.state.operations[operation].state is OperationState.PAUSED


@asynccontextmanager
async def stage(path: Path) -> AsyncIterator[Stage]:
    """A core, and what it needs to carry shifts on."""
    spec = replace(SHOP, sticky=StickyRule(StickyBy.COOKIE, "bg_user"))
    witness, gate, company = Witness(), Gate(), Company()
    async with running_core(path, spec) as core:
        keeper = Doorkeeper(core.controller, gate.ask)
        shifts = Shifts(
            core.controller, gates=keeper, evidence=witness, clock=SystemClock(), alone=lambda: company.alone
        )
        core.controller.resume()
        shifts.start()
        try:
            yield Stage(core, witness, gate, company)
        finally:
            await shifts.stop()
            await keeper.stop()


async def test_a_linear_shift_goes_all_the_way_in_small_steps(tmp_path: Path) -> None:
    """Every table that was published moves one percent at most; then blue is drained."""
    splits = [0]
    async with stage(tmp_path / "db") as s:
        s.core.controller.on_change(lambda outcome: splits.append(outcome.after.services["shop"].split))
        ended = await s.ended(await s.start())
    assert ended.state is OperationState.SUCCEEDED
    assert ended.receipt is not None
    assert ended.receipt.drained_at is not None
    assert splits == sorted(splits)
    assert splits[-1] == 10_000
    assert max(b - a for a, b in itertools.pairwise(splits)) <= 100


async def test_the_journal_tells_of_decisions_and_not_of_ticks(tmp_path: Path) -> None:
    """A hundred ticks are nobody's decision."""
    async with stage(tmp_path / "db") as s:
        await s.ended(await s.start())
        assert await s.core.history() == ["shift", "start"]


@pytest.mark.parametrize(
    ("command", "by"),
    [
        (STEPPED, "program"),
        (replace(STEPPED, gates=Gates(approvals=(Moment.BEFORE_START,))), "gate"),
        (replace(STEPPED, steps=STEPS[1:], judged=True), "judge"),
    ],
)
async def test_the_journal_tells_who_lets_it_wait_and_why(tmp_path: Path, command: StartShift, by: str) -> None:
    """The judge has no part in what nobody judges."""
    async with stage(tmp_path / "db") as s:
        s.witness.finding = Finding.INCONCLUSIVE
        waiting = await s.hindered(await s.start(command))
        entry = (await s.core.store.journal())[0]
        assert (entry.action, entry.by, entry.reason) == ("wait", by, waiting.note)


async def test_a_step_without_end_waits_to_be_promoted(tmp_path: Path) -> None:
    """It says so; promoted it goes on, and the others need nobody."""
    async with stage(tmp_path / "db") as s:
        shift = await s.start(STEPPED)
        waiting = await s.hindered(shift)
        assert s.split == 1000
        assert waiting.note == "step 1 of 3 is done; it waits to be promoted"
        await s.core.controller.execute(Promote(shift), by="ada")
        assert (await s.ended(shift)).state is OperationState.SUCCEEDED


async def test_promoting_in_full_goes_to_the_end_at_once(tmp_path: Path) -> None:
    """Whatever steps lie between."""
    async with stage(tmp_path / "db") as s:
        shift = await s.start(STEPPED)
        await s.hindered(shift)
        await s.core.controller.execute(Promote(shift, full=True), by="ada")
        assert s.split == 10_000


async def test_too_little_evidence_lets_it_wait_and_enough_lets_it_go_on(tmp_path: Path) -> None:
    """Never aborted for that; the journal has both."""
    steps = (Step(1000), Step(10_000))
    async with stage(tmp_path / "db") as s:
        s.witness.finding = Finding.INCONCLUSIVE
        shift = await s.start(replace(STEPPED, steps=steps, judged=True))
        waiting = await s.hindered(shift)
        assert waiting.shift is not None
        assert waiting.shift.hindrance is Hindrance.JUDGE
        assert waiting.note == "green needs about 900 more requests"
        s.witness.finding = Finding.PASS
        ended = await s.ended(shift)
        assert ended.state is OperationState.SUCCEEDED
        assert ended.shift is not None
        assert ended.shift.baseline == Tally(requests=7)
        assert await s.core.history() == ["resume", "wait", "shift", "start"]


async def test_nothing_is_moved_to_a_color_that_is_down(tmp_path: Path) -> None:
    """Judged or not: it waits until the color is well again."""
    async with stage(tmp_path / "db") as s:
        shift = await s.start(replace(QUICK, over=100.0))
        await until(lambda: s.split > 0)
        await s.core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.UNHEALTHY))
        waiting = await s.hindered(shift)
        assert waiting.note == "green has no healthy upstream: nothing more is moved there before it has one"
        stood = s.split
        await s.core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.HEALTHY))
        await until(lambda: s.split > stood)


async def test_an_operator_may_move_to_a_color_that_is_down(tmp_path: Path) -> None:
    """Who resumes it does not wait for health."""
    async with stage(tmp_path / "db") as s:
        shift = await s.start(replace(STEPPED, steps=(Step(1000, pause=None), Step(10_000))))
        await s.core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.UNHEALTHY))
        await s.hindered(shift)
        await s.core.controller.execute(Promote(shift), by="ada")
        await until(lambda: s.hindrance(shift) is Hindrance.HEALTH)
        await s.core.controller.execute(Resume(shift), by="ada")
        assert (await s.ended(shift)).state is OperationState.SUCCEEDED


async def test_an_operator_may_let_it_go_on_without_evidence(tmp_path: Path) -> None:
    """Once is enough."""
    steps = (Step(1000), Step(5000), Step(10_000))
    async with stage(tmp_path / "db") as s:
        s.witness.finding = Finding.INCONCLUSIVE
        shift = await s.start(replace(STEPPED, steps=steps, judged=True))
        await s.hindered(shift)
        await s.core.controller.execute(Resume(shift), by="ada")
        assert (await s.ended(shift)).state is OperationState.SUCCEEDED


async def test_a_paused_shift_stands_still(tmp_path: Path) -> None:
    """Until it is aborted: then it is where it began."""
    async with stage(tmp_path / "db") as s:
        shift = await s.start(replace(QUICK, over=100.0))
        await until(lambda: s.split > 0)
        await s.core.controller.execute(Pause(shift), by="ada")
        stood = s.split
        await s.core.controller.execute(Abort(shift), by="ada")
        assert stood > 0
        assert s.split == 0


async def test_gates_are_asked_in_their_order_and_told_in_the_journal(tmp_path: Path) -> None:
    """Each with what it said."""
    async with stage(tmp_path / "db") as s:
        steps = (Step(1000), Step(10_000))
        shift = await s.start(replace(STEPPED, steps=steps, gates=Gates(webhooks=(HOOK,))))
        await s.ended(shift)
        await until(lambda: len(s.gate.asked) == 3)
        assert s.gate.asked == [Moment.BEFORE_START, Moment.BEFORE_PROMOTION, Moment.AFTER]
        assert (await s.core.history())[-4:] == ["gate", "gate", "shift", "start"]


async def test_a_gate_that_says_no_takes_everything_back(tmp_path: Path) -> None:
    """The operation, its rollback and the journal say which gate, and why."""
    async with stage(tmp_path / "db") as s:
        s.gate.against = Moment.BEFORE_PROMOTION
        steps = (Step(1000), Step(10_000))
        ended = await s.ended(await s.start(replace(STEPPED, steps=steps, gates=Gates(webhooks=(HOOK,)))))
        assert ended.state is OperationState.ROLLED_BACK
        assert ended.note == "webhook ci is against it: not on Fridays"
        assert s.split == 0
        assert await s.core.history() == ["fail", "gate", "gate", "shift", "start"]


async def test_an_approval_is_waited_for(tmp_path: Path) -> None:
    """Nothing moves before somebody says so."""
    async with stage(tmp_path / "db") as s:
        shift = await s.start(replace(QUICK, over=0.0, gates=Gates(approvals=(Moment.BEFORE_PROMOTION,))))
        waiting = await s.hindered(shift)
        assert waiting.note == "step 1 of 1 waits for approval: promote or abort it"
        assert s.split == 0
        await s.core.controller.execute(Resume(shift), by="ada")
        assert (await s.ended(shift)).state is OperationState.SUCCEEDED


async def test_a_shift_goes_on_after_a_restart(tmp_path: Path) -> None:
    """From where it was, with the same id, to its end."""
    async with stage(tmp_path / "db") as s:
        shift = await s.start(replace(QUICK, over=1.0))
        await until(lambda: s.split > 1000)
    stood = s.split
    async with stage(tmp_path / "db") as again:
        assert again.split >= stood
        ended = await again.ended(shift)
        assert ended.state is OperationState.SUCCEEDED
        assert again.split == 10_000
        assert not again.core.controller.state.operations
    async with stage(tmp_path / "db") as later:
        assert not later.core.controller.state.operations
        assert later.split == 10_000


@pytest.mark.parametrize(
    "command", [STEPPED, Hold("shop", HoldRule()), Switch("shop", Color.GREEN, exclusive=HoldRule())]
)
async def test_what_ran_for_a_service_ends_with_it_over_a_restart(tmp_path: Path, command: OperatorCommand) -> None:
    """Taken out of the config file while the program was away: it is told to be over, and not to run for ever."""
    async with running_core(tmp_path / "db") as core:
        await core.controller.execute(command, by="ada")
    async with running_core(tmp_path / "db", replace(SHOP, name="other")) as core:
        over = await core.controller.operation("op-1")
        assert over is not None
        assert (over.state, over.phase) == (OperationState.FAILED, Phase.ENDED)
        assert over.note == "the service was taken out of the config file"


async def test_nothing_moves_while_workers_of_an_earlier_program_serve(tmp_path: Path) -> None:
    """They route by an older table: a user whom ours have moved could come back through them."""
    async with stage(tmp_path / "db") as s:
        s.company.alone = False
        shift = await s.start(replace(QUICK, over=0.0))
        assert (await s.core.controller.wait_ended(shift, 0.05)).state is OperationState.RUNNING
        assert s.split == 0
        s.company.alone = True
        assert (await s.ended(shift)).state is OperationState.SUCCEEDED


@pytest.mark.parametrize("left", [0, 5])
async def test_users_with_a_session_are_waited_for(tmp_path: Path, left: int) -> None:
    """Until none is left, or their time is over."""
    async with stage(tmp_path / "db") as s:
        s.witness.left = left
        ended = await s.ended(await s.start(replace(QUICK, settle=0.2 if left else 3600.0)))
        assert ended.state is OperationState.SUCCEEDED
        assert s.core.controller.state.services["shop"].settled is None
