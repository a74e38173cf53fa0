"""Listening sockets are shared: one worker's end takes nothing from the others, and no error ends the accepting."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct
import time
from pathlib import Path

import pytest

from proxy.dataplane.listening import BACKLOG, Listening
from tests.dataplane.conftest import GET, Front, StartFront
from tests.harness import faults


async def listen(front: Front, listener: socket.socket) -> Listening:
    """One more worker's listening on a socket that this test keeps."""
    listening = Listening(front.door, [listener.dup().detach()])
    listening.start()
    return listening


def highest_descriptor() -> int:
    """The highest descriptor that is open."""
    return max(int(link.name) for link in Path("/proc/self/fd").iterdir())


async def ask(address: tuple[str, int] | str) -> bytes:
    """One request on a connection of its own."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as client:
        client.setblocking(False)
        await loop.sock_connect(client, address)
        await loop.sock_sendall(client, GET)
        return await loop.sock_recv(client, 1000)


async def test_the_queue_stays_as_long_as_the_supervisor_made_it(start_front: StartFront) -> None:
    """To accept on an inherited socket does not shorten its queue."""
    front, _ = await start_front([faults.answer])
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        before = queue_length(listener)
        listening = await listen(front, listener)
        assert queue_length(listener) == before
        listening.stop()


def list_files(folder: Path) -> list[Path]:
    """What is in a folder."""
    return list(folder.iterdir())


def queue_length(listener: socket.socket) -> int:
    """What the kernel tells of a listener in the field of a connection's selective acknowledgements."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    length: int = struct.unpack_from("I", info, 28)[0]
    return length


async def test_another_process_goes_on_accepting(start_front: StartFront) -> None:
    """One worker's stop closes only its own descriptors."""
    front, _ = await start_front([faults.answer])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        first, second = await listen(front, listener), await listen(front, listener)
        first.stop()
        for _ in range(10):
            assert (await ask(listener.getsockname())).startswith(b"HTTP/1.1 200 ")
        second.stop()


async def test_a_stop_ends_although_new_clients_keep_coming(
    start_front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shared queue that others fill as fast as it is emptied holds nobody up for ever."""
    front, _ = await start_front([faults.answer])
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        listening = await listen(front, listener)
        monkeypatch.setattr("proxy.dataplane.listening.QUEUE", 50)
        clients = [socket.create_connection(listener.getsockname()) for _ in range(50)]

        async def keep_coming() -> None:
            while len(clients) < 500:
                clients.append(socket.create_connection(listener.getsockname()))
                await asyncio.sleep(0)

        coming = asyncio.create_task(keep_coming())
        listening.stop()
        assert len(clients) < 500
        coming.cancel()
        for client in clients:
            client.close()


async def test_accepting_goes_on_after_descriptors_ran_out(start_front: StartFront) -> None:
    """Clients that there is no descriptor for are turned away without a busy loop; the next ones are served."""
    front, _ = await start_front([faults.answer])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    clients = [socket.socket() for _ in range(5)]
    for client in clients:
        client.setblocking(False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = await listen(front, listener)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest_descriptor(), hard))
        try:
            begun = time.process_time()
            for client in clients:
                client.connect_ex(listener.getsockname())
            await asyncio.sleep(0.3)
            assert time.process_time() - begun < 0.2
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (await asyncio.wait_for(ask(listener.getsockname()), 5)).startswith(b"HTTP/1.1 200 ")
        listening.stop()
    for client in clients:
        client.close()


async def test_a_unix_socket_is_served_and_stays(start_front: StartFront, tmp_path: Path) -> None:
    """Its file belongs to the supervisor, and is still there when a worker has left."""
    front, _ = await start_front([faults.answer])
    path = os.fspath(tmp_path / "door.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listening = await listen(front, listener)
        assert (await ask(path)).startswith(b"HTTP/1.1 200 ")
        listening.stop()
        assert tmp_path.joinpath("door.sock") in list_files(tmp_path)
