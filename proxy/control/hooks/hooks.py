"""Runs the hooks of rolling deployments: has the servers of a batch updated, and says what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from proxy.control.clock import Clock
from proxy.control.gates.line import Line
from proxy.control.hooks.allowed import complaint, program
from proxy.control.hooks.call import Call, calls
from proxy.control.hooks.command import run_command
from proxy.control.hooks.outcome import Answer, HookOutcome
from proxy.control.hooks.webhook import Telling
from proxy.traffic.model import Operation
from proxy.traffic.rollout.plan import CommandHook, Hook, ManualHook, WebhookHook

__all__ = ["HookOutcome", "Hooks"]


class Hooks:
    """Runs hooks."""

    def __init__(
        self,
        secret: bytes | None,
        clock: Clock,
        *,
        folder: Path,
        allowed: Callable[[], Sequence[str]],
        unfit: Callable[[Sequence[str]], Awaitable[str | None]],
        tell: Callable[[Operation], Mapping[str, Any]],
    ) -> None:
        """Nothing is run yet.

        Args:
            secret: what webhooks are signed with; without one they are not.
            clock: the time.
            folder: where programs are run.
            allowed: the programs that may be run, as the config has them now.
            unfit: why one of some addresses cannot be an upstream; ``None`` if all can.
            tell: an operation as webhooks are told of it, JSON-ready.
        """
        self._secret = secret
        self._clock = clock
        self._folder = folder
        self._allowed = allowed
        self._unfit = unfit
        self._tell = tell
        self._line: Line | None = None

    async def start(self) -> None:
        """Be ready to run, within this event loop."""
        self._line = Line()

    async def close(self) -> None:
        """Run no more."""
        if self._line is not None:
            await self._line.close()

    async def run(self, operation: Operation) -> HookOutcome:
        """Have the servers of the batch updated that are at that stage.

        Whatever happens is an outcome and no exception. Cancelling this ends what runs.
        """
        began = self._clock.monotonic()
        answers: list[Answer] = []
        for call in calls(operation):
            answers.append(await self._answer(operation, call))
            if not answers[-1].ok:
                break
        moved = {old: new for answer in answers for old, new in answer.moved.items()}
        if len(set(moved.values())) < len(moved):
            answers.append(Answer(False, "two servers have got the same new address"))
        elif moved and (words := await self._unfit(list(moved.values()))):
            answers.append(Answer(False, f"the new address is of no use: {words}"))
        ok = all(answer.ok for answer in answers)
        return HookOutcome(
            ok=ok,
            detail="; ".join(dict.fromkeys(answer.detail for answer in answers)),
            moved=moved if ok else {},
            output="\n".join(answer.output for answer in answers if answer.output),
            seconds=round(self._clock.monotonic() - began, 3),
        )

    async def _answer(self, operation: Operation, call: Call) -> Answer:
        assert operation.rollout is not None, "there is no call without"
        try:
            return await self._run(operation.rollout.plan.hook, operation, call)
        except OSError as error:
            return Answer(False, f"the hook could not be started: {error.strerror or error}")
        except Exception as error:  # noqa: BLE001 - a rollout that never hears of its hook would stand still for ever
            return Answer(False, f"the hook could not be run: {type(error).__name__}")

    async def _run(self, hook: Hook, operation: Operation, call: Call) -> Answer:
        match hook:
            case CommandHook():
                allowed = self._allowed()
                if words := complaint(hook, allowed):
                    return Answer(False, words)
                path = program(hook, allowed)
                assert path is not None, "or there is a complaint"
                return await run_command(path, hook, call, self._folder)
            case WebhookHook():
                assert self._line is not None, "started before it is run"
                return await Telling(hook, call, self._tell(operation), self._line, self._secret, self._clock).answer()
            case ManualHook():
                return Answer(False, "these servers are updated by a person, and nothing is run for them")
