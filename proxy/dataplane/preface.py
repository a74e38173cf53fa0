"""What comes before HTTP on a listener for balancers: a PROXY header, which tells whose connection it is.

Once that is read, the connection becomes an ordinary one, as if its client had connected by itself.
"""

from __future__ import annotations

import asyncio
from typing import cast

from proxy.dataplane.door import Door
from proxy.dataplane.downstream import Announced, ClientConnection, peer_address
from proxy.dataplane.roles import NEVER, Occupant
from proxy.http1.errors import Reason, RequestError
from proxy.http1.forwarding import Forwarding
from proxy.http1.proxy_protocol import ProxyHeader, read_proxy_header
from proxy.upstream.reading import ClientReader


class PrefaceReader(ClientReader):
    """Reads the header of one connection and hands the connection over; without a good one nobody is answered."""

    __slots__ = ("_ahead", "_door", "_peer", "_since", "deadline", "occupant", "transport")

    transport: asyncio.Transport

    def __init__(self, door: Door) -> None:
        self.occupant: Occupant | None = None
        self.deadline = NEVER
        self._door = door
        self._peer = ""
        self._ahead = b""
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the header, for as long as for the head of a request."""
        door = self._door
        self.transport = cast(asyncio.Transport, transport)
        self._peer = peer_address(transport)
        self._since = door.loop.time()
        self.deadline = self._since + door.routing.door.timeouts.head
        door.connections.add(self)
        if not self._may_speak():
            self._refuse(RequestError(Reason.PROXY_PROTOCOL, "only a trusted proxy may say whom it speaks for"))

    def _may_speak(self) -> bool:
        """Whoever may say where a connection comes from. What reaches a unix socket was let in by its permissions."""
        return not self._peer or not self._door.routing.trusted or self._door.trusts(self._peer)

    def data_received(self, data: bytes) -> None:
        """A part of the header, all of it, or more than that."""
        self._ahead += data
        try:
            header = read_proxy_header(self._ahead)
        except RequestError as error:
            self._refuse(error)
            return
        if header is not None:
            self._hand_over(header)

    def eof_received(self) -> bool:
        """Who says nothing at all only looks whether somebody listens; the transport closes by itself."""
        if self._ahead:
            self._refuse(RequestError(Reason.PROXY_PROTOCOL, "the connection ended within its PROXY header"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone without having been anybody's."""
        self._door.connections.discard(self)
        self._door.on_leave()

    def expired(self, now: float) -> None:
        """The header did not come in time."""
        self._refuse(RequestError(Reason.PROXY_PROTOCOL, "the PROXY header did not arrive in time"))

    def close_if_idle(self, now: float, min_idle: float) -> None:
        """While the worker stops: nobody waits any longer for who has not even begun."""
        if not self._ahead and now - self._since >= min_idle:
            self.transport.close()

    def _refuse(self, error: RequestError) -> None:
        self.deadline = NEVER
        self._door.refused(self._peer.encode(), error)
        self.transport.close()

    def _hand_over(self, header: ProxyHeader) -> None:
        transport, rest = self.transport, self._ahead[header.size :]
        self._door.connections.discard(self)
        client = ClientConnection(self._door, self._announced(header))
        transport.set_protocol(client)
        client.connection_made(transport)
        if rest and not transport.is_closing():
            client.data_received(rest)

    def _announced(self, header: ProxyHeader) -> Announced:
        """Who the client is, and whether it is a proxy to be believed what it says in HTTP of others.

        That is asked of the client itself, for its bytes are what follows. A balancer that speaks for a client but does
        not know its address must not lend it the trust in its own.
        """
        if header.client or header.local:
            peer = header.client or self._peer
            return peer, self._door.forwarding(peer)
        return self._peer, Forwarding(peer=self._peer.encode() or b"unknown")
