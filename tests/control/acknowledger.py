"""A worker process that serves nothing: it takes over tables and says so, through a real board, meters and channel.

Arguments: the descriptors of the board, of its meters and of its end of the channel.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from proxy.ipc.channel import Channel
from proxy.ipc.messages import Message, Seen
from proxy.shm.board import BoardView
from proxy.shm.meters import SEEN, Meters
from proxy.traffic.table_codec import decode_table


async def main(board: int, meters: int, channel: int) -> None:
    """Acknowledge until the other end closes the channel."""
    view, cells = BoardView.attach(board), Meters.attach(meters).cells
    closed = asyncio.Event()

    def take_over(_: Message | None = None) -> None:
        generation, payload = view.read()
        decode_table(payload)
        cells[SEEN] = generation
        peer.send(Seen(generation))

    peer = await Channel.open(socket.socket(fileno=channel), take_over, lambda _: closed.set())
    take_over()
    await closed.wait()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
