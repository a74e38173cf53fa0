"""Servers of a pool that are compared with each other: what each side did is counted by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from proxy.dataplane.accounting import cohort_meters
from proxy.dataplane.admission import Lease, admit
from proxy.dataplane.routing import LiveService, Routing
from proxy.shm.board import Board, BoardView
from proxy.shm.meters import MeterRegion, Meters
from proxy.shm.names import Outcome, Series
from proxy.traffic.audience import PreviewRule
from proxy.traffic.model import Cohort
from proxy.traffic.spec import Color, DoorSpec
from proxy.traffic.table import ComparedUpstream, RoutingTable, TableService, TableUpstream
from proxy.traffic.table_codec import encode_table
from tests.dataplane.conftest import BLUE, GET, SERVICE, Front, StartFront, entry
from tests.harness import faults

OLD, UPDATED, NONE = Cohort.OLD, Cohort.UPDATED, Cohort.NONE
ERROR = b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\noops\n"


async def answer_badly(peer: faults.Peer) -> None:
    """An error for any number of requests."""
    while True:
        await peer.head()
        await peer.send(ERROR)


def compared(server: faults.FaultServer, cohort: Cohort) -> ComparedUpstream:
    """A server as the routing table names it while its pool is updated."""
    return ComparedUpstream(*entry(server), cohort)


def counted(region: MeterRegion, cohort: Cohort, color: str = "blue") -> tuple[int, int, int, int]:
    """Requests, errors, failed attempts and first bytes."""
    key = ("default", color, cohort.value)
    requests, errors, failures = (
        region.value(series, *key) for series in (Series.COHORT_REQUESTS, Series.COHORT_ERRORS, Series.COHORT_FAILURES)
    )
    return requests, errors, failures, sum(region.values(Series.COHORT_DURATION, *key)[:-1])


async def ask(front: Front, times: int = 1, request: bytes = GET) -> None:
    """Ask so often, and wait until it is counted."""
    before = front.count(Series.ENDED, *BLUE, Outcome.FINISHED)
    async with front.client() as client:
        for _ in range(times):
            client.send(request)
            await client.answer(5)
    await front.until(lambda: front.count(Series.ENDED, *BLUE, Outcome.FINISHED) == before + times)


async def test_each_side_of_a_comparison_is_counted_by_itself(start_front: StartFront) -> None:
    """Requests, 5xx, failed attempts and first bytes, from the table with the cohorts to the one without."""
    front, (good, bad) = await start_front([faults.answer], [answer_badly])
    await ask(front, 2)
    front.publish(replace(SERVICE, blue=(compared(good, OLD), compared(bad, UPDATED))))
    await ask(front, 6)
    assert counted(front.region, OLD) == (3, 0, 0, 3)
    assert counted(front.region, UPDATED) == (3, 3, 0, 3)
    front.publish(replace(SERVICE, blue=(entry(good), entry(bad))))
    await ask(front, 2)
    assert counted(front.region, OLD) == (3, 0, 0, 3)
    assert counted(front.region, UPDATED) == (3, 3, 0, 3)


async def test_an_attempt_is_held_against_who_let_it_down_and_the_answer_is_whose_it_is(
    start_front: StartFront,
) -> None:
    """An updated server resets, an old one answers in its place: a failure there, a request here."""
    front, (good, bad) = await start_front([faults.answer], [faults.reset_before_head])
    front.publish(replace(SERVICE, blue=(compared(bad, UPDATED), compared(good, OLD))))
    await ask(front)
    assert counted(front.region, UPDATED) == (0, 0, 1, 0)
    assert counted(front.region, OLD) == (1, 0, 0, 1)


async def test_testers_are_left_out(start_front: StartFront) -> None:
    """Also where an attempt of theirs fails and another server answers; users beside them are counted."""
    front, (good, bad) = await start_front([faults.answer], [faults.reset_before_head])
    service = replace(SERVICE, preview=PreviewRule(token="s3cret"))
    front.publish(replace(service, blue=(compared(bad, UPDATED), compared(good, OLD))))
    await ask(front, request=b"GET / HTTP/1.1\r\nHost: a\r\nX-Bluegreen-Color: blue:s3cret\r\n\r\n")
    assert front.count(Series.PREVIEW_FAILURES, *BLUE) == 1
    assert (counted(front.region, UPDATED), counted(front.region, OLD)) == ((0, 0, 0, 0), (0, 0, 0, 0))
    await ask(front, 2)
    assert (counted(front.region, UPDATED)[2], counted(front.region, OLD)[0]) == (1, 2)


class Worker:
    """One worker's routing, and the board that it reads."""

    def __init__(self) -> None:
        self.board = Board.create(65536)
        self.region = MeterRegion.create(cells=4096, directory=65536)
        self.generation = 0

    def serve(self, service: TableService) -> None:
        """By another table from now on."""
        self.generation += 1
        self.board.publish(self.generation, encode_table(RoutingTable(self.generation, DoorSpec(), (service,))))
        if self.generation == 1:
            self.routing = Routing(BoardView.attach(self.board.fd), Meters.attach(self.region.fd), 0)
        self.routing.refresh()

    def admit(self) -> Lease:
        """Begin a request."""
        service: LiveService | None = self.routing.router.match(b"a", b"/")
        assert service is not None
        lease = admit(service, self.generation)
        assert lease is not None
        return lease


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Without a table yet."""
    worker = Worker()
    yield worker
    worker.board.close()
    worker.region.close()


@pytest.mark.parametrize(("before", "after"), [(OLD, UPDATED), (UPDATED, OLD), (OLD, NONE), (NONE, UPDATED)])
def test_what_is_under_way_stays_with_the_side_that_it_was_given_to(
    worker: Worker, before: Cohort, after: Cohort
) -> None:
    """A server that is updated meanwhile does not take the blame for what it was given before, nor the other way."""
    worker.serve(replace(SERVICE, blue=(ComparedUpstream("a:1", 1, before), ComparedUpstream("a:2", 1, OLD))))
    lease = worker.admit()
    assert lease.upstream.address == "a:1"
    worker.serve(replace(SERVICE, blue=(ComparedUpstream("a:1", 1, after), ComparedUpstream("a:2", 1, OLD))))
    assert lease.upstream.cohort is not lease.cohort
    for cohort in (before, after):
        assert counted(worker.region, cohort)[0] == 0
    if lease.cohort is not None:
        lease.cohort.answered(500)
    for cohort in (before, after):
        assert counted(worker.region, cohort)[:2] == ((1, 1) if cohort is before and before else (0, 0))
    assert lease.upstream.in_flight == 1


def test_nobody_is_compared_without_a_rollout(worker: Worker) -> None:
    """No cells are taken for it, and a request has nothing more to count."""
    worker.serve(replace(SERVICE, blue=(TableUpstream("a:1", 1),)))
    assert worker.admit().cohort is None
    assert not [name for name in worker.region.read() if name[0].startswith("cohort")]


def test_both_colors_are_kept_apart(worker: Worker) -> None:
    """One of them may have been updated an hour ago."""
    meters = Meters.attach(worker.region.fd)
    cohort_meters(meters, "default", Color.GREEN, OLD).answered(500)
    assert counted(worker.region, OLD) == (0, 0, 0, 0)
    assert counted(worker.region, OLD, "green")[:2] == (1, 1)
