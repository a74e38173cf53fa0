"""What answers tell of how they were made, where the config wants that: where the time went, and which color it was.

Both are for people who look into a browser's developer tools, and for tests. Nobody but this hop can know the color, so
a field of that name that an upstream sends goes no further while ours is on; a Server-Timing of its own stays beside
ours (the field is a list).
"""

from __future__ import annotations

import re
from typing import Final

from proxy.dataplane.admission import Lease
from proxy.traffic.spec import ResponseHeaders

_COLOR: Final = b"X-Bluegreen: color=%b; generation=%d\r\n"

_OURS: Final = b"X-Bluegreen:"
_THEIRS: Final = re.compile(rb"\r\n(?i:x-bluegreen):[^\r]*").sub


def disclosed(headers: ResponseHeaders, lease: Lease | None, held: float, connect: float, first_byte: float) -> bytes:
    """The lines that an answer gets. Times are in seconds; below 0: that never came."""
    lines = b""
    if headers.server_timing:
        spans = [(b"queue", held)]
        if lease is not None:
            spans = [(b"queue", max(held, 0.0)), (b"connect", connect), (b"upstream", first_byte)]
        told = [b"%b;dur=%.3f" % (name, seconds * 1000) for name, seconds in spans if seconds >= 0.0]
        lines = b"Server-Timing: %b\r\n" % b", ".join(told) if told else b""
    if headers.color and lease is not None:
        lines += _COLOR % (lease.pool.color.value.encode(), lease.generation)
    return lines


def with_disclosed(head: bytes, lines: bytes) -> bytes:
    """An upstream's head, through its empty line, with those lines before that one."""
    if _OURS in lines:
        head = _THEIRS(b"", head)
    return head[:-2] + lines + b"\r\n"
