"""The log of events. Writing never waits: a reader of standard error that has stopped reading stops nobody here."""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Callable

from proxy.logs.events import Level, LogEvent
from proxy.logs.lines import Field, human_line, json_line


class EventLog:
    """Writes events to a descriptor, each at once and whole.

    Args:
        descriptor: where to, standard error as a rule. It is not closed.
        human: words instead of JSON.
        now: Unix seconds.
    """

    __slots__ = ("_descriptor", "_line", "_lost", "_now")

    def __init__(self, descriptor: int = 2, *, human: bool = False, now: Callable[[], float] = time.time) -> None:
        self._descriptor = descriptor
        self._line = human_line if human else json_line
        self._now = now
        self._lost = 0

    def info(self, event: LogEvent, **fields: Field) -> None:
        """Say that something happened as it should."""
        self.write(Level.INFO, event, **fields)

    def warning(self, event: LogEvent, **fields: Field) -> None:
        """Say that something is not as it should be, while traffic is served."""
        self.write(Level.WARNING, event, **fields)

    def error(self, event: LogEvent, **fields: Field) -> None:
        """Say that something asked for did not happen."""
        self.write(Level.ERROR, event, **fields)

    def write(self, level: Level, event: LogEvent, **fields: Field) -> None:
        """Write one event. It is lost, and counted, where it would have to wait for a reader."""
        if not self._has_room():
            self._lost += 1
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self._emit(Level.WARNING, LogEvent.LINES_LOST, {"lines": lost})
            self.write(
                level, event, **fields
            )  # which looks for room again: the first line may have taken the last of it
            return
        self._emit(level, event, fields)

    def _emit(self, level: Level, event: LogEvent, fields: dict[str, Field]) -> None:
        try:
            os.write(self._descriptor, self._line(self._now(), level, event, fields))
        except OSError:  # closed, or a full disk: there is nowhere to complain
            self._lost += 1

    def _has_room(self) -> bool:
        """Whether a line goes through without waiting: a pipe is writable when it takes PIPE_BUF bytes."""
        poller = select.poll()
        poller.register(self._descriptor, select.POLLOUT)
        return bool(poller.poll(0))


def standard_error() -> EventLog:
    """The log of this process: words on a terminal, JSON elsewhere."""
    return EventLog(2, human=os.isatty(2))


class LibraryHandler(logging.Handler):
    """Brings what libraries report through :mod:`logging` into the same log, from WARNING up."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a traceback is cut to its last line and the place where it was raised."""
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        self._log.write(level, LogEvent.LIBRARY, logger=record.name, message=record.getMessage(), error=_error(record))


def _error(record: logging.LogRecord) -> str | None:
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return None
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" at {place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else ""
    return f"{type(error).__name__}: {error}{where}"
