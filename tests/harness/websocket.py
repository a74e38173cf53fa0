"""A strict WebSocket session over one connection. The library is used for frames alone; sockets are ours."""

from __future__ import annotations

import asyncio
import time
from typing import Self

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from tests.harness.client import Address
from tests.harness.wire import CallError, Failure, Wire


class Session:
    """One open WebSocket."""

    def __init__(self, wire: Wire, protocol: ClientProtocol) -> None:
        self._wire = wire
        self._protocol = protocol
        self._events: list[object] = []
        self.answer: Response | None = None
        """The 101."""
        self.sent_at = 0.0
        """When the first byte of the handshake was sent, by the monotonic clock."""

    @classmethod
    async def open(cls, address: Address, *, path: str = "/ws", headers: tuple[tuple[str, str], ...] = ()) -> Self:
        """Connect and shake hands.

        Raises:
            CallError: as for any request; any answer but 101 is ``STATUS``.
        """
        session = cls(await Wire.open(*address), ClientProtocol(parse_uri(f"ws://{address[0]}:{address[1]}{path}")))
        request = session._protocol.connect()
        request.headers.update(headers)
        session._protocol.send_request(request)
        session.sent_at = time.monotonic()
        try:
            await session._flush()
            session.answer = await session._handshake()
        except BaseException:
            session.abort()
            raise
        return session

    async def _handshake(self) -> Response:
        try:
            event = await self._event()
        except CallError as failed:
            if failed.failure is Failure.TRUNCATED and self._wire.total == 0:
                raise CallError(Failure.EOF_BEFORE_ANSWER, "closed instead of answering the handshake") from failed
            raise
        assert isinstance(event, Response)
        if event.status_code != 101:
            raise CallError(Failure.STATUS, f"{event.status_code} to a handshake")
        return event

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                await self._wire.write(data)

    async def _event(self) -> object:
        while not self._events:
            try:
                data = await self._wire.more()
                if data:
                    self._protocol.receive_data(data)
                else:
                    self._protocol.receive_eof()
            except WebSocketException as error:
                raise CallError(Failure.BAD_FRAMING, repr(error)) from error
            await self._flush()
            self._events += self._protocol.events_received()
            if not self._events:
                self._complain(ended=not data)
        return self._events.pop(0)

    def _complain(self, *, ended: bool) -> None:
        problem = self._protocol.handshake_exc
        if problem is not None and not ended:
            kind = Failure.STATUS if isinstance(problem, InvalidStatus) else Failure.BAD_FRAMING
            raise CallError(kind, repr(problem))
        if ended:
            raise CallError(Failure.TRUNCATED, "the tunnel ended without a close frame")

    async def send(self, text: str) -> None:
        """Send one message; nothing once the other side has closed it, as whoever reads then is told."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(text.encode())
            await self._flush()

    async def receive(self) -> str:
        """The next message.

        Raises:
            CallError: the tunnel broke, or the other side closed it.
        """
        event = await self._event()
        assert isinstance(event, Frame)
        if event.opcode is Opcode.CLOSE:
            raise CallError(Failure.TRUNCATED, f"closed by the other side: {bytes(event.data)!r}")
        return bytes(event.data).decode()

    async def close(self) -> None:
        """The closing handshake, and the end of the connection.

        Raises:
            CallError: the other side did not answer the close frame.
        """
        self._protocol.send_close(1000)
        await self._flush()
        while self._protocol.state is not State.CLOSED and self._protocol.close_rcvd is None:
            await self._event()
        self._wire.close()

    def abort(self) -> None:
        """End it with a RST."""
        self._wire.abort()


async def echo(session: Session, text: str, *, within: float = 10.0) -> str:
    """Send one message and wait for the next one that comes.

    Raises:
        CallError: the tunnel broke, or nothing came.
    """
    try:
        async with asyncio.timeout(within):
            await session.send(text)
            return await session.receive()
    except TimeoutError:
        raise CallError(Failure.TIMED_OUT, f"no message within {within:g} s") from None
