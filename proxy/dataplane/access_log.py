"""One line for each answered request.

Lines are gathered as bytes and handed over in batches to a thread that writes them. When that cannot keep up, whole
batches are thrown away and counted: serving goes before writing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from proxy.dataplane.log_lines import LineFormat, combined_line, json_line
from proxy.dataplane.log_words import ClientWords
from proxy.dataplane.log_writer import LogWriter
from proxy.traffic.spec import AccessLog as AccessLogSpec
from proxy.traffic.spec import AccessLogFormat

BATCH: Final = 64 * 1024
"""Bytes after which a batch is handed over without waiting for the clock."""


class AccessLog:
    """Writes lines to a file or to standard output, and tells in which format the config wants them."""

    on: bool
    """Whether anything is written at all."""
    line: LineFormat
    """Makes a line of what is known of a request."""
    words: ClientWords
    """Finds what of it stands in the request's head."""

    def __init__(self, lost: Callable[[int], None]) -> None:
        """``lost`` is told how many lines had to be thrown away."""
        self._lost = lost
        self._spec = AccessLogSpec(AccessLogFormat.OFF)
        self.on = False
        self.line = json_line
        self.words = ClientWords()
        self._lines: list[bytes] = []
        self._size = 0
        self._writer = LogWriter()
        self._failed = 0

    def configure(self, spec: AccessLogSpec) -> None:
        """Write as the config says from now on."""
        if spec != self._spec:
            self.flush()
            self._spec = spec
            self.on = spec.format is not AccessLogFormat.OFF
            self.line = combined_line if spec.format is AccessLogFormat.COMBINED else json_line
            self.reopen()

    def reopen(self) -> None:
        """Open the file anew, for instance after it was rotated away. What cannot be opened goes to standard error."""
        self.flush()
        if self.on:
            self._writer.open(self._spec.path)

    def write(self, line: bytes) -> None:
        """Write one line, which ends with a line feed."""
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
        """Write what is left, for at most ``timeout`` seconds, and tell what is lost."""
        self.flush()
        self._writer.close(timeout)
        self.flush()
