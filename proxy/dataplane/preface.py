"""What comes before HTTP on a listener for balancers: a PROXY header, which tells whose connection it is.

Once that is read, the connection becomes an ordinary one, as if its client had connected by itself.
"""

from __future__ import annotations

from proxy.dataplane.door import Door
from proxy.dataplane.downstream import Announced, ClientConnection
from proxy.dataplane.roles import NEVER, Connection
from proxy.http1.errors import Reason, RequestError
from proxy.http1.forwarding import Forwarding
from proxy.http1.proxy_protocol import ProxyHeader, read_proxy_header
from proxy.net.stream import Stream


class PrefaceReader(Connection):
    """Reads the header of one connection and hands the connection over; without a good one nobody is answered."""

    __slots__ = ("_ahead", "_door", "_peer", "_since")

    def __init__(self, door: Door) -> None:
        self.occupant = None
        self.deadline = NEVER
        self._door = door
        self._peer = ""
        self._ahead = b""
        self._since = 0.0

    def connection_made(self, stream: Stream) -> None:
        """Wait for the header, for as long as for the head of a request."""
        door = self._door
        self.stream = stream
        self._peer = stream.peer
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
        """Who says nothing at all only looks whether somebody listens; the stream closes by itself."""
        if self._ahead:
            self._refuse(RequestError(Reason.PROXY_PROTOCOL, "the connection ended within its PROXY header"))
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone without having been anybody's."""
        self._door.connections.discard(self)
        self._door.on_leave()

    def expired(self, now: float) -> None:
        """The header did not come in time."""
        self._refuse(RequestError(Reason.PROXY_PROTOCOL, "the PROXY header did not arrive in time"))

    def close_if_idle(self, now: float, min_idle: float) -> None:
        """While the worker stops: nobody waits any longer for who has not even begun."""
        if not self._ahead and now - self._since >= min_idle:
            self.stream.close()

    def _refuse(self, error: RequestError) -> None:
        self.deadline = NEVER
        door = self._door
        door.refused(self._peer.encode(), door.new_request_id(), error, len(self._ahead), 0)
        self.stream.close()

    def _hand_over(self, header: ProxyHeader) -> None:
        stream, rest = self.stream, self._ahead[header.size :]
        self._door.connections.discard(self)
        client = ClientConnection(self._door, self._announced(header))
        stream.hand_over(client)
        if rest and not stream.is_closing():
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
