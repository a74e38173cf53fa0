from __future__ import annotations

import asyncio

from proxy.control.clock import SystemClock
from proxy.control.events import KEPT, Event, EventName, Events
from tests.control.core import told


class StoppedClock:
    """A clock that tests set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def ids(events: list[Event]) -> list[int]:
    """The ids of some events."""
    return [event.id for event in events]


def test_ids_grow_one_by_one_and_over_restarts() -> None:
    """A restart a moment later still gives higher ids, so that a listener can go on where it was."""
    first = Events(StoppedClock(1_000.0))
    given = ids([first.emit("x", n=n) for n in range(5)])
    assert given == list(range(given[0], given[0] + 5))
    assert Events(StoppedClock(1_000.1)).emit("x").id > given[-1]


async def test_a_listener_hears_what_happens_from_now_on() -> None:
    """Without an id, what was before is not told."""
    events = Events(SystemClock())
    events.emit("before")
    hearing = asyncio.create_task(told(events, after=events.last_id, count=2))
    await asyncio.sleep(0)
    events.emit("one", n=1)
    events.emit("two")
    heard = await hearing
    assert [(event.name, dict(event.data)) for event in heard] == [("one", {"n": 1}), ("two", {})]


async def test_subscribing_without_an_id_begins_now() -> None:
    """`None` is the newest id there is."""
    events = Events(SystemClock())
    events.emit("before")
    listener = aiter(events.subscribe())
    hearing = asyncio.ensure_future(anext(listener))
    await asyncio.sleep(0)
    events.emit("after")
    assert (await hearing).name == "after"


async def test_a_listener_resumes_where_it_was() -> None:
    """With the last id that it had, it hears exactly what came after."""
    events = Events(SystemClock())
    emitted = [events.emit("x") for _ in range(10)]
    assert ids(await told(events, after=emitted[3].id, count=6)) == ids(emitted[4:])


async def test_a_slow_listener_is_told_that_it_missed_something() -> None:
    """Only the newest thousand are kept; who comes later hears of the gap, and then what is left."""
    events = Events(SystemClock())
    first = events.emit("x")
    emitted = [events.emit("x") for _ in range(KEPT + 10)]
    heard = await told(events, after=first.id, count=KEPT + 1)
    assert heard[0].name == EventName.MISSED
    assert ids(heard[1:]) == ids(emitted[10:])


async def test_an_id_from_before_a_restart_hears_of_the_gap() -> None:
    """What happened in between is gone with the program; the listener knows, and goes on."""
    events = Events(StoppedClock(2_000.0))
    (missed,) = await told(events, after=1_999_000_000, count=1)
    assert missed.name == EventName.MISSED
    event = events.emit("x")
    assert ids(await told(events, after=missed.id, count=1)) == [event.id]


async def test_an_id_that_was_never_given_hears_all_there_is() -> None:
    """After the clock went back over a restart, a listener's id may be too high: it must not wait for years."""
    events = Events(StoppedClock(2_000.0))
    event = events.emit("x")
    assert ids(await told(events, after=9_000_000_000, count=2))[1] == event.id


async def test_closing_ends_the_listeners() -> None:
    """At the end of the program nobody is left waiting."""
    events = Events(SystemClock())

    async def listen() -> int:
        return len([event async for event in events.subscribe()])

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    events.close()
    assert await listening == 0
