"""The judge at work: what both sides do is read several times a second, and a bad verdict is carried out.

Judged are running shifts, and for a while after them the color that has all the traffic now; and rollouts for as long
as they go forward, the servers that they have updated against the others of the pool.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Mapping

from proxy.control.case import Case
from proxy.control.clock import Clock
from proxy.control.comparison import Cohorts, Colors, Comparison
from proxy.control.controller import Controller
from proxy.control.fleet import Fleet
from proxy.control.outcome import Outcome
from proxy.control.publisher import TableTooLarge
from proxy.control.store.base import StoreUnavailable
from proxy.control.tallies import SESSION, less, read_tally, settled_users
from proxy.traffic.commands import CoolDown, Fail, FailWarmth
from proxy.traffic.fitness import can_serve
from proxy.traffic.judgement import Finding, Sample, Tally, Verdict
from proxy.traffic.model import OperationState, Phase, State
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.rollout.stages import Course
from proxy.traffic.spec import Color

logger = logging.getLogger(__name__)

JUDGE = "judge"
"""Who takes back what the judge has spoken against."""

LOOK_EVERY = 0.25
"""Seconds between two looks: a verdict is carried out well within a second of its evidence."""

_PAST_EVERY = 15.0
_PAST_KEPT = 5
"""What all services have done is noted so often and so long, to know how things were before an operation began."""

Counts = Mapping[tuple[str, Color], Tally]


class Judging:
    """Holds one case for each operation that is judged."""

    def __init__(self, controller: Controller, fleet: Fleet, clock: Clock) -> None:
        self._controller = controller
        self._fleet = fleet
        self._clock = clock
        self._cases: dict[str, Case] = {}
        self._past: deque[Counts] = deque(maxlen=_PAST_KEPT)
        self._noted = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Judge from now on, what runs already too."""
        self._controller.on_change(self._follow)
        self._take_up(self._controller.state)
        self._note_past()
        self._task = asyncio.create_task(self._run(), name="judging")

    async def stop(self) -> None:
        """Judge no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def verdict(self, operation: str) -> Verdict | None:
        """What the judge says of an operation now; ``None`` if nobody judges it."""
        case = self._cases.get(operation)
        return case.verdict() if case else None

    def baseline(self, operation: str) -> Tally | None:
        """What the old color, or the servers that are not updated, have done since an operation began."""
        case = self._cases.get(operation)
        return case.baseline() if case else None

    def settled_left(self, operation: str) -> int | None:
        """About how many users stay on the old color because their session is older than a shift.

        That none is left is not known before there was time for each of them to come once more.
        """
        running = self._controller.state.operations.get(operation)
        settled = self._controller.state.services[running.service].settled if running else None
        if running is None or settled is None:
            return None
        now = self._clock.wall()
        count = settled_users(self._fleet.totals, running.service, now)
        return count if count or now - settled.since >= SESSION else None

    def _follow(self, outcome: Outcome) -> None:
        before, after = outcome.before, outcome.after
        if before.operations is not after.operations or before.warm is not after.warm:
            self._take_up(after)

    def _take_up(self, state: State) -> None:
        """One case for each operation that is to be judged, and no other."""
        wanted = dict(_judged(state))
        for gone in self._cases.keys() - wanted.keys():
            del self._cases[gone]
        for operation, comparison in wanted.items():
            if operation not in self._cases:
                self._cases[operation] = self._open(state, operation, comparison)

    def _open(self, state: State, operation: str, comparison: Comparison) -> Case:
        service = state.services[comparison.service]
        if isinstance(comparison, Cohorts):
            lately = self._lately(service.name, comparison.color)
            before = Sample(lately, Tally())  # which of its servers did what is not known
            return Case(self._fleet, service, comparison, before, lately, over=True)
        new, lasting = comparison.new, None
        over, baseline = _arrived(state, service.name, operation)
        if not over and self._past:
            lasting = Sample(self._lately(service.name, new.other), self._lately(service.name, new))
        return Case(self._fleet, service, comparison, lasting, baseline, over=over)

    def _lately(self, service: str, color: Color) -> Tally:
        """What a color has done in about the last minute; nothing, if that is not known."""
        if not self._past:
            return Tally()
        return less(self._read(service, color), self._past[0].get((service, color), Tally()))

    def _read(self, service: str, color: Color) -> Tally:
        return read_tally(self._fleet.totals, service, color)

    async def _run(self) -> None:
        while True:
            try:
                self._note_past()
                await self._look()
            except Exception:
                logger.exception("the judge has failed; it looks again")
            await asyncio.sleep(LOOK_EVERY)

    def _note_past(self) -> None:
        now = self._clock.monotonic()
        if now - self._noted >= _PAST_EVERY:
            self._noted = now
            services = self._controller.state.services
            self._past.append({(name, color): self._read(name, color) for name in services for color in Color})

    async def _look(self) -> None:
        for operation, case in list(self._cases.items()):
            case.look(self._controller.state)
            verdict = case.verdict()
            if verdict.finding is Finding.FAIL and not self._left_alone(operation, case):
                await self._carry_out(operation, case, verdict.words)
        for service, warmth in list(self._controller.state.warm.items()):
            if self._clock.wall() >= warmth.until:
                await self._cool(service)

    def _left_alone(self, operation: str, case: Case) -> bool:
        """Whether there is nothing to do about a bad verdict: it is done, or there is nowhere to go back to yet."""
        state = self._controller.state
        running = state.operations.get(operation)
        if case.stuck and running and (running.state, running.phase) == (OperationState.RUNNING, Phase.SHIFTING):
            case.closed = True  # somebody has let it go on all the same
        return case.closed or (case.stuck and not _way_back(state, case.comparison))

    async def _carry_out(self, operation: str, case: Case, words: str) -> None:
        running = operation in self._controller.state.operations
        command = Fail(operation, words) if running else FailWarmth(case.comparison.service, operation, words)
        try:
            outcome = await self._controller.execute(command, by=JUDGE, reason=words)
            case.stuck = operation in outcome.after.operations  # it waits, for the old color has nobody to answer
            case.closed = not case.stuck
        except Refused as error:
            case.stuck = error.code is RefusalCode.COLOR_NOT_HEALTHY
            case.closed = not case.stuck
            logger.error("%s should go back, but cannot: %s (%s)", operation, error, words)
        except (StoreUnavailable, TableTooLarge) as error:
            if not case.failing:
                logger.error("%s cannot go back yet, trying again: %s", operation, error)
            case.failing = True

    async def _cool(self, service: str) -> None:
        try:
            await self._controller.advance(CoolDown(service))
        except (Refused, StoreUnavailable, TableTooLarge) as error:
            logger.debug("%s is watched for a little longer: %s", service, error)


def _arrived(state: State, service: str, operation: str) -> tuple[bool, Tally | None]:
    """Whether a shift has all the traffic that it asked for already, and what the old color did meanwhile."""
    warm, running = state.warm.get(service), state.operations.get(operation)
    if warm is not None and warm.operation == operation:
        return True, warm.baseline
    if running is not None and running.shift is not None and running.phase is not Phase.SHIFTING:
        return True, running.shift.baseline
    return False, None


def _way_back(state: State, comparison: Comparison) -> bool:
    """Whether there is somebody to take the traffic of the new side."""
    if isinstance(comparison, Cohorts):
        return True
    return can_serve(state.services[comparison.service], comparison.new.other)


def _judged(state: State) -> Iterator[tuple[str, Comparison]]:
    for operation in state.operations.values():
        shift, rollout = operation.shift, operation.rollout
        if shift is not None and shift.judged:
            yield operation.id, Colors(operation.service, operation.gaining)
        if rollout is not None and rollout.plan.judged and rollout.course is Course.ROLLING:
            yield operation.id, Cohorts(operation.service, rollout.color)
    for name, warmth in state.warm.items():
        rising = state.services[name].split > warmth.before
        yield warmth.operation, Colors(name, Color.GREEN if rising else Color.BLUE)
