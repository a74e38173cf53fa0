"""Operations as everybody may see them: without what may be secret in the URLs and environments that they name."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from proxy.traffic.gates import Gates, shown_url
from proxy.traffic.model import Operation
from proxy.traffic.rollout.plan import CommandHook, Hook, WebhookHook

HIDDEN: Final = "…"
"""In the place of a value that only the program has to know."""


def concealed(operation: Operation) -> Operation:
    """The operation with the same names in it and none of the secrets."""
    shift, rollout = operation.shift, operation.rollout
    if shift is not None:
        shift = replace(shift, gates=_gates(shift.gates))
    if rollout is not None:
        plan = replace(rollout.plan, gates=_gates(rollout.plan.gates), hook=concealed_hook(rollout.plan.hook))
        rollout = replace(rollout, plan=plan)
    return replace(operation, shift=shift, rollout=rollout)


def concealed_hook(hook: Hook) -> Hook:
    """A hook with the names of its variables, and the place of its URL."""
    if isinstance(hook, CommandHook):
        return replace(hook, env=tuple((name, HIDDEN) for name, _ in hook.env))
    return replace(hook, url=shown_url(hook.url)) if isinstance(hook, WebhookHook) else hook


def _gates(gates: Gates) -> Gates:
    return replace(
        gates,
        webhooks=tuple(replace(each, url=shown_url(each.url)) for each in gates.webhooks),
        queries=tuple(replace(each, url=shown_url(each.url)) for each in gates.queries),
    )
