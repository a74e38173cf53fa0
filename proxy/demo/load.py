"""A load that counts: every request ends as answered, failed or stale, and none is tried twice."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """What became of the requests."""

    sent: int = 0
    failed: int = 0
    stale: int = 0
    """Sent after a switch had answered, and answered by the other color."""
    by_color: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)


class Load:
    """Clients that ask one after the other over kept-alive connections, each in a thread of its own."""

    def __init__(self, host: str, port: int, *, clients: int) -> None:
        self._address = (host, port)
        self._clients = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._live: tuple[str, float] | None = None
        self.tally = Tally()

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
        """A switch begins: until it has answered, either color is right."""
        self._live = None

    def switched(self, color: str) -> None:
        """A switch has answered: whatever is sent from now on belongs to this color."""
        self._live = (color, time.monotonic())

    def _run(self) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=30)
        number = 0
        while not self._over.is_set():
            number += 1
            before, sent_at = self._live, time.monotonic()
            try:
                color = _ask(connection, number)
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                self._failed(f"{type(error).__name__}: {error}")
            else:
                stale = before is not None and before == self._live and sent_at >= before[1] and color != before[0]
                self._answered(color, stale=stale)
        connection.close()

    def _answered(self, color: str, *, stale: bool) -> None:
        with self._lock:
            self.tally.sent += 1
            self.tally.stale += stale
            self.tally.by_color[color] = self.tally.by_color.get(color, 0) + 1

    def _failed(self, why: str) -> None:
        with self._lock:
            self.tally.sent += 1
            self.tally.failed += 1
            self.tally.examples = [*self.tally.examples, why][:3]


def _ask(connection: http.client.HTTPConnection, number: int) -> str:
    """The color that answered. Every fourth request is a POST whose echo is compared."""
    body = b"%d" % number * 100 if number % 4 == 0 else None
    connection.request("POST" if body else "GET", "/", body)
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise ValueError(f"status {response.status}")
    if body is not None and answer != body:
        raise ValueError("the body came back changed")
    return response.headers["X-Color"]
