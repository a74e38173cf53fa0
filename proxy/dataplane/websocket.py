"""A tunnel through which WebSocket frames pass (RFC 6455), and which can say goodbye in that protocol.

Bytes go through as they come; only the heads of frames are looked at, to know where one ends. When the front door has
to end the session, it does as a server does that goes away. It sends the client a close frame with the code 1001 where
a message of the upstream ends, and nothing after it. What the client still says reaches the upstream, last of all the
close frame with which every client answers, so the upstream sees its client leave in order, and no message is lost that
the client sent before it knew. A client that does not answer in time is spoken for.
"""

from __future__ import annotations

import enum
import secrets
from typing import Final

from proxy.dataplane.admission import Lease
from proxy.dataplane.door import Door
from proxy.dataplane.reporting import Record, report
from proxy.dataplane.roles import Client
from proxy.dataplane.tunnel import Tunnel
from proxy.http1.websocket import GOING_AWAY, FrameCursor, encode_close
from proxy.shm.names import Outcome
from proxy.upstream.connection import UpstreamConnection

MESSAGE_PATIENCE: Final = 5.0
"""Seconds that a message may take to end before it is interrupted between two of its frames."""

FRAME_PATIENCE: Final = 5.0
"""Seconds that a frame may take to end after that, before the session is broken off amid it."""

CLOSE_PATIENCE: Final = 5.0
"""Seconds that both sides have for their answers to a close frame."""


class _Step(enum.Enum):
    """How far the end of a session is that the front door wants to be over."""

    AFTER_MESSAGE = enum.auto()
    """The close frame waits for the end of a message."""
    AFTER_FRAME = enum.auto()
    """It waits for the end of a frame."""
    SAID = enum.auto()
    """The client has been sent it."""
    THEIR_OWN = enum.auto()
    """One side has sent a close frame of its own: there is nothing to say any more."""


_PATIENCE = {
    _Step.AFTER_MESSAGE: MESSAGE_PATIENCE,
    _Step.AFTER_FRAME: FRAME_PATIENCE,
    _Step.SAID: CLOSE_PATIENCE,
    _Step.THEIR_OWN: CLOSE_PATIENCE,
}


class WebSocketTunnel(Tunnel):
    """A client and an upstream joined that have agreed to speak WebSocket."""

    __slots__ = ("_from_client", "_from_upstream", "_step", "_step_ends")

    def __init__(self, door: Door, client: Client, upstream: UpstreamConnection, record: Record, lease: Lease) -> None:
        super().__init__(door, client, upstream, record, lease)
        self._from_client = FrameCursor(masked=True)
        self._from_upstream = FrameCursor(masked=False)
        self._step: _Step | None = None
        self._step_ends = 0.0

    # What passes. The lines of Tunnel are repeated here: for small messages each call more is felt.

    def client_data(self, data: bytes) -> None:
        self._from_client.feed(data)
        self._record.received += len(data)
        self._upstream.stream.write(data)
        if not self._upstream_open or self._step is not None:
            self._wait()
            self._look_for_answers()

    def upstream_data(self, data: bytes) -> None:
        if self._step is not None:
            self._last_data(data, self._step)
            return
        self._from_upstream.feed(data)
        self._record.sent += len(data)
        self._client.stream.write(data)
        if not self._client_open:
            self._wait()

    def _last_data(self, data: bytes, step: _Step) -> None:
        if step is _Step.SAID:
            self._throw_away(data)
        elif step is _Step.THEIR_OWN:
            self._from_upstream.feed(data)
            super().upstream_data(data)
        else:
            self._pass_up_to_gap(data)

    def _pass_up_to_gap(self, data: bytes) -> None:
        end = self._from_upstream.feed_to_gap(data, amid_message=self._step is _Step.AFTER_FRAME)
        super().upstream_data(data[:end])
        if self._from_upstream.closed:
            self._take_step(_Step.THEIR_OWN)
            self.upstream_data(data[end:])
        elif self._at_gap:
            self._say_goodbye()
            self._throw_away(data[end:])

    def _throw_away(self, data: bytes) -> None:
        """Nothing may follow a close frame (section 5.5.1); only the upstream's own is waited for."""
        self._from_upstream.feed(data)
        self._look_for_answers()

    def _look_for_answers(self) -> None:
        if self._step is _Step.SAID and self._both_closed:
            self._leave()

    # Saying goodbye.

    def wind_up(self) -> None:
        """Close the session in order, as soon as it can be done."""
        if self._step is not None:
            return
        if self._both_closed:
            self._finish()
        elif self._from_client.closed or self._from_upstream.closed:
            self._take_step(_Step.THEIR_OWN)
        elif self._from_upstream.lost or not self._upstream_open:
            self.cut()
        else:
            self._step = _Step.AFTER_MESSAGE
            if self._at_gap:
                self._say_goodbye()
            else:
                self._take_step(_Step.AFTER_MESSAGE)

    def cut(self) -> None:
        """End it now: with a close frame where one may stand, else amid a frame, and visibly so."""
        if self._both_closed:
            self._finish()
            return
        if self._step is not _Step.SAID:
            self._step = _Step.AFTER_FRAME
            if self._at_gap:
                self._say_goodbye()
        if self._step is _Step.SAID:
            self._leave()
        else:
            super().cut()

    @property
    def _both_closed(self) -> bool:
        return self._from_client.closed and self._from_upstream.closed

    @property
    def _at_gap(self) -> bool:
        """Whether the client can be sent a close frame here and now."""
        cursor = self._from_upstream
        if cursor.closed or not self._upstream_open:
            return False
        return cursor.between_frames if self._step is _Step.AFTER_FRAME else cursor.between_messages

    def _take_step(self, step: _Step) -> None:
        self._step = step
        self._step_ends = self._door.loop.time() + _PATIENCE[step]
        self._wait()

    def _say_goodbye(self) -> None:
        self._take_step(_Step.SAID)
        frame = encode_close(GOING_AWAY)
        self._record.sent += len(frame)
        self._client.stream.write(frame)

    def _speak_for_client(self) -> None:
        """Tell the upstream that its client goes away, unless it knows, or waits for the rest of a frame."""
        cursor, listens = self._from_client, self._client_open and not self._upstream.lost
        if listens and cursor.between_frames and not cursor.closed:
            self._upstream.stream.write(encode_close(GOING_AWAY, mask=secrets.token_bytes(4)))

    def _leave(self) -> None:
        """All is said: close both connections once it has been sent."""
        self._leave_upstream()
        self._client.exchange_over(keep_alive=False, lingering=not self._from_client.closed)

    def _leave_upstream(self) -> None:
        self._speak_for_client()
        self._record.reason = self._door.dropped(self._lease)
        self._lease.close(Outcome.CUT_BY_PROXY)
        report(self._door, self._record, Outcome.CUT_BY_PROXY)
        self._upstream.finish(self._door.loop, self._door.routing.door.timeouts.stall)

    # What else happens meanwhile.

    def client_eof(self) -> bool:
        if self._step is not _Step.SAID:
            return super().client_eof()
        self._leave()
        return False

    def upstream_eof(self) -> None:
        if self._step is _Step.SAID:
            self._leave()
        else:
            super().upstream_eof()

    def client_lost(self) -> None:
        if self._step is _Step.SAID:
            self._leave_upstream()
        else:
            super().client_lost()

    def upstream_lost(self, error: Exception | None) -> None:
        if self._step is _Step.SAID:
            self._leave()
        else:
            super().upstream_lost(error)

    def client_full(self) -> None:
        super().client_full()
        if self._step is not None:
            self._wait()

    def _wait(self) -> None:
        if self._step is None:
            super()._wait()
        else:
            self._client.deadline = self._step_ends

    def expired(self, now: float) -> None:
        """A step of the goodbye has taken too long, or what may not take long in any tunnel."""
        if self._step is None:
            super().expired(now)
        elif self._step is _Step.AFTER_MESSAGE:
            self._take_step(_Step.AFTER_FRAME)
            if self._at_gap:
                self._say_goodbye()
        else:
            self.cut()
