from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import aiohttp
import pytest

from proxy.control.admin import events
from tests.control.admin.door import Admin, Api
from tests.control.core import tasks, until


@asynccontextmanager
async def listening(api: Api, **fields: str) -> AsyncIterator[aiohttp.StreamReader]:
    """An open event stream, past its first comment."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    async with asyncio.timeout(10), api.session.get("/v1/events", headers=headers) as response:
        assert response.content_type == "text/event-stream"
        assert (await response.content.readuntil(b"\n\n")).startswith(b":")
        yield response.content


@contextmanager
def deaf(api: Api) -> Iterator[socket.socket]:
    """A listener that reads nothing of what it asked for."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", api.port))
        sock.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield sock


async def heard_until(stream: aiohttp.StreamReader, last: int) -> list[int]:
    """The ids of all events up to one."""
    ids = [0]
    while ids[-1] < last:
        ids.append(int((await heard(stream))["id"]))
    return ids[1:]


async def heard(stream: aiohttp.StreamReader) -> dict[str, Any]:
    """The next event."""
    block = (await stream.readuntil(b"\n\n")).decode()
    fields = dict(line.split(": ", 1) for line in block.strip().splitlines())
    return {**fields, "data": json.loads(fields["data"])}


async def test_what_happens_is_told_live(admin: Admin) -> None:
    """A switch: changed, applied, ended, with ids that grow and operations as they look elsewhere."""
    async with listening(admin.api) as stream:
        reply = await admin.api.call(
            "POST", "/v1/services/shop/switch?wait=drained", {"to": "green", "reason": "seven"}
        )
        told = [await heard(stream) for _ in range(3)]
    assert [event["event"] for event in told] == ["changed", "operation_applied", "operation_ended"]
    ids = [int(event["id"]) for event in told]
    assert ids == sorted(set(ids))
    assert (told[0]["data"]["by"], told[0]["data"]["reason"]) == ("local", "seven")
    ended = told[2]["data"]
    assert ended.pop("at") > 0
    assert ended == {key: value for key, value in reply.body.items() if key != "progress"}


async def test_a_shift_is_told_of_while_it_goes_on(admin: Admin) -> None:
    """Each change of its share, its step or what it waits for; and not what only looked as if."""
    async with listening(admin.api) as stream:
        body = {"to": "green", "steps": [{"percent": 5, "pause": None}, {"percent": 50, "pause": "1h"}]}
        begun = (await admin.api.call("POST", "/v1/services/shop/shift", body)).body["id"]
        for what in ("promote", "pause", "pause", "resume", "promote"):
            await admin.api.call("POST", f"/v1/operations/{begun}/{what}")
        told = [await heard(stream) for _ in range(9)]
    shown = [event["data"]["shift"] for event in told if event["event"] == "operation_progress"]
    assert [(shift["percent"], shift["step"], shift["hindrance"]) for shift in shown] == [
        (5.0, 1, None),
        (5.0, 1, "operator"),
        (5.0, 1, None),
        (5.0, 2, None),
    ]
    assert [event["data"]["action"] for event in told if event["event"] == "changed"] == [
        "shift", "promote", "pause", "resume", "promote",
    ]  # fmt: skip


async def test_a_stream_is_taken_up_where_it_broke_off(api: Api) -> None:
    """Last-Event-ID: nothing twice, nothing missed."""
    async with listening(api) as stream:
        await api.call("PUT", "/v1/services/shop/split", {"green": 1})
        first = await heard(stream)
    await api.call("PUT", "/v1/services/shop/split", {"green": 2})
    async with listening(api, Last_Event_ID=first["id"]) as stream:
        ids = [int((await heard(stream))["id"]) for _ in range(3)]
    assert ids == list(range(int(first["id"]) + 1, int(first["id"]) + 4))


async def test_what_is_gone_is_said_to_be_gone(api: Api) -> None:
    """A listener that was away for too long learns that it has missed something."""
    async with listening(api, Last_Event_ID="1") as stream:
        assert (await heard(stream))["event"] == "missed"


async def test_an_id_that_is_none_is_refused(api: Api) -> None:
    """An event source then stops instead of asking for ever."""
    reply = await api.get("/v1/events", Last_Event_ID="last")
    assert (reply.status, reply.code) == (400, "invalid_last_event_id")


async def test_silence_is_broken_by_comments(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that both ends notice when the other is gone."""
    monkeypatch.setattr(events, "HEARTBEAT", 0.01)
    async with listening(api) as stream:
        assert await stream.readuntil(b"\n\n") == b": still here\n\n"


async def test_a_listener_that_went_away_is_forgotten(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stream ends at the next thing to say."""
    monkeypatch.setattr(events, "HEARTBEAT", 0.01)
    async with listening(api):
        assert tasks("event stream")
    await until(lambda: not tasks("event stream"))


async def test_streams_are_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is told so."""
    monkeypatch.setattr(events, "MOST_STREAMS", 1)
    async with listening(api):
        reply = await api.get("/v1/events")
        assert (reply.status, reply.code) == (503, "too_many_streams")


async def test_a_head_alone_is_no_stream(api: Api) -> None:
    """It ends, holds no place, and nothing follows it that would be taken for the next answer."""
    head = await api.raw(b"HEAD /v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.index(b"\r\n\r\n") == len(head) - 4
    assert not tasks("event stream")


async def test_streams_end_when_the_events_do(admin: Admin) -> None:
    """A program that stops does not wait for its listeners."""
    async with listening(admin.api) as stream:
        admin.core.events.close()
        assert await stream.read() == b""


async def test_a_hundred_listeners_all_hear_everything(admin: Admin) -> None:
    """So many pages may be open at once, and one of them that takes nothing holds up nobody."""
    async with AsyncExitStack() as stack:
        stack.enter_context(deaf(admin.api))
        streams = [await stack.enter_async_context(listening(admin.api)) for _ in range(100)]
        for share in range(1, 6):
            reply = await admin.api.call("PUT", "/v1/services/shop/split?wait=drained", {"green": share})
            assert reply.status == 200
        begun = admin.core.events.last_id
        heard_by_each = await asyncio.gather(*(heard_until(stream, begun) for stream in streams))
    assert len(heard_by_each[0]) >= 15
    assert all(ids == heard_by_each[0] for ids in heard_by_each)


async def test_a_listener_that_takes_nothing_is_given_up(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is closed as well, so that it keeps no place that others need."""
    monkeypatch.setattr(events, "SEND_TIMEOUT", 0.05)
    serving = admin.server._runner.server
    assert serving is not None
    with deaf(admin.api):
        await until(lambda: bool(tasks("event stream")))
        for _ in range(400):  # more than the kernel takes for it
            admin.core.events.emit("observed", padding="x" * 40_000)
        await until(lambda: not serving.connections)
    assert not tasks("event stream")
