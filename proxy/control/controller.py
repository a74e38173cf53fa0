"""The controller: the only writer of the state, and the one road that every change takes.

reduce (may refuse) -> compile the table (may not fit) -> store (may fail) -> from here on nothing may fail:
state -> board -> those who follow it -> live events -> watch of the operation.

So what is served is on disk, and what is refused has left no trace.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar, get_args

from proxy.control.announcements import announce, announce_entry
from proxy.control.bell import Bell
from proxy.control.clock import Clock, SystemClock
from proxy.control.events import EventName, Events
from proxy.control.fleet import Fleet
from proxy.control.journal import entry_of, note_entry, start_entry
from proxy.control.ledger import Ledger
from proxy.control.operation_counts import OperationCounts
from proxy.control.operations import Watches, progress
from proxy.control.outcome import Outcome, outcome_of
from proxy.control.planning import tried
from proxy.control.publisher import Edition, Publisher, TableTooLarge
from proxy.control.rollouts.batch_watch import DRAINS
from proxy.control.store.base import JournalEntry, Store, StoreUnavailable
from proxy.traffic.commands import Advance, Command, Context, GiveUpExclusive, Observation, OperatorCommand
from proxy.traffic.configure import end_orphans
from proxy.traffic.document import StateDumper, outlives
from proxy.traffic.holding import give_up_interrupted
from proxy.traffic.model import Operation, OperationKind, Phase, State
from proxy.traffic.reducer import reduce
from proxy.traffic.reduction import Change, Reduction
from proxy.traffic.refusal import RefusalCode, Refused

logger = logging.getLogger(__name__)

T = TypeVar("T")

_OPERATOR_COMMANDS = get_args(OperatorCommand)
_ADVANCES = get_args(Advance)

_PROGRAM = "program"
"""Who observes."""


class Controller:
    """Carries out commands one at a time."""

    def __init__(
        self,
        state: State,
        *,
        store: Store,
        publisher: Publisher,
        fleet: Fleet,
        events: Events,
        clock: Clock | None = None,
        retry_after: float = 2.0,
        alone: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin with ``state``. A store that could not be written is tried again every ``retry_after`` seconds.

        ``alone`` tells whether no workers of an earlier program serve beside ours.
        """
        self.state = state
        self._clock = clock or SystemClock()
        self._publisher = publisher
        self._fleet = fleet
        self._events = events
        self._ledger = Ledger(store, events, retry_after=retry_after)
        self._dumper = StateDumper()
        self._watches = Watches(self, fleet=fleet, publisher=publisher, clock=self._clock, alone=alone)
        self._counts = OperationCounts(fleet)
        self._lock = asyncio.Lock()
        self._bell = Bell()
        self._followers: list[Callable[[Outcome], None]] = []
        self._under_way: set[asyncio.Task[Any]] = set()

    @property
    def store_up(self) -> bool:
        """Whether the last write to the store went well."""
        return self._ledger.up

    def on_change(self, follower: Callable[[Outcome], None]) -> None:
        """Call ``follower`` after every change, in order, with the new state served already. It must not wait."""
        self._followers.append(follower)

    async def start(self) -> None:
        """Keep and publish the state that the program starts with. A store that fails is no reason not to serve.

        Raises:
            TableTooLarge: the config file asks for more than the board holds.
        """
        async with self._lock:
            now = self._clock.wall()
            context = Context(now, _PROGRAM)
            state, orphans = end_orphans(self.state, context)
            start = give_up_interrupted(state, context)
            self.state, over = start.state, (*orphans, *start.ended)
            edition = self._publisher.prepare(self.state)
            try:
                await self._ledger.commit(self._dumper.dump(self.state), start_entry(self.state, now), over)
            except StoreUnavailable as error:
                logger.error("serving what was stored last, though the store cannot be written: %s", error)
                for operation in over:
                    await self._ledger.record(operation)
            self._publisher.publish(edition)

    async def let_go(self) -> None:
        """The program is about to stop: exclusive switches that still hold requests are given up."""
        why = "the program was stopped before the old color had drained"
        for operation in tuple(self.state.operations.values()):
            if operation.exclusive and operation.phase is Phase.HOLDING:
                with contextlib.suppress(Refused):  # it has just ended
                    await self.advance(GiveUpExclusive(operation.id, why))

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether something came true of the state within so many seconds."""
        return await self._bell.until(condition, seconds=seconds)

    async def changed(self, seconds: float) -> None:
        """Return when the state has changed, or after so many seconds."""
        await self._bell.wait(seconds)

    async def stop(self) -> None:
        """Finish what is being carried out, leave running operations as they are. The store stays open."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._watches.stop()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._ledger.close()

    async def execute(
        self,
        command: OperatorCommand,
        *,
        by: str,
        reason: str | None = None,
        expected_revision: int | None = None,
        dry_run: bool = False,
    ) -> Outcome:
        """Carry out what an operator wants; it is on disk and on the board when this returns.

        A caller that is cancelled meanwhile changes nothing about that. With ``dry_run`` nothing changes, and the
        outcome tells what would, and which operation would have to end first.

        Raises:
            Refused: it makes no sense now.
            TableTooLarge: the table it leads to does not fit on the board.
            StoreUnavailable: it could not be written.
        """
        context = Context(self._clock.wall(), by, reason, expected_revision)
        if dry_run:
            reduction, conflict = tried(self.state, command, context)
            self._prepare(reduction)
            return replace(outcome_of(self.state, reduction), conflict=conflict)
        return await self._shielded(self._carry_out(command, context))

    async def advance(self, command: Advance) -> Outcome:
        """Take a step of an operation that runs by itself; it is on disk and on the board when this returns.

        The journal tells of what somebody decided, and so has nothing of it.

        Raises:
            Refused: the operation is over, or somebody else was faster.
            TableTooLarge: the table it leads to does not fit on the board.
            StoreUnavailable: it could not be written, and was not done; it may work later.
        """
        return await self._shielded(self._carry_out(command, Context(self._clock.wall(), _PROGRAM)))

    async def note(self, action: str, operation: Operation, reason: str, changes: tuple[Change, ...]) -> None:
        """Write into the journal, and tell, what concerns an operation and changes nothing by itself.

        Where the store cannot be written that is logged and left: nothing rests on it.
        """
        await self._shielded(self._note(action, operation, reason, changes))

    async def _note(self, action: str, operation: Operation, reason: str, changes: tuple[Change, ...]) -> None:
        async with self._lock:
            entry = note_entry(action, self.state, operation, reason, changes, self._clock.wall())
            try:
                kept = await self._ledger.commit(self._dumper.dump(self.state), entry)
            except StoreUnavailable as error:
                logger.warning("%s %s: %s; not in the journal: %s", operation.id, action, reason, error)
                kept = entry
            announce_entry(self._events, kept or entry)

    def resume(self) -> None:
        """Watch and count again what ran when the program was stopped. To be called once the workers serve."""
        for operation in self.state.operations.values():
            if operation.phase in (Phase.APPLYING, Phase.HOLDING) or _drains(operation):
                self._watches.open(operation)
                self._watches.begin(operation)
            self._counts.begin(operation)

    async def observe(self, command: Observation) -> None:
        """Take note of something. What is no longer there, and a table that does not fit, are logged and left."""
        try:
            await self._shielded(self._carry_out(command, Context(self._clock.wall(), _PROGRAM)))
        except Refused as error:
            logger.debug("not taken note of: %s", error)
        except TableTooLarge as error:
            self._events.emit(EventName.TOO_LARGE, error=str(error))

    async def operation(self, operation_id: str) -> Operation | None:
        """An operation, running or ended. Raises :class:`StoreUnavailable`."""
        return self.state.operations.get(operation_id) or await self._ledger.operation(operation_id)

    async def operations(
        self, *, service: str | None = None, before: str | None = None, limit: int = 50
    ) -> list[Operation]:
        """The newest operations first, running and ended, older than the one with the id ``before``."""
        told = await self._ledger.operations(service=service, before=before, limit=limit)
        return [self.state.operations.get(operation.id, operation) for operation in told]

    async def operations_between(
        self, since: float, until: float, *, service: str | None = None, limit: int = 50
    ) -> list[Operation]:
        """Those that went on at some moment between two (Unix seconds), running and ended, the newest first."""
        told = await self._ledger.operations_between(since, until, service=service, limit=limit)
        return [self.state.operations.get(operation.id, operation) for operation in told]

    def progress(self, operation: Operation) -> dict[str, Any]:
        """How far an operation is, as JSON-ready data."""
        return progress(operation, self.state, self._fleet, self._publisher)

    async def wait_applied(self, operation_id: str, seconds: float) -> Operation:
        """The operation once every worker serves from its table, or as it is after so many seconds.

        Raises:
            Refused: there is no such operation.
            StoreUnavailable: it has ended, and the store cannot be read.
        """
        return await self._wait(operation_id, seconds, until=_is_applied)

    async def wait_ended(self, operation_id: str, seconds: float) -> Operation:
        """The operation once it is over, or as it is after so many seconds. Raises as :meth:`wait_applied`."""
        return await self._wait(operation_id, seconds, until=_has_ended)

    async def _wait(self, operation_id: str, seconds: float, *, until: Callable[[Operation], bool]) -> Operation:
        def reached() -> bool:
            running = self.state.operations.get(operation_id)
            return running is None or until(running)

        await self.until(reached, seconds)
        found = await self.operation(operation_id)
        if found is None:
            raise Refused(RefusalCode.OPERATION_NOT_FOUND, f"there is no operation {operation_id}")
        return found

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it to its end, though whoever asked for it may go away."""
        task = asyncio.create_task(work, name="carry out")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _carry_out(self, command: Command, context: Context) -> Outcome:
        async with self._lock:
            before = self.state
            reduction = reduce(before, command, context)
            if reduction.state is before:
                return outcome_of(before, reduction)
            edition = self._prepare(reduction)
            reduction = replace(reduction, ended=tuple(self._told(operation) for operation in reduction.ended))
            entry = await self._keep(command, reduction, context)
            self._serve(reduction, edition)
            outcome = outcome_of(before, reduction, entry)
            self._tell(command, outcome)
            return outcome

    def _prepare(self, reduction: Reduction) -> Edition | None:
        """The table to publish; ``None`` where no worker has to know."""
        if reduction.state.generation == self.state.generation:
            return None
        return self._publisher.prepare(reduction.state)

    async def _keep(self, command: Command, reduction: Reduction, context: Context) -> JournalEntry | None:
        if isinstance(command, GiveUpExclusive):  # a restart would do the same, so it may be served though not on disk
            await self._ledger.settle(self._dumper.dump(reduction.state), reduction.ended)
            return None
        if isinstance(command, (*_OPERATOR_COMMANDS, *_ADVANCES)):
            entry = entry_of(command, reduction, context) if isinstance(command, _OPERATOR_COMMANDS) else None
            operations = (*reduction.ended, *self._begun(reduction))
            return await self._ledger.commit(self._dumper.dump(reduction.state), entry, operations)
        if any(outlives(operation) for operation in reduction.ended):  # the stored will must not bring it back
            await self._ledger.settle(self._dumper.dump(reduction.state), reduction.ended)
            return None
        for operation in reduction.ended:
            await self._ledger.record(operation)
        return None

    def _told(self, operation: Operation) -> Operation:
        return self._counts.told(self._watches.told(operation))

    def _begun(self, reduction: Reduction) -> tuple[Operation, ...]:
        """The operation that a reduction begins; none, if it ended or joined one."""
        operation = reduction.operation
        if operation is None or operation.phase is Phase.ENDED or operation.id in self.state.operations:
            return ()
        return (operation,)

    def _watched(self, reduction: Reduction) -> tuple[Operation, ...]:
        """The operation that is watched from this table on: it has just begun, or it is a shift that has arrived, or a
        rollout that has taken out a batch.
        """
        operation = reduction.operation
        if operation is None or operation.phase in (Phase.SHIFTING, Phase.ENDED):
            return ()
        before = self.state.operations.get(operation.id)
        if operation.phase is Phase.ROLLING:
            return (operation,) if _drains(operation) and not (before and _drains(before)) else ()
        return (operation,) if before is None or before.phase is Phase.SHIFTING else ()

    def _serve(self, reduction: Reduction, edition: Edition | None) -> None:
        watched = self._watched(reduction)
        for operation in reduction.ended:
            self._counts.end(operation)
        for operation in self._begun(reduction):
            self._counts.begin(operation)
        for operation in watched:
            self._watches.open(operation, self._counts.errors_told(operation))
        self._counts.keep(reduction.state.warm)
        self.state = reduction.state
        if edition:
            self._publisher.publish(edition)
        for operation in watched:
            self._watches.begin(operation)

    def _tell(self, command: Command, outcome: Outcome) -> None:
        self._bell.ring()
        for follower in self._followers:
            try:
                follower(outcome)
            except Exception:
                logger.exception("a follower of the state failed")
        announce(self._events, command, outcome)


def _is_applied(operation: Operation) -> bool:
    """Whether every worker does what it asks for: a hold is applied when all of them hold."""
    if operation.kind is OperationKind.HOLD and operation.phase is Phase.HOLDING:
        return operation.receipt is not None and operation.receipt.applied_at is not None
    return operation.phase in (Phase.DRAINING, Phase.ENDED)


def _drains(operation: Operation) -> bool:
    """Whether it is a rollout whose batch is on its way out."""
    return operation.rollout is not None and operation.rollout.stage in DRAINS


def _has_ended(operation: Operation) -> bool:
    return operation.phase is Phase.ENDED
