"""A steady load: so many requests a second, whatever becomes of those before, by users who keep their cookies."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.harness.client import Address

_ANSWERED_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and what became of it. Times are of the monotonic clock."""

    user: int
    begun: float
    ended: float
    status: int
    """0: there was no answer."""
    color: str
    """Whose answer it was; empty where the front door answered itself, or nobody."""


class Steady:
    """Asks from a thread of its own until stopped. Also a context manager that stops at the end."""

    def __init__(self, address: Address, *, rate: float, users: int = 0, path: str = "/", seed: int = 1) -> None:
        """Ask from now on.

        Args:
            address: the front door.
            rate: requests a second.
            users: who ask in turn, in no order, each with the cookie it was given; 0: everybody is a stranger.
            path: what is asked for.
            seed: of the order of the users.
        """
        self.asked: list[Asked] = []
        self._address = address
        self._rate = rate
        self._users = users
        self._path = path
        self._random = random.Random(seed)
        self._cookies: dict[int, str] = {}
        self._busy: set[int] = set()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="steady load")
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> list[Asked]:
        """Ask no more, and wait for what is under way; everything that was asked."""
        self._leaving.set()
        self._thread.join()
        return self.asked

    def statuses(self) -> Counter[int]:
        """How often each status was answered so far."""
        return Counter(each.status for each in list(self.asked))

    def flips(self, target: str) -> list[int]:
        """Users who were on the ``target`` color, and on the other one with a request begun after that answer."""
        arrived: dict[int, float] = {}
        for each in sorted(self.asked, key=lambda asked: asked.ended):
            if each.color == target:
                arrived.setdefault(each.user, each.ended)
        return [
            each.user
            for each in self.asked
            if each.color and each.color != target and each.begun > arrived.get(each.user, float("inf"))
        ]

    async def _run(self) -> None:
        began, sent = time.monotonic(), 0
        async with asyncio.TaskGroup() as group:
            while not self._leaving.is_set():
                due = int((time.monotonic() - began) * self._rate)
                while sent < due:
                    sent += 1
                    if not self._users or len(self._busy) < self._users:  # else all of them wait for an answer
                        group.create_task(self._ask(self._someone()))
                await asyncio.sleep(max(0.001, min(0.05, 0.5 / self._rate)))
        for _, writer in self._idle:
            writer.close()

    def _someone(self) -> int:
        """A user who waits for no answer: a browser asks with the cookie that it has, so it must have it first."""
        if not self._users:
            return -1
        user = self._random.randrange(self._users)
        while user in self._busy:
            user = self._random.randrange(self._users)
        self._busy.add(user)
        return user

    async def _ask(self, user: int) -> None:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(_ANSWERED_WITHIN):
                status, color = await self._exchange(user)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            status, color = 0, ""
        self._busy.discard(user)
        self.asked.append(Asked(user, begun, time.monotonic(), status, color))

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection from before that the other side has not closed meanwhile."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    async def _exchange(self, user: int) -> tuple[int, str]:
        reader, writer = self._kept() or await asyncio.open_connection(*self._address)
        keep = False
        try:
            cookie = self._cookies.get(user)
            line = f"Cookie: {cookie}\r\n" if cookie else ""
            writer.write(f"GET {self._path} HTTP/1.1\r\nHost: shop.example\r\n{line}\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            fields = {
                name.lower(): value.strip() for name, _, value in (h.partition(":") for h in head.split("\r\n")[1:])
            }
            await reader.readexactly(int(fields.get("content-length", "0")))
            keep = fields.get("connection", "").lower() != "close"
        finally:
            if keep:
                self._idle.append((reader, writer))
            else:
                writer.close()
        if user >= 0 and "set-cookie" in fields:
            self._cookies[user] = fields["set-cookie"].partition(";")[0]
        return int(head.split(" ", 2)[1]), fields.get("x-color", "")
