"""What the commands of gradual moves mean."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from proxy.traffic.audience import Settled, StickyBy, StickyRule
from proxy.traffic.commands import (
    Abort,
    AdvanceShift,
    Command,
    Configure,
    CoolDown,
    EndOperation,
    EndSettled,
    Fail,
    FailWarmth,
    Hinder,
    MarkApplied,
    Pause,
    Promote,
    Resume,
    Rollback,
    SetSplit,
    StartShift,
    Switch,
)
from proxy.traffic.document import RESTARTED, dump_state, restore_state
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.judgement import Tally
from proxy.traffic.model import Health, Operation, OperationKind, OperationState, Phase, Receipt, State
from proxy.traffic.reducer import reduce
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.shift import Position, Step
from proxy.traffic.spec import Color, DoorSpec
from tests.traffic.states import CONTEXT, after, serving, shop, with_healthy

STEPS = (Step(1000, pause=60.0), Step(5000, pause=None), Step(10_000))
STEPPED = StartShift("shop", Color.GREEN, 10_000, steps=STEPS)
LINEAR = StartShift("shop", Color.GREEN, 10_000, over=100.0)
AT_10 = AdvanceShift("op-1", Position(), Position(0, opened=True))
FULL = Promote("op-1", full=True)


def shifting(*commands: Command, start: StartShift = STEPPED) -> State:
    """A shop in the midst of a shift."""
    return after(serving(), start, *commands)


def the_shift(state: State) -> Operation:
    """The operation that runs."""
    return state.operations["op-1"]


def split(state: State) -> int:
    """Green's share."""
    return state.services["shop"].split


def refusal(state: State, command: Command) -> RefusalCode:
    """Why a command is refused."""
    with pytest.raises(Refused) as caught:
        reduce(state, command, CONTEXT)
    return caught.value.code


def applied(operation: str = "op-1") -> MarkApplied:
    """Every worker serves from the shift's last table."""
    return MarkApplied(operation, Receipt(generation=9, applied_at=1.0))


def test_a_shift_begins_where_the_split_is() -> None:
    """Nothing has moved until its first gates are open."""
    state = shifting()
    assert split(state) == 0
    assert the_shift(state).phase is Phase.SHIFTING
    assert reduce(state, Rollback("shop"), CONTEXT).operation == replace(
        the_shift(state),
        state=OperationState.ROLLED_BACK,
        phase=Phase.ENDED,
        ended_at=1000.0,
        note="rolled back by ada",
    )


def test_the_position_decides_the_split() -> None:
    """Putting the shift forward moves the traffic, and counts as a revision."""
    state = shifting(AT_10)
    assert split(state) == 1000
    assert state.services["shop"].revision == shifting().services["shop"].revision + 1


def test_a_rest_changes_no_table() -> None:
    """Where only time went by, no worker has to know."""
    before = shifting(AT_10)
    reduction = reduce(before, AdvanceShift("op-1", AT_10.after, Position(0, opened=True, rested=5.0)), CONTEXT)
    assert reduction.state.generation == before.generation
    assert reduction.durable


def test_whoever_comes_too_late_moves_nothing() -> None:
    """The shift stands elsewhere by now."""
    assert refusal(shifting(AT_10), AT_10) is RefusalCode.OPERATION_RUNNING
    assert refusal(shifting(Pause("op-1")), AT_10) is RefusalCode.OPERATION_RUNNING


def test_a_shift_that_has_arrived_is_applied_and_drained_like_a_switch() -> None:
    """Blue has nothing any more, so blue has to drain."""
    state = shifting(FULL)
    assert split(state) == 10_000
    assert the_shift(state).phase is Phase.APPLYING
    assert the_shift(state).leaving == ((Color.BLUE, None),)
    assert the_shift(state).receipt == Receipt(generation=state.generation)
    assert the_shift(after(state, applied())).phase is Phase.DRAINING


def test_a_shift_to_a_part_leaves_nothing_to_drain() -> None:
    """Both colors go on."""
    state = after(serving(), StartShift("shop", Color.GREEN, 3000), FULL, applied())
    assert split(state) == 3000
    assert not state.operations


def test_paused_is_paused_until_it_is_resumed() -> None:
    """It stands where it stood."""
    paused = shifting(AT_10, Pause("op-1"))
    assert the_shift(paused).state is OperationState.PAUSED
    resumed = after(paused, Resume("op-1"))
    assert the_shift(resumed).state is OperationState.RUNNING
    assert the_shift(resumed).shift == the_shift(shifting(AT_10)).shift


def test_resuming_what_waits_for_its_step_goes_to_the_next_one() -> None:
    """Otherwise it would wait again at once."""
    state = shifting(AT_10, Hinder("op-1", Hindrance.STEP, "waits"), Resume("op-1"))
    assert the_shift(state).shift is not None
    assert the_shift(state).shift.position == Position(1)  # type: ignore[union-attr]


def test_resuming_what_waits_for_approval_opens_the_step() -> None:
    """That is the approval."""
    state = shifting(Hinder("op-1", Hindrance.APPROVAL, "waits"), Resume("op-1"))
    assert split(state) == 1000


def test_an_operator_may_let_it_go_on_though_the_judge_has_seen_too_little() -> None:
    """And then is not asked again; the judge itself lets it go on without that."""
    waiting = shifting(AT_10, Hinder("op-1", Hindrance.JUDGE, "needs 900 more"))
    assert the_shift(after(waiting, Resume("op-1"))).shift.waived  # type: ignore[union-attr]
    by_judge = after(waiting, Resume("op-1", only=Hindrance.JUDGE))
    assert not the_shift(by_judge).shift.waived  # type: ignore[union-attr]


def test_the_judge_does_not_resume_what_an_operator_paused() -> None:
    """Only who paused it may, or another operator."""
    state = shifting(AT_10, Hinder("op-1", Hindrance.JUDGE, "needs more"), Pause("op-1"))
    assert refusal(state, Resume("op-1", only=Hindrance.JUDGE)) is RefusalCode.OPERATION_RUNNING


def test_promoting_goes_step_by_step() -> None:
    """First the gates, then the next step, at last the end."""
    opened = shifting(Promote("op-1"))
    assert split(opened) == 1000
    second = after(opened, Promote("op-1"), Promote("op-1"))
    assert split(second) == 5000


def test_a_failed_shift_goes_back_at_once_and_says_why() -> None:
    """The rollback is an operation of its own, with the same reason."""
    reduction = reduce(shifting(AT_10), Fail("op-1", "green answers 5 % with 5xx"), CONTEXT)
    assert split(reduction.state) == 0
    assert [(over.state, over.note) for over in reduction.ended] == [
        (OperationState.ROLLED_BACK, "green answers 5 % with 5xx")
    ]
    assert reduction.operation is not None
    assert reduction.operation.kind is OperationKind.ROLLBACK
    assert reduction.operation.reason == "green answers 5 % with 5xx"
    assert reduction.operation.leaving == ((Color.GREEN, None),)


@pytest.mark.parametrize("verdict", [Fail("op-1", "worse"), FailWarmth("shop", "op-1", "worse")])
def test_what_was_taken_back_is_not_brought_forth_by_a_rollback(verdict: Fail | FailWarmth) -> None:
    """Somebody who rolls back a moment after the judge wants the old color, too; a switch says that it is green."""
    state = after(shifting(AT_10) if isinstance(verdict, Fail) else warm(), verdict)
    assert split(state) == 0
    assert refusal(state, Rollback("shop")) is RefusalCode.NOTHING_TO_ROLL_BACK
    assert split(after(state, applied("op-2"), Switch("shop", Color.GREEN))) == 10_000


def test_a_shift_that_failed_before_it_moved_only_ends() -> None:
    """There is nothing to go back from."""
    reduction = reduce(shifting(), Fail("op-1", "the gate says no"), CONTEXT)
    assert not reduction.state.operations
    assert [over.state for over in reduction.ended] == [OperationState.ROLLED_BACK]


def test_a_failed_shift_does_not_go_back_to_what_is_down() -> None:
    """A bad color is better than none; somebody has to decide."""
    state = shifting(AT_10)
    dead = with_healthy(state.services["shop"], Color.BLUE, health=Health.UNHEALTHY)
    state = after(replace(state, services={"shop": dead}), Fail("op-1", "green is slow"))
    assert split(state) == 1000
    assert the_shift(state).state is OperationState.PAUSED
    assert the_shift(state).note == "green is slow; but blue has no healthy upstream to go back to"


@pytest.mark.parametrize("command", [STEPPED, LINEAR, Switch("shop", Color.BLUE), SetSplit("shop", 100)])
def test_nothing_else_moves_traffic_beside_a_shift(command: Command) -> None:
    """Whoever tries is told which operation is in the way."""
    with pytest.raises(Refused) as caught:
        reduce(shifting(AT_10), command, CONTEXT)
    assert caught.value.code is RefusalCode.OPERATION_RUNNING
    assert caught.value.facts == {"operation": "op-1"}


@pytest.mark.parametrize("command", [Rollback("shop"), Abort("op-1")])
def test_going_back_is_always_possible(command: Command) -> None:
    """To where the shift began, not to the step before."""
    state = after(shifting(AT_10, Promote("op-1"), Promote("op-1")), command)
    assert split(state) == 0
    assert "op-1" not in state.operations


def test_a_shift_to_where_the_traffic_is_already_is_done() -> None:
    """A pipeline that retries is told so."""
    reduction = reduce(serving(), StartShift("shop", Color.BLUE, 0, over=60.0), CONTEXT)
    assert reduction.operation is not None
    assert reduction.operation.state is OperationState.SUCCEEDED
    assert not reduction.state.operations


def test_steps_to_and_fro_are_refused() -> None:
    """The place is named by the code."""
    command = StartShift("shop", Color.GREEN, 10_000, steps=(Step(5000), Step(1000)))
    assert refusal(serving(), command) is RefusalCode.STEPS_NOT_STEADY


def test_a_color_that_is_down_is_shifted_to_only_by_force() -> None:
    """As with a switch."""
    state = serving()
    dead = with_healthy(state.services["shop"], Color.GREEN, health=Health.UNHEALTHY)
    state = replace(state, services={"shop": dead})
    assert refusal(state, STEPPED) is RefusalCode.COLOR_NOT_HEALTHY
    assert the_shift(after(state, replace(STEPPED, force=True))).phase is Phase.SHIFTING


def test_what_is_no_shift_cannot_be_paused() -> None:
    """A switch goes in one step."""
    state = after(serving(), Switch("shop", Color.GREEN))
    assert refusal(state, Pause("op-1")) is RefusalCode.NOT_PAUSABLE


# --- new users only


def sticky() -> State:
    """A shop whose users have a cookie of ours."""
    state = serving()
    spec = replace(shop(), sticky=StickyRule(StickyBy.COOKIE, "bg_user"))
    return replace(state, services={"shop": replace(state.services["shop"], spec=spec)})


def test_only_new_users_move_while_others_have_a_session() -> None:
    """Those with a session stay on blue, even when all new ones go to green."""
    state = after(sticky(), replace(LINEAR, settle=3600.0), FULL)
    assert state.services["shop"].settled == Settled(since=CONTEXT.now, green=False)
    assert split(state) == 10_000
    assert the_shift(state).phase is Phase.SHIFTING
    done = after(state, EndSettled("op-1"))
    assert done.services["shop"].settled is None
    assert the_shift(done).phase is Phase.APPLYING


def test_who_promotes_it_once_more_does_not_wait_for_them() -> None:
    """There is nothing else left to promote, and no other command could let everybody follow."""
    state = after(sticky(), replace(LINEAR, settle=3600.0), FULL, Pause("op-1"), Promote("op-1"))
    assert state.services["shop"].settled is None
    assert (the_shift(state).phase, the_shift(state).state) == (Phase.APPLYING, OperationState.RUNNING)


def test_without_a_cookie_nobody_knows_who_is_new() -> None:
    """So it is refused."""
    assert refusal(serving(), replace(LINEAR, settle=3600.0)) is RefusalCode.NEEDS_STICKY_COOKIE


def test_going_back_ends_the_distinction() -> None:
    """All users are on the old color again."""
    state = after(
        sticky(), replace(LINEAR, settle=3600.0), AdvanceShift("op-1", Position(), Position(3)), Abort("op-1")
    )
    assert state.services["shop"].settled is None


@pytest.mark.parametrize("command", [Pause("op-1"), Resume("op-1"), Promote("op-1")])
def test_who_steers_may_say_at_which_revision(command: Command) -> None:
    """Of two who read the same and act on it, the second is refused, however close behind the first."""
    state = shifting()
    current = state.services["shop"].revision
    reduce(state, command, replace(CONTEXT, expected_revision=current))
    with pytest.raises(Refused) as caught:
        reduce(state, command, replace(CONTEXT, expected_revision=current - 1))
    assert caught.value.code is RefusalCode.REVISION_MISMATCH


# --- afterwards


def warm() -> State:
    """A shop right after a shift."""
    last = AdvanceShift("op-1", Position(2), Position(2, opened=True), baseline=Tally(requests=700, errors=1))
    return shifting(
        AdvanceShift("op-1", Position(), Position(2)), last, applied(), EndOperation("op-1", OperationState.SUCCEEDED)
    )


def test_after_a_shift_the_new_color_is_watched_on() -> None:
    """For as long as the config says, against what the old one did."""
    warmth = warm().warm["shop"]
    assert (warmth.operation, warmth.until) == ("op-1", CONTEXT.now + 600.0)
    assert warmth.baseline == Tally(requests=700, errors=1)


def test_a_shift_that_is_promoted_in_full_is_watched_on_as_well() -> None:
    """Whoever promotes it says what the old color did until then."""
    seen = Tally(requests=700, errors=1)
    state = shifting(replace(FULL, baseline=seen), applied(), EndOperation("op-1", OperationState.SUCCEEDED))
    assert state.warm["shop"].baseline == seen


def test_a_verdict_afterwards_goes_back_too() -> None:
    """To where the shift began."""
    state = after(warm(), FailWarmth("shop", "op-1", "green is worse"))
    assert split(state) == 0
    assert state.warm == {}


DOWN = StartShift("shop", Color.BLUE, 0, over=60.0)


@pytest.mark.parametrize("command", [CoolDown("shop"), Rollback("shop"), Switch("shop", Color.BLUE), DOWN])
def test_what_comes_next_ends_the_watch(command: Command) -> None:
    """A verdict about something else must not move the traffic."""
    state = after(warm(), command)
    assert state.warm == {}
    assert refusal(state, FailWarmth("shop", "op-1", "late")) is RefusalCode.OPERATION_ENDED


def test_the_watch_ends_with_its_service() -> None:
    """Nobody can watch what is not there, and what has its name later is another."""
    assert after(warm(), Configure(DoorSpec(), ())).warm == {}


def test_an_unwatched_shift_is_not_watched_afterwards() -> None:
    """Nobody asked for it."""
    state = shifting(
        FULL, applied(), EndOperation("op-1", OperationState.SUCCEEDED), start=replace(STEPPED, judged=False)
    )
    assert state.warm == {}


# --- over a restart


def restored(state: State) -> State:
    """The state as the next start of the program reads it."""
    document = json.loads(json.dumps(dump_state(state)))
    return restore_state(document, DoorSpec(), [service.spec for service in state.services.values()])


@pytest.mark.parametrize(
    "commands",
    [
        (),
        (AT_10,),
        (AT_10, Pause("op-1")),
        (AT_10, Hinder("op-1", Hindrance.JUDGE, "needs more")),
        (AdvanceShift("op-1", Position(), Position(1, opened=True, rested=3.5)),),
    ],
)
def test_a_shift_goes_on_where_it_was(commands: tuple[Command, ...]) -> None:
    """The whole of it: plan, place, who began it, why it waits."""
    state = shifting(*commands)
    assert restored(state).operations == state.operations
    assert split(restored(state)) == split(state)


def test_a_shift_that_had_arrived_drains_again() -> None:
    """It says that something of its count is lost."""
    state = restored(shifting(FULL, applied()))
    assert the_shift(state).phase is Phase.APPLYING
    assert the_shift(state).receipt == Receipt(generation=state.generation)
    assert the_shift(state).note == RESTARTED


def test_the_time_afterwards_goes_on() -> None:
    """With what it compares with."""
    assert restored(warm()).warm == warm().warm


def test_who_stays_is_not_forgotten() -> None:
    """Else they would all move at a restart."""
    state = after(sticky(), replace(LINEAR, settle=3600.0))
    assert restored(state).services["shop"].settled == state.services["shop"].settled
