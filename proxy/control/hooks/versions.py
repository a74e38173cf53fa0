"""What version a server runs, as it says itself."""

from __future__ import annotations

import asyncio

from proxy.http1.errors import ResponseError
from proxy.traffic.rollout.plan import VersionProbe
from proxy.traffic.spec import HealthCheck
from proxy.upstream.asking import ask

LONGEST = 200
"""Characters of a version."""

_MOST = 4096
"""Bytes that are read of a body."""

_TIMEOUT = 1.0
"""Seconds, where no health check says how long an answer may take."""


async def read_version(address: str, probe: VersionProbe, check: HealthCheck | None) -> str | None:
    """The version of the server at ``host:port``; ``None`` if it cannot be learned.

    Args:
        address: where it is.
        probe: what to look at.
        check: its health check, whose path, host and time are taken.
    """
    path = probe.path or (check.path if check else "/")
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        return None
    host = (check.host if check else None) or address
    try:
        async with asyncio.timeout(check.timeout if check else _TIMEOUT):
            head, body = await ask(address, path, host, most=0 if probe.header else _MOST)
    except (OSError, EOFError, UnicodeError, asyncio.LimitOverrunError, ResponseError):
        return None
    if head.status >= 300 and not probe.header:
        return None  # the text of an error is no version
    written = _field(head.raw, probe.header) if probe.header else body
    return _fit(written)


def _field(head: bytes, name: str) -> bytes:
    """The value of a field of a head that has been found good; nothing if it has none."""
    wanted = name.lower().encode("latin-1", "replace")
    for line in head.split(b"\r\n")[1:]:
        found, _, value = line.partition(b":")
        if found.lower() == wanted:
            return value
    return b""


def _fit(written: bytes) -> str | None:
    """The first line, as far as it can be shown."""
    lines = written.decode("utf-8", "replace").strip().splitlines()
    shown = "".join(letter for letter in lines[0] if letter.isprintable()) if lines else ""
    return shown.strip()[:LONGEST].strip() or None
