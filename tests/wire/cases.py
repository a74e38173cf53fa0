"""What a case is made of. The cases themselves are in the files ``cases_*``, one for each part of the checklist."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.traffic.spec import DoorSpec
from tests.wire.conversation import Act
from tests.wire.recorder import Play

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
"""What an attacker hopes to get past the front door: in no case may an upstream see it as a request."""

LENGTH_5 = b"Content-Length: 5"
CHUNKED = b"Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
"""A body in chunks."""


class Kind(enum.Enum):
    """What becomes of the message that a case is about."""

    REFUSED = "refused"
    """Nobody behind the front door sees it: the client gets an answer of the front door's own."""
    PASSED = "passed"
    """It goes on with every line and every byte of content as it came, and the fields of this hop behind them."""
    NORMALISED = "normalised"
    """It goes on, but not as it came."""
    CUT = "cut"
    """It had begun to go on when it turned out to be bad or ended: the other side can see that it is not whole."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What must be true of a message that came out at the other end. What is empty is not looked at."""

    line: bytes = b""
    has: tuple[bytes, ...] = ()
    """Whole field lines."""
    lacks: tuple[bytes, ...] = ()
    """Names of fields, in lower case."""
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation, and what has to come of it."""

    row: int
    """Of the checklist."""
    name: str
    script: tuple[bytes | Act, ...]
    kind: Kind
    statuses: tuple[int, ...]
    """Of the final answers, in order."""
    stays: bool
    """Whether the client's connection can be used for another request after them."""
    seen: tuple[Seen, ...] | None = None
    """The whole requests that the upstream sees, in order; ``None`` stands for any."""
    unfinished: bool = False
    """Whether the upstream may see a part of a request, on a connection that then ends."""
    plays: tuple[Play, ...] = ()
    """What the upstream does."""
    greeting: bytes = b""
    """What the upstream says before it is asked."""
    interim: tuple[int, ...] | None = ()
    """Statuses of the interim answers that the client sees; ``None`` stands for any."""
    told: Seen | None = None
    """What must be true of the first final answer."""
    fresh: bool | None = None
    """Whether the next request must go over another upstream connection (``True``), or over the same (``False``)."""
    methods: tuple[bytes, ...] = ()
    """Of the requests, where the client cannot guess them."""
    door: DoorSpec | None = None
    hosts: tuple[str, ...] = ("*",)
    """For which hosts there is a service."""
    tunnelled: bytes | None = None
    """What the upstream gets behind a switch of protocols, and the client gets back."""
    once: tuple[bytes, ...] = ()
    """Fields of which the upstream sees exactly one."""
    logged: Mapping[str, object] = field(default_factory=dict)
    """What stands in the first line of the access log."""
    arrives: bytes = b""
    """What reaches the client of an answer that has not ended."""
    never: bytes = b""
    """What the client is not sent, in any form."""
    at_once: bool = False
    """Whether the upstream sends its answer in one piece in both runs."""

    @property
    def id(self) -> str:
        """Row and name."""
        return f"{self.row:02}-{self.name}"


GET = b"GET / HTTP/1.1"


def request(*fields: bytes, line: bytes = GET, host: bytes = b"Host: a\r\n", body: bytes = b"") -> bytes:
    """A request with the given field lines behind Host. Nothing is added to what is given."""
    return line + b"\r\n" + host + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def post(*fields: bytes, body: bytes = b"", line: bytes = b"POST / HTTP/1.1") -> bytes:
    """A request that may have a body."""
    return request(*fields, line=line, body=body)


def line(first: bytes) -> bytes:
    """A request with this first line."""
    return request(line=first)


def host(*lines: bytes, first: bytes = GET) -> bytes:
    """A request with these lines in place of Host."""
    return request(line=first, host=b"".join(line + b"\r\n" for line in lines))


def refused(
    row: int,
    messages: Mapping[str, bytes],
    *,
    status: int = 400,
    unfinished: bool = False,
    door: DoorSpec | None = None,
) -> list[Case]:
    """Requests that are answered with an error, after which the connection is closed. The upstream sees nothing."""
    return [
        Case(row, name, (data,), Kind.REFUSED, (status,), stays=False, seen=(), unfinished=unfinished, door=door)
        for name, data in messages.items()
    ]


def passed(row: int, messages: Mapping[str, bytes], *, status: int = 200, stays: bool = True) -> list[Case]:
    """Requests that go on as they came, and are answered."""
    return [Case(row, name, (data,), Kind.PASSED, (status,), stays, seen=(Seen(),)) for name, data in messages.items()]


def normalised(
    row: int, messages: Mapping[str, tuple[bytes, Seen]], *, status: int = 200, stays: bool = True
) -> list[Case]:
    """Requests that go on changed, and are answered."""
    return [
        Case(row, name, (data,), Kind.NORMALISED, (status,), stays, seen=(seen,))
        for name, (data, seen) in messages.items()
    ]
