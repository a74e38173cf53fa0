"""Traces through the data plane: what the upstream is told, and what is noted for the export."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from proxy.dataplane.tracing import MESSAGE, MOST_NOTED, Tracer
from proxy.ipc.codec import MAX_LINE, encode
from proxy.ipc.messages import SpanNote, Spans
from proxy.shm.names import Series
from proxy.traffic.spec import DoorSpec
from tests.dataplane.conftest import GET, SERVICE, Client, Front, StartFront, entry
from tests.harness import faults
from tests.harness.faults import Peer

TRACE = b"4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = b"00f067aa0ba902b7"
TOLD = b"00-" + TRACE + b"-" + PARENT + b"-01"
STRANGER = DoorSpec(trace_share=0.0)
EVERYTHING = DoorSpec(trace_share=1.0)
FRIEND = DoorSpec(trace_share=0.0, trusted_proxies=("127.0.0.0/8",))


class Heads:
    """An upstream's script that keeps the heads it is sent."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        self.heads.append(await peer.head())
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    def sent(self, name: bytes) -> list[bytes]:
        """The values of a field in the last head."""
        return re.findall(rb"(?im)^%b: *(.*?)\r$" % name, self.heads[-1])

    def told(self) -> tuple[bytes, bytes, bytes]:
        """Trace, parent and flags, as the last head has them."""
        (value,) = self.sent(b"traceparent")
        version, trace, parent, flags = value.split(b"-")
        assert version == b"00"
        return trace, parent, flags


def _asking(*fields: bytes) -> bytes:
    return GET[:-2] + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


async def _ask(front: Front, *requests: bytes) -> None:
    for request in requests:
        async with front.client() as client:
            client.send(request)
            await client.head()


def notes(front: Front) -> list[SpanNote]:
    """What is noted and was not taken yet."""
    return front.door.tracer._noted


async def test_each_hop_has_an_id_of_its_own(start_front: StartFront) -> None:
    """Trace and flags go on to the upstream, the parent is the proxy's own and another one each time."""
    heads = Heads()
    front, _ = await start_front([heads] * 3)
    parents = set()
    for flags in (b"00", b"01", b"03"):
        await _ask(front, _asking(b"traceparent: " + TOLD[:-2] + flags, b"tracestate: k=v"))
        trace, parent, sent = heads.told()
        assert (trace, sent, heads.sent(b"tracestate")) == (TRACE, flags, [b"k=v"])
        parents.add(parent)
    assert len(parents - {PARENT, b"0" * 16}) == 3
    assert notes(front) == []


async def test_without_a_config_nobody_is_put_into_a_trace(start_front: StartFront) -> None:
    """A request without traceparent, and one with an invalid one, goes on without."""
    heads = Heads()
    front, _ = await start_front([heads] * 2)
    for fields in ([], [b"traceparent: " + TOLD.upper(), b"tracestate: k=v"]):
        await _ask(front, _asking(*fields))
        assert b"trace" not in heads.heads[-1].lower()


@pytest.mark.parametrize(("door", "flags"), [(STRANGER, b"00"), (EVERYTHING, b"01")], ids=["none", "all"])
async def test_a_trace_begins_here(start_front: StartFront, door: DoorSpec, flags: bytes) -> None:
    """With an export every request is in a trace, and the flag tells the upstream whether it is exported."""
    heads = Heads()
    front, _ = await start_front([heads] * 2, door=door)
    for fields in ([], [b"traceparent: 00-bad", b"tracestate: k=v"]):
        await _ask(front, _asking(*fields))
        assert heads.told()[2] == flags
        assert heads.sent(b"tracestate") == []
    assert len(notes(front)) == (2 if flags == b"01" else 0)


async def test_strangers_do_not_decide_what_is_exported(start_front: StartFront) -> None:
    """Their flag goes on to the upstream but counts for nothing here; our own share decides."""
    heads = Heads()
    front, servers = await start_front([heads] * 2, door=STRANGER)
    await _ask(front, _asking(b"traceparent: " + TOLD))
    assert (heads.told()[2], notes(front)) == (b"01", [])
    front.publish(
        replace(SERVICE, blue=(entry(servers[0]),), operation="op-7"),
        door=replace(EVERYTHING, access_log=front.spec.access_log),
    )
    await _ask(front, _asking(b"traceparent: " + TOLD[:-2] + b"00"))
    assert heads.told()[2] == b"01"
    assert [(note.parent_id, note.operation) for note in notes(front)] == [(PARENT.decode(), "op-7")]


async def test_trusted_proxies_decide_what_is_exported(start_front: StartFront) -> None:
    """What a trusted proxy has sampled is exported whatever our own share is, and nothing else of it."""
    heads = Heads()
    front, _ = await start_front([heads] * 2, door=FRIEND)
    await _ask(front, _asking(b"traceparent: " + TOLD[:-2] + b"00"), _asking(b"traceparent: " + TOLD))
    (note,) = notes(front)
    assert (note.trace_id, note.parent_id) == (TRACE.decode(), PARENT.decode())
    assert heads.told() == (TRACE, note.upstream_span_id.encode(), b"01")


async def test_what_is_noted(start_front: StartFront) -> None:
    """A note has the ids, the times in order, what was asked for, and who answered how after how many attempts."""
    heads = Heads()
    front, servers = await start_front([faults.close_before_head], [heads], door=EVERYTHING)
    await _ask(front, b"GET /a/b?secret HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n")
    (note,) = notes(front)
    assert note.began <= note.asked <= note.ended
    assert (note.parent_id, len(note.span_id), len(note.trace_id)) == ("", 16, 32)
    assert (note.method, note.scheme, note.authority, note.path) == ("GET", "http", "shop.example:8080", "/a/b")
    assert (note.client, note.peer, note.version) == ("127.0.0.1", "127.0.0.1", 11)
    assert (note.status, note.attempts, note.outcome) == (200, 2, "finished")
    assert (note.service, note.color, note.upstream) == ("default", "blue", entry(servers[1]).address)
    assert note.generation == front.generation
    assert heads.told()[:2] == (note.trace_id.encode(), note.upstream_span_id.encode())


async def test_a_refusal_is_noted_too(start_front: StartFront) -> None:
    """A request that no upstream was asked is a span without a child."""
    front, _ = await start_front(door=EVERYTHING)
    await _ask(front, GET)
    (note,) = notes(front)
    assert (note.status, note.outcome, note.upstream_span_id, note.asked) == (503, "no_upstream", "", 0.0)


async def test_too_many_notes_are_lost_and_counted(start_front: StartFront) -> None:
    """While nobody takes notes only so many wait, and traffic goes on."""
    front, _ = await start_front(door=EVERYTHING)
    asked = MOST_NOTED + 50
    async with front.client() as client:
        for _ in range(asked):
            client.send(GET)
            await _answer(client)
    assert len(notes(front)) == MOST_NOTED
    assert front.count(Series.SPANS_LOST) == 50


async def _answer(client: Client) -> None:
    head = await client.head()
    size = re.search(rb"Content-Length: (\d+)", head)
    assert size is not None
    await client.reader.readexactly(int(size[1]))


_LONG = "\xff" * 512
NOTE = SpanNote(
    trace_id="1" * 32,
    span_id="2" * 16,
    parent_id="3" * 16,
    upstream_span_id="4" * 16,
    began=1.7e9,
    asked=1.7e9,
    ended=1.7e9,
    method=_LONG,
    scheme="https",
    authority=_LONG,
    path=_LONG,
    version=11,
    client=_LONG,
    peer="f" * 39,
    status=999,
    attempts=99,
    outcome="x" * 40,
    service="s" * 63,
    color="green",
    upstream="u" * 260,
    generation=2**60,
)


def test_messages_fit_into_a_line() -> None:
    """However long the texts of clients are, what is handed over at once is no longer than the channel takes."""
    taken: list[Spans] = []

    def take(spans: Spans) -> bool:
        taken.append(spans)
        return True

    tracer = Tracer(lambda lost: None, take)
    for _ in range(20):
        tracer.keep(NOTE)
        tracer.keep(NOTE._replace(path="/", client="", authority="a"))
    tracer.flush()
    assert sum(len(spans.notes) for spans in taken) == 40
    assert all(len(encode(spans)) < MAX_LINE for spans in taken)
    assert max(len(encode(spans)) for spans in taken) > MESSAGE / 4


def test_what_is_not_taken_waits() -> None:
    """A supervisor that is slow gets its notes later, in order."""
    taken: list[SpanNote] = []
    willing = False

    def take(spans: Spans) -> bool:
        if willing:
            taken.extend(spans.notes)
        return willing

    tracer = Tracer(lambda lost: None, take)
    for n in range(3):
        tracer.keep(NOTE._replace(generation=n))
    tracer.flush()
    assert taken == []
    willing = True
    tracer.flush()
    assert [note.generation for note in taken] == [0, 1, 2]
