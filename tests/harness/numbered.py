"""An upstream and its clients in one thread, who both keep books by the number that every request has.

So for each request it is known whether it was answered, and of one that got no answer, whether its upstream gave one.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from tests.harness.client import Address
from tests.harness.processes import free_port, wait_until

Kind = tuple[str, str]
"""What a request is counted by: the status of its answer, and its method."""

_STATUSES = {3: 404, 7: 500}
_TAKES = 0.012
"""Seconds that an answer takes, so that there is always something under way."""

_WITHIN = 20.0
"""Seconds in which the front door has to answer."""


def kind_of(number: int) -> Kind:
    """How a request is asked and answered follows from its number."""
    return str(_STATUSES.get(number % 10, 200)), "POST" if number % 4 == 0 else "GET"


class Server:
    """What an upstream has; the harness' programs take it for one."""

    def __init__(self) -> None:
        self.port = free_port()
        self.given: set[int] = set()
        """The requests that were answered here, whoever got that."""
        self._serving: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._serving[writer] = asyncio.current_task()
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                status, number = "200", head.partition("x-number: ")[2].partition("\r\n")[0]
                if number:
                    status, _ = kind_of(int(number))
                    await asyncio.sleep(_TAKES)
                    self.given.add(int(number))
                writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: 2\r\n\r\nok".encode())
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever asked has left
        finally:
            writer.close()
            del self._serving[writer]

    async def close(self) -> None:
        """End all connections, and wait until their ends were noticed."""
        for writer in self._serving:
            writer.close()
        await asyncio.gather(*filter(None, self._serving.values()))


class Numbered:
    """An upstream of each color, and clients who ask a front door before them until stopped."""

    def __init__(self, clients: int, pause: float) -> None:
        """So many ``clients`` ask once :meth:`begin` was called, each with a pause of so many seconds in between."""
        self.blue, self.green = [Server()], [Server()]
        self.answered: Counter[Kind] = Counter()
        """The requests whose whole answer a client has."""
        self.ids: set[str] = set()
        """The ids that these answers carried."""
        self.cut: list[int] = []
        """The numbers of those that got no whole answer."""
        self._clients = clients
        self._pause = pause
        self._door: Address | None = None
        self._numbers: Iterator[int] = itertools.count(1)
        self._listening = threading.Event()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="numbered load")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def begin(self, door: Address) -> None:
        """Ask from now on."""
        self._door = door

    def stop(self) -> None:
        """Ask no more, and wait for what is under way."""
        self._leaving.set()
        self._thread.join()

    def wait_for(self, answers: int) -> None:
        """Wait until there are so many more answers."""
        goal = self.answered.total() + answers
        wait_until(lambda: self.answered.total() >= goal, timeout=30, what=lambda: f"{goal} answers: {self.answered}")

    @property
    def unknown(self) -> Counter[Kind]:
        """Cut requests that the upstream had answered: nobody can say whether a front door that died had them whole."""
        given = self.blue[0].given | self.green[0].given
        return Counter(kind_of(number) for number in self.cut if number in given)

    async def _run(self) -> None:
        servers = [await asyncio.start_server(each.serve, "127.0.0.1", each.port) for each in (*self.blue, *self.green)]
        self._listening.set()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._clients):
                group.create_task(self._ask_on())
        for server in servers:
            server.close()
        for each in (*self.blue, *self.green):
            await each.close()

    async def _ask_on(self) -> None:
        kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._leaving.is_set():
            await asyncio.sleep(self._pause)
            if self._door is None:
                continue
            number = next(self._numbers)
            try:
                async with asyncio.timeout(_WITHIN):
                    if kept is not None and kept[0].at_eof():
                        kept[1].close()
                        kept = None
                    if kept is None:
                        kept = await asyncio.open_connection(*self._door)
                    await self._ask(number, *kept)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                self.cut.append(number)
                if kept is not None:
                    kept[1].close()
                kept = None
        if kept is not None:
            kept[1].close()

    async def _ask(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, method = kind_of(number)
        head = f"{method} / HTTP/1.1\r\nHost: shop.example\r\nX-Number: {number}\r\nContent-Length: 0\r\n\r\n"
        writer.write(head.encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in answer.split("\r\n")[1:] if line)
        await reader.readexactly(int(fields["content-length"]))
        assert answer.split()[1] == status or answer.split()[1][0] == "5", answer
        self.answered[answer.split()[1], method] += 1
        self.ids.add(fields["x-request-id"])
