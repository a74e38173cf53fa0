"""Bytes both ways after an upgrade (RFC 9110 section 7.8): we do not look inside."""

from __future__ import annotations

import socket

from proxy.dataplane.admission import Lease
from proxy.dataplane.door import Door
from proxy.dataplane.reporting import Record, report
from proxy.dataplane.roles import NEVER, Client
from proxy.shm.names import Outcome
from proxy.upstream.connection import UpstreamConnection


class Tunnel:
    """A client and an upstream joined. Each side's end of stream is passed on to the other; when both ended, it is over."""

    __slots__ = ("_client", "_client_open", "_door", "_lease", "_record", "_upstream", "_upstream_open")

    def __init__(self, door: Door, client: Client, upstream: UpstreamConnection, record: Record, lease: Lease) -> None:
        self._door = door
        self._client = client
        self._upstream = upstream
        self._lease = lease
        self._record = record
        self._client_open = True
        self._upstream_open = True

    def begin(self, rest: bytes) -> None:
        """Take both connections over; ``rest`` is what the upstream has already sent of the new protocol."""
        client, upstream = self._client, self._upstream
        client.occupant = upstream.borrower = self
        client.deadline = NEVER
        for transport in (client.transport, upstream.transport):
            _watch_for_vanished_peer(transport.get_extra_info("socket"))
        if rest:
            self.upstream_data(rest)
        if ahead := client.take_ahead():
            self.client_data(ahead)
        client.transport.resume_reading()

    def client_data(self, data: bytes) -> None:
        self._record.received += len(data)
        self._upstream.transport.write(data)

    def client_eof(self) -> bool:
        self._client_open = False
        if not self._upstream_open:
            self._finish(Outcome.FINISHED)
            return False
        self._upstream.transport.write_eof()
        return True

    def client_lost(self) -> None:
        self._finish(Outcome.CUT_BY_CLIENT if self._upstream_open else Outcome.FINISHED)

    def client_full(self) -> None:
        self._upstream.transport.pause_reading()

    def client_writable(self) -> None:
        self._upstream.transport.resume_reading()

    def upstream_data(self, data: bytes) -> None:
        self._record.sent += len(data)
        self._client.transport.write(data)

    def upstream_eof(self) -> None:
        self._upstream_open = False
        if self._client_open:
            self._client.transport.write_eof()
        else:
            self._finish(Outcome.FINISHED)

    def upstream_lost(self, error: Exception | None) -> None:
        self._finish(Outcome.FINISHED if error is None else Outcome.FAILED)

    def upstream_full(self) -> None:
        self._client.transport.pause_reading()

    def upstream_writable(self) -> None:
        self._client.transport.resume_reading()

    def expired(self, now: float) -> None:
        """A tunnel sets no deadline: silence is no error in it."""

    def cut(self) -> None:
        self._finish(Outcome.CUT_BY_PROXY)

    @property
    def lease(self) -> Lease:
        """Where it is counted."""
        return self._lease

    def _finish(self, outcome: Outcome) -> None:
        if not self._lease.close(outcome):
            return
        self._upstream.discard()
        self._client.occupant = None
        self._client.transport.close()
        report(self._door, self._record, outcome)


def _watch_for_vanished_peer(peer: socket.socket | None) -> None:
    """Have the kernel notice a peer that is gone without a word: a tunnel may be silent for hours, and nobody else would."""
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
