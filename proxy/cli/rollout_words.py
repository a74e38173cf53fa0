"""Which commands let a rolling deployment go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.cli.context import Common
from proxy.traffic.listing import MOST
from proxy.wording.rollouts import by_hand

WAY_ON = {"operator": "resume", "approval": "promote"}
"""The verb that lets a rolling deployment go on, by what it waits for."""


def ways_on(common: Common, rollout: dict[str, Any]) -> list[str]:
    """The commands that let it go on; none where it goes on by itself anyway."""
    return list(_ways_on(common, rollout))


def _ways_on(common: Common, rollout: dict[str, Any]) -> Iterator[str]:
    waiting = [server["address"] for server in by_hand(rollout)]
    for address in waiting[:MOST]:
        yield f"update {address}, then: `{common.command(f'ready {address}')}`"
    if len(waiting) > MOST:
        yield f"and so with {len(waiting) - MOST} more"
    if rollout["hindrance"] in WAY_ON:
        yield f"let it go on: `{common.command(WAY_ON[rollout['hindrance']])}`"
    elif rollout["hindrance"]:
        yield "it goes on by itself when that has changed"
