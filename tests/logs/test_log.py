from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.logs.events import LogEvent
from proxy.logs.log import EventLog, LibraryHandler


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe of the smallest size, as (read end, write end)."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def events(data: bytes) -> list[str]:
    """The names of the events in some lines."""
    return [json.loads(line)["event"] for line in data.splitlines()]


def test_events_are_written_at_once_in_order(pipe: tuple[int, int]) -> None:
    """What has been said is readable when the call returns."""
    reader, writer = pipe
    log = EventLog(writer)

    log.info(LogEvent.STARTING)
    assert events(os.read(reader, 65536)) == ["starting"]
    log.error(LogEvent.START_FAILED, error="no")
    assert events(os.read(reader, 65536)) == ["start_failed"]


def test_a_reader_that_stops_reading_stops_nobody(pipe: tuple[int, int]) -> None:
    """A full pipe loses lines instead of holding up the program, and the loss is told as soon as there is room."""
    reader, writer = pipe
    log = EventLog(writer)

    for _ in range(100):
        log.info(LogEvent.READY)
    while events(os.read(reader, 65536))[-1] != "ready":
        pass
    log.info(LogEvent.STOPPED)
    line = json.loads(os.read(reader, 65536).splitlines()[0])

    assert (line["event"], line["lines"]) == ("lines_lost", 99)


def test_a_closed_descriptor_is_survived() -> None:
    """A program whose standard error was closed goes on."""
    reader, writer = os.pipe()
    os.close(reader)
    os.set_blocking(writer, False)

    EventLog(writer).info(LogEvent.READY)

    os.close(writer)


def test_libraries_speak_through_the_same_log(tmp_path: Path) -> None:
    """A warning of asyncio or aiohttp is an event with its error and where that was raised."""
    with (tmp_path / "log").open("wb") as file:
        logger = logging.getLogger("some.library")
        logger.propagate = False
        logger.addHandler(LibraryHandler(EventLog(file.fileno())))
        logger.info("not worth a line")
        try:
            raise ValueError("bad\nthing")
        except ValueError:
            logger.exception("it failed")

    line = json.loads((tmp_path / "log").read_bytes())
    assert (line["event"], line["level"], line["logger"], line["message"]) == (
        "library",
        "error",
        "some.library",
        "it failed",
    )
    assert line["error"].startswith("ValueError: bad\nthing at ")
