"""One connected socket, read and written without waiting, and whom it tells what happens."""

from __future__ import annotations

import contextlib
import fcntl
import select
import socket
import struct
import termios
from typing import Final

from proxy.net.poller import BROKEN, PEER_CLOSED, READABLE, URGENT, WRITABLE, Poller, Socket, Watched

WRITE_HIGH: Final = 32 * 1024
WRITE_LOW: Final = 8 * 1024
"""Bytes waiting to be sent above which the writer is told to hold back, and down to which to go on."""

RECEIVE_SIZE: Final = 64 * 1024
"""Bytes that are taken at once outside the ordinary reading."""

SMALL_PIECE: Final = 16 * 1024
"""Bytes that are read at once where the last piece was not full."""

PIECES_IN_A_ROW: Final = 4
"""Full pieces that are read before others have their turn."""

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Receiver:
    """Has one stream, and is told what happens to it. This one listens to nothing: it stands where nobody has to."""

    __slots__ = ()

    def connection_made(self, stream: Stream) -> None:
        """The stream is there, and may be written to."""

    def data_received(self, data: bytes) -> None:
        """Bytes have come; they are the receiver's to keep."""

    def eof_received(self) -> bool:
        """The peer will send no more. ``False`` closes the stream, once what was written is sent."""
        return False

    def pause_writing(self) -> None:
        """More is waiting to be sent than should be. Told once, until :meth:`resume_writing`."""

    def resume_writing(self) -> None:
        """Little is waiting now."""

    def connection_lost(self, error: Exception | None) -> None:
        """It is over; ``error`` is ``None`` if it was closed from here. The last thing that is told."""


_NOBODY: Final = Receiver()


class Stream(Watched):
    """Bytes to and from one peer.

    Its receiver is told everything from the loop, with one exception: :meth:`write` may have it hold back at once.
    """

    __slots__ = (
        "_closing",
        "_descriptor",
        "_ear",
        "_ended",
        "_finishing",
        "_full",
        "_paused",
        "_piece",
        "_poller",
        "_receiver",
        "_scheduled",
        "_size",
        "_unread",
        "_waiting",
        "_watches_room",
        "peer",
        "socket",
    )

    def __init__(self, poller: Poller, connected: Socket, receiver: Receiver, piece: int, peer: str = "") -> None:
        """Takes the socket over, and tells the receiver so.

        Args:
            connected: a non-blocking socket.
            piece: bytes that are read at once, at most.
            peer: the address at the other end, without its port; empty for a unix socket.

        Raises:
            OSError: the kernel has no room to watch it.
        """
        self.socket = connected
        self.peer = peer
        self._descriptor = connected.fileno()
        self._poller = poller
        self._receiver = receiver
        self._piece = piece
        self._size = SMALL_PIECE  # that are read at once; the kernel fills new memory, which is dear where little comes
        self._waiting = b""  # written, and not taken by the kernel yet
        self._watches_room = False  # the poller tells when the kernel takes more
        self._full = False  # the receiver was told to hold back
        self._finishing = False  # our side is closed once everything is sent
        self._closing = False
        self._ended = False  # the peer has closed its side
        self._paused = False
        self._unread = False  # the kernel has told of news that nobody has looked at
        self._scheduled = False  # somebody will look at them
        self._ear: select.poll | None = None
        poller.watch(self._descriptor, self)
        try:
            receiver.connection_made(self)
        except Exception as error:  # noqa: BLE001 - the socket is the stream's by now, and so is its end
            poller.contain(self, error)

    def hand_over(self, receiver: Receiver) -> None:
        """Tell another receiver from now on."""
        self._receiver = receiver
        receiver.connection_made(self)

    # Reading.

    def ready(self, events: int) -> None:
        """There are bytes, or there is room for some, or it is over."""
        if events & WRITABLE and self._waiting:
            self._flush()
        if events & (READABLE | PEER_CLOSED | BROKEN | URGENT):
            self._read(events & (PEER_CLOSED | BROKEN | URGENT) != 0)

    def _read(self, to_the_end: bool) -> None:
        """Read until the kernel has no more.

        A piece that is not full shows that, unless an end may lie behind it, or urgent data, at which reading stops.
        """
        size = self._size
        for _ in range(PIECES_IN_A_ROW):
            if self._paused or self._closing or self._ended:
                self._unread = True
                return
            try:
                data = self.socket.recv(size)
            except (BlockingIOError, InterruptedError):
                self._unread = False
                return
            except OSError as error:
                self._break(error)
                return
            if not data:
                self._end()
                return
            self._receiver.data_received(data)
            if len(data) == size:
                size = self._size = self._piece
            else:
                size = self._size = SMALL_PIECE
                if not to_the_end:
                    return
        self._unread = True
        self._look_soon()

    def _end(self) -> None:
        self._ended = True
        if not self._receiver.eof_received():
            self.close()

    def _look_soon(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._poller.loop.call_soon(self._look)

    def _look(self) -> None:
        self._scheduled = False
        if self._unread and not self._paused:
            self._unread = False
            try:
                self._read(to_the_end=True)
            except Exception as error:  # noqa: BLE001 - or the stream would stay, half told
                self._poller.contain(self, error)

    def pause_reading(self) -> None:
        """Read no more for now; the kernel holds the peer back before long. Its end is not noticed meanwhile."""
        self._paused = True

    def resume_reading(self) -> None:
        """Read again, from the next round of the loop on."""
        if self._paused:
            self._paused = False
            if self._unread:
                self._look_soon()

    def is_broken(self) -> bool:
        """Whether the peer has reset the connection, which shows even where nothing is read."""
        return not self._closing and self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    def is_silent(self) -> bool:
        """Whether the peer has neither sent data nor closed since it was last read from."""
        ear = self._ear
        if self._closing:
            return False
        if ear is None:
            ear = self._ear = select.poll()
            ear.register(self._descriptor, select.POLLIN | select.POLLRDHUP)
        return not ear.poll(0)

    def receive(self) -> bytes:
        """What has come and was not read yet, or nothing."""
        try:
            return self.socket.recv(RECEIVE_SIZE)
        except OSError:
            return b""

    # Writing.

    def write(self, data: bytes) -> None:
        """Send at once as much as the kernel takes, and the rest when it takes more."""
        if self._closing or self._finishing or not data:
            return
        if self._waiting:
            self._waiting += data
        else:
            try:
                sent = self.socket.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._break(error)
                return
            if sent == len(data):
                return
            self._waiting = data[sent:]
            self._await_room()
        if not self._full and len(self._waiting) > WRITE_HIGH:
            self._full = True
            self._receiver.pause_writing()

    def _await_room(self) -> None:
        if not self._watches_room:
            self._watches_room = True
            self._poller.watch_both_ways(self._descriptor)

    def _flush(self) -> None:
        waiting = self._waiting
        try:
            sent = self.socket.send(waiting)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._break(error)
            return
        self._waiting = waiting = waiting[sent:]
        if not waiting and self._closing:
            self._lose_soon(None)
            return
        if not waiting and self._finishing:
            self._shut()
        if self._full and len(waiting) <= WRITE_LOW:
            self._full = False
            self._receiver.resume_writing()

    @property
    def waiting(self) -> int:
        """Bytes that were written and the kernel has not taken yet."""
        return len(self._waiting)

    def unsent(self) -> int:
        """Bytes that were written and the peer has not acknowledged: those here, and those in the kernel."""
        waiting = len(self._waiting)
        try:
            return waiting + int.from_bytes(fcntl.ioctl(self.socket.fileno(), termios.TIOCOUTQ, bytes(4)), "little")
        except (OSError, ValueError):  # closed
            return waiting

    # Ends.

    def write_eof(self) -> None:
        """Close our side once everything is sent."""
        if not self._finishing and not self._closing:
            self._finishing = True
            if not self._waiting:
                self._shut()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):  # the peer is gone, which reading will show
            self.socket.shutdown(socket.SHUT_WR)

    def is_closing(self) -> bool:
        """Whether it is closed, or will be once everything is sent."""
        return self._closing

    def close(self) -> None:
        """Close once everything is sent, and read no more."""
        if not self._closing:
            self._closing = True
            if not self._waiting:
                self._lose_soon(None)

    def abort(self) -> None:
        """Close now, and throw away what waits."""
        self._break(None)

    def reset(self) -> None:
        """Like :meth:`abort`, by a RST: to the peer, a FIN may look like the end of everything that it was to get."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._break(None)

    def failed(self, error: Exception) -> None:
        """Close now: the receiver has raised this, and nobody knows what it would make of the rest."""
        self._break(error)

    def _break(self, error: Exception | None) -> None:
        already = self._closing and not self._waiting
        self._closing = True
        self._waiting = b""
        if not already:
            self._lose_soon(error)

    def _lose_soon(self, error: Exception | None) -> None:
        self._poller.forget(self._descriptor)
        self._poller.loop.call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        receiver, self._receiver = self._receiver, _NOBODY  # else the two would keep each other alive
        try:
            receiver.connection_lost(error)
        finally:
            self.socket.close()
