"""One line for each answered request, written by a thread of its own so that a slow disk never holds up a request.

Lines are gathered as bytes and handed over in batches. When the writer cannot keep up, whole batches are thrown away and
counted: serving goes before writing.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from json import dumps
from pathlib import Path

from proxy.traffic.spec import AccessLog as AccessLogSpec
from proxy.traffic.spec import AccessLogFormat

BATCH = 64 * 1024
"""Bytes after which a batch is handed over without waiting for the clock."""

WAITING_BATCHES = 64
"""Batches that may wait for the disk before lines are thrown away."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is written down about one request. Times are seconds, sizes are bytes."""

    client: bytes
    status: int
    request_id: bytes
    method: bytes = b"-"
    target: bytes = b"-"
    host: bytes = b""
    version: int = 11
    sent: int = 0
    seconds: float = 0.0
    service: str = ""
    color: str = ""
    upstream: str = ""
    attempts: int = 0
    outcome: str = ""


class AccessLog:
    """Writes entries in the format of the config, to a file or to standard output."""

    def __init__(self, lost: Callable[[int], None]) -> None:
        """``lost`` is told how many lines had to be thrown away."""
        self._lost = lost
        self._spec = AccessLogSpec(AccessLogFormat.OFF)
        self._lines: list[bytes] = []
        self._size = 0
        self._second = 0
        self._stamp = b""
        self._batches: queue.Queue[tuple[int, bytes] | None] = queue.Queue(WAITING_BATCHES)
        self._fd = -1
        self._writer: threading.Thread | None = None

    @property
    def on(self) -> bool:
        """Whether anything is written at all."""
        return self._spec.format is not AccessLogFormat.OFF

    def configure(self, spec: AccessLogSpec) -> None:
        """Write as the config says from now on."""
        if spec == self._spec:
            return
        self._spec = spec
        self.reopen()

    def reopen(self) -> None:
        """Open the file anew, for instance after it was rotated away. What cannot be opened goes to standard error."""
        self.flush()
        self._spec_fd()
        if self._writer is None and self.on:
            self._writer = threading.Thread(target=self._write, name="access-log", daemon=True)
            self._writer.start()

    def _spec_fd(self) -> None:
        self._fd = sys.stdout.fileno()
        if self.on and self._spec.path != "-":
            try:
                self._fd = os.open(self._spec.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            except OSError as error:
                self._fd = sys.stderr.fileno()
                print(
                    f"access log {Path(self._spec.path)}: {error.strerror}; writing to standard error", file=sys.stderr
                )

    def write(self, entry: Entry, now: float) -> None:
        """Write one line. ``now`` is Unix seconds."""
        line = self._format(entry, now)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand what was gathered to the writer."""
        if not self._lines:
            return
        lines, self._lines, self._size = self._lines, [], 0
        try:
            self._batches.put_nowait((self._fd, b"".join(lines)))
        except queue.Full:
            self._lost(len(lines))

    def close(self, timeout: float = 2.0) -> None:
        """Write what is left, for at most ``timeout`` seconds."""
        self.flush()
        if self._writer is not None:
            with contextlib.suppress(queue.Full):
                self._batches.put(None, timeout=timeout)
                self._writer.join(timeout)

    def _write(self) -> None:
        while (batch := self._batches.get()) is not None:
            fd, data = batch
            with contextlib.suppress(OSError):  # a full disk must not end the writer: later batches may fit
                while data:
                    data = data[os.write(fd, data) :]

    def _format(self, entry: Entry, now: float) -> bytes:
        if self._spec.format is AccessLogFormat.JSON:
            return _as_json(entry, now)
        return _as_combined(entry, self._clf_time(now))

    def _clf_time(self, now: float) -> bytes:
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second)).encode()
        return self._stamp


def _as_json(entry: Entry, now: float) -> bytes:
    record = {
        "ts": round(now, 3),
        "client": entry.client.decode("latin-1"),
        "method": entry.method.decode("latin-1"),
        "host": entry.host.decode("latin-1"),
        "target": entry.target.decode("latin-1"),
        "status": entry.status,
        "sent": entry.sent,
        "seconds": round(entry.seconds, 6),
        "service": entry.service,
        "color": entry.color,
        "upstream": entry.upstream,
        "attempts": entry.attempts,
        "outcome": entry.outcome,
        "request_id": entry.request_id.decode("latin-1"),
    }
    return dumps(record, separators=(",", ":")).encode() + b"\n"


def _as_combined(entry: Entry, stamp: bytes) -> bytes:
    """Apache's combined format; the two last fields, which we do not read, stay empty."""
    request = b"%s %s HTTP/1.%d" % (entry.method, entry.target, entry.version - 10)
    quoted = request.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'%s - - [%s] "%s" %d %d "-" "-"\n' % (entry.client or b"-", stamp, quoted, entry.status, entry.sent)
