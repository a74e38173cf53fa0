"""The arithmetic of shifts: plans, positions, ticks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.gates import Moment
from proxy.traffic.shift import (
    LARGEST_TICK,
    Position,
    Shift,
    Step,
    arrived,
    linear,
    moments,
    remaining,
    split_at,
    stepped,
    tick,
)

SPLITS = st.integers(0, 10_000)
OVER = st.floats(0.001, 1e6)


def walk(start: int, shift: Shift) -> list[int]:
    """The splits that a shift without rests goes through, tick by tick."""
    splits = []
    while not arrived(shift):
        position, step = shift.position, shift.step
        if not position.opened:
            shift = shift.at(replace(position, opened=True))
        elif position.ramped < step.over:
            shift = shift.at(replace(position, ramped=min(step.over, position.ramped + tick(start, shift))))
        else:
            shift = shift.at(Position(position.step + 1))
        splits.append(split_at(start, shift))
    return splits


@given(start=SPLITS, target=SPLITS, over=OVER)
def test_a_linear_shift_goes_steadily_and_in_small_steps_to_its_target(start: int, target: int, over: float) -> None:
    """No tick moves more than one percent, none goes back, and the last one is at the target."""
    if start == target:
        return
    splits = walk(start, Shift(linear(start, target, over)))
    moved = [abs(b - a) for a, b in zip([start, *splits], splits, strict=False)]
    assert splits[-1] == target
    assert max(moved) <= LARGEST_TICK
    assert splits == sorted(splits, reverse=target < start)


def test_a_long_linear_shift_ticks_no_more_often_than_the_split_can_change() -> None:
    """A hundredth of a percent is the least that there is to move."""
    shift = Shift(linear(0, 10_000, 7 * 24 * 3600.0)).at(Position(opened=True))
    assert tick(0, shift) == pytest.approx(7 * 24 * 3600 / 10_000)


def test_a_quick_linear_shift_ticks_a_hundred_times() -> None:
    """One percent at a time is the most."""
    assert tick(0, Shift(linear(0, 10_000, 2.0)).at(Position(opened=True))) == pytest.approx(0.0198)


def test_steps_that_were_passed_already_are_left_out() -> None:
    """A shift that begins at 30 % begins with the first step beyond it."""
    steps = [Step(100), Step(2500), Step(5000), Step(10_000)]
    assert [step.split for step in stepped(3000, steps, rising=True)] == [5000, 10_000]
    assert stepped(10_000, steps, rising=True) == ()


def test_steps_may_lead_down() -> None:
    """To blue is down."""
    assert [step.split for step in stepped(10_000, [Step(9000), Step(0)], rising=False)] == [9000, 0]


@pytest.mark.parametrize("splits", [[100, 100], [100, 50, 200], [500, 400, 300]])
def test_steps_that_go_to_and_fro_are_refused(splits: list[int]) -> None:
    """Somebody who was moved would be moved back."""
    with pytest.raises(ValueError, match="further"):
        stepped(0, [Step(split) for split in splits], rising=True)


def test_a_step_moves_once_its_gates_have_opened() -> None:
    """Before that the split is that of the step before."""
    shift = Shift((Step(100), Step(5000), Step(10_000)))
    assert split_at(0, shift) == 0
    assert split_at(0, shift.at(Position(0, opened=True))) == 100
    assert split_at(0, shift.at(Position(1))) == 100
    assert split_at(0, shift.at(Position(1, opened=True))) == 5000


def test_gates_are_asked_at_their_moments() -> None:
    """The first step is a start, the last one a promotion, and each an increase."""
    shift = Shift((Step(100), Step(5000), Step(10_000)))
    assert moments(shift) == (Moment.BEFORE_START, Moment.BEFORE_INCREASE)
    assert moments(shift.at(Position(1))) == (Moment.BEFORE_INCREASE,)
    assert moments(shift.at(Position(2))) == (Moment.BEFORE_INCREASE, Moment.BEFORE_PROMOTION)


def test_the_time_that_is_left_counts_moves_and_rests() -> None:
    """What was done already is no longer ahead; the rest after the last step never comes."""
    shift = Shift((Step(5000, over=10.0, pause=60.0), Step(10_000, over=20.0, pause=60.0)))
    assert remaining(shift) == 90.0
    assert remaining(shift.at(Position(0, opened=True, ramped=10.0, rested=45.0))) == 35.0
    assert remaining(shift.at(Position(1, opened=True, ramped=15.0))) == 5.0


def test_nobody_knows_how_long_a_shift_takes_that_waits_for_somebody() -> None:
    """A step without end stands in the way."""
    assert remaining(Shift((Step(100, pause=None), Step(10_000)))) is None
    assert remaining(Shift((Step(100, pause=None), Step(10_000))).at(Position(1))) == 0.0
