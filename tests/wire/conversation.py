"""A client that sends exactly the bytes it is told to, in the pieces it is told to, and reads strictly what comes back.

Whether the connection stays open is not guessed: unless the script says otherwise, a good request (:data:`PROBE`)
follows on the same connection, and either its answer comes or the end of the connection.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.harness.wire import CallError, Wire
from tests.wire.recorder import TURNS, crumbs, turns
from tests.wire.strict import BrokenMessageError, Message, take_answer

PROBE = b"GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n"
"""The request that proves that a connection is still open. A recorder names its target in the answer."""

PATIENCE = 5.0
"""Seconds to wait for more to come. Only a front door that neither answers nor closes makes a conversation last that
long; ``Conversation.silent`` tells."""


class Act(enum.Enum):
    """What a client can do besides sending."""

    ANSWER = enum.auto()
    """Wait until one more answer has come, interim ones included, or the end of the connection."""
    PAUSE = enum.auto()
    """Do nothing for so many turns of the event loop that all that is on its way arrives, byte by byte as well."""
    END = enum.auto()
    """Send a FIN and go on reading to the end. No probe follows."""
    LEAVE = enum.auto()
    """Send a RST. No probe follows, and nothing more is read."""


_PAUSE = 600

Script = Sequence[bytes | Act]
"""What a client does, in order."""


@dataclass(slots=True)
class Conversation:
    """What came back."""

    answers: list[Message] = field(default_factory=list)
    """The final answers, without that to the probe."""
    interim: list[Message] = field(default_factory=list)
    open: bool = False
    """Whether the connection stayed open: the probe was answered."""
    probe: Message | None = None
    """The answer to the probe."""
    reset: bool = False
    """The connection ended by a RST."""
    rest: bytes = b""
    """What came behind the last whole answer: of an answer that was cut, or of a switched protocol."""
    broken: str = ""
    """Why the rest cannot be read as a strict answer, if it cannot."""
    silent: bool = False
    """Neither an answer nor the end of the connection came in time."""
    received: bytes = b""
    """Every byte, in order."""

    @property
    def statuses(self) -> list[int]:
        """Of the final answers."""
        return [answer.status for answer in self.answers]

    @property
    def cut(self) -> bool:
        """Whether the client can see that it did not get all: a RST, or the end amid an answer."""
        return self.reset or bool(self.rest)


def bytewise(script: Iterable[bytes | Act]) -> list[bytes | Act]:
    """The same script, each byte a piece of its own; of what is very long, the middle stays in larger pieces."""
    pieces: list[bytes | Act] = []
    for step in script:
        pieces += [step] if isinstance(step, Act) else crumbs(step)
    return pieces


async def converse(
    address: tuple[str, int], script: Script, *, methods: Sequence[bytes] = (), probe: bytes | None = PROBE
) -> Conversation:
    """Connect, play a script, read everything until the probe is answered or the connection ends.

    Args:
        address: where the front door listens.
        script: each piece is sent on its own and read on its own at the other end.
        methods: of the requests in the script, in order, for reading their answers; by default the first word of the
            script and after that GET.
        probe: what is sent last; ``None`` for nothing, then reading goes on to the end of the connection.
    """
    wire = await Wire.open(*address)
    client = _Client(wire, methods or _guess(script))
    try:
        await _play(wire, client, script)
        if not any(step in (Act.END, Act.LEAVE) for step in script):
            await _prove(wire, client, probe)
        await client.until_end()
    except TimeoutError:
        client.heard.silent = True
    finally:
        wire.close()
    return client.heard


async def _play(wire: Wire, client: _Client, script: Script) -> None:
    for step in script:
        if step is Act.ANSWER:
            await client.one_more()
        elif step is Act.PAUSE:
            await turns(_PAUSE)
            await asyncio.sleep(0.003)  # and for the kernel, which on a busy machine needs the core for it
            await turns(_PAUSE)
        elif step is Act.END:
            wire.finish()
        elif step is Act.LEAVE:
            wire.abort()
        elif not wire.lost:
            await wire.write(step)
            await turns(TURNS)


async def _prove(wire: Wire, client: _Client, probe: bytes | None) -> None:
    if probe is not None:
        await wire.write(probe)
        client.expects_probe = True


class _Client:
    def __init__(self, wire: Wire, methods: Sequence[bytes]) -> None:
        self.heard = Conversation()
        self.expects_probe = False
        self._wire = wire
        self._methods = list(methods)
        self._awaited = 0
        self._over = False
        self._switched = False

    async def one_more(self) -> None:
        """Read one more answer, final or interim, unless it was read with those before it."""
        self._awaited += 1
        while len(self.heard.answers) + len(self.heard.interim) < self._awaited and not self._over:
            await self._read()

    async def until_end(self) -> None:
        """Read to the end of the connection, or to the answer to the probe."""
        while not self._over and not (self.expects_probe and self._probe_answered()):
            await self._read()

    def _probe_answered(self) -> bool:
        heard = self.heard
        if heard.answers and heard.answers[-1].body.endswith(b"GET /probe\n"):
            heard.probe = heard.answers.pop()
            heard.open = True
        return heard.open

    async def _read(self) -> None:
        heard = self.heard
        try:
            async with asyncio.timeout(PATIENCE):
                data = await self._wire.more()
        except CallError:
            heard.reset = self._over = True
            return
        self._over = not data
        heard.received += data
        heard.rest += data
        while heard.rest and not heard.broken and not self._switched and self._take():
            pass

    def _take(self) -> bool:
        """Whether there was one more whole answer."""
        heard = self.heard
        try:
            answer = take_answer(heard.rest, self._methods[0] if self._methods else b"GET", ended=self._over)
        except BrokenMessageError as error:
            heard.broken = str(error)
            return False
        if answer is None:
            return False
        heard.rest = heard.rest[len(answer.raw) :]
        if answer.status < 200 and answer.status != 101:
            heard.interim.append(answer)
            return True
        heard.answers.append(answer)
        del self._methods[:1]
        self._switched = answer.status == 101
        return True


def _guess(script: Script) -> list[bytes]:
    sent = b"".join(step for step in script if isinstance(step, bytes))
    return [sent.lstrip(b"\r\n").split(b" ")[0]]
