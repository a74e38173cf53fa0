"""The access log: a slow reader that holds nobody up, rotation, and losses that are counted."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.dataplane.access_log import BATCH, AccessLog
from proxy.dataplane.log_lines import AT_ONCE, NOWHERE
from proxy.dataplane.log_writer import WAITING_BATCHES, LogWriter
from proxy.traffic.spec import AccessLog as AccessLogSpec
from proxy.traffic.spec import AccessLogFormat


async def until(condition: Callable[[], bool]) -> None:
    """Wait for the thread."""
    while not condition():  # noqa: ASYNC110 - a file raises no event
        await asyncio.sleep(0.002)


def open_files(path: Path) -> int:
    """How many descriptors of this process are open for a file, or for what it was renamed to."""
    return sum(_target(link).startswith(str(path)) for link in Path("/proc/self/fd").iterdir())


def _target(link: Path) -> str:
    """What a descriptor is open for; nothing, if it was closed just now, as the one by which the others are listed."""
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


def line_of(log: AccessLog, target: bytes = b"/") -> bytes:
    """One answered request."""
    said = (b"10.0.0.1", b"GET", b"", target, b"", b"", b"id", b"")
    return log.line(0.0, said, 11, 200, 0, 0, AT_ONCE, NOWHERE, 1, "finished")


@pytest.mark.parametrize(
    ("form", "begins"), [(AccessLogFormat.JSON, b'{"ts":'), (AccessLogFormat.COMBINED, b"10.0.0.1 - - ")]
)
def test_lines_are_in_the_format_of_the_config(tmp_path: Path, form: AccessLogFormat, begins: bytes) -> None:
    """The log knows how the config wants its lines."""
    log = AccessLog(lambda lines: None)
    log.configure(AccessLogSpec(form, str(tmp_path / "log")))
    log.write(line_of(log))
    log.close()
    assert (tmp_path / "log").read_bytes().startswith(begins)


def test_a_full_pipe_blocks_nobody_and_its_losses_are_counted(tmp_path: Path) -> None:
    """Lines that nobody reads are thrown away in the end, and none is torn."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    lost: list[int] = []
    log = AccessLog(lost.append)
    log.configure(AccessLogSpec(AccessLogFormat.JSON, str(path)))
    line = line_of(log, b"/" * 1000)
    lines = 2 * WAITING_BATCHES * BATCH // 1000
    begun = time.monotonic()
    for _ in range(lines):
        log.write(line)
    log.flush()
    assert time.monotonic() - begun < 5
    assert 0 < sum(lost) < lines
    os.set_blocking(reader, True)
    read = b""
    while read.count(b"\n") < lines - sum(lost):
        read += os.read(reader, 1_000_000)
    assert all(json.loads(text)["target"] == "/" * 1000 for text in read.splitlines())
    log.close()
    os.close(reader)


async def test_reopening_follows_a_rotation_and_leaks_nothing(tmp_path: Path) -> None:
    """Lines before it are in the old file, lines after it in the new one, and the old one is closed."""
    path = tmp_path / "log"
    log = AccessLog(lambda lines: None)
    log.configure(AccessLogSpec(AccessLogFormat.JSON, str(path)))
    for number in range(20):
        log.write(line_of(log, b"/%d" % number))
        log.flush()
        await until(lambda: path.exists() and path.stat().st_size > 0)
        path.rename(tmp_path / f"log.{number}")
        log.reopen()
        await until(path.exists)
    assert open_files(path) == 1
    log.close()
    for number in range(20):
        assert json.loads((tmp_path / f"log.{number}").read_text())["target"] == f"/{number}"


def test_what_cannot_be_opened_goes_to_standard_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A wrong path costs no line."""
    log = AccessLog(lambda lines: None)
    log.configure(AccessLogSpec(AccessLogFormat.JSON, str(tmp_path / "missing" / "log")))
    log.write(line_of(log, b"/lost"))
    log.close()
    errors = capfd.readouterr().err
    told, line = map(json.loads, errors.splitlines())
    assert (told["event"], told["error"]) == ("access_log_failed", "No such file or directory")
    assert line["target"] == "/lost"


async def test_lines_that_a_full_disk_refused_are_counted() -> None:
    """The thread survives, and the loss is known."""
    lost: list[int] = []
    log = AccessLog(lost.append)
    log.configure(AccessLogSpec(AccessLogFormat.JSON, "/dev/full"))
    log.write(line_of(log))
    log.write(line_of(log))

    def told() -> bool:
        log.flush()
        return sum(lost) == 2

    await until(told)
    log.close()


async def test_what_a_stuck_reader_leaves_at_the_end_is_counted(tmp_path: Path) -> None:
    """The worker ends all the same, and every line was either written or lost."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    lost: list[int] = []
    log = AccessLog(lost.append)
    log.configure(AccessLogSpec(AccessLogFormat.JSON, str(path)))
    line = line_of(log, b"/" * 1000)
    for _ in range(300):
        log.write(line)
    log.close(timeout=0.1)
    written = os.read(reader, 1_000_000).count(b"\n")
    os.close(reader)
    assert sum(lost) > 0
    assert 0 <= written + sum(lost) - 300 <= 4  # of the piece that was being written, a part may have gone through


async def test_a_reader_that_left_costs_lines_and_a_new_one_finds_whole_ones(tmp_path: Path) -> None:
    """A closed pipe is a loss that is counted; after reopening lines are written again."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    lost: list[int] = []
    log = AccessLog(lost.append)
    log.configure(AccessLogSpec(AccessLogFormat.JSON, str(path)))
    log.write(line_of(log))
    log.flush()
    await until(lambda: bool(_waiting(reader)))
    os.close(reader)
    log.write(line_of(log))

    def told() -> bool:
        log.flush()
        return sum(lost) == 1

    await until(told)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log.reopen()
    log.write(line_of(log, b"/again"))
    log.flush()
    await until(lambda: b"/again" in _waiting(reader))
    log.close()
    os.close(reader)


def _waiting(reader: int) -> bytes:
    """What a pipe holds, or nothing."""
    try:
        return os.read(reader, 1_000_000)
    except BlockingIOError:
        return b""


async def test_a_line_that_was_torn_spoils_no_other(tmp_path: Path) -> None:
    """On a disk that fills up amid a line and has room again, the next line begins a line of its own."""
    path, line = tmp_path / "log", line_of(AccessLog(lambda lines: None))
    writer = LogWriter()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(line) + 100, limits[1]))
    try:
        writer.open(str(path))
        writer.write([line, line])
        await until(lambda: writer.lost == 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    writer.write([line])
    writer.close(5.0)
    assert path.read_bytes() == line + line[:100] + b"\n" + line
    assert writer.lost == 1
