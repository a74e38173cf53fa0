"""A rollout without a front door: random fleets, faults and decisions, and whoever carries it on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st

from proxy.traffic.commands import (
    Abort,
    Command,
    Context,
    Fail,
    Hinder,
    ObserveEjection,
    ObserveHealth,
    Pause,
    Promote,
    Resume,
    SetSplit,
    Switch,
)
from proxy.traffic.configure import initial_state
from proxy.traffic.document import dump_state, restore_state
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import Health, Operation, Service
from proxy.traffic.reducer import reduce
from proxy.traffic.reduction import Reduction
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.rollout.batches import next_batch
from proxy.traffic.rollout.commands import (
    AgeBatch,
    EndRollout,
    MarkReady,
    MoveBatch,
    OpenBatch,
    StartRollout,
    TakeBatch,
)
from proxy.traffic.rollout.plan import Amount, ManualHook, OnFailure, Order, RolloutPlan, SlowStart, WebhookHook
from proxy.traffic.rollout.rollout import Rollout
from proxy.traffic.rollout.stages import Event, Stage
from proxy.traffic.spec import Color, DoorSpec, ServiceSpec, UpstreamSpec
from proxy.traffic.table import compile_table

HOOK = WebhookHook("http://127.0.0.1:1/")
PLAN = RolloutPlan(hook=HOOK)

amounts = st.integers(0, 4).map(lambda count: Amount(count=count)) | st.sampled_from((0.0, 0.25, 0.34, 0.5, 0.9)).map(
    lambda share: Amount(share=share)
)
plans = st.builds(
    RolloutPlan,
    hook=st.sampled_from((HOOK, ManualHook())),
    batch=amounts,
    min_available=amounts,
    first_batch=st.none() | amounts,
    order=st.sampled_from(Order),
    slow_start=st.sampled_from((SlowStart(0.0), SlowStart(30.0))),
    watch=st.sampled_from((0.0, 30.0)),
    judged=st.booleans(),
)
undone = plans.filter(lambda plan: plan.hook == HOOK).map(
    lambda plan: replace(plan, on_failure=OnFailure.RESTORE, previous_version="v1")
)


class World:
    """One service under a rollout, and its clock."""

    def __init__(self, servers: int, split: int, *, checked: bool = True) -> None:
        """Blue has so many servers, all healthy; green has one."""
        blue = tuple(UpstreamSpec(f"10.0.0.{number}:80") for number in range(1, servers + 1))
        spec = ServiceSpec("shop", blue, (UpstreamSpec("10.0.1.1:80"),))
        self.state = initial_state(DoorSpec(), (spec if checked else replace(spec, health=None),))
        self.now = 1_000.0
        self.ended: Operation | None = None
        self._moved = 0
        for upstream in (*self.service.blue, *self.service.green):
            color = Color.BLUE if upstream in self.service.blue else Color.GREEN
            self.do(ObserveHealth("shop", color, upstream.address, Health.HEALTHY))
        self.do(SetSplit("shop", split, force=True))
        running = self.state.operation_of("shop")
        if running is not None:
            self.state = replace(self.state, operations={})

    @property
    def service(self) -> Service:
        """As it is now."""
        return self.state.services["shop"]

    @property
    def operation(self) -> Operation | None:
        """The rollout, while it runs."""
        return self.state.rollout_of("shop")

    @property
    def rollout(self) -> Rollout:
        """As it is now, or as it ended."""
        operation = self.operation or self.ended
        assert operation is not None
        assert operation.rollout is not None
        return operation.rollout

    def do(self, command: Command) -> Reduction | None:
        """Carry out a command; ``None`` if it was refused."""
        self.now += 1.0
        try:
            reduction = reduce(self.state, command, Context(self.now, "ada"))
        except Refused:
            return None
        self.state = reduction.state
        self.ended = next((each for each in reduction.ended if each.rollout is not None), self.ended)
        return reduction

    def restart(self) -> None:
        """The program dies and comes back; all checks then find what they had found before."""
        health = {each.address: each.health for color in Color for each in self.service.pool(color)}
        self.state = restore_state(dump_state(self.state), self.state.door, [self.service.spec])
        for color in Color:
            for each in self.service.pool(color):
                self.do(ObserveHealth("shop", color, each.address, health[each.address]))

    def due(self, *, moves_house: bool = False) -> Command | None:
        """What whoever carries the rollout on does next if all goes well; ``None``: nothing can be done now."""
        operation = self.operation
        if operation is None:
            return None
        rollout = self.rollout
        match rollout.stage:
            case None:
                return self._between(operation, rollout)
            case Stage.UPDATING if isinstance(rollout.plan.hook, ManualHook):
                waiting = next(turn for turn in rollout.under_way if turn.stage is Stage.UPDATING)
                return MarkReady(operation.id, waiting.address, self._elsewhere() if moves_house else None)
            case Stage.UPDATING:
                moved = {rollout.under_way[0].address: self._elsewhere()} if moves_house else {}
                return MoveBatch(operation.id, Stage.UPDATING, Event.UPDATED, moved)
            case Stage.WARMING if rollout.warmed < rollout.plan.slow_start.over:
                return AgeBatch(operation.id, rollout.batch, rollout.warmed + 10.0, rollout.watched)
            case Stage.WATCHED if rollout.watched < rollout.watch:
                return AgeBatch(operation.id, rollout.batch, rollout.warmed, rollout.watched + 60.0)
            case stage:
                return MoveBatch(operation.id, stage, _WELL[stage])

    def _between(self, operation: Operation, rollout: Rollout) -> Command | None:
        if rollout.hindrance is Hindrance.CAPACITY and next_batch(self.service, rollout, {}):
            return Resume(operation.id, only=Hindrance.CAPACITY)
        if rollout.hindrance is not None:
            return None
        if not rollout.to_do:
            return EndRollout(operation.id)
        if not rollout.opened:
            return OpenBatch(operation.id)
        batch = next_batch(self.service, rollout, {})
        return TakeBatch(operation.id, batch) if batch else Hinder(operation.id, Hindrance.CAPACITY, "no room")

    def _elsewhere(self) -> str:
        self._moved += 1
        return f"10.0.2.{self._moved}:80"


_WELL = {
    Stage.CORDONED: Event.SEEN,
    Stage.DRAINING: Event.DRAINED,
    Stage.UPDATING: Event.UPDATED,
    Stage.PROBING: Event.HEALTHY,
    Stage.WARMING: Event.WARM,
    Stage.WATCHED: Event.PASSED,
}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Some fleet with a rollout that has just begun, or was refused."""
    world = World(draw(st.integers(1, 6)), draw(st.sampled_from((0, 5_000, 10_000))), checked=draw(st.booleans()))
    plan = draw(plans | undone)
    world.do(StartRollout("shop", Color.BLUE, plan, force=draw(st.booleans())))
    return world


def disturbances(world: World) -> st.SearchStrategy[Command]:
    """What others do meanwhile, and servers."""
    operation = world.operation
    name = operation.id if operation else "op-1"
    servers = st.sampled_from([each.address for each in world.service.blue])
    return st.one_of(
        st.builds(ObserveHealth, st.just("shop"), st.just(Color.BLUE), servers, st.sampled_from(Health)),
        st.builds(ObserveEjection, st.just("shop"), st.just(Color.BLUE), servers, st.booleans()),
        st.sampled_from((Pause(name), Resume(name), Promote(name), Promote(name, full=True), Abort(name))),
        st.builds(Switch, st.just("shop"), st.sampled_from(Color), st.booleans()),
        st.just(Fail(name, "it is bad")),
    )


def rolling(plan: RolloutPlan = PLAN, *, servers: int = 4, split: int = 0) -> World:
    """A fleet under a rollout of blue, which has all the traffic unless said otherwise."""
    world = World(servers, split)
    assert world.do(StartRollout("shop", Color.BLUE, plan))
    return world


def until(world: World, stage: Stage | None, *, batch: int) -> World:
    """Carry it on until that batch has come to a stage; ``None``: until it is over."""
    while (world.rollout.batch, world.rollout.stage) != (batch, stage):
        command = world.due()
        assert command is not None
        assert world.do(command)
    return world


def finish(world: World) -> World:
    """Carry it on to its end."""
    while (command := world.due()) is not None:
        assert world.do(command)
    return world


def refusal(world: World, command: Command) -> RefusalCode:
    """Why a command is refused now."""
    with pytest.raises(Refused) as caught:
        reduce(world.state, command, Context(world.now, "ada"))
    return caught.value.code


def stages(world: World) -> list[str]:
    """How far each server is."""
    return [turn.stage.value for turn in world.rollout.turns]


def in_table(world: World) -> list[str]:
    """The servers of blue that get requests."""
    return [each.address for each in compile_table(world.state).services[0].blue]
