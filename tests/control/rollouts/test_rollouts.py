"""Rollouts as they are carried on, in a control core with a real store, a real board and servers that are asked."""

from __future__ import annotations

import pytest

from proxy.control.outcome import Outcome
from proxy.traffic.commands import Abort, Pause, Promote, Resume
from proxy.traffic.gates import Gates, Moment, Webhook
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.model import Health, OperationState
from proxy.traffic.rollout.commands import MarkReady
from proxy.traffic.rollout.plan import Amount, ManualHook, Order, Readiness, SlowStart
from proxy.traffic.rollout.stages import Stage
from proxy.traffic.spec import Color
from tests.control.core import tasks, until
from tests.control.rollouts.yard import Plant, Yard, plan

ALWAYS = (Moment.BEFORE_START, Moment.BEFORE_INCREASE, Moment.BEFORE_PROMOTION, Moment.AFTER, Moment.ON_ROLLBACK)
HOOK = Webhook("http://127.0.0.1:9/gate", ALWAYS)


async def test_every_server_is_updated_one_after_the_other(yard: Yard) -> None:
    """In the order of the list, never two of them out, all back with their full weight."""
    out: list[int] = []

    def look(outcome: Outcome) -> None:
        out.append(sum(each.cordoned for each in outcome.after.services["shop"].blue))

    yard.core.controller.on_change(look)
    ended = await yard.ended(await yard.start())
    assert ended.state is OperationState.SUCCEEDED
    assert yard.smith.updated == [(address, "v2") for address in yard.addresses]
    assert max(out) == 1
    assert all(each.wanted and each.ramp == 1.0 and each.fit for each in yard.blue.values())
    assert await yard.core.history() == ["hook", "hook", "hook", "roll", "start"]
    assert tasks("roll") == tasks("watch") == []


async def test_the_least_loaded_comes_first(yard: Yard) -> None:
    """As many requests as each has now."""
    one, two, three = yard.addresses
    requests = [yard.core.crew.workers[0].admit(address=address) for address in (one, one, two)]
    await yard.start(plan(order=Order.LEAST_LOADED))
    await until(lambda: len(yard.smith.updated) == 1)
    assert yard.smith.updated[0][0] == three
    await until(lambda: yard.blue[two].cordoned)
    for request in requests:
        request.end()
    await until(lambda: len(yard.smith.updated) == 3)
    assert yard.smith.updated[2][0] == one


async def test_an_idle_color_is_rolled_at_once(yard: Yard) -> None:
    """Its only server may go out, and nothing needs to warm up there."""
    slow = plan(slow_start=SlowStart(over=3600.0))
    ended = await yard.ended(await yard.start(slow, Color.GREEN))
    assert ended.state is OperationState.SUCCEEDED


async def test_it_waits_for_room_and_says_what_is_lacking(yard: Yard) -> None:
    """What does not serve needs no room; others wait, the journal tells with numbers why, and then they go on."""
    one, _, three = yard.addresses
    roll = await yard.start(plan(hook=ManualHook(), min_available=Amount(count=2)))
    await yard.at(roll, Stage.UPDATING)
    await yard.observe(three, Health.UNHEALTHY)
    await yard.core.controller.execute(MarkReady(roll, one), by="ada")
    assert [turn.address for turn in (await yard.at(roll, Stage.UPDATING, batch=2)).under_way] == [three]
    await yard.observe(one, Health.UNHEALTHY)
    await yard.core.controller.execute(MarkReady(roll, three), by="ada")
    await until(lambda: yard.rollout(roll).hindrance is Hindrance.CAPACITY)
    why = "2 of 3 servers of blue are in rotation and healthy, and 2 have to be: none can be taken out now"
    entry = (await yard.core.store.journal())[0]
    assert (yard.running(roll).note, entry.action, entry.by, entry.reason) == (why, "wait", "program", why)
    await yard.observe(one, Health.HEALTHY)
    await yard.at(roll, Stage.UPDATING, batch=3)
    assert "resume" in await yard.core.history()


async def test_a_pause_lets_the_batch_finish(yard: Yard) -> None:
    """No other begins before somebody says so."""
    roll = await yard.start(plan(hook=ManualHook()))
    await yard.at(roll, Stage.UPDATING)
    await yard.core.controller.execute(Pause(roll), by="ada")
    await yard.core.controller.execute(MarkReady(roll, yard.addresses[0]), by="ada")
    await yard.at(roll, None)
    assert yard.running(roll).state is OperationState.PAUSED
    await yard.core.controller.execute(Resume(roll), by="ada")
    await yard.at(roll, Stage.UPDATING, batch=2)


async def test_by_hand_each_server_is_waited_for(yard: Yard) -> None:
    """The journal tells for whom; a server may come back elsewhere."""
    one, two, _ = yard.addresses
    elsewhere = yard.servers[3].address
    roll = await yard.start(plan(hook=ManualHook(), batch=Amount(count=2)))
    await yard.at(roll, Stage.UPDATING)
    await yard.core.controller.execute(MarkReady(roll, one, moved_to=elsewhere), by="ada")
    assert yard.rollout(roll).stage is Stage.UPDATING
    await yard.core.controller.execute(MarkReady(roll, two), by="ada")
    await yard.at(roll, Stage.UPDATING, batch=2)
    assert list(yard.blue) == [elsewhere, two, yard.addresses[2]]
    told = [entry.reason for entry in await yard.core.store.journal() if entry.action == "hook"]
    assert f"waits until {one}, {two} are updated by hand, and somebody says of each that it is ready" in told


@pytest.mark.parametrize("paused", [False, True])
async def test_an_abort_finishes_what_was_touched(yard: Yard, paused: bool) -> None:
    """The batch comes back, is not watched, and no other begins."""
    roll = await yard.start(plan(hook=ManualHook(), first_watch=3600.0))
    await yard.at(roll, Stage.UPDATING)
    if paused:
        await yard.core.controller.execute(Pause(roll), by="ada")
    await yard.core.controller.execute(Abort(roll), by="ada")
    ended = await yard.ended(roll)
    assert ended.state is OperationState.ABORTED
    assert all(each.wanted for each in yard.blue.values())


async def test_an_abort_puts_back_what_still_drains(yard: Yard) -> None:
    """At once, however long its requests take; nobody watches it any more."""
    request = yard.core.crew.workers[0].admit(address=yard.addresses[0])
    roll = await yard.start()
    await yard.at(roll, Stage.DRAINING)
    outcome = await yard.core.controller.execute(Abort(roll), by="ada")
    assert outcome.ended[0].state is OperationState.ABORTED
    assert all(each.wanted for each in yard.blue.values())
    await until(lambda: not tasks("watch"))
    request.end()
    assert yard.smith.updated == []


async def test_promoting_ends_the_watch(yard: Yard) -> None:
    """Of this batch; in full, of all."""
    roll = await yard.start(plan(first_watch=3600.0, watch=3600.0))
    await yard.at(roll, Stage.WATCHED)
    await yard.core.controller.execute(Promote(roll), by="ada")
    await yard.at(roll, Stage.WATCHED, batch=2)
    await yard.core.controller.execute(Promote(roll, full=True), by="ada")
    assert (await yard.ended(roll)).state is OperationState.SUCCEEDED


async def test_gates_are_asked_at_their_moments(yard: Yard) -> None:
    """Before the first batch, before each, before the last, and told at the end."""
    ended = await yard.ended(await yard.start(plan(gates=Gates(webhooks=(HOOK,)))))
    assert ended.state is OperationState.SUCCEEDED
    await until(lambda: Moment.AFTER in yard.gate.asked)
    increase = Moment.BEFORE_INCREASE
    assert yard.gate.asked == [
        Moment.BEFORE_START, increase, increase, increase, Moment.BEFORE_PROMOTION, Moment.AFTER
    ]  # fmt: skip


async def test_a_gate_that_says_no_stops_it(yard: Yard) -> None:
    """What was updated stays as it is, and the gates are told."""
    yard.gate.against = Moment.BEFORE_PROMOTION
    ended = await yard.ended(await yard.start(plan(gates=Gates(webhooks=(HOOK,)))))
    assert (ended.state, ended.note) == (OperationState.FAILED, "webhook ci is against it: not on Fridays")
    assert len(yard.smith.updated) == 2
    await until(lambda: Moment.ON_ROLLBACK in yard.gate.asked)
    assert all(each.wanted for each in yard.blue.values())


async def test_an_approval_is_waited_for(yard: Yard) -> None:
    """Nothing is taken out before somebody says so."""
    roll = await yard.start(plan(gates=Gates(approvals=(Moment.BEFORE_PROMOTION,))))
    await until(lambda: yard.rollout(roll).hindrance is Hindrance.APPROVAL)
    assert yard.running(roll).note == "batch 3 waits for approval: promote or abort it"
    assert not any(each.cordoned for each in yard.blue.values())
    await yard.core.controller.execute(Promote(roll), by="ada")
    assert (await yard.ended(roll)).state is OperationState.SUCCEEDED


async def test_without_a_health_check_a_connection_is_enough(plant: Plant) -> None:
    """And is asked for."""
    plant.health = None
    async with plant.opened() as yard:
        ended = await yard.ended(await yard.start(plan(readiness=Readiness(consecutive=1))))
        assert ended.state is OperationState.SUCCEEDED
