"""Brings messages to one target, one after the other, until each is there or has to be given up."""

from __future__ import annotations

import asyncio
import enum
import re
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, Protocol

from proxy.config.settings import NotificationSettings
from proxy.control.clock import Clock
from proxy.control.gates.finding import Finding, Verdict, by_status, first_line, rest
from proxy.control.gates.line import Hopeless, Line, NoReply, Question
from proxy.control.notifications.happening import Happening
from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog

MOST_WAITING: Final = 100
"""So many messages wait for one target at most; newer ones are dropped."""

GONE: Final = "the config file no longer names this target"

_TIMEOUT = 10.0
"""Seconds for one try."""

PATIENCE: Final = 600.0
"""Seconds from what happened to the last try to tell it; each is tried once at least."""

_LONGEST_REST = 30.0
"""Seconds between two tries at most, unless the target asks for others; doubled from half a second on."""

_SHORTEST_REST = 0.1

_CODE = re.compile(r"[a-z_]{1,40}")
"""Such as ``channel_is_archived``. Other answers are not quoted: they may repeat the URL."""


class Result(enum.StrEnum):
    """What became of a message."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """The target does not want it, or could not be reached for too long."""
    DROPPED = "dropped"
    """Too many were waiting, or the program was stopped, or the target left the config file."""


class Compose(Protocol):
    """Writes a message."""

    def __call__(self, target: NotificationSettings, happening: Happening, now: float) -> Question:
        """What is sent to a target at a Unix time."""
        ...


class Courier:
    """Has the messages of one target, and a task as long as there are any."""

    def __init__(
        self,
        target: NotificationSettings,
        *,
        line: Line,
        compose: Compose,
        wanted: Callable[[NotificationSettings], bool],
        results: Counter[Result],
        clock: Clock,
        log: EventLog,
        patience: float,
    ) -> None:
        """Nothing is sent yet.

        Args:
            target: who is told.
            line: the way there.
            compose: writes a message anew for each try, as its signature holds for a while only.
            wanted: whether the config file still names a target.
            results: where it is counted what became of messages.
            clock: the time.
            log: told what was not delivered.
            patience: seconds from what happened to the last try to tell it.
        """
        self._target = target
        self._line = line
        self._compose = compose
        self._wanted = wanted
        self._results = results
        self._clock = clock
        self._log = log
        self._patience = patience
        self._waiting: deque[Happening] = deque()
        self.task: asyncio.Task[None] | None = None
        """What brings them; ``None`` before there was one."""

    @property
    def waiting(self) -> int:
        """How many messages are not there yet."""
        return len(self._waiting)

    def tell(self, happening: Happening) -> None:
        """Bring this after what waits already. Never waits."""
        if len(self._waiting) >= MOST_WAITING:
            self._lose(happening, Result.DROPPED, f"{MOST_WAITING} others wait already", tries=0)
            return
        self._waiting.append(happening)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._run(), name=f"notify {self._target.name}")

    def give_up(self, reason: str) -> None:
        """Bring none of what still waits."""
        if self.task is not None:
            self.task.cancel()
        self._drop(reason)

    def _drop(self, reason: str) -> None:
        while self._waiting:
            self._lose(self._waiting.popleft(), Result.DROPPED, reason, tries=0)

    async def _run(self) -> None:
        while self._waiting:
            if not self._wanted(self._target):
                self._drop(GONE)
                return
            happening = self._waiting[0]
            finding, tries = await self._bring(happening)
            self._waiting.popleft()
            if finding.verdict is Verdict.GO:
                self._results[Result.DELIVERED] += 1
            else:
                self._lose(happening, Result.FAILED, finding.detail, tries)

    async def _bring(self, happening: Happening) -> tuple[Finding, int]:
        tries = 1
        while (finding := await self._try(happening)).verdict is Verdict.AGAIN:
            pause = max(_SHORTEST_REST, rest(tries, finding.retry_after, _LONGEST_REST))
            if self._clock.wall() + pause > happening.at + self._patience or not self._wanted(self._target):
                break
            await asyncio.sleep(pause)
            tries += 1
        return finding, tries

    async def _try(self, happening: Happening) -> Finding:
        try:
            question = self._compose(self._target, happening, self._clock.wall())
            async with asyncio.timeout(_TIMEOUT):
                reply = await self._line.send(question)
        except TimeoutError:
            return Finding(Verdict.AGAIN, f"no answer within {_TIMEOUT:g} s")
        except NoReply as error:
            return Finding(Verdict.NO if isinstance(error, Hopeless) else Verdict.AGAIN, str(error))
        except Exception as error:  # noqa: BLE001 - one message that cannot be written must not stop those behind it
            return Finding(Verdict.NO, f"it could not be written: {type(error).__name__}")
        said = first_line(reply.body)
        quotable = _CODE.fullmatch(said) and said not in self._target.url
        return by_status(reply, said if quotable else "", self._clock.wall())

    def _lose(self, happening: Happening, result: Result, reason: str, tries: int) -> None:
        self._results[result] += 1
        self._log.warning(
            LogEvent.NOTIFICATION_LOST,
            target=self._target.name,
            operation=happening.operation.id,
            service=happening.operation.service,
            told=happening.event.value,
            error=reason,
            tries=tries,
        )
