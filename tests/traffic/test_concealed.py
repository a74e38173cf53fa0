"""What everybody may see of an operation holds no secret of a URL or an environment."""

from __future__ import annotations

from dataclasses import replace

from proxy.traffic.commands import StartShift
from proxy.traffic.concealed import concealed
from proxy.traffic.gates import Gates, Moment, PromQuery, Webhook
from proxy.traffic.rollout.commands import StartRollout
from proxy.traffic.rollout.plan import CommandHook, Hook, RolloutPlan, WebhookHook
from proxy.traffic.spec import Color
from tests.traffic.rollout.fleets import World

SECRET = "sesame"
URL = f"https://ci:{SECRET}@ci.example/gate?token={SECRET}"
AT = (Moment.BEFORE_START,)
GATES = Gates((Webhook(URL, AT),), (PromQuery(URL, "up", AT),))


def test_gates_are_shown_without_user_password_and_query() -> None:
    """Of shifts: where they are is told, how one gets in is not."""
    world = World(2, 0)
    world.do(StartShift("shop", Color.GREEN, 10_000, over=60.0, gates=GATES))
    shown = str(concealed(next(iter(world.state.operations.values()))))
    assert SECRET not in shown
    assert "ci.example/gate" in shown


def test_hooks_are_shown_without_the_values_of_their_environment() -> None:
    """Of rollouts: names of variables stay, and so does the program."""
    hooks: tuple[Hook, ...] = (CommandHook(("/bin/roll",), (("TOKEN", SECRET),)), WebhookHook(URL))
    for hook, kept in zip(hooks, ("TOKEN", "ci.example/gate"), strict=True):
        world = World(2, 0)
        world.do(StartRollout("shop", Color.BLUE, replace(RolloutPlan(gates=GATES), hook=hook)))
        assert world.operation
        shown = str(concealed(world.operation))
        assert SECRET not in shown
        assert kept in shown
