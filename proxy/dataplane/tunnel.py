"""Bytes both ways after an upgrade (RFC 9110 section 7.8): we do not look inside."""

from __future__ import annotations

import socket

from proxy.dataplane.admission import Lease
from proxy.dataplane.door import Door
from proxy.dataplane.reporting import Record, report
from proxy.dataplane.roles import LOOK, NEVER, Client, Occupant
from proxy.net.outflow import Outflow
from proxy.net.poller import Socket
from proxy.shm.names import Outcome
from proxy.traffic.retry import FailureReason
from proxy.upstream.connection import UpstreamConnection


class Tunnel(Occupant):
    """A client and an upstream joined.

    Each side's end of stream is passed on to the other; when both have ended, it is over. Whatever else ends it is
    shown to both sides as a reset, for an end of stream might look to them as if they had everything.
    """

    __slots__ = ("_client", "_client_open", "_door", "_lease", "_outflow", "_record", "_upstream", "_upstream_open")

    def __init__(self, door: Door, client: Client, upstream: UpstreamConnection, record: Record, lease: Lease) -> None:
        self._door = door
        self._client = client
        self._upstream = upstream
        self._lease = lease
        self._record = record
        self._outflow: Outflow | None = None  # what waits for the upstream, while that takes less than it is sent
        self._client_open = True
        self._upstream_open = True

    def begin(self, rest: bytes) -> None:
        """Take both connections over; ``rest`` is what the upstream has already sent of the new protocol."""
        client, upstream = self._client, self._upstream
        client.occupant = upstream.borrower = self
        for stream in (client.stream, upstream.stream):
            _watch_for_vanished_peer(stream.socket)
        self._wait()
        client.read_on()  # before anything is written, for that may pause it
        if rest:
            self.upstream_data(rest)
        if ahead := client.take_ahead():
            self.client_data(ahead)
        if client.ended:
            self.client_eof()

    def client_data(self, data: bytes) -> None:
        self._record.received += len(data)
        self._upstream.stream.write(data)
        if not self._upstream_open:
            self._wait()

    def client_eof(self) -> bool:
        self._client_open = False
        if not self._upstream_open:
            self._finish()
            return False
        self._upstream.stream.write_eof()
        self._wait()
        return True

    def client_lost(self) -> None:
        outcome = Outcome.CUT_BY_CLIENT if self._upstream_open else Outcome.FINISHED
        self._break_off(outcome, FailureReason.CLIENT_GONE)

    def client_full(self) -> None:
        self._upstream.stream.pause_reading()

    def client_writable(self) -> None:
        if self._upstream_open:
            self._upstream.stream.resume_reading()
        self._wait()

    def upstream_data(self, data: bytes) -> None:
        self._record.sent += len(data)
        self._client.stream.write(data)
        if not self._client_open:
            self._wait()

    def upstream_eof(self) -> None:
        self._upstream_open = False
        if not self._client_open:
            self._finish()
            return
        self._client.stream.write_eof()
        self._wait()

    def upstream_lost(self, error: Exception | None) -> None:
        self._break_off(Outcome.FAILED, FailureReason.TRUNCATED)

    def upstream_full(self) -> None:
        now, stall = self._door.loop.time(), self._door.routing.door.timeouts.stall
        self._outflow = Outflow(self._upstream.stream, now, stall)
        self._client.stream.pause_reading()
        self._wait()

    def upstream_writable(self) -> None:
        self._outflow = None
        self._client.read_on()
        self._wait()

    def _wait(self) -> None:
        """Silence is no error in a tunnel; to take nothing is one, and so is to keep half of it open for nothing."""
        timeouts = self._door.routing.door.timeouts
        if self._client.outflow is not None or self._outflow is not None:
            patience = timeouts.stall
        elif self._client_open and self._upstream_open:
            patience = NEVER
        else:
            patience = timeouts.idle
        self._client.deadline = self._door.loop.time() + patience

    def expired(self, now: float) -> None:
        """A side takes nothing any more, or nothing has come through a tunnel that is only half open."""
        outflow = self._client.outflow or self._outflow
        if outflow is not None and not outflow.stuck(now):
            self._client.deadline = now + LOOK
        elif self._client.outflow is not None or not self._upstream_open:
            self._break_off(Outcome.CUT_BY_CLIENT, FailureReason.CLIENT_STALL)
        else:
            self._break_off(Outcome.FAILED, FailureReason.STALL)

    def wind_up(self) -> None:
        """End it as well as can be. What the protocol would say is not known here, so a reset has to say it."""
        self.cut()

    def cut(self) -> None:
        """A drain or the end of the worker has run out of patience."""
        self._break_off(Outcome.CUT_BY_PROXY, self._door.dropped(self._lease))

    @property
    def lease(self) -> Lease:
        """Where it is counted."""
        return self._lease

    def _finish(self) -> None:
        """Both sides have ended: what is still on its way to either is sent."""
        self._lease.close(Outcome.FINISHED)
        report(self._door, self._record, Outcome.FINISHED)
        self._upstream.finish(self._door.loop, self._door.routing.door.timeouts.stall)
        self._client.exchange_over(keep_alive=False, lingering=False)

    def _break_off(self, outcome: Outcome, reason: FailureReason) -> None:
        self._lease.close(outcome)
        self._record.reason = reason
        report(self._door, self._record, outcome)
        self._upstream.reset()
        self._client.abort()


def _watch_for_vanished_peer(peer: Socket) -> None:
    """Have the kernel notice a peer that is gone without a word: a tunnel may well be silent for hours."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
