"""A worker process: ``python -m proxy worker`` with the descriptors it inherited from the supervisor.

It is ready once it has a table. It goes on serving from the last table if the supervisor stalls or dies; it ends when
it is told to, over the channel or by TERM.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import resource
import secrets
import signal
import socket
import sys
from typing import Final

import uvloop

from proxy.dataplane.access_log import AccessLog
from proxy.dataplane.accounting import DoorMeters
from proxy.dataplane.admission import Lease
from proxy.dataplane.door import Door
from proxy.dataplane.listening import Listening
from proxy.dataplane.room import Share
from proxy.dataplane.routing import Routing
from proxy.dataplane.stopping import stop_gracefully
from proxy.dataplane.sweeper import Sweeper
from proxy.dataplane.winding_up import wind_up
from proxy.ipc.channel import Channel
from proxy.ipc.messages import Cut, Message, Ready, ReopenLogs, Seen, Spans, Stop, Stopped, Suspect, Wake
from proxy.shm.addresses import AddressCounts
from proxy.shm.board import BoardDamaged, BoardEmpty, BoardView
from proxy.shm.meters import Meters, MetersFull

BOOT_FAILED: Final = 3
"""Exit code of a worker that could not begin to serve: starting it again would not help."""

ORPHAN_GRACE: Final = 30.0
"""Seconds a worker without a supervisor takes to finish when it is asked to stop by TERM."""


class Worker:
    """Wires the parts of one worker, and follows the supervisor's messages."""

    def __init__(
        self,
        share: Share,
        board: BoardView,
        meters: Meters,
        addresses: AddressCounts,
        listeners: list[int],
        proxied: list[int],
    ) -> None:
        door_meters = DoorMeters(meters)
        self._meters = door_meters
        log = AccessLog(self._count_lost_lines)
        routing = Routing(board, meters, share.slot)
        log.configure(routing.door.access_log)
        self._door = Door(
            asyncio.get_running_loop(),
            routing,
            door_meters,
            log,
            id_prefix=secrets.token_hex(6).encode(),
            on_suspect=self._suspect,
            addresses=addresses,
            share=share,
            export=self._export,
        )
        self._listening = Listening(self._door, listeners, proxied, share)
        self._sweeper = Sweeper(self._door)
        self._stop: asyncio.Future[float] = self._door.loop.create_future()
        self._channel: Channel | None = None

    async def start(self, channel: socket.socket) -> None:
        """Accept clients, and show the supervisor so."""
        self._channel = await Channel.open(channel, self._on_message, self._left_alone)
        self._door.loop.add_signal_handler(signal.SIGTERM, self._ask_to_stop, ORPHAN_GRACE)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
        self._listening.start()
        self._sweeper.start()
        _tune_garbage_collection()
        self._send(Ready())
        self._acknowledge()

    async def serve(self) -> int:
        """Serve until told to stop; gives the number of requests that had to be left unfinished."""
        grace = await self._stop
        unfinished = await stop_gracefully(self._door, self._listening, grace)
        self._sweeper.stop()
        self._door.tracer.flush()
        self._door.tracer.give_up()
        self._send(Stopped(unfinished))
        if self._channel is not None:
            self._channel.close()
        await asyncio.sleep(0)  # so that what was closed or cut last is
        self._door.log.close()
        return unfinished

    def _on_message(self, message: Message) -> None:
        match message:
            case Wake():
                self._acknowledge()
            case Stop(grace):
                self._ask_to_stop(grace)
            case ReopenLogs():
                self._door.log.reopen()
            case Cut():
                self._cut(message)

    def _left_alone(self, error: Exception | None) -> None:
        """The supervisor is gone; serving goes on. What only it could bring to an end is over."""
        self._door.orphaned = True
        self._door.look_at_lots()

    def _acknowledge(self) -> None:
        """Show that the newest table is served here, though no request may have come since."""
        self._door.refresh()
        self._send(Seen(self._door.routing.generation))

    def _ask_to_stop(self, grace: float) -> None:
        self._door.stopping = True  # the next answer says so already
        if not self._stop.done():
            self._stop.set_result(grace)

    def _cut(self, order: Cut) -> None:
        wind_up(self._door, lambda lease: _concerns(order, lease), order.spread)

    def _suspect(self, lease: Lease, reason: str) -> None:
        self._send(Suspect(lease.service.name, lease.pool.color, lease.upstream.address, reason))

    def _export(self, spans: Spans) -> bool:
        """Only while nothing else has to wait for it. A channel that is closed takes nothing."""
        if self._channel is None or not self._channel.is_free:
            return False
        self._channel.send(spans)
        return True

    def _send(self, message: Message) -> None:
        if self._channel is not None:
            self._channel.send(message)

    def _count_lost_lines(self, lines: int) -> None:
        self._meters.cells[self._meters.log_lines_lost] += lines


def _concerns(order: Cut, lease: Lease) -> bool:
    return (
        lease.service.name == order.service
        and lease.pool.color is order.color
        and lease.generation < order.generation
        and lease.long_lived is order.tunnels
        and order.address in (None, lease.upstream.address)
    )


def _tune_garbage_collection() -> None:
    """Requests make no cycles on the ordinary path; what was made at the start lives as long as the worker does.

    Frozen objects are not looked at again, and a higher threshold spares the hot path most of the young collections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def _descriptors(text: str) -> list[int]:
    return [int(descriptor) for descriptor in text.split(",") if descriptor]


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proxy worker")
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True, help="how many slots there are")
    parser.add_argument("--board", type=int, required=True)
    parser.add_argument("--meters", type=int, required=True)
    parser.add_argument("--addresses", type=int, required=True)
    parser.add_argument("--row", type=int, required=True, help="where in the table of addresses this worker counts")
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--listen", type=_descriptors, required=True)
    parser.add_argument("--proxied", type=_descriptors, default=[], help="of these, who must send a PROXY header")
    return parser.parse_args(argv)


def _boot(options: argparse.Namespace) -> Worker:
    board, meters = BoardView.attach(options.board), Meters.attach(options.meters)
    addresses = AddressCounts(options.addresses, options.row)
    for descriptor in (options.board, options.meters, options.addresses):
        os.close(descriptor)
    share = Share(options.slot, options.workers)
    return Worker(share, board, meters, addresses, options.listen, options.proxied)


async def _run(options: argparse.Namespace) -> int:
    try:
        worker = _boot(options)
        await worker.start(socket.socket(fileno=options.channel))
    except (OSError, ValueError, BoardEmpty, BoardDamaged, MetersFull) as error:
        sys.stderr.write(f"worker {options.slot} cannot serve: {error}\n")
        return BOOT_FAILED
    await worker.serve()
    return 0


def main(argv: list[str]) -> int:
    """Run a worker; gives its exit code: 0 after an orderly stop, ``BOOT_FAILED`` if it never began to serve."""
    options = _arguments(argv)
    _allow_many_connections()
    exit_code: int = uvloop.run(_run(options))
    return exit_code


def _allow_many_connections() -> None:
    """Lift the limit of descriptors as far as it goes: at the limit the loop turns clients away."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
