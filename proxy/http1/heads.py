"""Message heads that were read and found good."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.http1.fields import Field


@dataclass(slots=True)
class RequestFields:
    """What the fields of an ordinary request say. They say the same whatever is asked for."""

    authority: bytes
    host: bytes
    length: int
    keep_alive: bool
    passed: bytes
    count: int
    """How many they are."""


@dataclass(slots=True)
class RequestHead:
    """A request up to its body."""

    raw: bytes
    """As received, through the empty line."""
    method: bytes
    target: bytes
    """As it is forwarded: origin-form, or ``*``."""
    path: bytes
    """The target up to its ``?``."""
    version: int
    """10 or 11."""
    authority: bytes
    """The Host field as it came; empty if there was none (HTTP/1.0 only)."""
    host: bytes
    """For routing: the authority in lower case and without its port."""
    length: int
    """Bytes of the body, 0 for none, or ``CHUNKED``."""
    keep_alive: bool
    """Whether the client wants to go on using its connection."""
    passed: bytes = b""
    """The field lines of an ordinary head as they are passed on: as they came, without its Connection."""
    expect_continue: bool = False
    """Whether the client waits for a 100 before it sends the body."""
    upgrade: bytes = b""
    """The protocols that the client may rightly switch to, as a list value; empty for an ordinary request."""
    last_hop: bool = False
    """Whether the client wants it answered here and not forwarded (RFC 9110 7.6.2)."""
    fields: list[Field] | None = None
    """The end-to-end fields of an unusual head; ``None`` where the raw bytes do."""


@dataclass(slots=True)
class ResponseHead:
    """A response up to its body. Answers with the same head may share one, so it never changes."""

    raw: bytes
    """As received, through the empty line."""
    status: int
    version: int
    """10 or 11."""
    length: int
    """Bytes of the body, 0 for none, ``CHUNKED`` or ``UNTIL_CLOSE``."""
    keep_alive: bool
    """Whether the upstream's connection may be used again after this response."""
    event_stream: bool
    """Whether it is a stream of server-sent events."""
    has_request_id: bool
    """Whether the upstream set X-Request-Id itself."""
    passed: bytes = b""
    """An ordinary head as it is passed on, up to what depends on the request: without Connection and Keep-Alive."""
    dated: bool = False
    """Whether an ordinary head has a Date."""
    upgrade: bytes = b""
    """What a 101 switches to."""
    fields: list[Field] | None = None
    """The end-to-end fields of an unusual head; ``None`` where the raw bytes do."""
