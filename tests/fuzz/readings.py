"""The second opinion: what h11 makes of the bytes of requests and of answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import h11

Fields = list[tuple[bytes, bytes]]
"""Names in lower case, values without the blanks around them."""

MAX_HEAD = 256 * 1024
MAX_BLANK_LINES = 2
"""Empty lines that may come before a request (RFC 9112 2.2); h11 itself takes none."""


@dataclass(slots=True)
class Message:
    """A request."""

    method: bytes
    target: bytes
    version: bytes
    fields: Fields
    body: bytearray = field(default_factory=bytearray)

    def values(self, name: bytes) -> list[bytes]:
        """The values of all fields of this lower-case name."""
        return [value for other, value in self.fields if other == name]

    @property
    def options(self) -> set[bytes]:
        """What Connection names, in lower case."""
        return list_of(self.values(b"connection"))

    @property
    def is_last(self) -> bool:
        """Whether the client sends nothing after it (RFC 9112 9.3)."""
        return b"close" in self.options or (self.version < b"1.1" and b"keep-alive" not in self.options)

    @property
    def framing(self) -> str:
        """How its body is delimited."""
        if self.values(b"transfer-encoding"):
            return "chunked"
        return "length" if self.values(b"content-length") else "none"


@dataclass(slots=True)
class Reply:
    """An answer with the interim ones before it."""

    interim: list[tuple[int, Fields]] = field(default_factory=list)
    status: int = 0
    """0 while there is no final head."""
    fields: Fields = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False
    """Whether it came to its end, by its own framing."""
    closes: bool = False
    """Whether only the end of the connection ends its body."""
    error: str = ""
    raw: bytes = b""
    """From its first byte to the last that belongs to it."""
    rest: bytes = b""
    """What came after it."""

    def values(self, name: bytes) -> list[bytes]:
        """The values of all fields of this lower-case name."""
        return [value for other, value in self.fields if other == name]


def list_of(values: list[bytes]) -> set[bytes]:
    """The elements of a comma-separated field, in lower case."""
    return {item.strip(b" \t").lower() for value in values for item in value.split(b",")} - {b""}


class RequestReader:
    """Reads one request in whatever pieces it comes."""

    __slots__ = ("_connection", "done", "error", "message")

    def __init__(self) -> None:
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self.message: Message | None = None
        self.done = False
        self.error = ""

    def feed(self, data: bytes) -> None:
        """Read on; afterwards ``message``, ``done`` and ``error`` tell how far it got."""
        try:
            self._connection.receive_data(data)
            while not self.done:
                event = self._connection.next_event()
                if isinstance(event, h11.Request):
                    self.message = Message(
                        event.method, event.target, event.http_version, [(bytes(n), bytes(v)) for n, v in event.headers]
                    )
                elif isinstance(event, h11.Data):
                    assert self.message is not None
                    self.message.body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    self.done = True
                else:
                    break
        except h11.RemoteProtocolError as error:
            self.error = str(error) or "not readable"

    @property
    def rest(self) -> bytes:
        """What was not read: the bytes after a request that is done."""
        return self._connection.trailing_data[0]


@dataclass(slots=True)
class Reading:
    """All that a client has sent on one connection, as the second parser reads it."""

    messages: list[Message]
    partial: Message | None
    """The request whose head is whole and whose body is not."""
    error: str
    tail: bytes
    """What belongs to none of the messages; without what comes after a message that is the last by its own word."""


def read_requests(data: bytes) -> Reading:
    """Everything up to the first error, the first unfinished request, or the end."""
    reading = Reading([], None, "", b"")
    while data := _without_blank_lines(data):
        reader = RequestReader()
        reader.feed(data)
        if not reader.done or reader.message is None:
            reading.partial, reading.error, reading.tail = reader.message, reader.error, data
            return reading
        reading.messages.append(reader.message)
        if reader.message.is_last:
            return reading
        data = reader.rest
    return reading


def _without_blank_lines(data: bytes) -> bytes:
    for _ in range(MAX_BLANK_LINES):
        data = data.removeprefix(b"\r\n")
    return data


def read_reply(data: bytes, method: bytes, *, ended: bool, upgrade: bytes = b"") -> Reply:
    """One answer to a request of this method; ``ended`` says that the other side closed in order after the data."""
    connection = _asked(method, upgrade)
    reply = Reply()
    try:
        connection.receive_data(data)
        if ended and data:
            connection.receive_data(b"")
        while _took(reply, connection.next_event()):
            pass
    except h11.RemoteProtocolError as error:
        reply.error = str(error) or "not readable"
    reply.rest = connection.trailing_data[0] if reply.complete else b""
    reply.raw = data[: len(data) - len(reply.rest)]
    return reply


def _asked(method: bytes, upgrade: bytes) -> h11.Connection:
    """A client that has sent such a request and waits for its answer."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    fields = [(b"Host", b"a")]
    if upgrade:
        fields += [(b"Connection", b"upgrade"), (b"Upgrade", upgrade)]
    connection.send(h11.Request(method=method, target=b"/", headers=fields))
    connection.send(h11.EndOfMessage())
    return connection


def _took(reply: Reply, event: object) -> bool:
    """Note an event; whether more may follow."""
    if isinstance(event, h11.InformationalResponse):
        if event.status_code == 101:
            reply.status, reply.complete = 101, True
            reply.fields = [(bytes(n), bytes(v)) for n, v in event.headers]
            return False
        reply.interim.append((event.status_code, [(bytes(n), bytes(v)) for n, v in event.headers]))
    elif isinstance(event, h11.Response):
        reply.status = event.status_code
        reply.fields = [(bytes(n), bytes(v)) for n, v in event.headers]
        bodiless = event.status_code in {204, 304}
        reply.closes = not (bodiless or reply.values(b"content-length") or reply.values(b"transfer-encoding"))
    elif isinstance(event, h11.Data):
        reply.body += event.data
    elif isinstance(event, h11.EndOfMessage):
        reply.complete = True
        return False
    else:
        return False
    return True


def read_replies(data: bytes, asked: Callable[[int], tuple[bytes, bytes]], *, ended: bool) -> list[Reply]:
    """All answers on a connection; ``asked`` gives the method and the protocols asked for of each request in turn.

    Where the method is empty the answer may be one to HEAD or to anything else.
    """
    replies: list[Reply] = []
    while data:
        method, upgrade = asked(len(replies))
        reply = read_reply(data, method or b"GET", ended=ended, upgrade=upgrade)
        if not (reply.complete or method):
            reply = read_reply(data, b"HEAD", ended=ended)
        replies.append(reply)
        if not reply.complete or reply.status == 101:
            break
        data = reply.rest
    return replies
