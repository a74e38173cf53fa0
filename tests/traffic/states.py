"""States and commands for the tests of the state machine, drawn from a world small enough that things meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from proxy.traffic.audience import HoldRule
from proxy.traffic.commands import (
    Abort,
    AddUpstream,
    AdvanceShift,
    ChangeUpstream,
    Command,
    Configure,
    Context,
    CoolDown,
    EndOperation,
    EndSettled,
    Fail,
    FailWarmth,
    FlipExclusive,
    GiveUpExclusive,
    Hinder,
    Hold,
    MarkApplied,
    ObserveEjection,
    ObserveHealth,
    Pause,
    Promote,
    Release,
    RemoveUpstream,
    ReplacePool,
    Resume,
    Rollback,
    SetMaintenance,
    SetSplit,
    StartShift,
    Switch,
    UpstreamWill,
)
from proxy.traffic.configure import initial_state
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import FULL_SPLIT, Health, OperationState, Receipt, Service, State
from proxy.traffic.pools import with_pool
from proxy.traffic.reducer import reduce
from proxy.traffic.reduction import Reduction
from proxy.traffic.refusal import Refused
from proxy.traffic.rollout.commands import (
    AgeBatch,
    EndRollout,
    MarkReady,
    MoveBatch,
    OpenBatch,
    StartRollout,
    TakeBatch,
)
from proxy.traffic.rollout.plan import Amount, Order, RolloutPlan
from proxy.traffic.rollout.stages import Event, Stage
from proxy.traffic.shift import Position, Step
from proxy.traffic.spec import AdminState, Balance, Color, DoorSpec, HealthCheck, Limits, ServiceSpec, UpstreamSpec

CONTEXT = Context(now=1_000.0, by="ada", reason="five o'clock")

ADDRESSES = ("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "[::1]:80")
SERVICES = ("shop", "blog")


def shop(*, health: HealthCheck | None = HealthCheck()) -> ServiceSpec:  # noqa: B008 - frozen
    """A service with two upstreams in each color."""
    blue = (UpstreamSpec("10.0.0.1:80"), UpstreamSpec("10.0.0.2:80", 2))
    green = (UpstreamSpec("10.0.1.1:80"), UpstreamSpec("10.0.1.2:80"))
    return ServiceSpec("shop", blue, green, health=health)


def healthy(state: State) -> State:
    """The state with every upstream known to be healthy."""
    services = {
        name: with_healthy(with_healthy(service, Color.BLUE), Color.GREEN) for name, service in state.services.items()
    }
    return replace(state, services=services)


def with_healthy(service: Service, color: Color, *, health: Health = Health.HEALTHY) -> Service:
    """The service with every upstream of one color at that health."""
    return with_pool(service, color, tuple(replace(upstream, health=health) for upstream in service.pool(color)))


def serving() -> State:
    """A front door with the shop behind it, everything healthy, blue live."""
    return healthy(initial_state(DoorSpec(), (shop(),)))


def after(state: State, *commands: Command) -> State:
    """The state after all the commands, none of which may be refused."""
    for command in commands:
        state = reduce(state, command, CONTEXT).state
    return state


def run(state: State, commands: Iterable[Command]) -> list[tuple[State, Command, Reduction | None]]:
    """Every step of a history: the state before, the command, and what it led to, ``None`` where it was refused."""
    steps: list[tuple[State, Command, Reduction | None]] = []
    for command in commands:
        try:
            reduction = reduce(state, command, CONTEXT)
        except Refused:
            steps.append((state, command, None))
        else:
            steps.append((state, command, reduction))
            state = reduction.state
    return steps


services = st.sampled_from(SERVICES) | st.sampled_from((*SERVICES, "nobody"))
colors = st.sampled_from(Color)
addresses = st.sampled_from(ADDRESSES)
splits = st.sampled_from((0, 1, 2_500, FULL_SPLIT // 2, FULL_SPLIT - 1, FULL_SPLIT)) | st.integers(0, FULL_SPLIT)
weights = st.sampled_from((0, 1, 2, 256))
operation_ids = st.integers(1, 8).map(lambda number: f"op-{number}")
wills = st.builds(UpstreamWill, address=addresses, weight=weights, admin=st.sampled_from(AdminState))
upstream_specs = st.lists(
    st.builds(UpstreamSpec, address=addresses, weight=weights), max_size=4, unique_by=lambda spec: spec.address
).map(tuple)
checks = st.sampled_from((None, HealthCheck(), HealthCheck(path="/up")))
doors = st.sampled_from((DoorSpec(), DoorSpec(limits=Limits(max_headers=7))))


@st.composite
def configs(draw: st.DrawFn) -> tuple[ServiceSpec, ...]:
    """The services of a config file: none, one or two of those that there are."""
    names = draw(st.lists(st.sampled_from(SERVICES), unique=True, max_size=2))
    return tuple(
        ServiceSpec(
            name,
            draw(upstream_specs),
            draw(upstream_specs),
            initial=draw(colors),
            balance=draw(st.sampled_from(Balance)),
            health=draw(checks),
        )
        for name in names
    )


receipts = st.builds(Receipt, generation=st.integers(1, 50), applied_at=st.just(5.0))
moves: st.SearchStrategy[Switch | SetSplit | Rollback | Abort] = st.one_of(
    st.builds(Switch, service=services, to=colors, force=st.booleans(), exclusive=st.none() | st.just(HoldRule())),
    st.builds(SetSplit, service=services, split=splits, force=st.booleans()),
    st.builds(Rollback, service=services, force=st.booleans()),
    st.builds(Abort, operation=operation_ids),
)
pool_commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        ReplacePool,
        service=services,
        color=colors,
        upstreams=st.lists(wills, max_size=4).map(tuple),
        health=st.dictionaries(addresses, st.sampled_from(Health), max_size=3),
        force=st.booleans(),
    ),
    st.builds(AddUpstream, service=services, color=colors, upstream=wills),
    st.builds(
        ChangeUpstream,
        service=services,
        color=colors,
        address=addresses,
        weight=st.none() | weights,
        admin=st.none() | st.sampled_from(AdminState),
    ),
    st.builds(RemoveUpstream, service=services, color=colors, address=addresses, force=st.booleans()),
)
configure_commands: st.SearchStrategy[Command] = st.builds(Configure, door=doors, services=configs())
observations: st.SearchStrategy[Command] = st.one_of(
    st.builds(ObserveHealth, service=services, color=colors, address=addresses, health=st.sampled_from(Health)),
    st.builds(ObserveEjection, service=services, color=colors, address=addresses, ejected=st.booleans()),
    st.builds(MarkApplied, operation=operation_ids, receipt=receipts),
    st.builds(
        EndOperation, operation=operation_ids, state=st.sampled_from(OperationState), receipt=st.none() | receipts
    ),
)
positions = st.builds(
    Position,
    step=st.integers(0, 2),
    opened=st.booleans(),
    ramped=st.sampled_from((0.0, 1.0, 60.0)),
    rested=st.just(0.0),
)
steps = st.lists(st.builds(Step, split=splits, pause=st.none() | st.just(0.0)), max_size=3).map(tuple)
shifts: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        StartShift,
        service=services,
        to=colors,
        target=splits,
        over=st.sampled_from((0.0, 60.0)),
        steps=steps,
        force=st.booleans(),
    ),
    st.builds(AdvanceShift, operation=operation_ids, before=st.just(Position()), after=positions),
    st.builds(Pause, operation=operation_ids),
    st.builds(Resume, operation=operation_ids),
    st.builds(Promote, operation=operation_ids, full=st.booleans()),
    st.builds(Hinder, operation=operation_ids, hindrance=st.sampled_from(Hindrance), why=st.just("why")),
    st.builds(Fail, operation=operation_ids, why=st.just("worse")),
    st.builds(FailWarmth, service=services, operation=operation_ids, why=st.just("worse")),
    st.builds(EndSettled, operation=operation_ids),
    st.builds(CoolDown, service=services),
)
holds: st.SearchStrategy[Command] = st.one_of(
    st.builds(Hold, service=services, rule=st.builds(HoldRule, unsafe_only=st.booleans())),
    st.builds(Release, service=services),
    st.builds(SetMaintenance, service=services, message=st.none() | st.just("back soon")),
    st.builds(FlipExclusive, operation=operation_ids),
    st.builds(GiveUpExclusive, operation=operation_ids, why=st.just("too slow")),
)
plans = st.builds(
    RolloutPlan,
    batch=st.sampled_from((Amount(count=1), Amount(share=0.5))),
    min_available=st.sampled_from((Amount(count=0), Amount(share=0.5))),
    order=st.sampled_from(Order),
)
batches = st.lists(addresses, min_size=1, max_size=2, unique=True).map(tuple)
rollouts: st.SearchStrategy[Command] = st.one_of(
    st.builds(StartRollout, service=services, color=colors, plan=plans, force=st.booleans()),
    st.builds(OpenBatch, operation=operation_ids),
    st.builds(TakeBatch, operation=operation_ids, addresses=batches),
    st.builds(MoveBatch, operation=operation_ids, at=st.sampled_from(Stage), event=st.sampled_from(Event)),
    st.builds(AgeBatch, operation=operation_ids, batch=st.integers(1, 2), warmed=st.just(10.0), watched=st.just(0.0)),
    st.builds(MarkReady, operation=operation_ids, address=addresses, moved_to=st.none() | addresses),
    st.builds(EndRollout, operation=operation_ids),
)
commands: st.SearchStrategy[Command] = st.one_of(
    moves, shifts, rollouts, holds, pool_commands, observations, configure_commands
)
histories = st.lists(commands, max_size=25)
starts = st.builds(initial_state, doors, configs())


@st.composite
def states(draw: st.DrawFn) -> State:
    """A state that can come about: some start, and a history since."""
    state = draw(starts)
    for _, _, reduction in run(state, draw(histories)):
        state = reduction.state if reduction else state
    return state
