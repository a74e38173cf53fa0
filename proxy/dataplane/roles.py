"""A client connection and whoever has it at the moment, each as the other sees it.

These are classes to be filled in and no protocols: in a compiled worker a call through a class is a look into a table,
and one through a protocol a search by name.
"""

from __future__ import annotations

from typing import Final

from proxy.dataplane.admission import Lease
from proxy.http1.request import Forwarding
from proxy.net.outflow import Outflow
from proxy.net.stream import Receiver, Stream
from proxy.upstream.connection import Borrower

NEVER: Final = float("inf")
"""The deadline of what may take for ever."""

LOOK: Final = 2.0
"""Seconds between two looks at a peer that is slow: it may take as long as it likes, as long as it takes something."""


class Occupant(Borrower):
    """Who has a client connection, and mostly an upstream's too: an exchange, a tunnel, or a request that waits."""

    __slots__ = ()

    @property
    def lease(self) -> Lease | None:
        """Where it is counted; ``None`` while it is on no color."""
        raise NotImplementedError

    def client_data(self, data: bytes) -> None:
        """Bytes came from the client."""
        raise NotImplementedError

    def client_eof(self) -> bool:
        """The client will send no more; ``False`` gives the connection up."""
        raise NotImplementedError

    def client_lost(self) -> None:
        """The client is gone."""
        raise NotImplementedError

    def client_full(self) -> None:
        """More is waiting for the client than should be: hold back. The deadline tells until when."""
        raise NotImplementedError

    def client_writable(self) -> None:
        """What was waiting for the client has been sent: go on."""
        raise NotImplementedError

    def expired(self, now: float) -> None:
        """The deadline that the occupant set on the connection has passed."""
        raise NotImplementedError

    def wind_up(self) -> None:
        """A deadline of the front door's own has passed: end in the way that the protocol has for it, and soon."""
        raise NotImplementedError

    def cut(self) -> None:
        """The last deadline of the front door's own has passed: end now, and say so."""
        raise NotImplementedError


class Connection(Receiver):
    """A client connection, for whoever looks after all of them."""

    __slots__ = ("deadline", "occupant", "stream")

    stream: Stream
    occupant: Occupant | None
    deadline: float
    """When, on the loop's clock, something has to have happened. Whoever is at work sets it; the sweeper looks."""

    def expired(self, now: float) -> None:
        """The deadline has passed."""
        raise NotImplementedError

    def close_if_idle(self, now: float, min_idle: float) -> None:
        """Close if nothing has been going on for ``min_idle`` seconds."""
        raise NotImplementedError


class Client(Connection):
    """A client connection, for its occupant."""

    __slots__ = ("ended", "forwarding", "outflow", "peer")

    forwarding: Forwarding
    peer: bytes
    """The client's address."""
    outflow: Outflow | None
    """What waits for a client that takes less than it is sent; ``None`` while it keeps up."""
    ended: bool
    """Whether the client has closed its side."""

    @property
    def has_next(self) -> bool:
        """Whether the client has sent another whole head ahead."""
        raise NotImplementedError

    def read_on(self) -> None:
        """Read from the client again, after a pause."""
        raise NotImplementedError

    def keep_for_later(self, data: bytes) -> None:
        """Bytes beyond the request under way: they are the next one's."""
        raise NotImplementedError

    def take_ahead(self) -> bytes:
        """What was kept for later; it is the taker's from now on."""
        raise NotImplementedError

    def exchange_over(self, *, keep_alive: bool, lingering: bool) -> None:
        """The exchange has ended in order: go on with the next request, or close.

        ``lingering`` says that the client does not expect the close, or may still be sending.
        """
        raise NotImplementedError

    def abort(self) -> None:
        """End the connection by a RST, so that a cut answer is seen to be cut. The occupant hears nothing."""
        raise NotImplementedError
