"""A client connection and whoever has it at the moment, each as the other sees it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from proxy.dataplane.admission import Lease
from proxy.http1.request import Forwarding
from proxy.upstream.transports import Outflow

NEVER = float("inf")
"""The deadline of what may take for ever."""

LOOK = 2.0
"""Seconds between two looks at a peer that is slow: it may take as long as it likes, as long as it takes something."""


class Occupant(Protocol):
    """Who has a client connection: an exchange, or a tunnel."""

    @property
    def lease(self) -> Lease | None:
        """Where it is counted; ``None`` before it is."""

    def client_data(self, data: bytes) -> None:
        """Bytes came from the client."""

    def client_eof(self) -> bool:
        """The client will send no more; ``False`` gives the connection up."""

    def client_lost(self) -> None:
        """The client is gone."""

    def client_full(self) -> None:
        """More is waiting for the client than should be: hold back. The deadline tells until when."""

    def client_writable(self) -> None:
        """What was waiting for the client has been sent: go on."""

    def expired(self, now: float) -> None:
        """The deadline that the occupant set on the connection has passed."""

    def wind_up(self) -> None:
        """A deadline of the front door's own has passed: end in the way that the protocol has for it, and soon."""

    def cut(self) -> None:
        """The last deadline of the front door's own has passed: end now, and say so."""


class Connection(Protocol):
    """A client connection, for whoever looks after all of them."""

    transport: asyncio.Transport
    occupant: Occupant | None
    deadline: float
    """When, on the loop's clock, something has to have happened. Whoever is at work sets it; the sweeper looks."""

    def expired(self, now: float) -> None:
        """The deadline has passed."""

    def close_if_idle(self, now: float, min_idle: float) -> None:
        """Close if nothing has been going on for ``min_idle`` seconds."""


class Client(Connection, Protocol):
    """A client connection, for its occupant."""

    forwarding: Forwarding

    @property
    def peer(self) -> bytes:
        """The client's address."""

    @property
    def outflow(self) -> Outflow | None:
        """What waits for a client that takes less than it is sent; ``None`` while it keeps up."""

    @property
    def ended(self) -> bool:
        """Whether the client has closed its side."""

    @property
    def has_next(self) -> bool:
        """Whether the client has sent another whole head ahead."""

    def read_on(self) -> None:
        """Read from the client again, after a pause."""

    def keep_for_later(self, data: bytes) -> None:
        """Bytes beyond the request under way: they are the next one's."""

    def take_ahead(self) -> bytes:
        """What was kept for later; it is the taker's from now on."""

    def exchange_over(self, *, keep_alive: bool, lingering: bool) -> None:
        """The exchange has ended in order: go on with the next request, or close.

        ``lingering`` says that the client does not expect the close, or may still be sending.
        """

    def abort(self) -> None:
        """End the connection by a RST, so that a cut answer is seen to be cut. The occupant hears nothing."""
