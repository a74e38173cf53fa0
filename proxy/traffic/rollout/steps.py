"""The steps of a rollout that goes well: gates open, a batch goes out, is updated, comes back, and is watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from proxy.traffic.commands import Context
from proxy.traffic.model import Cohort, Health, Operation, Receipt, Service, State, Upstream
from proxy.traffic.reduction import Reduction
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.rollout.batches import cost, required, room
from proxy.traffic.rollout.commands import AgeBatch, MoveBatch, OpenBatch, TakeBatch
from proxy.traffic.rollout.footing import elsewhere, find_rollout, put, with_servers
from proxy.traffic.rollout.receipts import added
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.rollout.stages import TURNS, Event, Stage
from proxy.traffic.rollout.warming import ramp_at


def open_batch(state: State, command: OpenBatch) -> Reduction:
    """The gates before the next batch have opened."""
    operation, rollout = find_rollout(state, command.operation)
    if rollout.hindrance is not None or rollout.under_way:
        raise elsewhere(operation)
    return put(state, operation, replace(rollout, opened=True), state.services[operation.service])


def take(state: State, command: TakeBatch, context: Context) -> Reduction:
    """Take the next batch out of rotation."""
    operation, rollout = find_rollout(state, command.operation)
    service, addresses = state.services[operation.service], frozenset(command.addresses)
    to_do = {turn.address for turn in rollout.to_do}
    if rollout.hindrance is not None or rollout.under_way or not addresses or not addresses <= to_do:
        raise elsewhere(operation)
    needed = cost(service, rollout.color, addresses)
    if needed and needed > room(service, rollout):
        detail = f"{rollout.color} has to keep {required(service, rollout)} servers in rotation"
        raise Refused(RefusalCode.NO_ROOM, detail, operation=operation.id)
    taken = replace(rollout.moved(addresses, Event.TAKEN, context.now), batch=rollout.batch + 1, opened=False)
    taken = replace(taken, warmed=0.0, watched=0.0, turns=tuple(_taken(t, taken.batch, command) for t in taken.turns))
    leaving = tuple((rollout.color, address) for address in command.addresses)
    out = with_servers(service, rollout, addresses, lambda each: replace(each, cordoned=True, ejected=False, ramp=1.0))
    told = out is not service  # those that failed are out already: no table follows that workers could show
    receipt = replace(operation.receipt or Receipt(0), generation=state.generation + told)
    return put(state, replace(operation, leaving=leaving, receipt=receipt), taken, out)


def _taken(turn: Turn, batch: int, command: TakeBatch) -> Turn:
    if turn.address not in command.addresses:
        return turn
    version = command.versions.get(turn.address)
    return replace(turn, batch=batch, version=version, before=version if turn.batch == 0 else turn.before, why=None)


def move(state: State, command: MoveBatch, context: Context) -> Reduction:
    """The same happens to all servers of the batch that are at a stage."""
    operation, rollout = find_rollout(state, command.operation)
    addresses = frozenset(turn.address for turn in rollout.under_way if turn.stage is command.at)
    if not addresses or command.event not in _GOES_WELL or (command.at, command.event) not in TURNS:
        raise elsewhere(operation)
    moved, service = carried(state, operation, rollout, addresses, command, context)
    if command.event is Event.DRAINED:
        operation = replace(operation, leaving=(), receipt=_with_batch(operation.receipt, command.receipt))
    return put(state, operation, moved, service)


def _with_batch(whole: Receipt | None, batch: Receipt | None) -> Receipt | None:
    return added(whole, batch) if whole and batch else whole or batch


_GOES_WELL = (Event.SEEN, Event.DRAINED, Event.UPDATED, Event.HEALTHY, Event.WARM, Event.PASSED)


def carried(
    state: State,
    operation: Operation,
    rollout: Rollout,
    addresses: frozenset[str],
    command: MoveBatch,
    context: Context,
) -> tuple[Rollout, Service]:
    """A rollout and its service after something went well with some servers of the batch."""
    service = state.services[operation.service]
    moved = rollout.moved(addresses, command.event, context.now)
    match command.event:
        case Event.DRAINED:  # nobody checks a server that is being replaced: it comes back through checks
            service = with_servers(service, rollout, addresses, lambda each: replace(each, health=Health.UNKNOWN))
        case Event.UPDATED:
            return _moved_house(moved, service, addresses, command.moved)
        case Event.HEALTHY:
            return _back(moved, service, addresses, command.versions)
        case Event.WARM:
            service = with_servers(service, rollout, addresses, lambda each: replace(each, ramp=1.0))
    return moved, service


def _moved_house(
    rollout: Rollout, service: Service, addresses: frozenset[str], moved: Mapping[str, str]
) -> tuple[Rollout, Service]:
    """Some have come back at other addresses: these take the places of the old ones."""
    new = {old: there for old, there in moved.items() if old in addresses and there != old}
    if not new:
        return rollout, service
    left = {each.address for each in service.pool(rollout.color)} - new.keys()
    for there in new.values():
        if there in left:
            detail = f"{there} is already an upstream of {rollout.color}"
            raise Refused(RefusalCode.DUPLICATE_UPSTREAM, detail, address=there)
        left.add(there)
    turns = tuple(replace(t, address=new[t.address], was=t.address) if t.address in new else t for t in rollout.turns)
    housed = with_servers(service, rollout, new.keys(), lambda each: replace(each, address=new[each.address]))
    return replace(rollout, turns=turns), housed


def _back(
    rollout: Rollout, service: Service, addresses: frozenset[str], versions: Mapping[str, str]
) -> tuple[Rollout, Service]:
    """They serve again, with a part of their weight."""
    cohort = Cohort.OLD if rollout.undoing else Cohort.UPDATED
    ramp = ramp_at(rollout.plan.slow_start, 0.0)

    def change(upstream: Upstream) -> Upstream:
        health = Health.HEALTHY if service.spec.health is not None else upstream.health
        return replace(upstream, cordoned=False, ejected=False, health=health, ramp=ramp, cohort=cohort)

    turns = tuple(
        replace(turn, version=versions.get(turn.address, turn.version)) if turn.address in addresses else turn
        for turn in rollout.turns
    )
    return replace(rollout, turns=turns), with_servers(service, rollout, addresses, change)


def age(state: State, command: AgeBatch) -> Reduction:
    """Time has passed for the batch: its weight grows, or it has been watched for longer."""
    operation, rollout = find_rollout(state, command.operation)
    stage, service = rollout.stage, state.services[operation.service]
    if command.batch != rollout.batch or stage not in (Stage.WARMING, Stage.WATCHED):
        raise elsewhere(operation)
    if command.warmed < rollout.warmed or command.watched < rollout.watched:
        raise elsewhere(operation)
    if stage is Stage.WARMING:
        ramp = ramp_at(rollout.plan.slow_start, command.warmed)
        warming = [turn.address for turn in rollout.under_way]
        service = with_servers(service, rollout, warming, lambda each: replace(each, ramp=ramp))
    return put(state, operation, replace(rollout, warmed=command.warmed, watched=command.watched), service)
