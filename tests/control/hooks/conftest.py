from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.control.clock import SystemClock
from proxy.control.hooks.hooks import Hooks
from proxy.traffic.model import Operation, OperationKind, Phase
from proxy.traffic.rollout.plan import CommandHook, Hook, RolloutPlan
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.rollout.stages import Stage
from proxy.traffic.spec import Color
from tests.control.gates.desk import Desk, open_desk

SECRET = b"it stays between us"

Script = Callable[..., CommandHook]
"""Writes a shell script that may be run; the hook that runs it."""

TURNS = (
    Turn("a:1", Stage.DONE, batch=1, before="1", version="2"),
    Turn("a:2", Stage.UPDATING, batch=2, before="1"),
    Turn("a:3", Stage.UPDATING, batch=2, before="1"),
    Turn("a:4"),
)


def rolling(hook: Hook, *turns: Turn, undoing: bool = False) -> Operation:
    """A rollout to version 2 whose batch under way is to be updated: a:2 and a:3 unless others are given."""
    rollout = Rollout(Color.BLUE, RolloutPlan(hook, version="2"), turns or TURNS, undoing=undoing, batch=2)
    start = 1_700_000_000.25
    operation = Operation("op-7", "shop", OperationKind.ROLL, "ada", None, start, 0, 0, leaving=(), rollout=rollout)
    return replace(operation, phase=Phase.ROLLING)


async def _unfit(addresses: Sequence[str]) -> str | None:
    """What stands for the look at new upstreams."""
    return next((f"{each} is not allowed" for each in addresses if each.startswith("169.254.")), None)


def hooks_in(folder: Path) -> Hooks:
    """Hooks that may run every script in a folder."""
    return Hooks(
        SECRET,
        SystemClock(),
        folder=folder,
        allowed=lambda: [str(path) for path in sorted(folder.glob("*.sh"))],
        unfit=_unfit,
        tell=lambda operation: {"id": operation.id, "reason": "Köln \ud800"},
    )


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[Hooks]:
    """Hooks whose programs are run in the test's own folder."""
    hooks = hooks_in(tmp_path)
    await hooks.start()
    yield hooks
    await hooks.close()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Writes scripts."""

    def write(text: str, *arguments: str, timeout: float = 20.0, **environment: str) -> CommandHook:
        file = tmp_path / "deploy.sh"
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
        return CommandHook(("deploy.sh", *arguments), tuple(environment.items()), timeout)

    return write


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Where a webhook stands; it answers 204."""
    async with open_desk() as desk:
        yield desk
