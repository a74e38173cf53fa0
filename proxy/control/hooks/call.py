"""What a hook is to do: which servers of a batch it has to bring to which version."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.traffic.model import Operation
from proxy.traffic.rollout.rollout import Rollout, Turn, hook_version
from proxy.traffic.rollout.stages import Stage


class Action(enum.StrEnum):
    """What for."""

    UPDATE = "update"
    RESTORE = "restore"
    """The servers are to become what they were before."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a batch."""

    address: str
    before: str | None
    """The version that it runs until then, if that is known."""


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a hook."""

    identity: str
    """What it is known by. It stays the same however often it is told, over restarts too; another program, or one
    that lost its store, has others."""
    operation: str
    service: str
    color: str
    action: Action
    batch: int
    version: str | None
    """What the servers are to run, if anybody said so."""
    servers: tuple[Server, ...]
    others: frozenset[str]
    """The addresses of the servers of the pool that are not in it."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where its servers are."""
        return tuple(server.address for server in self.servers)

    @property
    def before(self) -> str | None:
        """The version that all of them run until then; ``None`` if it is not known, or not the same."""
        versions = {server.before for server in self.servers}
        return versions.pop() if len(versions) == 1 else None


def calls(operation: Operation) -> tuple[Call, ...]:
    """The calls for the servers that are to be updated now: one for each version that servers are to get."""
    rollout = operation.rollout
    if rollout is None:
        return ()
    turns = [turn for turn in rollout.turns if turn.stage is Stage.UPDATING]
    versions = list(dict.fromkeys(hook_version(rollout, turn) for turn in turns))
    return tuple(
        _call(operation, rollout, version, [turn for turn in turns if hook_version(rollout, turn) == version], number)
        for number, version in enumerate(versions)
    )


def _call(operation: Operation, rollout: Rollout, version: str | None, turns: Sequence[Turn], number: int) -> Call:
    action = Action.RESTORE if rollout.undoing else Action.UPDATE
    identity = f"{operation.id}@{int(operation.started_at)}/{action.value}/{rollout.batch}"
    return Call(
        identity if number == 0 else f"{identity}/{number}",
        operation.id,
        operation.service,
        rollout.color.value,
        action,
        rollout.batch,
        version,
        tuple(Server(turn.address, _runs(rollout, turn)) for turn in turns),
        frozenset(turn.address for turn in rollout.turns) - {turn.address for turn in turns},
    )


def _runs(rollout: Rollout, turn: Turn) -> str | None:
    """What a server is taken to run before the hook."""
    if rollout.undoing:
        return turn.version if turn.version is not None else rollout.plan.version
    return turn.before if turn.before is not None else rollout.plan.previous_version
