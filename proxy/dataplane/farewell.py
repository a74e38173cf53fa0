"""The end of a client connection: what was written is sent first, and the client gets the time to read it."""

from __future__ import annotations

from typing import Final

from proxy.dataplane.roles import LOOK, Client
from proxy.net.outflow import Outflow

LINGER: Final = 2.0
"""Seconds that an idle connection goes on reading once our side is closed: a request may be on its way just then."""

LINGER_AFTER_ANSWER: Final = 5.0
"""Seconds that a connection goes on reading behind an answer whose client may not expect it and still be sending."""


class Farewell:
    """Closes one connection.

    With some seconds to ``linger`` only our side is closed first, and what still comes is read and thrown away: closing
    a socket with unread input resets the connection, and the reset can overtake the answer.
    """

    __slots__ = ("_client", "_linger", "_outflow")

    def __init__(self, client: Client, linger: float, *, now: float, stall: float) -> None:
        """Begin; ``now`` is on the clock of the client's deadline, ``stall`` how long it may take nothing."""
        stream = client.stream
        self._client = client
        self._linger = linger
        self._outflow: Outflow | None = None
        client.deadline = now + linger
        if stream.waiting:
            self._outflow = Outflow(stream, now, stall)
            client.deadline = now + LOOK
        if linger:
            client.read_on()
            stream.write_eof()
        else:
            stream.close()

    def expired(self, now: float) -> None:
        """The client's deadline has passed."""
        if not self._client.stream.waiting:
            self._flushed(now)
        elif self._outflow is not None and self._outflow.stuck(now):
            self._client.abort()
        else:
            self._client.deadline = now + LOOK

    def _flushed(self, now: float) -> None:
        """All that was to be sent has been: now the client has its time to read it, and then it is over."""
        if self._outflow is not None:
            self._outflow = None
            self._client.deadline = now + self._linger
        else:
            self._client.stream.close()
