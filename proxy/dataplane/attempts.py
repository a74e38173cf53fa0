"""The upstream's side of an exchange: who is given the request, over which connection, and who after a failure."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from proxy.dataplane.admission import Lease
from proxy.dataplane.door import Door
from proxy.dataplane.failures import connect_failure
from proxy.dataplane.log_lines import ABSENT
from proxy.dataplane.reporting import Record
from proxy.dataplane.retrying import Attempt, pick_another
from proxy.dataplane.roles import NEVER, Client, Occupant
from proxy.dataplane.upload import Upload
from proxy.http1.heads import RequestHead
from proxy.net.outflow import Outflow
from proxy.traffic.retry import Failure, is_idempotent
from proxy.upstream.connection import UpstreamConnection

STALE: Final = "stale_connection"
"""Reason of a retry after the upstream closed an idle connection just as it was used again."""


class Asker(Occupant):
    """Whose request it is. It is handed in with each call, for to remember it would make a cycle of every request."""

    __slots__ = ()

    def expect_progress(self) -> None:
        """The request is on its way, or something of it has moved."""
        raise NotImplementedError

    def fail(self, failure: Failure) -> None:
        """There is no connection."""
        raise NotImplementedError


class Attempts:
    """Brings one request to an upstream, and to another one where the first lets it down; never to two at a time."""

    __slots__ = (
        "_client",
        "_connecting",
        "_door",
        "_lease",
        "_outgoing",
        "_record",
        "_stale",
        "_tried",
        "_upload",
        "asked_at",
        "outflow",
        "upstream",
    )

    def __init__(
        self, door: Door, client: Client, record: Record, lease: Lease, upload: Upload, outgoing: bytes
    ) -> None:
        """``outgoing`` is the head as upstreams get it."""
        self._door = door
        self._client = client
        self._record = record
        self._lease = lease
        self._upload = upload
        self._outgoing = outgoing
        self._connecting: asyncio.Task[None] | None = None
        self._stale = 0
        self._tried: tuple[object, ...] = ()
        self.upstream: UpstreamConnection | None = None
        """The connection that the request went out on, while it is asked."""
        self.asked_at = 0.0
        self.outflow: Outflow | None = None
        """What waits for the upstream, while that takes less than it is sent."""

    @property
    def repeatable(self) -> bool:
        """Whether it does no harm to send the request again (RFC 9110 9.2.2), and it still can be."""
        return self._upload.replayable and is_idempotent(self._record.head.method)

    def begin(self, asker: Asker, *, fresh: bool = False) -> None:
        """Ask the upstream of the lease, over an idle connection or a new one; with ``fresh`` only over a new one."""
        door, upload = self._door, self._upload
        now = door.loop.time()
        self._record.attempts += 1
        if not fresh:
            repeatable = upload.surely_replayable and self.repeatable
            if connection := self._lease.upstream.idle.take(now, repeatable=repeatable):
                self._ask(connection, asker, now)
                return
        if not upload.done:
            upload.hold(now)
        self._client.deadline = NEVER  # connecting has a time limit of its own
        self._record.connect = ABSENT
        self._connecting = door.loop.create_task(self._connect(asker))

    async def _connect(self, asker: Asker) -> None:
        door = self._door
        began = time.monotonic()  # the loop's clock goes by milliseconds, and most connections are made within one
        try:
            connection = await self._lease.upstream.idle.connect(door.poller, door.routing.door.timeouts.connect)
        except (OSError, UnicodeError) as error:  # the latter comes of names that cannot be asked for
            self._connecting = None
            asker.fail(connect_failure(error))
            return
        self._connecting = None
        self._record.connect = time.monotonic() - began
        self._ask(connection, asker, door.loop.time())

    def _ask(self, connection: UpstreamConnection, asker: Asker, now: float) -> None:
        self.upstream = connection
        connection.borrower = asker
        connection.uses += 1
        self.asked_at = now
        if self._client.outflow is not None:
            connection.stream.pause_reading()
        if not self._upload.done:
            self._client.read_on()  # before anything is written, for that may pause it again
        connection.stream.write(self._outgoing + self._upload.begin())
        asker.expect_progress()

    def send(self, piece: bytes) -> bool:
        """Pass on a piece of the body; ``False`` if there is no upstream yet, and it waits with the rest."""
        if self.upstream is not None:
            self._upload.forget_if_large()
            self.upstream.stream.write(piece)
            return True
        if self._upload.overflowing:
            self._client.stream.pause_reading()  # until there is an upstream to send it to
        return False

    def hold_client(self) -> None:
        """The upstream takes less than it is sent."""
        assert self.upstream is not None
        now, stall = self._door.loop.time(), self._door.routing.door.timeouts.stall
        self.outflow = Outflow(self.upstream.stream, now, stall)
        self._upload.hold(now)
        self._client.stream.pause_reading()

    def release_client(self) -> None:
        """The upstream has taken what waited for it."""
        self.outflow = None
        self._client.read_on()

    def ask_anew(self, asker: Asker) -> bool:
        """Whether the connection was lost because the upstream was closing it anyway, so that a new one is tried.

        That happens once to a request at most, for a new connection cannot have been closed for being idle.
        """
        if self.upstream is None or self.upstream.uses == 1 or not self.repeatable:
            return False
        self._stale += 1
        self._retry(STALE, asker, fresh=True)
        return True

    def ask_another(self, failure: Failure, asker: Asker, *, begun: bool) -> bool:
        """Whether another upstream is tried after this failure. ``begun`` says that a part of an answer has come."""
        lease = self._lease
        self._tried += (lease.upstream,)
        attempt = Attempt(
            number=self._record.attempts - self._stale,
            method=self._record.head.method,
            request_bytes_sent=self.upstream is not None,
            response_bytes_seen=begun,
            replayable=self._upload.replayable,
        )
        self._door.refresh()  # whoever has come back meanwhile may be the only one left
        other = pick_another(lease, failure, attempt, self._tried, self._door.loop.time())
        if other is None:
            return False
        lease.move(other)
        self._retry(failure.reason, asker)
        return True

    def _retry(self, reason: str, asker: Asker, *, fresh: bool = False) -> None:
        self._lease.pool.meters.retried(reason)
        self.drop()
        self._record.connect = 0.0
        self.begin(asker, fresh=fresh)

    def release(self, *, reusable: bool) -> None:
        """The answer is there; ``reusable`` is whether its upstream means to keep the connection.

        It serves the next request only if the upstream has the whole of this one, lest the next begin in its middle.
        """
        upstream, self.upstream = self.upstream, None
        self.outflow = None
        if upstream is None:
            return
        head = self._record.head
        if reusable and not (upstream.lost or head.upgrade) and self._upload.done and _is_sent(head, upstream):
            self._lease.upstream.idle.put(upstream, self._door.loop.time())
        else:
            upstream.discard()

    def hand_over(self) -> UpstreamConnection:
        """The connection, for another to go on with."""
        assert self.upstream is not None
        upstream, self.upstream = self.upstream, None
        return upstream

    def drop(self) -> None:
        """Ask no more."""
        upstream, self.upstream = self.upstream, None
        self.outflow = None
        if upstream is not None:
            upstream.discard()
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None


def _is_sent(head: RequestHead, upstream: UpstreamConnection) -> bool:
    """A request without a body is: its answer came back, and nobody answers a head of which a part is still here."""
    return head.length == 0 or upstream.stream.waiting == 0
