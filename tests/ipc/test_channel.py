from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator

import pytest

from proxy.ipc.channel import MAX_UNSENT, Channel, ChannelClogged
from proxy.ipc.codec import CodecError, Decoder, encode
from proxy.ipc.messages import Cut, Message, Ready, ReopenLogs, Seen, Stop, Stopped, Suspect, Wake
from proxy.traffic.spec import Color

CUT = Cut(service="s" * 10_000, color=Color.GREEN, generation=1, tunnels=False)


class End:
    """One end of a channel, with what it was told."""

    channel: Channel

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.closed: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    async def open(self, sock: socket.socket) -> End:
        self.channel = await Channel.open(sock, self.inbox.put_nowait, self.closed.set_result)
        return self


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two sockets."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


Pair = tuple[socket.socket, socket.socket]


async def read_all(sock: socket.socket) -> list[Message]:
    """Read messages from a bare socket up to a ``ReopenLogs``."""
    decoder = Decoder()
    got: list[Message] = []
    while ReopenLogs() not in got:
        got += decoder.feed(await asyncio.get_running_loop().sock_recv(sock, 65536))
    return got


async def clog(end: End) -> None:
    """Send until something waits for the peer to read."""
    sent = 0
    while end.channel._transport.get_write_buffer_size() == 0 or sent < 60:
        end.channel.send(CUT)
        sent += 1
        await asyncio.sleep(0)


async def test_messages_go_both_ways(pair: Pair) -> None:
    """What one end sends the other receives, whole and in order."""
    supervisor, worker = await End().open(pair[0]), await End().open(pair[1])
    down: list[Message] = [
        Wake(),
        Stop(2.5),
        ReopenLogs(),
        Cut("default", Color.BLUE, 3, tunnels=True, address="127.0.0.1:1"),
    ]
    up: list[Message] = [Ready(), Seen(4), Suspect("default", Color.GREEN, "127.0.0.1:1", "refused"), Stopped(0)]
    for message in down:
        supervisor.channel.send(message)
    for message in up:
        worker.channel.send(message)
    assert [await worker.inbox.get() for _ in down] == down
    assert [await supervisor.inbox.get() for _ in up] == up
    supervisor.channel.close()
    assert [await supervisor.closed, await worker.closed] == [None, None]


async def test_a_message_in_pieces(pair: Pair) -> None:
    """A message that arrives in two reads is one message."""
    end = await End().open(pair[0])
    line = encode(Seen(123456))
    pair[1].send(encode(Ready()) + line[:9])
    assert await end.inbox.get() == Ready()
    pair[1].send(line[9:])
    assert await end.inbox.get() == Seen(123456)
    end.channel.close()
    await end.closed


async def test_a_first_message_can_be_answered(pair: Pair) -> None:
    """What the peer sent before the channel was opened is delivered when its owner already has the channel."""
    pair[1].send(encode(Wake()))
    answered = asyncio.get_running_loop().create_future()
    owner: dict[str, Channel] = {}

    def answer(message: Message) -> None:
        owner["channel"].send(Seen(1))
        answered.set_result(message)

    owner["channel"] = await Channel.open(pair[0], answer, lambda error: None)
    async with asyncio.timeout(10):
        assert await answered == Wake()
    assert Decoder().feed(await asyncio.get_running_loop().sock_recv(pair[1], 100)) == [Seen(1)]
    owner["channel"].close()


async def test_the_last_words_of_a_peer_are_heard(pair: Pair) -> None:
    """What a peer sent before it closed is delivered before the news that it closed."""
    end = await End().open(pair[0])
    pair[1].send(encode(Stopped(3)))
    pair[1].close()
    assert await end.closed is None
    assert end.inbox.get_nowait() == Stopped(3)


@pytest.mark.parametrize("garbage", [b"\n", b"hello\n", b"\x00" * 70_000, b'{"type":"seen","generation":"x"}\n'])
async def test_garbage_closes_the_channel(pair: Pair, garbage: bytes) -> None:
    """A peer that sends garbage is not listened to any longer, and the owner is told why."""
    end = await End().open(pair[0])
    pair[1].send(garbage)
    assert isinstance(await end.closed, CodecError)
    assert end.inbox.empty()


@pytest.mark.parametrize("unread", [0, 5])
async def test_a_killed_peer_is_noticed(pair: Pair, unread: int) -> None:
    """The death of a peer process closes the channel without an error, whether or not it had read everything."""
    end = await End().open(pair[0])
    script = "import sys; sys.stdin.read()"
    peer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=asyncio.subprocess.PIPE, pass_fds=[pair[1].fileno()]
    )
    pair[1].close()
    for _ in range(unread):
        end.channel.send(Stop(1.0))
    await asyncio.sleep(0)
    assert not end.closed.done()
    peer.kill()
    assert await end.closed is None
    end.channel.send(Wake())
    end.channel.close()
    await peer.wait()


async def test_closing_sends_what_is_left(pair: Pair) -> None:
    """A message sent just before the close still arrives, and nothing is received from then on."""
    worker = await End().open(pair[0])
    pair[1].send(encode(Wake()))
    worker.channel.send(Stopped(0))
    worker.channel.close()
    worker.channel.send(Ready())
    worker.channel.close()
    assert await worker.closed is None
    assert worker.inbox.empty()
    assert Decoder().feed(await asyncio.get_running_loop().sock_recv(pair[1], 1000)) == [Stopped(0)]


async def test_nothing_is_delivered_after_the_close(pair: Pair) -> None:
    """An owner that closes the channel over a message is not given the next one, even if it came with the first."""
    heard: list[Message] = []
    closed = asyncio.get_running_loop().create_future()
    owner: dict[str, Channel] = {}

    def close(message: Message) -> None:
        heard.append(message)
        owner["channel"].close()

    pair[1].send(encode(Stop(1.0)) + encode(Wake()))
    owner["channel"] = await Channel.open(pair[0], close, closed.set_result)
    async with asyncio.timeout(10):
        assert await closed is None
    assert heard == [Stop(1.0)]


async def test_wakes_do_not_pile_up(pair: Pair) -> None:
    """However often a peer that does not read is woken, at most one Wake waits for it; it is woken again afterwards."""
    end = await End().open(pair[0])
    await clog(end)
    for _ in range(1000):
        end.channel.send(Wake())
    end.channel.send(ReopenLogs())
    assert (await read_all(pair[1])).count(Wake()) == 1
    end.channel.send(Wake())
    end.channel.send(ReopenLogs())
    assert await read_all(pair[1]) == [Wake(), ReopenLogs()]
    end.channel.close()
    await end.closed


async def test_a_wake_is_sent_again_once_the_first_is_gone(pair: Pair) -> None:
    """A Wake that has been sent does not hold back a later one, though other messages wait by then."""
    end = await End().open(pair[0])
    end.channel.send(Wake())
    await clog(end)
    end.channel.send(Wake())
    end.channel.send(ReopenLogs())
    assert (await read_all(pair[1])).count(Wake()) == 2
    end.channel.close()
    await end.closed


async def test_a_peer_that_does_not_read_costs_bounded_memory(pair: Pair) -> None:
    """Once a mebibyte waits for a peer that does not read, the channel is closed and the owner told why."""
    end = await End().open(pair[0])
    for _ in range(1000):
        end.channel.send(CUT)
    assert end.channel._transport.get_write_buffer_size() <= MAX_UNSENT + len(encode(CUT))
    assert isinstance(await end.closed, ChannelClogged)


async def test_a_message_too_long_is_refused_and_harms_nothing(pair: Pair) -> None:
    """A message that fits in no line is an error of the sender; the channel lives on."""
    end = await End().open(pair[0])
    with pytest.raises(CodecError):
        end.channel.send(Suspect("s", Color.BLUE, "a", "x" * 70_000))
    end.channel.send(ReopenLogs())
    assert await read_all(pair[1]) == [ReopenLogs()]
    end.channel.close()
    await end.closed
