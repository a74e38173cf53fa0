"""Rollouts are judged while they go forward: updated servers against the others, or against what those did."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from proxy.control.clock import SystemClock
from proxy.control.judging import JUDGE, Judging
from proxy.traffic.commands import Abort, ObserveHealth
from proxy.traffic.judgement import Finding, JudgeRule, Verdict
from proxy.traffic.model import Cohort, Health, Operation, OperationState
from proxy.traffic.refusal import Refused
from proxy.traffic.rollout.commands import EndRollout, MoveBatch, StartRollout, TakeBatch
from proxy.traffic.rollout.plan import Amount, OnFailure, RolloutPlan, WebhookHook
from proxy.traffic.rollout.rollout import Rollout
from proxy.traffic.rollout.stages import Course, Event, Stage
from proxy.traffic.spec import Color, ServiceSpec, UpstreamSpec
from tests.control.core import Core, running_core, until

OLD, UPDATED = Cohort.OLD, Cohort.UPDATED
PLAN = RolloutPlan(hook=WebhookHook("http://127.0.0.1:9/"), min_available=Amount(count=1))
WORDS = "the updated servers answer 10 % with 5xx against 0 % of the others; 99.9"


def shop(servers: int, rule: JudgeRule | None = None) -> ServiceSpec:
    """A service with so many servers on blue."""
    blue = tuple(UpstreamSpec(f"a:{number}") for number in range(1, servers + 1))
    return ServiceSpec("shop", blue, (UpstreamSpec("b:1"),), judge=rule or JudgeRule())


@dataclass
class Rolling:
    """A rollout of blue, carried on by hand, and the judge who looks on."""

    core: Core
    judging: Judging
    id: str = ""

    async def start(self, plan: RolloutPlan = PLAN, *, force: bool = False) -> None:
        """Begin it."""
        outcome = await self.core.controller.execute(StartRollout("shop", Color.BLUE, plan, force), by="ada")
        assert outcome.operation is not None
        self.id = outcome.operation.id

    async def take(self, *addresses: str) -> None:
        """Take a batch out, up to where it is updated."""
        await self.core.controller.advance(TakeBatch(self.id, addresses))
        for stage, event in ((Stage.CORDONED, Event.SEEN), (Stage.DRAINING, Event.DRAINED)):
            with contextlib.suppress(Refused):  # whoever watches the batch was faster
                await self.core.controller.advance(MoveBatch(self.id, stage, event))
        await until(lambda: self.rollout.stage is Stage.UPDATING)

    async def back(self) -> None:
        """Let the batch serve again."""
        for stage, event in ((Stage.UPDATING, Event.UPDATED), (Stage.PROBING, Event.HEALTHY)):
            await self.core.controller.advance(MoveBatch(self.id, stage, event))

    async def passed(self) -> None:
        """The batch was watched for long enough."""
        for stage, event in ((Stage.WARMING, Event.WARM), (Stage.WATCHED, Event.PASSED)):
            await self.core.controller.advance(MoveBatch(self.id, stage, event))

    @property
    def running(self) -> Operation | None:
        """The operation, while it runs."""
        return self.core.controller.state.operations.get(self.id)

    @property
    def rollout(self) -> Rollout:
        """How far it is."""
        assert self.running is not None
        assert self.running.rollout is not None
        return self.running.rollout

    def answer(self, requests: int, errors: int = 0, *, cohort: Cohort | None = None) -> None:
        """Blue has answered so many, and so many of them with 5xx."""
        self.core.crew.workers[0].answer(requests, errors, cohort=cohort)

    async def seen(self, requests: int) -> Verdict:
        """What the judge says when so many requests of the updated servers were looked at."""
        await until(lambda: self._seen() == requests)
        verdict = self.judging.verdict(self.id)
        assert verdict is not None
        return verdict

    def _seen(self) -> int:
        verdict = self.judging.verdict(self.id)
        return verdict.requests if verdict else -1

    async def over(self) -> Operation:
        """It, once it has ended."""
        return await self.core.controller.wait_ended(self.id, 10.0)


@asynccontextmanager
async def rolling(path: Path, servers: int = 3, rule: JudgeRule | None = None) -> AsyncIterator[Rolling]:
    """A core with a judge at work."""
    async with running_core(path / "db", shop(servers, rule)) as core:
        judging = Judging(core.controller, core.crew, SystemClock())
        judging.start()
        yield Rolling(core, judging)
        await judging.stop()


async def test_updated_servers_that_are_worse_end_it(tmp_path: Path) -> None:
    """The judge says so in words, in its own name, and once; what both sides did is in the receipt."""
    async with rolling(tmp_path) as one:
        await one.start()
        one.answer(50, cohort=OLD)
        await one.take("a:1")
        await one.back()
        one.answer(950, 1, cohort=OLD)
        one.answer(200, 20, cohort=UPDATED)
        over = await one.over()
        assert over.state is OperationState.FAILED
        assert over.note is not None
        assert over.note.startswith("the updated servers answer 10 % with 5xx against 0.1 % of the others; 99.9")
        assert over.receipt is not None
        assert (over.receipt.served_by_new, over.receipt.errors_on_new, over.receipt.errors_on_old) == (200, 20, 1)
        said = [entry for entry in await one.core.store.journal() if entry.by == JUDGE]
        assert [(entry.operation, entry.reason) for entry in said] == [(one.id, over.note)]
        assert one.judging.verdict(one.id) is None


async def test_updated_servers_that_are_no_worse_go_on(tmp_path: Path) -> None:
    """The same share of errors on both sides is nobody's fault, whatever was before."""
    async with rolling(tmp_path) as one:
        one.answer(1000, 300)
        await one.start()
        await one.take("a:1")
        await one.back()
        one.answer(2000, 100, cohort=OLD)
        one.answer(1000, 50, cohort=UPDATED)
        assert (await one.seen(1000)).finding is not Finding.FAIL
        await one.passed()
        assert one.rollout.course is Course.ROLLING


async def test_between_batches_and_while_the_next_is_out_earlier_ones_are_judged_on(tmp_path: Path) -> None:
    """A bad batch that seemed good for as long as it was watched is found out later, too."""
    async with rolling(tmp_path) as one:
        await one.start()
        await one.take("a:1")
        await one.back()
        await one.passed()
        await one.take("a:2")
        one.answer(1000, cohort=OLD)
        one.answer(200, 20, cohort=UPDATED)
        over = await one.over()
        assert over.note is not None
        assert over.note.startswith(WORDS)


async def test_without_an_old_one_the_updated_are_compared_with_what_the_old_ones_did(tmp_path: Path) -> None:
    """From when the last of them is out; and they are judged for as long as it goes on."""
    async with rolling(tmp_path, servers=2) as one:
        await one.start()
        await one.take("a:1")
        one.answer(2000, 2, cohort=OLD)
        await one.back()
        one.answer(1000, cohort=OLD)
        one.answer(500, cohort=UPDATED)
        await one.seen(500)
        await one.passed()
        await one.take("a:2")
        one.answer(400, cohort=UPDATED)
        assert (await one.seen(400)).finding is not Finding.FAIL
        one.answer(200, 40, cohort=UPDATED)
        over = await one.over()
        assert over.note is not None
        assert over.note.startswith(
            "the updated servers answer 20 % with 5xx against the 0.067 % that the old ones had;"
        )


async def test_where_there_never_was_another_one_it_is_compared_with_before(tmp_path: Path) -> None:
    """A single server, updated by force: what the color did in the minute before, and since, is what it is held to."""
    async with rolling(tmp_path, servers=1) as one:
        one.answer(2000, 40)
        await one.start(force=True)
        await one.take("a:1")
        await one.back()
        one.answer(500, 10, cohort=UPDATED)
        assert (await one.seen(500)).finding is not Finding.FAIL
        one.answer(500, 100, cohort=UPDATED)
        over = await one.over()
        assert over.note is not None
        assert over.note.startswith(
            "the updated servers answer 20 % with 5xx against the 2 % that the old ones had; 99.9"
        )


@pytest.mark.parametrize("course", [Course.ABORTING, Course.RESTORING])
async def test_what_does_not_go_forward_is_not_judged(tmp_path: Path, course: Course) -> None:
    """Whoever is on the way back has to get there, with bad servers too; they are counted all the same."""
    plan = replace(PLAN, on_failure=OnFailure.RESTORE, previous_version="v1", version="v2")
    async with rolling(tmp_path) as one:
        await one.start(plan)
        await one.take("a:1")
        await one.back()
        if course is Course.ABORTING:
            await one.core.controller.execute(Abort(one.id), by="ada")
        else:
            one.answer(1000, cohort=OLD)
            one.answer(200, 20, cohort=UPDATED)
            await until(lambda: one.rollout.course is Course.RESTORING)
        assert one.rollout.course is course
        assert one.judging.verdict(one.id) is None
        one.answer(200, 200, cohort=UPDATED)
        if course is Course.RESTORING:
            await one.take("a:1")
            await one.back()
        await one.passed()
        await one.core.controller.advance(EndRollout(one.id))
        over = await one.over()
        assert over.state.value == ("aborted" if course is Course.ABORTING else "rolled_back")
        assert over.receipt is not None
        assert over.receipt.errors_on_new == (200 if course is Course.ABORTING else 220)
        assert one.judging.verdict(one.id) is None


async def test_who_does_not_want_a_judge_has_none(tmp_path: Path) -> None:
    """Nobody speaks against it; its receipt tells what both sides did."""
    async with rolling(tmp_path) as one:
        await one.start(replace(PLAN, judged=False))
        await one.take("a:1")
        await one.back()
        assert one.judging.verdict(one.id) is None
        one.answer(1000, cohort=OLD)
        one.answer(200, 20, cohort=UPDATED)
        await one.passed()
        await one.core.controller.execute(Abort(one.id), by="ada")
        over = await one.over()
        assert over.receipt is not None
        assert (over.receipt.served_by_new, over.receipt.errors_on_new, over.receipt.errors_on_old) == (200, 20, 0)


async def test_an_old_one_that_is_ill_for_a_while_is_still_there_to_be_compared_with(tmp_path: Path) -> None:
    """Its checks fail, and it comes back: the updated ones are held to what it does then, not to what it did before."""
    async with rolling(tmp_path, servers=2) as one:
        await one.start()
        await one.take("a:1")
        await one.back()
        for health in (Health.UNHEALTHY, Health.HEALTHY):
            one.answer(100, cohort=UPDATED)
            await one.seen(100 if health is Health.UNHEALTHY else 200)
            await one.core.controller.observe(ObserveHealth("shop", Color.BLUE, "a:2", health))
        one.answer(1000, cohort=OLD)
        one.answer(200, 40, cohort=UPDATED)
        over = await one.over()
        assert over.note is not None
        assert "of the others" in over.note


async def test_routes_are_no_matter_of_servers(tmp_path: Path) -> None:
    """They are counted by color only: a rule with routes judges servers by everything together."""
    async with rolling(tmp_path, rule=JudgeRule(routes=("/pay",))) as one:
        await one.start()
        await one.take("a:1")
        await one.back()
        one.answer(1000, cohort=OLD)
        one.answer(200, 20, cohort=UPDATED)
        over = await one.over()
        assert over.note is not None
        assert over.note.startswith(WORDS)
