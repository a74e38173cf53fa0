"""Message heads that were read and found good.

There is one for each message. They are plain classes, for the constructor of a data class is run by the interpreter
even in a compiled worker.
"""

from __future__ import annotations

from proxy.http1.fields import Field


class RequestFields:
    """What the fields of an ordinary request say, as in a head. They say the same whatever is asked for."""

    __slots__ = ("authority", "count", "host", "keep_alive", "length", "passed", "traced")

    def __init__(
        self, authority: bytes, host: bytes, length: int, keep_alive: bool, passed: bytes, count: int, traced: bool
    ) -> None:
        """``count`` is how many they are, and ``traced`` whether there is a tracestate among them."""
        self.authority = authority
        self.host = host
        self.length = length
        self.keep_alive = keep_alive
        self.passed = passed
        self.count = count
        self.traced = traced


class RequestHead:
    """A request up to its body."""

    __slots__ = (
        "authority",
        "expect_continue",
        "fields",
        "host",
        "keep_alive",
        "last_hop",
        "length",
        "method",
        "passed",
        "path",
        "raw",
        "target",
        "traceparent",
        "upgrade",
        "version",
    )

    def __init__(
        self,
        raw: bytes,
        method: bytes,
        target: bytes,
        path: bytes,
        version: int,
        authority: bytes,
        host: bytes,
        length: int,
        keep_alive: bool,
        passed: bytes = b"",
        expect_continue: bool = False,
        upgrade: bytes = b"",
        last_hop: bool = False,
        fields: list[Field] | None = None,
        traceparent: bytes = b"",
    ) -> None:
        self.raw = raw
        """As received, through the empty line."""
        self.method = method
        self.target = target
        """As it is forwarded: origin-form, or ``*``."""
        self.path = path
        """The target up to its ``?``."""
        self.version = version
        """10 or 11."""
        self.authority = authority
        """The Host field as it came; empty if there was none (HTTP/1.0 only)."""
        self.host = host
        """For routing: the authority in lower case and without its port."""
        self.length = length
        """Bytes of the body, 0 for none, or ``CHUNKED``."""
        self.keep_alive = keep_alive
        """Whether the client wants to go on using its connection."""
        self.passed = passed
        """The field lines of an ordinary head as they are passed on: as they came, without its Connection."""
        self.expect_continue = expect_continue
        """Whether the client waits for a 100 before it sends the body."""
        self.upgrade = upgrade
        """The protocols that the client may rightly switch to, as a list value; empty for an ordinary request."""
        self.last_hop = last_hop
        """Whether the client wants it answered here and not forwarded (RFC 9110 7.6.2)."""
        self.fields = fields
        """The end-to-end fields of an unusual head; ``None`` where the raw bytes do."""
        self.traceparent = traceparent
        """Where the client stands in a trace, as version 00 writes it; empty where it did not say so rightly."""


class ResponseHead:
    """A response up to its body. Answers with the same head may share one, so it never changes."""

    __slots__ = (
        "dated",
        "event_stream",
        "fields",
        "has_request_id",
        "keep_alive",
        "length",
        "passed",
        "raw",
        "status",
        "upgrade",
        "version",
    )

    def __init__(
        self,
        raw: bytes,
        status: int,
        version: int,
        length: int,
        keep_alive: bool,
        event_stream: bool,
        has_request_id: bool,
        passed: bytes = b"",
        dated: bool = False,
        upgrade: bytes = b"",
        fields: list[Field] | None = None,
    ) -> None:
        self.raw = raw
        """As received, through the empty line."""
        self.status = status
        self.version = version
        """10 or 11."""
        self.length = length
        """Bytes of the body, 0 for none, ``CHUNKED`` or ``UNTIL_CLOSE``."""
        self.keep_alive = keep_alive
        """Whether the upstream's connection may be used again after this response."""
        self.event_stream = event_stream
        """Whether it is a stream of server-sent events."""
        self.has_request_id = has_request_id
        """Whether the upstream set X-Request-Id itself."""
        self.passed = passed
        """An ordinary head as it is passed on, up to what depends on the request: without Connection and Keep-Alive."""
        self.dated = dated
        """Whether an ordinary head has a Date."""
        self.upgrade = upgrade
        """What a 101 switches to."""
        self.fields = fields
        """The end-to-end fields of an unusual head; ``None`` where the raw bytes do."""
