"""One line for each answered request.

Lines are gathered as bytes and handed over in batches to a thread that writes them. When that cannot keep up, whole
batches are thrown away and counted: serving goes before writing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from json import dumps

from proxy.dataplane.log_writer import LogWriter
from proxy.traffic.spec import AccessLog as AccessLogSpec
from proxy.traffic.spec import AccessLogFormat

BATCH = 64 * 1024
"""Bytes after which a batch is handed over without waiting for the clock."""

_UNSAFE = re.compile(rb"[^ !#-\[\]-~]")
"""What could end a quoted part of a line, or the line, or make a terminal do something."""


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
        self._second = -1
        self._stamp = b""
        self._writer = LogWriter()
        self._failed = 0

    @property
    def on(self) -> bool:
        """Whether anything is written at all."""
        return self._spec.format is not AccessLogFormat.OFF

    def configure(self, spec: AccessLogSpec) -> None:
        """Write as the config says from now on."""
        if spec != self._spec:
            self.flush()
            self._spec = spec
            self.reopen()

    def reopen(self) -> None:
        """Open the file anew, for instance after it was rotated away. What cannot be opened goes to standard error."""
        self.flush()
        if self.on:
            self._writer.open(self._spec.path)

    def write(self, entry: Entry, now: float) -> None:
        """Write one line. ``now`` is Unix seconds."""
        line = self._format(entry, now)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand what was gathered to the writer, and tell what it has lost."""
        failed = self._writer.lost - self._failed
        self._failed += failed
        lines, self._lines, self._size = self._lines, [], 0
        if lines and not self._writer.write(lines):
            failed += len(lines)
        if failed:
            self._lost(failed)

    def close(self, timeout: float = 2.0) -> None:
        """Write what is left, for at most ``timeout`` seconds."""
        self.flush()
        self._writer.close(timeout)

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
    quoted = _UNSAFE.sub(lambda unsafe: b"\\x%02x" % unsafe[0][0], request)
    return b'%s - - [%s] "%s" %d %d "-" "-"\n' % (entry.client or b"-", stamp, quoted, entry.status, entry.sent)
