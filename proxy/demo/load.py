"""A load that counts: every request ends as answered, failed or stale, and none is tried twice.

The clients share one note of which color is right: set when a switch has answered, gone from just before the next one
is asked for. A request that was sent under a note, and answered under the same, must have been answered by that color,
or is stale; one that was under way while the note changed may go either way.
"""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field, replace

FRESH_EVERY = 50
"""Requests after which a client closes its connection and makes another."""

PATIENCE = 30.0
"""Seconds after which a request has failed."""

MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the requests."""

    sent: int = 0
    failed: int = 0
    stale: int = 0
    """Sent after a switch had answered, and answered by the other color."""
    by_color: dict[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    """The first failures, in words."""

    def answered(self, color: str, *, stale: bool) -> Tally:
        """One more that was answered as it should, but perhaps by the wrong color."""
        by_color = {**self.by_color, color: self.by_color.get(color, 0) + 1}
        return replace(self, sent=self.sent + 1, stale=self.stale + stale, by_color=by_color)

    def failing(self, why: str) -> Tally:
        """One more that failed."""
        examples = (*self.examples, why)[:MOST_EXAMPLES]
        return replace(self, sent=self.sent + 1, failed=self.failed + 1, examples=examples)


@dataclass(frozen=True, slots=True, eq=False)
class _Live:
    """That a color is the right one. Compared by identity: the same color may be right, wrong, and right again."""

    color: str


class Load:
    """Clients that ask one after the other, each in a thread of its own."""

    def __init__(self, host: str, port: int, *, clients: int) -> None:
        self._address = (host, port)
        self._clients = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._live: _Live | None = None
        self._tally = Tally()

    @property
    def tally(self) -> Tally:
        """What became of the requests so far."""
        with self._lock:
            return self._tally

    def start(self) -> None:
        """Begin to ask."""
        for client in self._clients:
            client.start()

    def stop(self) -> Tally:
        """Let every request end, and tell what became of them."""
        self._over.set()
        for client in self._clients:
            client.join()
        return self.tally

    def switching(self) -> None:
        """A switch is about to be asked for: until it has answered, either color is right."""
        self._live = None

    def switched(self, color: str) -> None:
        """A switch has answered: whatever is sent from now on belongs to this color."""
        self._live = _Live(color)

    def _run(self) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=PATIENCE)
        number = 0
        while not self._over.is_set():
            number += 1
            live = self._live
            try:
                color = ask(connection, number)
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                with self._lock:
                    self._tally = self._tally.failing(f"{type(error).__name__}: {error}")
                continue
            stale = live is not None and live is self._live and color != live.color
            with self._lock:
                self._tally = self._tally.answered(color, stale=stale)
        connection.close()


def ask(connection: http.client.HTTPConnection, number: int) -> str:
    """The color that answered the request of that number of a client. Every fourth sends a body and has it come back.

    Raises:
        OSError, http.client.HTTPException: the answer did not come, or not whole.
        ValueError: it is not what the demo application answers.
    """
    body = b"%d" % number * 100 if number % 4 == 0 else None
    fields = {"Connection": "close"} if number % FRESH_EVERY == 0 else {}
    connection.request("POST" if body else "GET", "/", body, fields)
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise ValueError(f"status {response.status}")
    color = response.headers.get("X-Color", "")
    if not answer.startswith(body or f"hello from {color} ".encode()) or (body and len(answer) != len(body)):
        raise ValueError(f"the answer is not what was asked for: {answer[:40]!r}")
    return color
