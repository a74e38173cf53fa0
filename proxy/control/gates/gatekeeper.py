"""Asks the gates of an operation: all of a moment at the same time, each as often as it takes to get an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.control.clock import Clock
from proxy.control.gates.finding import Finding, Verdict, rest
from proxy.control.gates.line import Line, NoReply
from proxy.control.gates.promquery import Query
from proxy.control.gates.webhook import Hook, identity_of
from proxy.traffic.gates import Moment, PromQuery, Webhook
from proxy.traffic.model import Operation


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """What became of asking one gate."""

    gate: str
    """What people call it; nothing secret."""
    moment: Moment
    ok: bool
    detail: str
    """Why, in a sentence."""
    seconds: float
    """From the first try to the end of the last."""
    tries: int


class Gatekeeper:
    """Asks gates."""

    def __init__(self, *, secret: bytes | None, clock: Clock) -> None:
        """``secret`` is what webhooks are signed with; without one they are not."""
        self._secret = secret
        self._clock = clock
        self._line: Line | None = None

    async def start(self) -> None:
        """Be ready to ask, within this event loop."""
        self._line = Line()

    async def close(self) -> None:
        """Ask no more."""
        if self._line is not None:
            await self._line.close()

    async def ask(self, operation: Operation, moment: Moment, facts: Mapping[str, Any]) -> tuple[GateOutcome, ...]:
        """Ask all gates that an operation has at a moment; the outcomes in their order.

        Whatever a gate does is an outcome and no exception. Cancelling this breaks off what is under way.

        Args:
            operation: whose gates they are.
            moment: which gates, and what they are told.
            facts: the operation as webhooks are told of it, JSON-ready.
        """
        identity = identity_of(operation, moment)
        gates = operation.gates.asked_at(moment)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._outcome(gate, moment, identity, facts)) for gate in gates]
        return tuple(task.result() for task in tasks)

    async def _outcome(
        self, gate: Webhook | PromQuery, moment: Moment, identity: str, facts: Mapping[str, Any]
    ) -> GateOutcome:
        asked = Hook(gate, facts, identity=identity, moment=moment) if isinstance(gate, Webhook) else Query(gate)
        began, tries = self._clock.monotonic(), 1
        while (finding := await self._try(asked, gate.timeout)).verdict is Verdict.AGAIN and tries <= gate.retries:
            await asyncio.sleep(rest(tries, finding.retry_after))
            tries += 1
        seconds = round(self._clock.monotonic() - began, 3)
        detail = finding.detail if tries == 1 else f"{finding.detail}, {tries} tries"
        return GateOutcome(gate.name, moment, finding.verdict is Verdict.GO, detail, seconds, tries)

    async def _try(self, asked: Hook | Query, timeout: float) -> Finding:
        assert self._line is not None, "started before it is asked"
        try:
            async with asyncio.timeout(timeout):
                reply = await self._line.send(asked.question(self._clock.wall(), self._secret))
        except TimeoutError:
            return Finding(Verdict.AGAIN, f"no answer within {timeout:g} s")
        except NoReply as error:
            return Finding(Verdict.AGAIN, str(error))
        return asked.finding(reply, self._clock.wall())
