"""The load sees what it is there to see: a load that cannot detect loss is worth nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import faults
from tests.harness.client import Address
from tests.harness.faults import Behaviour, Damage, FaultServer, Relay
from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.mix import KINDS, NOBODY, Mix
from tests.harness.report import Report
from tests.harness.wire import Failure

pytestmark = pytest.mark.system

STREAMS = dataclasses.replace(NOBODY, streams=1)
IN_THE_BODY = 450
"""An offset beyond the head and within the body of every stream."""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """One blue upstream."""
    fleet = Fleet(tmp_path, blue=1, green=0)
    yield fleet
    fleet.stop()


@pytest.fixture
def upstream(fleet: Fleet) -> Address:
    """Where it listens."""
    return "127.0.0.1", fleet.blue[0].port


async def through(target: Address, mix: Mix, *damages: Damage, count: int = 20) -> Report:
    """What a load reports whose first connections are damaged and whose later ones are not."""
    relay = Relay(target, [*damages, Damage()])
    async with relay.listening():
        return await asyncio.to_thread(counted, relay.address, mix, count)


def counted(address: Address, mix: Mix, count: int) -> Report:
    """What a load of so many requests reports."""
    with Load(address, mix, color="blue", count=count) as load:
        load.wait_for(count)
        return load.stop()


def test_a_good_upstream_gives_a_clean_report(upstream: Address, fleet: Fleet) -> None:
    """Every kind of client asks, every answer is judged, and nothing is complained of."""
    with Load(upstream, color="blue") as load:
        load.wait_for(500)
        load.settle()
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    assert not report.breaches(), str(report)
    assert report.totals.keys() == KINDS.keys()
    assert report.judged == report.total >= 500
    assert fleet.blue[0].stats()["delivered"] == report.total


async def test_an_undamaging_relay_changes_nothing(upstream: Address) -> None:
    """What the next tests find is the damage and not the relay."""
    report = await through(upstream, Mix(), count=300)
    assert not report.breaches(), str(report)


async def test_one_changed_byte_is_seen(upstream: Address) -> None:
    """One bit in one body of one answer."""
    report = await through(upstream, STREAMS, Damage(flip_at=IN_THE_BODY))
    assert report.breaches() == ["1 changed"], str(report)


async def test_a_truncated_body_is_seen(upstream: Address) -> None:
    """A FIN in the middle of one answer."""
    report = await through(upstream, STREAMS, Damage(cut_at=IN_THE_BODY))
    assert report.breaches() == ["1 failed"], str(report)
    assert len(report.of(Failure.TRUNCATED)) == 1


async def test_a_reset_is_seen(upstream: Address) -> None:
    """A RST in the middle of one answer."""
    report = await through(upstream, STREAMS, Damage(reset_at=IN_THE_BODY))
    assert report.breaches() == ["1 failed"], str(report)
    assert len(report.of(Failure.RESET)) == 1


async def test_a_cut_tunnel_is_seen(upstream: Address) -> None:
    """A WebSocket that ends without its closing handshake."""
    report = await through(upstream, dataclasses.replace(NOBODY, websockets=1), Damage(cut_at=300), count=3)
    assert report.breaches() == ["1 failed"], str(report)


async def test_a_post_delivered_twice_is_seen(upstream: Address, fleet: Fleet) -> None:
    """The client got one good answer to each of its requests, and yet they arrived twice."""
    report = await through(upstream, dataclasses.replace(NOBODY, posts=1), Damage(repeat=True))
    assert not report.breaches(), str(report)
    report = dataclasses.replace(report, duplicates=fleet.duplicates())
    assert report.breaches() == ["20 duplicates"], str(report)


def test_a_wrong_color_is_seen(upstream: Address) -> None:
    """A switch to green was said to be done, and blue still answers."""
    with Load(upstream, dataclasses.replace(NOBODY, keep_alive=2, websockets=1), color="blue") as load:
        load.wait_for(50)
        begun = time.monotonic()
        load.settle()
        load.switched("green", begun=begun, answered=time.monotonic())
        load.wait_for(50)
        report = load.stop()
    assert report.judged > 90
    assert len(report.stale) >= 45, str(report)
    assert {sample.kind for sample in report.stale} == {"keep_alive", "websockets"}
    assert report.breaches() == [f"{len(report.stale)} stale"]


def test_a_dead_server_is_seen(upstream: Address, fleet: Fleet) -> None:
    """Refused connections are failures by that name."""
    with Load(upstream, Mix(), color="blue") as load:
        load.wait_for(100)
        before, _ = fleet.blue[0].kill()
        load.wait_for(50)
        report = load.stop()
    assert len(report.of(Failure.REFUSED)) > 20, str(report)
    assert all(sample.ended >= before for sample in report.troubles), str(report)


async def test_an_unexpected_status_is_seen() -> None:
    """An error page is a failure, however well it is framed."""
    report = await against(faults.raw(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"))
    assert len(report.of(Failure.STATUS)) == 1, str(report)


async def test_the_answer_to_another_request_is_seen() -> None:
    """A well-framed answer that belongs to somebody else is worse than none."""
    report = await against(faults.raw(b"HTTP/1.1 200 OK\r\nX-Id: other\r\nContent-Length: 0\r\n\r\n"))
    assert len(report.of(Failure.CHANGED)) == 1, str(report)


async def test_bytes_that_nobody_asked_for_are_seen() -> None:
    """A second answer is not silently thrown away with its connection."""
    signed = b"X-Id: keep_alive-1\r\nX-Color: b\r\nX-Name: n\r\nX-Version: v\r\n"
    one = b"HTTP/1.1 200 OK\r\n" + signed + b"Content-Length: 6\r\n\r\nb n v\n"
    report = await against(faults.raw(one + one), count=2)
    assert len(report.of(Failure.BAD_FRAMING)) == 1, str(report)


async def against(behaviour: Behaviour, *, count: int = 1) -> Report:
    """What one client on a kept connection reports of a server that behaves like that."""
    server = FaultServer(behaviour)
    async with server.listening():
        return await asyncio.to_thread(counted, server.address, dataclasses.replace(NOBODY, keep_alive=1), count)


def test_connections_closed_in_between_are_reopened_and_counted(upstream: Address, fleet: Fleet) -> None:
    """A server may close an idle connection; a client that looks first loses nothing, and the report says how often."""
    fleet.blue[0].restart(keep_alive=0.02)
    report = counted(upstream, dataclasses.replace(NOBODY, keep_alive=2, pause=0.25), 30)
    assert report.reopened > 5, str(report)
    assert not report.failed, str(report)
