"""The front door between fuzzed clients and fuzzed upstreams: real sockets, one process, one loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import uvloop

from proxy.traffic.spec import DoorSpec, Timeouts
from proxy.traffic.table import TableUpstream
from tests.dataplane.conftest import SERVICE, Front, quiet
from tests.fuzz.conversation import Conversation
from tests.fuzz.upstream import Trace, Upstreams

PATIENCE = 30.0
"""Seconds that a conversation may take; whatever has not ended by then never will."""

TIMEOUTS = Timeouts(response=4.0, stall=4.0)
"""Below the patience: an answer that never ends has to be seen to end."""


class ClientSide(asyncio.Protocol):
    """Collects what a client is sent."""

    transport: asyncio.Transport

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.over = asyncio.get_running_loop().create_future()
        """Done when the connection has ended."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._trace.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._trace.reset = exc is not None
        if not self.over.done():
            self.over.set_result(None)


class Rig:
    """Has conversations through the front door, and notices what goes wrong beside them."""

    def __init__(self, log_path: Path) -> None:
        self.crashes: list[str] = []
        """Exceptions that nobody caught, and whatever else was written to a log or to nobody."""
        self.upstreams = Upstreams()
        self.front = Front(log_path)
        self.front.spec = DoorSpec(timeouts=TIMEOUTS, access_log=self.front.spec.access_log)
        self._listener = _ToList(self.crashes)
        self._hook = sys.unraisablehook
        self._tasks: set[asyncio.Task[object]] = set()
        self._addresses = itertools.count(1)

    async def start(self) -> None:
        """Accept clients; two upstreams, so that a failed request may be tried again."""
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.crashes.append(_told(context)))
        logging.getLogger("asyncio").addHandler(self._listener)
        sys.unraisablehook = lambda args: self.crashes.append(repr(args.exc_value))
        addresses = await self.upstreams.start(2)
        self.front.publish(replace(SERVICE, blue=tuple(TableUpstream(address, 1) for address in addresses)))
        await self.front.start()
        self._tasks = asyncio.all_tasks()

    async def stop(self) -> None:
        """Drop everything."""
        await self.front.stop()
        await self.upstreams.stop()
        sys.unraisablehook = self._hook
        logging.getLogger("asyncio").removeHandler(self._listener)

    async def converse(self, conversation: Conversation) -> Trace:
        """Have one conversation, from a client address that only it has."""
        trace = Trace(conversation)
        number = next(self._addresses) % 2**22
        address = f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
        self.upstreams.traces[address.encode()] = trace
        try:
            async with asyncio.timeout(PATIENCE):
                await self._talk(trace, address)
        except TimeoutError:
            trace.faults.append("the connection never ended")
        except OSError as error:
            self.crashes.append(f"no connection to the front door: {error}")
        finally:
            del self.upstreams.traces[address.encode()]
        return trace

    async def _talk(self, trace: Trace, address: str) -> None:
        loop = asyncio.get_running_loop()
        host, port = self.front.address[:2]
        _, client = await loop.create_connection(lambda: ClientSide(trace), host, port, local_addr=(address, 0))
        try:
            for piece in trace.conversation.sends:
                if client.over.done():
                    break
                client.transport.write(piece)
                for _ in range(trace.conversation.turns):
                    await asyncio.sleep(0)
            if not client.over.done():
                with contextlib.suppress(OSError):  # reset in this very moment
                    client.transport.write_eof()
            await client.over
        finally:
            client.transport.abort()

    async def settled(self) -> list[str]:
        """What is left over when every conversation has ended; waits for what is still on its way out."""
        faults = list(self.upstreams.strays)
        self.upstreams.strays.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.front.until(lambda: not self._left_over())
        faults += [f"left over: {what}" for what in self._left_over()]
        self.front.suspects.clear()
        return faults + self._torn_log_lines()

    def _left_over(self) -> list[str]:
        """Connections, tasks, and counts of what is under way."""
        left = [repr(connection) for connection in self.front.door.connections]
        left += [repr(task) for task in asyncio.all_tasks() - self._tasks - {asyncio.current_task()}]
        return left if quiet(self.front) else [*left, "requests that count as in flight"]

    def _torn_log_lines(self) -> list[str]:
        """Lines of the access log that are no JSON: a client could write there. The log starts again from nothing."""
        path = self.front.log_path
        if not path.exists():
            return []
        whole, _, begun = path.read_bytes().rpartition(b"\n")
        if begun:  # the writer is amid a batch
            return []
        os.truncate(path, 0)
        return [f"a torn line in the access log: {line!r}" for line in whole.split(b"\n") if not _is_json(line)]


@contextlib.contextmanager
def running(log_path: Path) -> Iterator[tuple[Rig, asyncio.Runner]]:
    """A rig on a loop of the kind that workers run on."""
    rig = Rig(log_path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(rig.start())
        try:
            yield rig, runner
        finally:
            runner.run(rig.stop())


class _ToList(logging.Handler):
    """Errors that the loop can tell nobody else."""

    def __init__(self, crashes: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._crashes = crashes

    def emit(self, record: logging.LogRecord) -> None:
        self._crashes.append(self.format(record))


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return not line


def _told(context: dict[str, object]) -> str:
    error = context.get("exception")
    return f"{context.get('message')}: {error!r}"
