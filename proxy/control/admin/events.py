"""The route of live events: a stream of server-sent events that can be taken up again where it broke off."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from http import HTTPStatus

from aiohttp import hdrs, web

from proxy.control.admin import views
from proxy.control.admin.problems import AdminCode, Problem
from proxy.control.admin.requests import NoBody, NoQuery
from proxy.control.admin.route import AnyRoute, Call, Route
from proxy.control.events import Event

logger = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
LAST_ID = "Last-Event-ID"

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that both ends notice when the other is gone."""

SEND_TIMEOUT = 30.0
"""Seconds after which a client that takes nothing is given up."""

MOST_STREAMS = 128
"""So many pages and programs may listen at a time: each costs a connection and its place in the ring."""

STREAMS = web.AppKey("streams", set[asyncio.Task[None]])


async def stream_events(call: Call[NoQuery, NoBody]) -> web.StreamResponse:
    """Events as they happen."""
    request, events = call.request, call.context.events
    after = _last_id(request)
    streams = request.app[STREAMS]
    if len(streams) >= MOST_STREAMS:
        raise Problem(AdminCode.TOO_MANY_STREAMS, f"{MOST_STREAMS} event streams are open already")
    start = events.last_id if after is None else after
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response  # the head alone, and no place among the streams
    task = asyncio.create_task(_pump(request, response, events.subscribe(start)), name="event stream")
    streams.add(task)
    task.add_done_callback(streams.discard)
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
    if not task.cancelled() and (error := task.exception()):
        logger.error("an event stream broke off", exc_info=error)
    return response


def _last_id(request: web.Request) -> int | None:
    value = request.headers.get(LAST_ID)
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
        raise Problem(AdminCode.INVALID_LAST_EVENT_ID, f"{LAST_ID} must be the id of an event")
    return int(value)


async def _pump(request: web.Request, response: web.StreamResponse, events: AsyncIterator[Event]) -> None:
    """Send events until there are no more, or the client is gone or takes nothing any more."""
    waiting: asyncio.Task[Event | None] | None = None
    try:
        await _send(response, b": these are the events of a front door\n\n")
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events, None))
            done, _ = await asyncio.wait({waiting}, timeout=HEARTBEAT)
            if not done:
                await _send(response, b": still here\n\n")
                continue
            event, waiting = waiting.result(), None
            if event is None:
                return
            await _send(response, _written(event))
    except ConnectionError:
        return
    except TimeoutError:
        _abandon(request)
    finally:
        if waiting is not None:
            waiting.cancel()


def _abandon(request: web.Request) -> None:
    """Close a connection with all that waits in it: an end in good order would wait behind that for ever."""
    if request.transport is not None:
        request.transport.abort()


async def _send(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(SEND_TIMEOUT):
        await response.write(data)


def _written(event: Event) -> bytes:
    data = json.dumps(views.event(event), separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.name}\ndata: {data}\n\n".encode()


async def end_streams(app: web.Application) -> None:
    """End all streams, so that the program can stop."""
    for task in app[STREAMS]:
        task.cancel()


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "GET",
        "/v1/events",
        "Live events (server-sent events); Last-Event-ID resumes",
        stream_events,
        NoQuery,
        NoBody,
        answers={HTTPStatus.OK: MEDIA_TYPE},
        problems=(AdminCode.INVALID_LAST_EVENT_ID, AdminCode.TOO_MANY_STREAMS),
    ),
)
