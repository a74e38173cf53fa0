"""One end of the socketpair between supervisor and worker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from proxy.ipc.codec import CodecError, Decoder, encode
from proxy.ipc.messages import Message, Wake

MAX_UNSENT = 1024 * 1024
"""Bytes that may wait for a peer that does not read, before the channel is closed."""

OnMessage = Callable[[Message], None]
OnClosed = Callable[[Exception | None], None]


class ChannelClogged(Exception):
    """The peer has not read for so long that more than ``MAX_UNSENT`` bytes wait for it."""


class Channel(asyncio.Protocol):
    """Sends and receives messages; made by :meth:`open`, on asyncio's loop or uvloop's.

    Both callbacks are called by the loop on its next round, never from within :meth:`open`, :meth:`send` or
    :meth:`close`. uvloop reads before ``open`` has returned, and a callback that wants to answer needs the channel.
    """

    _transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, on_message: OnMessage, on_closed: OnClosed) -> None:
        """Not connected yet; :meth:`open` does both."""
        self._loop = loop
        self._on_message = on_message
        self._on_closed = on_closed
        self._decoder = Decoder()
        self._error: Exception | None = None
        self._listening = True
        self._wake_unsent = False

    @classmethod
    async def open(cls, sock: socket.socket, on_message: OnMessage, on_closed: OnClosed) -> Channel:
        """Take over one end of a stream socketpair, which the channel closes in the end.

        Arguments:
            sock: the connected AF_UNIX stream socket.
            on_message: called with each message, in order, until the channel is closed from this side.
            on_closed: called once, last of all: with ``None`` when either side closed or the peer died, with
                :class:`CodecError` when the peer sent garbage, with :class:`ChannelClogged` when it did not read.
        """
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_unix_connection(lambda: cls(loop, on_message, on_closed), sock=sock)
        return channel

    def send(self, message: Message) -> None:
        """Send a message as soon as the peer takes it; never waits. On a closed channel, does nothing.

        A ``Wake`` is left out while an earlier one is still unsent: the peer will look at the board when it gets that.
        Raises :class:`CodecError` if the message is too long.
        """
        if self._transport.is_closing():
            return
        self._wake_unsent = self._wake_unsent and self._transport.get_write_buffer_size() > 0
        if isinstance(message, Wake) and self._wake_unsent:
            return
        self._transport.write(encode(message))
        unsent = self._transport.get_write_buffer_size()
        if unsent > MAX_UNSENT:
            self._fail(ChannelClogged(f"{unsent} bytes wait for a peer that does not read"))
            return
        self._wake_unsent = self._wake_unsent or (isinstance(message, Wake) and unsent > 0)

    @property
    def is_free(self) -> bool:
        """Whether the peer is there and has taken all that was sent, so that what can wait may go out as well."""
        return not self._transport.is_closing() and self._transport.get_write_buffer_size() == 0

    def close(self) -> None:
        """Close once everything is sent; nothing more is received. Again does nothing."""
        self._listening = False
        self._transport.close()

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._listening = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop has taken the socket over."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """The loop has read something."""
        try:
            messages = self._decoder.feed(data)
        except CodecError as error:
            self._fail(error)
            return
        for message in messages:
            self._loop.call_soon(self._deliver, message)

    def _deliver(self, message: Message) -> None:
        if self._listening:
            self._on_message(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """The loop has closed the socket."""
        if not isinstance(exc, ConnectionError):  # reset or broken pipe: a peer that died, like an end of file
            self._error = self._error or exc
        self._loop.call_soon(self._on_closed, self._error)
