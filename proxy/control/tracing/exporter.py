"""The thread that sends what workers have noted. It disturbs nobody: what does not get through is lost, and counted."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from proxy.config.settings import OtlpSettings
from proxy.config.tracing import read_headers
from proxy.control.tracing.collector import Headers, Later, deliver
from proxy.ipc.messages import SpanNote, Spans
from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog

BATCH = 512
"""Requests of one export."""

LAST_WORDS = 1.0
"""Seconds that the end of the program waits for what is left."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much patience there is with a collector."""

    waiting: int = 8192
    """Requests that wait for it at most."""
    gathering: float = 0.5
    """Seconds from the first request of an export to the last one."""
    timeout: float = 5.0
    """Seconds for an answer."""
    pauses: tuple[float, ...] = (1.0, 2.0)
    """Seconds before the same is sent once more, where that may help."""


class Exporter:
    """Takes notes on the loop and sends them from a thread, which is there once something was noted."""

    def __init__(self, target: Callable[[], OtlpSettings | None], log: EventLog, bounds: Bounds = Bounds()) -> None:
        """``target`` gives what the config says now; it is asked from the thread, before each export."""
        self._target = target
        self._log = log
        self._bounds = bounds
        self._waiting: queue.Queue[SpanNote] = queue.Queue(bounds.waiting)
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._failing = False
        self.exported = 0
        """Requests that a collector has taken."""
        self.lost: Counter[str] = Counter({"queue_full": 0, "not_delivered": 0})
        """Requests that none has, by reason."""

    def take(self, spans: Spans) -> None:
        """Export these requests in a while; never waits."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="span export", daemon=True)
            self._thread.start()
        for note in spans.notes:
            try:
                self._waiting.put_nowait(note)
            except queue.Full:
                self.lost["queue_full"] += 1

    async def stop(self) -> None:
        """Send what is left, if that takes no longer than a moment."""
        self._ending.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, LAST_WORDS)

    def _run(self) -> None:
        while not (self._ending.is_set() and self._waiting.empty()):
            if batch := self._gather():
                self._export(batch)

    def _gather(self) -> list[SpanNote]:
        """What comes within a moment of the first; nothing while nothing comes."""
        batch: list[SpanNote] = []
        until = time.monotonic() + self._bounds.gathering
        while len(batch) < BATCH and (left := until - time.monotonic()) > 0:
            try:
                batch.append(self._waiting.get(timeout=0.0 if self._ending.is_set() else left))
            except queue.Empty:
                break
        return batch

    def _export(self, batch: list[SpanNote]) -> None:
        target = self._target()
        if target is None:  # it was turned off meanwhile
            self.lost["not_delivered"] += len(batch)
            return
        try:
            refused = self._send(target, batch)
        except Exception as error:  # noqa: BLE001 - whatever a collector makes of us, the next ones are exported
            self._failed(target, len(batch), str(error) or type(error).__name__)
            return
        self.lost["not_delivered"] += refused
        self.exported += len(batch) - refused
        if self._failing:
            self._failing = False
            self._log.info(LogEvent.TRACE_EXPORT_RECOVERED, endpoint=target.url, lost=self.lost.total())

    def _send(self, target: OtlpSettings, batch: list[SpanNote]) -> int:
        """Gives how many requests of it were refused."""
        from proxy.control.tracing.encoding import (  # noqa: PLC0415 - it rests on an extra, which few have
            rejected_in,
            request_of,
            spans_in,
        )

        body = request_of(batch, target.service_name)
        headers = read_headers(target.headers_file) if target.headers_file else ()
        rejected = rejected_in(self._delivered(target.url, headers, body))
        return round(len(batch) * min(1.0, rejected / spans_in(batch)))

    def _delivered(self, url: str, headers: Headers, body: bytes) -> bytes:
        """The answer; a collector that is well otherwise gets another chance or two."""
        for pause in self._bounds.pauses:
            try:
                return deliver(url, headers, body, timeout=self._bounds.timeout)
            except Later:
                if self._failing or self._ending.wait(pause):
                    raise
        return deliver(url, headers, body, timeout=self._bounds.timeout)

    def _failed(self, target: OtlpSettings, lost: int, error: str) -> None:
        """Say so once, until something is exported again."""
        self.lost["not_delivered"] += lost
        if not self._failing:
            self._failing = True
            self._log.warning(LogEvent.TRACE_EXPORT_FAILED, endpoint=target.url, error=error)
