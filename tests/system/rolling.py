"""What tests of rolling deployments ask of the program, and who watches it meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.harness import websocket
from tests.harness.client import Address, CallError, Connection, Request
from tests.harness.processes import wait_until
from tests.harness.program import SERVICE, Program
from tests.system.shifts import operation

HOOK_SECRET = b"of the hook"

POOL = f"/v1/services/{SERVICE}/pools/blue"

QUICK: dict[str, Any] = {
    "version": "v2",
    "previous_version": "v1",
    "drain_timeout": "1s",
    "health": {"consecutive": 2, "timeout": "10s"},
    "first_batch": {"size": 1, "watch": "300ms"},
    "slow_start": "300ms",
    "watch": "300ms",
    "judge": False,
}
"""A plan that does not wait for long anywhere."""


def start_roll(program: Program, color: str = "blue", **plan: Any) -> str:
    """Begin to update the servers of a color by :data:`QUICK` and what else is planned; the operation's id."""
    reply = program.admin("POST", f"/v1/services/{SERVICE}/pools/{color}/rollouts", {**QUICK, **plan})
    assert reply.status == 202, reply
    ident: str = reply.body["id"]
    return ident


def wait_stage(program: Program, ident: str, *stages: str, batch: int | None = None, timeout: float = 20.0) -> None:
    """Until a batch has come to one of these stages; any batch, unless one is named."""

    def there() -> bool:
        rollout = operation(program, ident)["rollout"]
        return rollout["stage"] in stages and batch in (None, rollout["batch"])

    wait_until(there, timeout=timeout, what=lambda: f"{stages}: {operation(program, ident)}\n{program.log()}")


def wait_between(program: Program, ident: str, *, timeout: float = 20.0) -> list[str]:
    """Until no batch is under way; how far each server is then."""
    wait_until(
        lambda: operation(program, ident)["rollout"]["stage"] is None,
        timeout=timeout,
        what=lambda: f"end of the batch: {operation(program, ident)}",
    )
    return stages(program, ident)


def stages(program: Program, ident: str) -> list[str]:
    """How far each server is, in the order of their turns."""
    return [server["stage"] for server in operation(program, ident)["rollout"]["servers"]]


def kept_out(program: Program, color: str = "blue") -> list[str]:
    """The servers of a color that get no requests because somebody, or a rollout, does not want it."""
    upstreams = program.service()["pools"][color]["upstreams"]
    return [each["address"] for each in upstreams if each["cordoned"] or each["admin"] != "ready"]


def in_rotation(service: dict[str, Any], color: str = "blue") -> int:
    """So many servers of a color get requests."""
    upstreams = service["pools"][color]["upstreams"]
    return sum(u["health"] == "healthy" and not u["cordoned"] and u["admin"] == "ready" for u in upstreams)


class Lookout:
    """Looks all the time how many servers are in rotation. Also a context manager that stops at the end."""

    def __init__(self, program: Program) -> None:
        """Look from now on; while the program does not answer, nothing is seen."""
        self.seen: list[int] = []
        self._program = program
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._look, name="lookout")
        self._thread.start()

    def _look(self) -> None:
        while not self._leaving.wait(0.02):
            try:
                service = self._program.service()
            except OSError:
                continue
            self.seen.append(in_rotation(service))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()


@dataclass(frozen=True, slots=True)
class Visit:
    """An answer to the regular, or why there was none."""

    server: str = ""
    version: str = ""
    trouble: str = ""


@dataclass
class Session:
    """A WebSocket, and who was at its other end."""

    server: str
    version: str
    how: str = ""
    """How it was ended; nothing if the client left in the end."""


@dataclass
class Guests:
    """One keep-alive client that asks all the time, and some that hold WebSockets as long as they are let."""

    address: Address
    websockets: int = 0
    visits: list[Visit] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    connections: int = 0
    """Of the keep-alive client: one, unless it was closed."""
    leaving: bool = False

    @property
    def troubles(self) -> list[Visit]:
        """Questions of the keep-alive client without a good answer."""
        return [visit for visit in list(self.visits) if visit.trouble]

    def backwards(self) -> list[Visit]:
        """Answers of a server by an older version than it had answered with before."""
        newest: dict[str, str] = {}
        found = []
        for visit in (each for each in self.visits if not each.trouble):
            if visit.version < newest.get(visit.server, ""):
                found.append(visit)
            newest[visit.server] = max(visit.version, newest.get(visit.server, ""))
        return found

    async def run(self) -> None:
        """Until it is time to leave."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask())
            for _ in range(self.websockets):
                group.create_task(self._hold())

    async def _ask(self) -> None:
        connection: Connection | None = None
        while not self.leaving:
            try:
                if connection is None:
                    self.connections += 1
                    connection = await Connection.open(self.address)
                answer = await connection.ask(Request(), within=10)
            except CallError as failed:
                self.visits.append(Visit(trouble=str(failed)))
                connection = None
                await asyncio.sleep(0.05)
                continue
            trouble = "" if answer.status == 200 else f"{answer.status} {answer.body[:80]!r}"
            server, version = answer.header("x-name") or "", answer.header("x-version") or ""
            self.visits.append(Visit(server, version, trouble))
            if answer.closes:
                connection.close()
                connection = None
            await asyncio.sleep(0.005)
        if connection is not None:
            connection.close()

    async def _hold(self) -> None:
        while not self.leaving:
            session = await websocket.Session.open(self.address)
            assert session.answer is not None
            fields = session.answer.headers
            self.sessions.append(note := Session(fields["X-Name"], fields["X-Version"]))
            try:
                await self._talk(session)
            except CallError as failed:
                note.how = failed.detail
                session.abort()

    async def _talk(self, session: websocket.Session) -> None:
        await session.receive()
        while not self.leaving:
            await websocket.echo(session, "still there?")
            await asyncio.sleep(0.1)
        await session.close()


@contextmanager
def guests(program: Program, *, websockets: int = 0) -> Iterator[Guests]:
    """They come, and leave in the end; all of them must have been answered by then, or say why not."""
    came = Guests(program.door, websockets)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(came.run())
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    thread = threading.Thread(target=run, name="guests")
    thread.start()
    try:
        yield came
    finally:
        came.leaving = True
        thread.join()
    assert not failed, failed
